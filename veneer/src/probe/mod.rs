//! The last look before a layer becomes /usr: what the system cannot start without must be there and be a program.
//!
//! A layer that hides pid 1's binary, the shell or the loader would end in a kernel panic, out of reach of any later
//! check. Only what the base itself has is asked for: a base without a shell is not the layer's fault.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::elf::{self, Header};
use crate::error::{Error, Result};
use crate::tree::{Dir, Kind};

/// Paths below /usr that must work if the base has them: pid 1, the shell, and what both are loaded with.
const NEEDED: [&str; 2] = ["lib/systemd/systemd", "bin/sh"];

/// The loader and the C library where distributions have them.
#[cfg(target_arch = "x86_64")]
const RUNTIME: [&str; 3] =
    ["lib64/ld-linux-x86-64.so.2", "lib64/libc.so.6", "lib/x86_64-linux-gnu/libc.so.6"];
#[cfg(target_arch = "aarch64")]
const RUNTIME: [&str; 3] =
    ["lib/ld-linux-aarch64.so.1", "lib64/libc.so.6", "lib/aarch64-linux-gnu/libc.so.6"];
/// Elsewhere the loader is found through each program's own header.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const RUNTIME: [&str; 1] = ["lib64/libc.so.6"];

/// How many symlinks path_resolution(7) follows.
const LINK_LIMIT: u32 = 40;

/// Checks the assembled `usr` against the bare `base`, in the root file system at `sysroot`.
pub fn probe(sysroot: &Path, base: &Dir, usr: &Dir) -> Result<()> {
    let merged = Root { sysroot, usr };
    let bare = Root { sysroot, usr: base };
    for path in NEEDED.iter().chain(&RUNTIME) {
        if is_the_bases(&bare, &merged, path) {
            continue;
        }
        let full = Path::new("/usr").join(path);
        // What the base does not have or cannot run is not asked of the layer either.
        let Ok(expected) = bare.look(&full) else { continue };
        let seen = merged.look(&full).map_err(|why| refuse(&full, &why))?;
        seen.stands_in_for(&expected).map_err(|why| refuse(&full, why))?;
        let Some(loader) = seen.elf.and_then(|elf| elf.loader) else { continue };
        if let Ok(expected) = bare.look(&loader) {
            let seen = merged.look(&loader).map_err(|why| refuse(&loader, &why))?;
            seen.stands_in_for(&expected).map_err(|why| refuse(&loader, why))?;
        }
    }
    Ok(())
}

fn refuse(path: &Path, why: &str) -> Error {
    Error::Probe { what: format!("{} {why}", path.display()) }
}

/// True if the base has nothing at `path`, or the layer does not touch it, nor what links there lead to: then it is as
/// good as the base. This is the answer on nearly every boot, for a few calls; a copied-up file has another ctime, if
/// nothing else.
fn is_the_bases(bare: &Root<'_>, merged: &Root<'_>, path: &str) -> bool {
    let mut path = PathBuf::from(path);
    for links in 0..8 {
        let stat = |root: &Root<'_>| rustix::fs::statat(root.usr, &path, AtFlags::SYMLINK_NOFOLLOW);
        let below = match stat(bare) {
            Err(Errno::NOENT | Errno::NOTDIR) if links == 0 => return true,
            other => other,
        };
        let (Ok(below), Ok(above)) = (below, below.and_then(|_| stat(merged))) else { return false };
        let key = |s: &Stat| (s.st_ino, s.st_mode, s.st_size, s.st_mtime, s.st_ctime, s.st_ctime_nsec);
        if key(&below) != key(&above) {
            return false;
        }
        match Kind::of(&below) {
            Kind::File => return true,
            Kind::Symlink => {
                let Ok(target) = rustix::fs::readlinkat(bare.usr, &path, Vec::new()) else { return false };
                let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                path = match target.strip_prefix("/") {
                    Ok(target) => match bare.below_usr(target) {
                        Some(below) => below,
                        // Elsewhere in the root, where only the slow way knows its way.
                        None => return false,
                    },
                    Err(_) => path.parent().unwrap_or(Path::new("")).join(target),
                };
            }
            _ => return false,
        }
    }
    false
}

/// What a regular file looks like to execve(2).
struct Seen {
    executable: bool,
    size: u64,
    elf: Option<Header>,
}

impl Seen {
    /// Refuses what the base's file could do and this one cannot.
    fn stands_in_for(&self, base: &Seen) -> std::result::Result<(), &'static str> {
        if base.executable && !self.executable {
            return Err("is not executable");
        }
        let Some(theirs) = &base.elf else { return Ok(()) };
        match &self.elf {
            None => Err("is not an ELF program"),
            Some(ours) if !ours.same_machine(theirs) => Err("is for another kind of machine"),
            Some(ours) if !ours.is_whole(self.size) => Err("is cut off"),
            Some(_) => Ok(()),
        }
    }
}

/// A root file system whose /usr is taken from elsewhere.
struct Root<'a> {
    sysroot: &'a Path,
    usr: &'a Dir,
}

