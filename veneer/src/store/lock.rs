//! The store's lock: flock(2), with the boot id of the holder in the file. Whoever died let go of it; whoever held it
//! in an earlier boot did too.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use rustix::fs::{FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::error::{At as _, Error, Result};
use crate::tree::{Dir, read_whole};

/// Held as long as the value lives.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl Lock {
    pub(super) fn take(root: &Dir) -> Result<Self> {
        let path = root.path_of(c"lock");
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(root, c"lock", flags, Mode::RUSR | Mode::WUSR).opening(&path)?;
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
        let text = format!("boot {:36.36} pid {:10}\n", boot.trim(), std::process::id());
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
    let id = fs_err::File::open(path).ok().and_then(|file| read_whole(file.file(), 64, path).ok());
    String::from_utf8_lossy(&id.unwrap_or_default()).into_owned()
}
