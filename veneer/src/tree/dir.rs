//! A directory handle with the path that it was reached by, for messages only.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, RawMode, ResolveFlags, SeekFrom, Stat};
use rustix::io::Errno;

use crate::error::{At as _, Error, Result};
use crate::order;

/// What a directory entry is, as overlayfs means it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Symlink,
    /// A character device 0:0, which hides the lower's entry (Documentation/filesystems/overlayfs.rst, whiteouts).
    Whiteout,
    /// A device node, FIFO or socket.
    Special,
}

impl Kind {
    /// The kind of an entry by its `stat`.
    #[must_use]
    pub fn of(stat: &Stat) -> Self {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Kind::Directory,
            FileType::RegularFile => Kind::File,
            FileType::Symlink => Kind::Symlink,
            _ if is_whiteout(stat) => Kind::Whiteout,
            _ => Kind::Special,
        }
    }
}

/// True for the character device 0:0 that overlayfs takes for a whiteout.
#[must_use]
pub fn is_whiteout(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

/// An open directory. All names given to it are single components.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Dir {
    /// Opens a directory by a path from a trusted source (an argument); symlinks on the way are followed.
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(CWD, path, flags, Mode::empty()).opening(path)?;
        Ok(Dir::from_fd(fd, path.to_path_buf()))
    }

    /// Takes an open handle; `path` is for messages.
    #[must_use]
    pub fn from_fd(fd: OwnedFd, path: PathBuf) -> Self {
        Dir { fd, path }
    }

    /// The path that this directory was reached by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of an entry, for messages.
    #[must_use]
    pub fn path_of(&self, name: &CStr) -> PathBuf {
        self.path.join(std::ffi::OsStr::from_bytes(name.to_bytes()))
    }

    /// A second handle to the same directory.
    pub fn again(&self) -> Result<Self> {
        self.sub(c".")
    }

    /// Opens the directory `name`; a symlink there is an error (`ENOTDIR`), never followed.
    pub fn sub(&self, name: &CStr) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = if name == c"." { self.path.clone() } else { self.path_of(name) };
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::empty()).opening(&path)?;
        Ok(Dir::from_fd(fd, path))
    }

    /// As [`Dir::sub`], `None` if nothing or no directory is there.
    pub fn sub_if_there(&self, name: &CStr) -> Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => Ok(Some(Dir::from_fd(fd, self.path_of(name)))),
            // A name longer than the base's file system knows is a name that the base does not have.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG) => Ok(None),
            Err(e) => Err(e).opening(self.path_of(name)),
        }
    }

    /// Walks down `path` (plain components only) without following symlinks; `None` if it does not lead to a
    /// directory.
    pub fn down(&self, path: &Path) -> Result<Option<Self>> {
        if path.as_os_str().is_empty() {
            return self.again().map(Some);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match rustix::fs::openat2(&self.fd, path, flags, Mode::empty(), resolve) {
            Ok(fd) => return Ok(Some(Dir::from_fd(fd, self.path.join(path)))),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => return Ok(None),
            // Before 5.6, or by a filter, or longer than a path may be: a component at a time.
            Err(Errno::NOSYS | Errno::PERM | Errno::NAMETOOLONG) => {}
            Err(e) => return Err(e).opening(self.path.join(path)),
        }
        let mut at = self.again()?;
        for part in path.components() {
            let std::path::Component::Normal(part) = part else { return Ok(None) };
            let Ok(name) = CString::new(part.as_bytes()) else { return Ok(None) };
            match at.sub_if_there(&name)? {
                Some(next) => at = next,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// `lstat` of an entry, `None` if nothing is there.
    pub fn stat(&self, name: &CStr) -> Result<Option<Stat>> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            // A name longer than the base's file system knows is a name that the base does not have.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG) => Ok(None),
            Err(e) => Err(e).reading(self.path_of(name)),
        }
    }

    /// `stat` of this directory itself.
    pub fn stat_self(&self) -> Result<Stat> {
        rustix::fs::fstat(&self.fd).reading(&self.path)
    }

    /// Opens a regular file for reading. FIFOs and devices cannot block it: they are refused by name.
    pub fn file(&self, name: &CStr) -> Result<File> {
        self.sized_file(name).map(|(file, _)| file)
    }

    /// As [`Dir::file`], with its size in bytes.
    fn sized_file(&self, name: &CStr) -> Result<(File, u64)> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let path = self.path_of(name);
        let fd = match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            // A symlink, a socket, or a device that nothing drives.
            Err(Errno::LOOP | Errno::NXIO | Errno::NODEV) => {
                return Err(Error::Damaged { path, what: "not a regular file".into() });
            }
            other => other.opening(&path)?,
        };
        let stat = rustix::fs::fstat(&fd).reading(&path)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Error::Damaged { path, what: "not a regular file".into() });
        }
        Ok((File::from(fd), size_of(&stat)))
    }

    /// Reads a regular file of at most `limit` bytes; `None` if nothing is there.
    pub fn read(&self, name: &CStr, limit: u64) -> Result<Option<Vec<u8>>> {
        let (file, size) = match self.sized_file(name) {
            Err(Error::Open { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Ok(None);
            }
            other => other?,
        };
        read_sized(&file, size, limit, &self.path_of(name)).map(Some)
    }

    /// Reads a file at a path below this directory, following symlinks as long as they stay below it: for trees that
    /// are trusted, the base above all. `None` if it is not there or leads out.
    pub fn read_down(&self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
        let Some((file, stat)) = self.file_down(path)? else { return Ok(None) };
        read_sized(&file, size_of(&stat), limit, &self.path.join(path)).map(Some)
    }

    /// As [`Dir::read_down`], the open file and its `stat`.
    pub(crate) fn file_down(&self, path: &Path) -> Result<Option<(File, Stat)>> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let opened = match rustix::fs::openat2(&self.fd, path, flags, Mode::empty(), resolve) {
            // Before 5.6: the tree is trusted, so the plain call will do.
            Err(Errno::NOSYS) => rustix::fs::openat(&self.fd, path, flags, Mode::empty()),
            other => other,
        };
        let full = self.path.join(path);
        let fd = match opened {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::XDEV | Errno::LOOP) => return Ok(None),
            other => other.opening(&full)?,
        };
        let stat = rustix::fs::fstat(&fd).reading(&full)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Error::Damaged { path: full, what: "not a regular file".into() });
        }
        Ok(Some((File::from(fd), stat)))
    }

    /// Makes the directory `name` with exactly `mode` and opens it.
    pub fn make_sub(&self, name: &CStr, mode: RawMode) -> Result<Self> {
        let path = self.path_of(name);
        rustix::fs::mkdirat(&self.fd, name, Mode::from_raw_mode(mode)).writing(&path)?;
        let sub = self.sub(name)?;
        // The caller's umask took bits away.
        rustix::fs::fchmod(&sub.fd, Mode::from_raw_mode(mode)).writing(&path)?;
        Ok(sub)
    }

    /// As [`Dir::make_sub`], but a directory that is there already is fine and stays as it is.
    pub fn ensure_sub(&self, name: &CStr, mode: RawMode) -> Result<Self> {
        if let Some(sub) = self.sub_if_there(name)? {
            return Ok(sub);
        }
        self.make_sub(name, mode)
    }

    /// Walks down `path`, making what is missing (mode 0755).
    pub fn ensure_down(&self, path: &Path) -> Result<Self> {
        let mut at = self.again()?;
        for part in path.components() {
            if let std::path::Component::Normal(part) = part {
                let name = CString::new(part.as_bytes()).map_err(std::io::Error::from).writing(path)?;
                at = at.ensure_sub(&name, 0o755)?;
            }
        }
        Ok(at)
    }

    /// Creates the file `name`, which must not exist.
    pub fn create(&self, name: &CStr, mode: RawMode) -> Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(mode);
        let fd = rustix::fs::openat(&self.fd, name, flags, mode).writing(self.path_of(name))?;
        Ok(File::from(fd))
    }

    /// The names in this directory, sorted, so that every run of a program does the same in the same order.
    pub fn names(&self) -> Result<Vec<CString>> {
        let mut names = Vec::new();
        self.each_name(|name, _| names.push(name.to_owned()))?;
        order::sort(&mut names);
        Ok(names)
    }

    /// Shows the names in this directory, in the file system's order, with their types where it tells them
    /// ([`FileType::Unknown`] where it does not).
    pub fn each_name(&self, mut see: impl FnMut(&CStr, FileType)) -> Result<()> {
        let mut buffer = Vec::with_capacity(16 * 1024);
        // Always: the position belongs to the handle, and btrfs shows a handle only what was there when it was opened or
        // last set back (Linux 6.5 on).
        rustix::fs::seek(&self.fd, SeekFrom::Start(0)).reading(&self.path)?;
        let mut entries = RawDir::new(&self.fd, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry.reading(&self.path)?;
            let name = entry.file_name();
            if name != c"." && name != c".." {
                see(name, entry.file_type());
            }
        }
        Ok(())
    }

    /// True for a directory that nobody has put anything into, but for overlayfs its own empty ones.
    pub fn is_fresh(&self) -> Result<bool> {
        for name in self.names()? {
            match self.sub_if_there(&name)? {
                Some(sub) if sub.names()?.is_empty() => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Removes a file that may be missing.
    pub fn remove_file(&self, name: &CStr) -> Result<()> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(e) => Err(e).removing(self.path_of(name)),
        }
    }

    /// Hides what the lower layer of an overlay has at `name`, where this upper directory has nothing.
    pub fn make_whiteout(&self, name: &CStr) -> Result<()> {
        let made = rustix::fs::mknodat(&self.fd, name, FileType::CharacterDevice, Mode::empty(), 0);
        made.writing(self.path_of(name))
    }

    /// Makes what was done to this directory's entries durable.
    pub fn sync(&self) -> Result<()> {
        rustix::fs::fsync(&self.fd).writing(&self.path)
    }

    /// Writes out the whole file system that this directory is on (syncfs(2)).
    pub fn sync_filesystem(&self) -> Result<()> {
        rustix::fs::syncfs(&self.fd).writing(&self.path)
    }

    /// A path by which path-only system calls (the xattr family) reach an entry of this directory.
    #[must_use]
    pub(crate) fn proc_path(&self, name: &CStr) -> CString {
        use std::os::fd::AsRawFd as _;
        let mut path = format!("/proc/self/fd/{}/", self.fd.as_raw_fd()).into_bytes();
        path.extend_from_slice(name.to_bytes());
        // Neither part can hold a NUL: one is digits, the other was a C string.
        CString::new(path).unwrap_or_default()
    }
}

