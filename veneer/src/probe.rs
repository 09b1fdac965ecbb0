//! The last look before a layer becomes /usr: what the system cannot start without must be there and be a program.
//!
//! A layer that hides pid 1's binary, the shell or the loader would end in a kernel panic, out of reach of any later
//! check. Only what the base itself has is asked for: a base without a shell is not the layer's fault.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Access, AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

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
pub fn probe(sysroot: &Dir, base: &Dir, usr: &Dir) -> Result<()> {
    writable(usr)?;
    let merged = Root { sysroot, usr };
    let bare = Root { sysroot, usr: base };
    for path in NEEDED.iter().chain(&RUNTIME) {
        if is_missing(base, path) || is_the_bases(base, usr, path) {
            continue;
        }
        let full = Path::new("/usr").join(path);
        // What the base does not have or cannot run is not asked of the layer either.
        let Ok(expected) = bare.look(&full) else { continue };
        let seen = merged.look(&full).map_err(|why| refuse(&full, &why))?;
        if expected.executable && !seen.executable {
            return Err(refuse(&full, "is not executable"));
        }
        if expected.is_elf() && !seen.is_elf() {
            return Err(refuse(&full, "is not an ELF program"));
        }
        if let Some(loader) = interpreter(&seen.header).filter(|loader| bare.look(loader).is_ok()) {
            let seen = merged.look(&loader).map_err(|why| refuse(&loader, &why))?;
            if !(seen.executable && seen.is_elf()) {
                return Err(refuse(&loader, "is not an executable ELF program"));
            }
        }
    }
    Ok(())
}

fn refuse(path: &Path, why: &str) -> Error {
    Error::Probe { what: format!("{} {why}", path.display()) }
}

fn is_missing(base: &Dir, path: &str) -> bool {
    let stat = rustix::fs::statat(base, path, AtFlags::SYMLINK_NOFOLLOW);
    matches!(stat, Err(Errno::NOENT | Errno::NOTDIR))
}

