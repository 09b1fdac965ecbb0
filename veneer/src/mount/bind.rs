//! A read-only bind of the bare base onto a short plain path: the overlay's lower, and the running system's way to see
//! what is below its layer.

use std::path::{Path, PathBuf};

use libmount::{BindMount, Remount};

use super::unmount;
use crate::error::{Error, Result};

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
        let failed = |what, error: libmount::OSError| Error::Mount {
            what,
            path: source.into(),
            source: std::io::Error::last_os_error(),
            kernel: error.explain().to_string(),
        };
        BindMount::new(source, target).recursive(false).bare_mount().map_err(|e| failed("bind", e))?;
        let bind = Bind { target: target.into(), kept: false };
        // Not BindMount's own `readonly`, which leaves the bind behind when the remount fails.
        Remount::new(target)
            .bind(true)
            .readonly(true)
            .bare_remount()
            .map_err(|e| failed("make read-only", e))?;
        Ok(bind)
    }

    /// Leaves the mount to the running system.
    pub fn keep(mut self) {
        self.kept = true;
    }
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
