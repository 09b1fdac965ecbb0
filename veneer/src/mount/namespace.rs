//! Mount namespaces: the one place that makes them. What is mounted in one ends with the last process in it.

use std::path::Path;

use rustix::mount::MountPropagationFlags;
use rustix::thread::UnshareFlags;

use super::failed;
use crate::error::Result;

/// Enters a mount namespace of its own, for the calling thread and the programs that it starts. Mounts stay shared with the
/// one from before. `what` is what for, on `path`, for the error.
pub(super) fn enter(what: &'static str, path: &Path) -> Result<()> {
    // rustix would have this call unsafe for CLONE_FILES, after which threads disagree about what a descriptor is.
    // CLONE_NEWNS takes nothing from the other threads: this one gets its own mounts, root and working directory.
    #[allow(deprecated)]
    rustix::thread::unshare(UnshareFlags::NEWNS).map_err(|e| failed(what, path, e, String::new()))
}

/// The same, and nobody else sees what is mounted and unmounted there. What the system unmounts meanwhile is not held.
pub(super) fn enter_alone(what: &'static str, path: &Path) -> Result<()> {
    enter(what, path)?;
    let flags = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", flags).map_err(|e| failed(what, path, e, String::new()))
}

/// A namespace to mount in what is only to be looked at. To be called before there are threads, and before anything is looked
/// at by its mount.
pub fn enter_to_look() -> Result<()> {
    enter_alone("make a mount namespace to look at a base in, apart from", Path::new("/"))
}