/// True if the layer does not touch `path`, nor what links there lead to: then it is as good as the base. This is the
/// answer on nearly every boot, for a few calls; a copied-up file has another ctime, if nothing else.
fn is_the_bases(base: &Dir, usr: &Dir, path: &str) -> bool {
    let mut path = PathBuf::from(path);
    for _ in 0..8 {
        let stat = |dir: &Dir| rustix::fs::statat(dir, &path, AtFlags::SYMLINK_NOFOLLOW);
        let (Ok(below), Ok(above)) = (stat(base), stat(usr)) else { return false };
        let key = |s: &Stat| (s.st_ino, s.st_mode, s.st_size, s.st_mtime, s.st_ctime, s.st_ctime_nsec);
        if key(&below) != key(&above) {
            return false;
        }
        match Kind::of(&below) {
            Kind::File => return true,
            Kind::Symlink => {
                let Ok(target) = rustix::fs::readlinkat(base, &path, Vec::new()) else { return false };
                let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                path = match target.strip_prefix("/usr") {
                    Ok(below) => below.to_path_buf(),
                    // Elsewhere in the root, where only the slow way knows its way.
                    Err(_) if target.is_absolute() => return false,
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
    header: Vec<u8>,
}

impl Seen {
    fn is_elf(&self) -> bool {
        self.header.starts_with(b"\x7fELF")
    }
}

/// A nameless file goes all the way to the upper's file system and leaves nothing behind.
fn writable(usr: &Dir) -> Result<()> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    match rustix::fs::openat(usr, ".", flags, Mode::RUSR) {
        Ok(_) => Ok(()),
        // Overlayfs learnt O_TMPFILE in 6.1; before that the permission check is all there is without a trace.
        Err(Errno::OPNOTSUPP | Errno::ISDIR) => {
            rustix::fs::accessat(usr, ".", Access::WRITE_OK, AtFlags::empty())
                .map_err(|e| Error::Probe { what: format!("/usr would not be writable: {e}") })
        }
        Err(e) => Err(Error::Probe { what: format!("/usr would not be writable: {e}") }),
    }
}

/// A root file system whose /usr is taken from elsewhere.
struct Root<'a> {
    sysroot: &'a Dir,
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
        let mut header = vec![0_u8; 4096];
        let length = rustix::io::read(&file, &mut header[..]).map_err(|e| format!("cannot be read: {e}"))?;
        header.truncate(length);
        Ok(Seen { executable: stat.st_mode & 0o111 != 0, header })
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

    /// Which tree a link-free path (relative to the root) lies in, and where in it.
    fn place(&self, path: &Path) -> (&Dir, PathBuf) {
        match path.strip_prefix("usr") {
            Ok(below) => (self.usr, below.to_path_buf()),
            Err(_) => (self.sysroot, path.to_path_buf()),
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

/// The loader that an ELF program asks for (`PT_INTERP`, elf(5)), if its header is where linkers put it, in the first
/// 4096 bytes.
fn interpreter(header: &[u8]) -> Option<PathBuf> {
    let is_64 = *header.get(4)? == 2;
    let little = *header.get(5)? == 1;
    let number = |at: usize, size: usize| -> Option<usize> {
        let bytes = header.get(at..at.checked_add(size)?)?;
        let fold = |n: usize, b: &u8| (n << 8) | usize::from(*b);
        Some(if little { bytes.iter().rev().fold(0, fold) } else { bytes.iter().fold(0, fold) })
    };
    let (table, entry, count) = if is_64 {
        (number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?)
    } else {
        (number(0x1c, 4)?, number(0x2a, 2)?, number(0x2c, 2)?)
    };
    for index in 0..count {
        let at = table.checked_add(index.checked_mul(entry)?)?;
        if number(at, 4)? == 3 {
            let (offset, size) = if is_64 {
                (number(at.checked_add(0x08)?, 8)?, number(at.checked_add(0x20)?, 8)?)
            } else {
                (number(at.checked_add(0x04)?, 4)?, number(at.checked_add(0x10)?, 4)?)
            };
            let text = header.get(offset..offset.checked_add(size)?)?;
            let text = text.split(|b| *b == 0).next()?;
            let path = PathBuf::from(OsStr::from_bytes(text));
            return path.is_absolute().then_some(path);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_loader_of_a_real_program() {
        let header = std::fs::read("/proc/self/exe").expect("a test can read itself");
        let loader = interpreter(&header[..4096.min(header.len())]);
        assert!(loader.is_none_or(|path| path.to_string_lossy().contains("ld")));
    }

    #[test]
    fn noise_has_no_loader_and_no_panic() {
        let mut header = b"\x7fELF\x02\x01".to_vec();
        let rounds = u32::try_from(crate::fuzz::rounds(4096)).expect("a number of 32 bits");
        for seed in 0..rounds {
            header.truncate(6);
            let mut state = seed.wrapping_mul(2_654_435_761) | 1;
            for _ in 0..200 {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                header.push(state.to_le_bytes()[0]);
            }
            let found = interpreter(&header);
            assert!(found.is_none_or(|path| path.is_absolute()));
        }
    }

    #[test]
    fn links_are_resolved_within_the_root() {
        let root = std::env::temp_dir().join(format!("veneer-probe-{}", std::process::id()));
        std::fs::create_dir_all(root.join("etc/alternatives")).expect("temporary directory");
        std::fs::create_dir_all(root.join("usr/bin")).expect("temporary directory");
        std::fs::copy("/proc/self/exe", root.join("usr/bin/bash")).expect("copy");
        std::os::unix::fs::symlink("/usr/bin/bash", root.join("etc/alternatives/sh")).expect("link");
        std::os::unix::fs::symlink("/etc/alternatives/sh", root.join("usr/bin/sh")).expect("link");
        std::os::unix::fs::symlink("loop", root.join("usr/bin/loop")).expect("link");
        let sysroot = Dir::open(&root).expect("open");
        let usr = sysroot.sub(c"usr").expect("open");
        let it = Root { sysroot: &sysroot, usr: &usr };
        assert!(it.look(Path::new("/usr/bin/sh")).is_ok_and(|seen| seen.is_elf() && seen.executable));
        let why = |path: &str| it.look(Path::new(path)).err();
        assert_eq!(why("/usr/bin/loop").as_deref(), Some("is a loop of symlinks"));
        assert_eq!(why("/usr/bin/none").as_deref(), Some("is missing"));
        assert_eq!(why("/usr").as_deref(), Some("is not a regular file"));
        std::fs::remove_dir_all(&root).expect("clean up");
    }
}
