//! What a person or a package manager does to a tree, as a list of values: the same list builds a base, is
//! carried out on a mounted layer, and is read by the model.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};

/// One change to one path, relative to the tree's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Makes a directory, with its parents.
    Dir(PathBuf),
    /// Writes a file in place: made, or cut off and written again.
    File(PathBuf, Vec<u8>),
    /// Makes a symbolic link.
    Symlink(PathBuf, PathBuf),
    /// Makes the first path another name of the second.
    Hardlink(PathBuf, PathBuf),
    /// Makes a FIFO, socket or device.
    Special(PathBuf, Special),
    /// Removes a path and everything below it.
    Remove(PathBuf),
    /// Renames a path that is no directory, over another one if it is there.
    Rename(PathBuf, PathBuf),
    /// Sets permission bits.
    Mode(PathBuf, u32),
    /// Sets owner and group.
    Owner(PathBuf, u32, u32),
    /// Sets an extended attribute.
    Xattr(PathBuf, String, Vec<u8>),
    /// Sets the modification time, in seconds.
    Time(PathBuf, i64),
    /// A file of so many bytes, all of them a hole but the last.
    Sparse(PathBuf, u64),
    /// Writes at a file's end.
    Append(PathBuf, Vec<u8>),
    /// Cuts a file off, or lengthens it by a hole.
    Truncate(PathBuf, u64),
    /// Removes an extended attribute.
    Unset(PathBuf, String),
    /// Does it if it can be done: among random edits some cannot.
    Try(Box<Edit>),
}

/// A file that is neither file, directory nor link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// A FIFO.
    Fifo,
    /// A socket.
    Socket,
    /// A character device.
    Char(u32, u32),
}

/// A list of edits, written as a chain of calls.
#[derive(Clone, Debug, Default)]
pub struct Edits(pub Vec<Edit>);

impl Edits {
    /// No edits.
    pub fn new() -> Edits {
        Edits::default()
    }

    fn add(mut self, edit: Edit) -> Edits {
        self.0.push(edit);
        self
    }

    /// See [`Edit::Dir`].
    #[must_use]
    pub fn dir(self, path: impl Into<PathBuf>) -> Edits {
        self.add(Edit::Dir(path.into()))
    }

