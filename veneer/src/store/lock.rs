//! The store's lock: flock(2), with the boot id of the holder in the file. Whoever died let go of it; whoever held it
//! in an earlier boot did too.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use rustix::fs::{FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::error::{At as _, Error, Result};
use crate::tree::{Dir, leave_open, read_at_once};

/// Why a store that cannot be written to is none.
pub(super) const READ_ONLY: &str = "it is read-only";

/// Held as long as the value lives.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl Lock {
    pub(super) fn take(root: &Dir) -> Result<Self> {
        let path = root.path_of(c"lock");
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(root, c"lock", flags, Mode::RUSR | Mode::WUSR) {
            Err(Errno::ROFS) => {
                let store = root.path().parent().unwrap_or(root.path());
                return Err(Error::Unfit { path: store.into(), what: READ_ONLY.into() });
            }
            other => other.opening(&path)?,
        };
        let stat = rustix::fs::fstat(&fd).reading(&path)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Error::Damaged { path, what: "not a regular file".into() });
        }
        let file = File::from(fd);
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::AGAIN) => {
                let mut holder = String::new();
                // For the message only; what cannot be read is not shown.
                let read = (&file).take(200).read_to_string(&mut holder);
                let by = if read.is_ok() { holder.trim().to_owned() } else { String::new() };
                return Err(Error::Busy { path: root.path().into(), by });
            }
            Err(e) => return Err(e).writing(path),
        }
        // With a second name it may be a file of somebody else's, put here by an attacker or by a backup of links. The
        // lock holds without the words in it.
        if stat.st_nlink > 1 {
            return Ok(Lock(file));
        }
        let boot = boot_id();
        // One line of one length, so that one call replaces whatever was there.
        let text = format!("boot {:36.36}\n", boot.trim());
        // A full store takes no note. The lock is held all the same, and what needs room says so by itself.
        if let Err(error) = rustix::io::pwrite(&file, text.as_bytes(), 0) {
            log::debug!("{}: {error}", path.display());
        }
        Ok(Lock(file))
    }
}

/// The kernel's name for this boot. Without /proc there is none, and the lock itself works as well.
fn boot_id() -> String {
    let path = Path::new("/proc/sys/kernel/random/boot_id");
    let read = || {
        let file = fs_err::File::open(path).opening(path)?;
        let id = read_at_once(file.file(), 64, path)?;
        leave_open(file.into_file());
        Ok(String::from_utf8_lossy(&id).into_owned())
    };
    read().unwrap_or_else(|error: Error| {
        log::debug!("{error}");
        String::new()
    })
}
