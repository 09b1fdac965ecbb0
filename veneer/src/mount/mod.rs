//! The one place where things are mounted. Everything that a mount leaves behind is undone when its handle is dropped
//! before the mount became part of the system.

mod bind;
mod ext4;
mod extension;
mod guard;
mod kernel;
mod overlay;
mod parts;
mod private;
mod statmount;
mod table;
mod verity;

pub use bind::Bind;
pub use ext4::{allocate_at_once, delays_allocation};
pub use extension::extension_fits;
pub use guard::{guard, unguard, unguard_alone};
pub use kernel::forbidden;
pub use overlay::{Assembled, Form, Layers};
pub(crate) use parts::Parts;
pub use private::enter_private_root;
pub use table::{MountRow, MountTable, Site, Time, is_mount_point, seen_at, site};
pub(crate) use verity::measure;

use std::path::Path;

use rustix::mount::{MountFlags, UnmountFlags};

use crate::error::{Error, Result};

/// Takes the topmost mount away from `path`, at once for new users and as soon as they are done for present ones.
pub fn unmount(path: &Path) -> Result<()> {
    rustix::mount::unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW)
        .map_err(|e| failed("unmount", path, e, String::new()))
}

/// Mounts the directory `source` at `target` with the flags that a store has.
pub fn bind_store(source: &Path, target: &Path) -> Result<()> {
    rustix::mount::mount_bind(source, target).map_err(|e| failed("bind", source, e, String::new()))?;
    let flags =
        MountFlags::BIND | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::NOATIME;
    rustix::mount::mount_remount(target, flags, "")
        .map_err(|e| failed("set the mount flags of", source, e, String::new()))
}

/// Shows `source` at `target` as well.
pub fn bind(source: &Path, target: &Path) -> Result<()> {
    rustix::mount::mount_bind(source, target).map_err(|e| failed("bind", target, e, String::new()))
}

/// Makes the file system at `path` writable again, keeping its mount's other flags.
pub fn make_writable(path: &Path) -> Result<()> {
    libmount::Remount::new(path)
        .readonly(false)
        .bare_remount()
        .map_err(|e| failed("make writable", path, std::io::Error::last_os_error(), e.explain().to_string()))
}

/// A step that failed: what, on what, the kernel's reason, and what else is known of it.
fn failed(what: &'static str, path: &Path, source: impl Into<std::io::Error>, kernel: String) -> Error {
    mount_failed(what, path, source.into(), kernel)
}

#[cold]
#[inline(never)]
fn mount_failed(what: &'static str, path: &Path, source: std::io::Error, kernel: String) -> Error {
    Error::Mount { what, path: path.into(), source, kernel }
}
