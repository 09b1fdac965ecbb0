//! A file tree as a value: everything of every path, so that two trees are compared whole and not by the
//! paths that somebody thought of. Reading never follows a link and never opens a FIFO or a device.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hasher};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// All paths below a directory, relative to it; the directory itself is the empty path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(pub BTreeMap<PathBuf, Node>);

/// One path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Type and content.
    pub kind: Kind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Owner and group.
    pub owner: (u32, u32),
    /// Seconds and nanoseconds.
    pub mtime: (i64, i64),
    /// All of them, `trusted.*` too.
    pub xattrs: BTreeMap<String, Vec<u8>>,
    /// The first path of the tree that is the same inode, if another one is.
    pub same_as: Option<PathBuf>,
}

/// Type and content of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Dir,
    /// A file's size and a hash of its content.
    File(u64, u64),
    /// A link's target.
    Symlink(PathBuf),
    /// A device: `c` or `b`, and its number.
    Device(char, u64),
    /// A FIFO.
    Fifo,
    /// A socket.
    Socket,
    /// The path is listed but cannot be looked at: ESTALE from a confused overlay, for one.
    Broken(String),
}

impl Node {
    /// The node without what no rule speaks of: time, and the times and sizes of directories.
    #[must_use]
    pub fn essence(&self) -> Node {
        Node { mtime: (0, 0), ..self.clone() }
    }

    /// Whether overlayfs takes this upper entry for "removed": a character device 0:0.
    pub fn is_whiteout(&self) -> bool {
        self.kind == Kind::Device('c', 0)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:04o} {}:{}", self.kind, self.mode, self.owner.0, self.owner.1)?;
        write!(f, " mtime {}.{:09}", self.mtime.0, self.mtime.1)?;
        for (name, value) in &self.xattrs {
            write!(f, " {name}={}", value.escape_ascii())?;
        }
        if let Some(first) = &self.same_as {
            write!(f, " same as {}", first.display())?;
        }
        Ok(())
    }
}

impl Tree {
    /// Reads everything at and below `root`; an absent root is the empty tree.
    pub fn read(root: &Path) -> Tree {
        let mut reader = Reader { nodes: BTreeMap::new(), inodes: BTreeMap::new() };
        if root.symlink_metadata().is_ok() {
            reader.visit(root, Path::new(""));
        }
        let mut tree = Tree(reader.nodes);
        for paths in reader.inodes.values_mut().filter(|paths| paths.len() > 1) {
            paths.sort();
            for path in &*paths {
                let node = tree.0.get_mut(path).expect("an inode's path was read");
                node.same_as = Some(paths[0].clone());
            }
        }
        tree
    }

    /// The node at `path`.
    pub fn get(&self, path: impl AsRef<Path>) -> Option<&Node> {
        self.0.get(path.as_ref())
    }

    /// The part at and below `path`, with paths relative to it.
    #[must_use]
    pub fn below(&self, path: impl AsRef<Path>) -> Tree {
        let path = path.as_ref();
        let inside = self.0.iter().filter_map(|(p, node)| {
            let rest = p.strip_prefix(path).ok()?;
            Some((rest.to_path_buf(), node.clone()))
        });
        Tree(inside.collect()).relinked()
    }

    /// A part of a tree, with no more than the part's hard links.
    #[must_use]
    pub fn relinked(mut self) -> Tree {
        let mut groups: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        for (path, node) in &mut self.0 {
            if let Some(first) = node.same_as.take() {
                groups.entry(first).or_default().push(path.clone());
            }
        }
        for paths in groups.values().filter(|paths| paths.len() > 1) {
            for path in paths {
                self.0.get_mut(path).expect("a path of the tree").same_as = Some(paths[0].clone());
            }
        }
        self
    }

    /// The tree less the paths that `unwanted` names (a directory does not take its content along).
    #[must_use]
    pub fn without(&self, unwanted: impl Fn(&Path) -> bool) -> Tree {
        Tree(self.0.iter().filter(|(p, _)| !unwanted(p)).map(|(p, n)| (p.clone(), n.clone())).collect())
    }

    /// The tree of just this path, without what is below it.
    #[must_use]
    pub fn only(&self, path: impl AsRef<Path>) -> Tree {
        self.without(|p| p != path.as_ref())
    }

    /// This tree and that one over it.
    #[must_use]
    pub fn and(mut self, other: Tree) -> Tree {
        self.0.extend(other.0);
        self
    }