impl Root<'_> {
    /// The file at the absolute `path`; else why there is none.
    fn look(&self, path: &Path) -> std::result::Result<Seen, String> {
        let file = self.open(path)?;
        let stat = rustix::fs::fstat(&file).map_err(|e| e.to_string())?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err("is not a regular file".into());
        }
        let mut header = vec![0_u8; elf::LENGTH];
        let length = rustix::io::read(&file, &mut header[..]).map_err(|e| format!("cannot be read: {e}"))?;
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        Ok(Seen { executable: stat.st_mode & 0o111 != 0, size, elf: Header::parse(&header[..length]) })
    }

    /// Opens a file for reading without ever leaving this root.
    fn open(&self, path: &Path) -> std::result::Result<OwnedFd, String> {
        // One call where the path and its links stay below /usr, which is nearly always.
        if let Ok(below) = path.strip_prefix("/usr") {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
            if let Ok(fd) = rustix::fs::openat2(self.usr, below, READ, Mode::empty(), resolve) {
                return Ok(fd);
            }
        }
        self.open_by_parts(path)
    }

    fn open_by_parts(&self, path: &Path) -> std::result::Result<OwnedFd, String> {
        let mut left: VecDeque<OsString> = parts(path);
        let mut done = PathBuf::new();
        let mut links = 0;
        while let Some(part) = left.pop_front() {
            if part == ".." {
                done.pop();
                continue;
            }
            done.push(&part);
            let (dir, below) = self.place(&done);
            // Nothing is left of the path but the tree's own root, which is no link.
            if below.as_os_str().is_empty() {
                continue;
            }
            match rustix::fs::readlinkat(dir, &below, Vec::new()) {
                Ok(target) => {
                    links += 1;
                    if links > LINK_LIMIT {
                        return Err("is a loop of symlinks".into());
                    }
                    let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                    done.pop();
                    if target.is_absolute() {
                        done.clear();
                    }
                    for part in parts(&target).into_iter().rev() {
                        left.push_front(part);
                    }
                }
                Err(Errno::INVAL) => {}
                Err(Errno::NOENT | Errno::NOTDIR) => return Err("is missing".into()),
                Err(e) => return Err(format!("cannot be read: {e}")),
            }
        }
        let (dir, below) = self.place(&done);
        let name = if below.as_os_str().is_empty() { Path::new(".") } else { &below };
        rustix::fs::openat(dir, name, READ | OFlags::NOFOLLOW, Mode::empty()).map_err(|e| {
            if e == Errno::NOENT { "is missing".into() } else { format!("cannot be opened: {e}") }
        })
    }

    /// Where a path of the root is below /usr: because it says so, or by one of the links that a root with everything in
    /// /usr has (`lib` to `usr/lib`).
    fn below_usr(&self, path: &Path) -> Option<PathBuf> {
        if let Ok(below) = path.strip_prefix("usr") {
            return Some(below.to_path_buf());
        }
        let Component::Normal(first) = path.components().next()? else { return None };
        let link = rustix::fs::readlinkat(CWD, self.sysroot.join(first), Vec::new()).ok()?;
        let link = PathBuf::from(OsString::from_vec(link.into_bytes()));
        let is_its_own = link.strip_prefix("/").unwrap_or(&link) == Path::new("usr").join(first);
        is_its_own.then(|| path.to_path_buf())
    }

    /// Which tree a link-free path (relative to the root) lies in, and where in it.
    fn place(&self, path: &Path) -> (BorrowedFd<'_>, PathBuf) {
        match path.strip_prefix("usr") {
            Ok(below) => (self.usr.as_fd(), below.to_path_buf()),
            Err(_) => (CWD, self.sysroot.join(path)),
        }
    }
}

/// FIFOs and devices in place of a program must not block the boot.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(part) => Some(part.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_resolved_within_the_root() {
        let root = std::env::temp_dir().join(format!("veneer-probe-{}", std::process::id()));
        std::fs::create_dir_all(root.join("etc/alternatives")).expect("temporary directory");
        std::fs::create_dir_all(root.join("usr/bin")).expect("temporary directory");
        std::fs::copy("/proc/self/exe", root.join("usr/bin/bash")).expect("copy");
        std::os::unix::fs::symlink("/usr/bin/bash", root.join("etc/alternatives/sh")).expect("link");
        std::os::unix::fs::symlink("/etc/alternatives/sh", root.join("usr/bin/sh")).expect("link");
        std::os::unix::fs::symlink("loop", root.join("usr/bin/loop")).expect("link");
        let usr = Dir::open(&root.join("usr")).expect("open");
        let it = Root { sysroot: &root, usr: &usr };
        assert!(it.look(Path::new("/usr/bin/sh")).is_ok_and(|seen| seen.elf.is_some() && seen.executable));
        let why = |path: &str| it.look(Path::new(path)).err();
        assert_eq!(why("/usr/bin/loop").as_deref(), Some("is a loop of symlinks"));
        assert_eq!(why("/usr/bin/none").as_deref(), Some("is missing"));
        assert_eq!(why("/usr").as_deref(), Some("is not a regular file"));
        std::fs::remove_dir_all(&root).expect("clean up");
    }
}
