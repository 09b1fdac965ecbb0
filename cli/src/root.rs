//! A tree with the files of a system. Its links are followed as that system would follow them: an absolute one stays in it.

use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

/// As many links as the kernel follows (path_resolution(7)).
const LINKS: usize = 40;

/// No file that is looked into here is larger.
const LARGEST: u64 = 1024 * 1024;

/// The tree.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    dir: PathBuf,
}

impl Root {
    pub(crate) fn new(dir: &Path) -> Self {
        Root { dir: dir.to_path_buf() }
    }

    /// The tree's own directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// True if it is the system that this program runs on.
    pub(crate) fn is_running(&self) -> bool {
        self.dir.canonicalize().is_ok_and(|dir| dir == Path::new("/"))
    }

    /// Where `path` really is, as the system itself would say it; `None` if nothing is there.
    pub(crate) fn real(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        let names = |path: &Path| {
            let parts = path.components().rev().filter(|part| *part != Component::RootDir);
            parts.map(|part| part.as_os_str().to_owned()).collect::<Vec<OsString>>()
        };
        let (mut todo, mut at, mut links) = (names(path.as_ref()), PathBuf::from("/"), 0);
        while let Some(name) = todo.pop() {
            if name == ".." {
                at.pop();
                continue;
            }
            let next = self.inside(&at.join(&name));
            if fs::symlink_metadata(&next).ok()?.is_symlink() {
                links += 1;
                if links > LINKS {
                    return None;
                }
                let target = fs::read_link(&next).ok()?;
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                todo.extend(names(&target));
            } else if name != "." {
                at.push(name);
            }
        }
        Some(at)
    }

    /// The path for this program of one that [`Root::real`] gave.
    pub(crate) fn inside(&self, real: &Path) -> PathBuf {
        self.dir.join(real.strip_prefix("/").unwrap_or(real))
    }

    /// The path for this program, with links followed; `None` if nothing is there.
    pub(crate) fn find(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        self.real(path).map(|real| self.inside(&real))
    }

    pub(crate) fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.real(path).is_some()
    }

    /// True for a file that can be run.
    pub(crate) fn is_program(&self, path: impl AsRef<Path>) -> bool {
        let metadata = self.find(path).and_then(|path| fs::metadata(path).ok());
        metadata.is_some_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    }

    /// True if one of the directories for programs has it.
    pub(crate) fn has_program(&self, name: &str) -> bool {
        ["usr/bin", "usr/sbin"].iter().any(|dir| self.is_program(Path::new(dir).join(name)))
    }

    /// The content of a regular file that is small enough to be text for people.
    pub(crate) fn bytes(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let path = self.find(path)?;
        // Nothing that could block when it is opened.
        if !fs::metadata(&path).ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        fs::File::open(path).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// The same, as text.
    pub(crate) fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        self.bytes(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The names in a directory, sorted; none if there is no such directory.
    pub(crate) fn names(&self, dir: impl AsRef<Path>) -> Vec<String> {
        let entries = self.find(dir).and_then(|dir| fs::read_dir(dir).ok());
        let names = entries.into_iter().flatten().flatten().map(|entry| entry.file_name());
        let mut names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
        names.sort();
        names
    }

    /// The files in these directories whose names end so, as paths with their text. What a directory before has, one after
    /// cannot have again, as for systemd's drop-ins.
    pub(crate) fn texts(&self, dirs: &[&str], ending: &str) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        let mut seen = Vec::new();
        for dir in dirs {
            for name in self.names(dir) {
                if !name.ends_with(ending) || seen.contains(&name) {
                    continue;
                }
                let path = format!("/{dir}/{name}");
                if let Some(text) = self.text(&path) {
                    found.push((path, text));
                }
                seen.push(name);
            }
        }
        found
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A tree of its own that goes away with the test.
    pub(crate) struct Tree(PathBuf);

    impl Tree {
        pub(crate) fn new() -> Self {
            use std::sync::atomic::{AtomicUsize, Ordering};
            static NUMBER: AtomicUsize = AtomicUsize::new(0);
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("veneer-tree-{}-{number}", std::process::id()));
            fs::create_dir_all(path.join("usr/bin")).expect("make a tree");
            fs::create_dir_all(path.join("usr/lib")).expect("make a tree");
            Tree(path)
        }

        pub(crate) fn root(&self) -> Root {
            Root::new(&self.0)
        }

        pub(crate) fn path(&self, path: &str) -> PathBuf {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("make a directory");
            path
        }

        pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) -> &Self {
            fs::write(self.path(path), text).expect("write a file");
            self
        }

        pub(crate) fn program(&self, path: &str) -> &Self {
            self.write(path, "#!/bin/sh\n");
            fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o755)).expect("set a mode");
            self
        }

        pub(crate) fn link(&self, path: &str, target: &str) -> &Self {
            std::os::unix::fs::symlink(target, self.path(path)).expect("make a link");
            self
        }

        pub(crate) fn remove(&self, path: &str) -> &Self {
            let path = self.path(path);
            let metadata = fs::symlink_metadata(&path).expect("something to remove");
            let removed = if metadata.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            removed.expect("remove");
            self
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            // A leftover in the temporary directory is all that a failure means here.
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn links_stay_in_the_tree() {
        let tree = Tree::new();
        tree.write("usr/lib/sysimage/dpkg/status", "").link("var/lib/dpkg", "/usr/lib/sysimage/dpkg");
        tree.link("lib", "usr/lib").link("out", "../../../../etc").link("round", "round");
        let root = tree.root();
        assert_eq!(root.real("var/lib/dpkg/status"), Some("/usr/lib/sysimage/dpkg/status".into()));
        assert_eq!(root.real("/lib/sysimage/../sysimage"), Some("/usr/lib/sysimage".into()));
        assert_eq!(root.real("out/passwd"), None);
        assert_eq!(root.real("round"), None);
    }

    #[test]
    fn a_file_of_an_earlier_directory_hides_the_later_one() {
        let tree = Tree::new();
        tree.write("etc/repart.d/a.conf", "etc").write("usr/lib/repart.d/a.conf", "usr");
        tree.write("usr/lib/repart.d/b.conf", "usr").write("usr/lib/repart.d/c.txt", "no");
        let texts = tree.root().texts(&["etc/repart.d", "usr/lib/repart.d"], ".conf");
        let text = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        assert_eq!(texts, [text("/etc/repart.d/a.conf", "etc"), text("/usr/lib/repart.d/b.conf", "usr")]);
    }
}
