//! Whether one overlay more can be put upon /usr, as systemd-sysext does. The kernel allows two upon each other
//! (FILESYSTEM_MAX_STACK_DEPTH in linux/fs.h), and what it counts has changed: so it is tried.

use std::ffi::OsString;
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::FsOpenFlags;

use super::overlay::set_option;

/// Tries it, and leaves nothing mounted. `beside` is any other directory, for an overlay without an upper directory has
/// two lower ones. `None` if it cannot be tried: not by everybody, nor by every kernel.
#[must_use]
pub fn extension_fits(beside: &Path, usr: &Path) -> Option<bool> {
    let context = rustix::mount::fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC).ok()?;
    let mut lower = OsString::from(beside);
    lower.push(":");
    lower.push(usr);
    set_option(&context, "lowerdir", Path::new(&lower)).ok()?;
    match rustix::mount::fsconfig_create(&context) {
        Ok(()) => Some(true),
        Err(Errno::INVAL) => Some(false),
        Err(_) => None,
    }
}