    /// What is in `self` and differs in `other`, one line a path; empty if the trees are equal. A directory's
    /// time is not compared: it tells of its entries, which are.
    pub fn differences(&self, other: &Tree) -> Vec<String> {
        let mut lines = Vec::new();
        for (path, node) in &self.0 {
            match other.0.get(path) {
                None => lines.push(format!("- {} {node}", path.display())),
                Some(new) if !same(node, new) => {
                    lines.push(format!("! {}\n      was {node}\n      is  {new}", path.display()));
                }
                Some(_) => {}
            }
        }
        let added = other.0.iter().filter(|(path, _)| !self.0.contains_key(*path));
        lines.extend(added.map(|(path, node)| format!("+ {} {node}", path.display())));
        lines
    }
}

fn same(a: &Node, b: &Node) -> bool {
    if a.kind == Kind::Dir { a.essence() == b.essence() } else { a == b }
}

/// Fails with a readable list unless `found` is `expected`, path by path.
#[track_caller]
pub fn assert_same(what: &str, expected: &Tree, found: &Tree) {
    let lines = expected.differences(found);
    assert!(lines.is_empty(), "{what}: {} paths differ\n  {}", lines.len(), lines.join("\n  "));
}

struct Reader {
    nodes: BTreeMap<PathBuf, Node>,
    inodes: BTreeMap<(u64, u64), Vec<PathBuf>>,
}

impl Reader {
    fn visit(&mut self, root: &Path, relative: &Path) {
        // Joining the empty path would add a slash, and a slash follows a link.
        let path = if relative.as_os_str().is_empty() { root.to_path_buf() } else { root.join(relative) };
        let meta = match path.symlink_metadata() {
            Ok(meta) => meta,
            // The tree is alive (a kernel thread or the program works on it): gone is gone.
            Err(e) => {
                self.nodes.insert(relative.to_path_buf(), broken(&e));
                return;
            }
        };
        let kind = kind(&path, &meta).unwrap_or_else(|e| Kind::Broken(e.to_string()));
        if meta.nlink() > 1 && !meta.is_dir() {
            self.inodes.entry((meta.dev(), meta.ino())).or_default().push(relative.to_path_buf());
        }
        let node = Node {
            kind,
            mode: meta.mode() & 0o7777,
            owner: (meta.uid(), meta.gid()),
            mtime: (meta.mtime(), meta.mtime_nsec()),
            xattrs: xattrs(&path),
            same_as: None,
        };
        self.nodes.insert(relative.to_path_buf(), node);
        if !meta.is_dir() {
            return;
        }
        match path.read_dir() {
            Ok(entries) => {
                for entry in entries {
                    let entry = entry.unwrap_or_else(|e| panic!("list {}: {e}", path.display()));
                    self.visit(root, &relative.join(entry.file_name()));
                }
            }
            Err(e) => {
                self.nodes.insert(relative.to_path_buf(), broken(&e));
            }
        }
    }
}

fn broken(error: &std::io::Error) -> Node {
    Node {
        kind: Kind::Broken(error.to_string()),
        mode: 0,
        owner: (0, 0),
        mtime: (0, 0),
        xattrs: BTreeMap::new(),
        same_as: None,
    }
}

fn kind(path: &Path, meta: &std::fs::Metadata) -> std::io::Result<Kind> {
    let kind = meta.file_type();
    Ok(if kind.is_dir() {
        Kind::Dir
    } else if kind.is_file() {
        Kind::File(meta.size(), hash(path)?)
    } else if kind.is_symlink() {
        Kind::Symlink(path.read_link()?)
    } else if kind.is_char_device() {
        Kind::Device('c', meta.rdev())
    } else if kind.is_block_device() {
        Kind::Device('b', meta.rdev())
    } else if kind.is_fifo() {
        Kind::Fifo
    } else {
        Kind::Socket
    })
}

fn hash(path: &Path) -> std::io::Result<u64> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = DefaultHasher::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(n) => hasher.write(&buffer[..n]),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// XFS shows its ACLs twice; this is how it keeps them.
const ACL_OF_XFS: &str = "trusted.SGI_ACL_";

/// Every extended attribute of `path` itself; none where the file system has none.
pub fn xattrs(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut names = vec![0; 1 << 16];
    let Ok(length) = rustix::fs::llistxattr(path, &mut names[..]) else { return BTreeMap::new() };
    let names = names[..length].split(|b| *b == 0).filter(|name| !name.is_empty());
    let mut found = BTreeMap::new();
    for name in names {
        let name = String::from_utf8_lossy(name).into_owned();
        if name.starts_with(ACL_OF_XFS) {
            continue;
        }
        let mut value = vec![0; 1 << 16];
        let length = rustix::fs::lgetxattr(path, name.as_str(), &mut value[..])
            .unwrap_or_else(|e| panic!("read {name} of {}: {e}", path.display()));
        value.truncate(length);
        found.insert(name, value);
    }
    found
}
