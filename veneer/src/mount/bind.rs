//! A read-only bind of the bare base onto a short plain path: the overlay's lower, and the running system's way to see
//! what is below its layer.

use std::path::{Path, PathBuf};

use libmount::BindMount;
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags};

use super::{failed, make_writable, unmount};
use crate::error::{At as _, Result};

/// A bind mount that is taken away again unless it is [kept](Bind::keep).
#[derive(Debug)]
pub struct Bind {
    target: PathBuf,
    kept: bool,
}

impl Bind {
    /// Binds the directory `source` to `target`, read-only, without the mounts below it (overlayfs would not show
    /// them either).
    pub fn read_only(source: &Path, target: &Path) -> Result<Self> {
        if let Err(first) = bind(source, target) {
            // On the first boot with this store; it is there on every other.
            match rustix::fs::mkdir(target, Mode::from_raw_mode(0o755)) {
                Ok(()) => bind(source, target)?,
                Err(Errno::EXIST) => return Err(first),
                Err(e) => return Err(e).writing(target),
            }
        }
        let bind = Bind { target: target.into(), kept: false };
        // systemd makes all mounts shared, in the initramfs too, and a bind of a shared mount is its peer: the overlay
        // that is about to cover /usr would appear here as well (mount_namespaces(7)).
        rustix::mount::mount_change(target, MountPropagationFlags::PRIVATE)
            .map_err(|e| failed("make private", target, e, String::new()))?;
        // By hand: libmount would read the whole mount table to keep the source's flags. This is a view for tools: it
        // needs neither devices nor setuid programs. Overlayfs has flags of its own for what it takes from here.
        let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NODEV | MountFlags::NOSUID;
        rustix::mount::mount_remount(target, flags, "")
            .map_err(|e| failed("make read-only", target, e, String::new()))?;
        Ok(bind)
    }

    /// Binds the directory `source` to `target` and makes it writable there, also where a mount flag or the whole file
    /// system is read-only. What other mounts show stays as it is.
    pub fn writable(source: &Path, target: &Path) -> Result<Self> {
        bind(source, target)?;
        let bind = Bind { target: target.into(), kept: false };
        rustix::mount::mount_change(target, MountPropagationFlags::PRIVATE)
            .map_err(|e| failed("make private", target, e, String::new()))?;
        make_writable(target)?;
        Ok(bind)
    }

    /// Leaves the mount to the running system.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

fn bind(source: &Path, target: &Path) -> Result<()> {
    BindMount::new(source, target)
        .recursive(false)
        .bare_mount()
        .map_err(|e| failed("bind", source, std::io::Error::last_os_error(), e.explain().to_string()))
}

impl Drop for Bind {
    fn drop(&mut self) {
        if !self.kept {
            if let Err(error) = unmount(&self.target) {
                log::warn!("{error}");
            }
        }
    }
}
