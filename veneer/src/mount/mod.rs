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

use rustix::mount::UnmountFlags;

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

/// Makes the file system at `path` writable again, keeping its mount's other flags.
pub fn make_writable(path: &Path) -> Result<()> {
    libmount::Remount::new(path).readonly(false).bare_remount().map_err(|e| Error::Mount {
        what: "make writable",
        path: path.into(),
        source: std::io::Error::last_os_error(),
        kernel: e.explain().to_string(),
    })
}
