//! A mount namespace for this process and the programs that it starts: what is mounted in it ends with them, and nobody
//! else sees it.

use rustix::mount::MountPropagationFlags;
use rustix::thread::UnshareFlags;

use crate::failure::Failure;

/// Enters it. To be called before there are threads, and before anything is looked at by its mount.
pub(super) fn enter() -> Result<(), Failure> {
    let failed = |errno: rustix::io::Errno| {
        let message = format!("cannot make a mount namespace to look at the image in: {errno}");
        match errno {
            rustix::io::Errno::PERM => Failure::Refused(message),
            _ => Failure::Missing(message),
        }
    };
    // rustix would have this call unsafe for CLONE_FILES, after which threads disagree about what a descriptor is.
    #[allow(deprecated)]
    rustix::thread::unshare(UnshareFlags::NEWNS).map_err(failed)?;
    // What the system unmounts meanwhile is not held here; what is mounted here does not appear there.
    let flags = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", flags).map_err(failed)
}
