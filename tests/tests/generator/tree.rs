//! A tree of files and links as a value, so that two can be compared both ways. Directories are what is in them: git
//! keeps no empty ones either.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, io};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    File(Vec<u8>),
    Link(PathBuf),
}

/// Paths below the root of the tree, and what is there.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree(BTreeMap<PathBuf, Entry>);

impl Tree {
    /// What is below a directory; nothing if there is none.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        if root.exists() {
            tree.collect(root, root)?;
        }
        Ok(tree)
    }

    fn collect(&mut self, root: &Path, directory: &Path) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let kind = fs::symlink_metadata(&path)?.file_type();
            if kind.is_dir() {
                self.collect(root, &path)?;
                continue;
            }
            let entry = if kind.is_symlink() {
                Entry::Link(fs::read_link(&path)?)
            } else {
                Entry::File(fs::read(&path)?)
            };
            self.0.insert(path.strip_prefix(root).unwrap_or(&path).to_owned(), entry);
        }
        Ok(())
    }

    pub(crate) fn add_file(&mut self, path: impl Into<PathBuf>, content: Vec<u8>) {
        self.0.insert(path.into(), Entry::File(content));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes it, in place of what is at `root`.
    pub(crate) fn write(&self, root: &Path) -> io::Result<()> {
        if root.exists() {
            fs::remove_dir_all(root)?;
        }
        for (path, entry) in &self.0 {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap_or(root))?;
            match entry {
                Entry::File(content) => fs::write(path, content)?,
                Entry::Link(target) => std::os::unix::fs::symlink(target, path)?,
            }
        }
        Ok(())
    }

    /// For people: what this tree has otherwise than the expected one.
    pub(crate) fn difference(&self, expected: &Self) -> String {
        let mut text = String::new();
        for (path, entry) in &self.0 {
            match expected.0.get(path) {
                Some(other) if other == entry => {}
                Some(other) => {
                    add(&mut text, &format!("{}\nexpected:\n{other}\ngot:\n{entry}", path.display()));
                }
                None => add(&mut text, &format!("unexpected: {}\n{entry}", path.display())),
            }
        }
        for path in expected.0.keys().filter(|path| !self.0.contains_key(*path)) {
            add(&mut text, &format!("missing: {}", path.display()));
        }
        text
    }
}

fn add(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a String takes all text");
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(content) => f.write_str(&String::from_utf8_lossy(content)),
            Self::Link(target) => write!(f, "-> {}", target.display()),
        }
    }
}

/// A directory of its own that goes away with the trial.
pub(crate) struct Scratch {
    pub(crate) path: PathBuf,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("veneer-generator-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).expect("the temporary directory is writable");
        Self { path }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A leftover in the temporary directory is all that a failure means.
        drop(fs::remove_dir_all(&self.path));
    }
}
