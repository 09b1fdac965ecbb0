//! The one place where things are mounted. Everything that a mount leaves behind is undone when its handle is dropped
//! before the mount became part of the system.

mod bind;
mod kernel;
mod overlay;
mod table;

pub use bind::Bind;
pub use overlay::{Assembled, Layers};
pub use table::{MountRow, MountTable};

use std::path::Path;

use rustix::mount::{MountFlags, UnmountFlags};

use crate::error::{Error, Result};

/// Takes the topmost mount away from `path`, at once for new users and as soon as they are done for present ones.
pub fn unmount(path: &Path) -> Result<()> {
    rustix::mount::unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW).map_err(|e| Error::Mount {
        what: "unmount",
        path: path.into(),
        source: e.into(),
        kernel: String::new(),
    })
}

/// Mounts the directory `source` at `target` with the flags that a store has.
pub fn bind_store(source: &Path, target: &Path) -> Result<()> {
    let failed = |what, errno: rustix::io::Errno| Error::Mount {
        what,
        path: source.into(),
        source: errno.into(),
        kernel: String::new(),
    };
    rustix::mount::mount_bind(source, target).map_err(|e| failed("bind", e))?;
    let flags =
        MountFlags::BIND | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::NOATIME;
    rustix::mount::mount_remount(target, flags, "").map_err(|e| failed("set the mount flags of", e))
}

/// Makes the file system at `path` writable again, keeping its mount's other flags.
pub fn make_writable(path: &Path) -> Result<()> {
    libmount::Remount::new(path).readonly(false).bare_remount().map_err(|e| Error::Mount {
        what: "make writable",
        path: path.into(),
        source: std::io::Error::last_os_error(),
        kernel: e.explain().to_string(),
    })
}