    /// See [`Edit::File`].
    #[must_use]
    pub fn file(self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Edits {
        self.add(Edit::File(path.into(), content.into()))
    }

    /// See [`Edit::Symlink`].
    #[must_use]
    pub fn symlink(self, path: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Edits {
        self.add(Edit::Symlink(path.into(), target.into()))
    }

    /// See [`Edit::Hardlink`].
    #[must_use]
    pub fn hardlink(self, path: impl Into<PathBuf>, to: impl Into<PathBuf>) -> Edits {
        self.add(Edit::Hardlink(path.into(), to.into()))
    }

    /// See [`Edit::Special`].
    #[must_use]
    pub fn special(self, path: impl Into<PathBuf>, special: Special) -> Edits {
        self.add(Edit::Special(path.into(), special))
    }

    /// See [`Edit::Remove`].
    #[must_use]
    pub fn remove(self, path: impl Into<PathBuf>) -> Edits {
        self.add(Edit::Remove(path.into()))
    }

    /// See [`Edit::Rename`].
    #[must_use]
    pub fn rename(self, from: impl Into<PathBuf>, to: impl Into<PathBuf>) -> Edits {
        self.add(Edit::Rename(from.into(), to.into()))
    }

    /// See [`Edit::Mode`].
    #[must_use]
    pub fn mode(self, path: impl Into<PathBuf>, mode: u32) -> Edits {
        self.add(Edit::Mode(path.into(), mode))
    }

    /// See [`Edit::Owner`].
    #[must_use]
    pub fn owner(self, path: impl Into<PathBuf>, uid: u32, gid: u32) -> Edits {
        self.add(Edit::Owner(path.into(), uid, gid))
    }

    /// See [`Edit::Xattr`].
    #[must_use]
    pub fn xattr(self, path: impl Into<PathBuf>, name: &str, value: impl Into<Vec<u8>>) -> Edits {
        self.add(Edit::Xattr(path.into(), name.to_owned(), value.into()))
    }

    /// See [`Edit::Time`].
    #[must_use]
    pub fn time(self, path: impl Into<PathBuf>, seconds: i64) -> Edits {
        self.add(Edit::Time(path.into(), seconds))
    }

    /// See [`Edit::Sparse`].
    #[must_use]
    pub fn sparse(self, path: impl Into<PathBuf>, size: u64) -> Edits {
        self.add(Edit::Sparse(path.into(), size))
    }

    /// See [`Edit::Append`].
    #[must_use]
    pub fn append(self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Edits {
        self.add(Edit::Append(path.into(), content.into()))
    }

    /// See [`Edit::Truncate`].
    #[must_use]
    pub fn truncate(self, path: impl Into<PathBuf>, size: u64) -> Edits {
        self.add(Edit::Truncate(path.into(), size))
    }

    /// See [`Edit::Unset`].
    #[must_use]
    pub fn unset(self, path: impl Into<PathBuf>, name: &str) -> Edits {
        self.add(Edit::Unset(path.into(), name.to_owned()))
    }

    /// These edits, then those.
    #[must_use]
    pub fn then(mut self, more: Edits) -> Edits {
        self.0.extend(more.0);
        self
    }

    /// Carries the edits out below `root`.
    #[track_caller]
    pub fn apply(&self, root: &Path) {
        for edit in &self.0 {
            if let Err(e) = edit.apply(root) {
                panic!("{edit:?} below {}: {e}", root.display());
            }
        }
    }
}

impl Edit {
    /// The path that is changed.
    pub fn path(&self) -> &Path {
        match self {
            Edit::Dir(path)
            | Edit::File(path, _)
            | Edit::Symlink(path, _)
            | Edit::Hardlink(path, _)
            | Edit::Special(path, _)
            | Edit::Remove(path)
            | Edit::Rename(_, path)
            | Edit::Mode(path, _)
            | Edit::Owner(path, _, _)
            | Edit::Xattr(path, _, _)
            | Edit::Time(path, _)
            | Edit::Sparse(path, _)
            | Edit::Append(path, _)
            | Edit::Truncate(path, _)
            | Edit::Unset(path, _) => path,
            Edit::Try(edit) => edit.path(),
        }
    }

    fn apply(&self, root: &Path) -> std::io::Result<()> {
        match self {
            Edit::Dir(path) => fs::create_dir_all(root.join(path)),
            Edit::File(path, content) => write(&parented(root, path)?, content),
            Edit::Symlink(path, target) => symlink(target, parented(root, path)?),
            Edit::Hardlink(path, to) => fs::hard_link(root.join(to), parented(root, path)?),
            Edit::Special(path, special) => make(&parented(root, path)?, *special),
            Edit::Remove(path) => remove(&root.join(path)),
            Edit::Rename(from, to) => fs::rename(root.join(from), parented(root, to)?),
            Edit::Mode(path, mode) => fs::set_permissions(root.join(path), fs::Permissions::from_mode(*mode)),
            Edit::Owner(path, uid, gid) => lchown(root.join(path), Some(*uid), Some(*gid)),
            Edit::Xattr(path, name, value) => {
                Ok(rustix::fs::lsetxattr(root.join(path), name.as_str(), value, XattrFlags::empty())?)
            }
            Edit::Time(path, seconds) => set_time(&root.join(path), *seconds),
            Edit::Sparse(path, size) => sparse(&parented(root, path)?, *size),
            Edit::Append(path, content) => append(&root.join(path), content),
            Edit::Truncate(path, size) => {
                fs::File::options().write(true).open(regular(&root.join(path))?)?.set_len(*size)
            }
            Edit::Unset(path, name) => Ok(rustix::fs::lremovexattr(root.join(path), name.as_str())?),
            Edit::Try(edit) => {
                // What failed changed nothing that the tree does not show.
                let _ = edit.apply(root);
                Ok(())
            }
        }
    }
}

/// The full path, with its parent made.
fn parented(root: &Path, path: &Path) -> std::io::Result<PathBuf> {
    let full = root.join(path);
    if let Some(parent) = full.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(full)
}

/// Opening a FIFO would wait for somebody at its other end.
fn regular(path: &Path) -> std::io::Result<&Path> {
    match path.metadata() {
        Ok(meta) if !meta.is_file() => Err(std::io::ErrorKind::InvalidInput.into()),
        _ => Ok(path),
    }
}

fn write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    fs::write(regular(path)?, content)
}

fn append(path: &Path, content: &[u8]) -> std::io::Result<()> {
    fs::File::options().append(true).open(regular(path)?)?.write_all(content)
}

fn remove(path: &Path) -> std::io::Result<()> {
    if path.symlink_metadata()?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

fn make(path: &Path, special: Special) -> std::io::Result<()> {
    let (kind, device) = match special {
        Special::Fifo => (FileType::Fifo, 0),
        Special::Socket => (FileType::Socket, 0),
        Special::Char(major, minor) => (FileType::CharacterDevice, rustix::fs::makedev(major, minor)),
    };
    Ok(rustix::fs::mknodat(CWD, path, kind, Mode::from_raw_mode(0o640), device)?)
}

/// Sets access and modification time of the path itself.
pub fn set_time(path: &Path, seconds: i64) -> std::io::Result<()> {
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

fn sparse(path: &Path, size: u64) -> std::io::Result<()> {
    use std::os::unix::fs::FileExt;
    let file = fs::File::create(path)?;
    file.set_len(size)?;
    file.write_all_at(b"end", size - 3)
}