/// Leaves a file open until the process ends, when the kernel closes all at once: each close is a call like any other.
/// For the few files that every boot reads once; beyond some dozen it closes, whoever calls it how often.
pub(crate) fn leave_open(file: impl Into<OwnedFd>) {
    static LEFT: AtomicUsize = AtomicUsize::new(0);
    if LEFT.fetch_add(1, Ordering::Relaxed) < 24 {
        std::mem::forget(file.into());
    }
}

/// The size that a file says, in bytes.
fn size_of(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// Reads an open file to its end, at most `limit` bytes of it: with two calls where std, which asks for size and
/// position first and begins with small pieces, needs six or more. They are what a boot on an unchanged base consists of.
pub fn read_whole(file: impl AsFd, limit: u64, path: &Path) -> Result<Vec<u8>> {
    read_until(file, limit, path, |_, _| false)
}

/// As [`read_whole`], for a file of `size` bytes: one call for most. What is added to it meanwhile is left out.
pub(crate) fn read_sized(file: impl AsFd, size: u64, limit: u64, path: &Path) -> Result<Vec<u8>> {
    // Files that the kernel makes as they are read say 0.
    read_until(file, limit, path, |have, _| size > 0 && have as u64 >= size)
}

/// As [`read_whole`], for a file of the kernel's own that gives everything in one call if there is room, such as
/// /proc/cmdline; a regular file gives less than was asked for only at its end, too.
pub fn read_at_once(file: impl AsFd, limit: u64, path: &Path) -> Result<Vec<u8>> {
    read_until(file, limit, path, |_, last| last < PIECE)
}

const PIECE: usize = 8192;

/// Reads until the end, or until `is_all` says so, which hears how many bytes there are and how many came last.
fn read_until(
    file: impl AsFd,
    limit: u64,
    path: &Path,
    is_all: impl Fn(usize, usize) -> bool,
) -> Result<Vec<u8>> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    let mut piece = [0_u8; PIECE];
    loop {
        let length = rustix::io::retry_on_intr(|| rustix::io::read(&file, &mut piece[..])).reading(path)?;
        bytes.extend_from_slice(&piece[..length]);
        if bytes.len() > limit {
            return Err(Error::Damaged { path: path.into(), what: format!("larger than {limit} bytes") });
        }
        if length == 0 || is_all(bytes.len(), length) {
            return Ok(bytes);
        }
    }
}

/// Shows `see` an open file's content from its beginning, piece by piece.
pub(crate) fn each_piece(file: &File, mut see: impl FnMut(&[u8])) -> rustix::io::Result<()> {
    let mut buffer = vec![0_u8; 64 * 1024];
    let mut at = 0;
    loop {
        match rustix::io::retry_on_intr(|| rustix::io::pread(file, &mut buffer[..], at))? {
            0 => return Ok(()),
            length => {
                see(&buffer[..length]);
                at += length as u64;
            }
        }
    }
}
