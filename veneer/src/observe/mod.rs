//! What is there: the user's words, the base, the store and its layers. Reads, and takes the store's lock; judges
//! nothing.

mod ahead;
mod encryption;
mod fstab;
mod store;
mod trust;

pub use ahead::outrun;
pub use fstab::awaits_usr;
pub use store::{Found, look_at_store, open_store};
pub use trust::unencrypted;

use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};

use crate::base::Base;
use crate::error::{At as _, Error, Result};
use crate::intent::Cmdline;
use crate::mount::{self, MountRow, Site};
use crate::tree::Dir;
use crate::verdict::{Reason, Refusal};

/// Where things are; tests move each of them.
#[derive(Debug, Clone)]
pub struct Places {
    /// The root that veneer.conf, /dev and /run are looked for in.
    pub root: PathBuf,
    /// The real root.
    pub sysroot: PathBuf,
    /// Where the store is mounted.
    pub store: PathBuf,
    /// True if `store` is the mount point of a real boot: nothing mounted there means no store.
    pub store_is_mount: bool,
    /// Where `status.json` goes.
    pub runtime: PathBuf,
    /// The kernel's command line.
    pub cmdline: PathBuf,
}

impl Places {
    /// The base, bound read-only beside the store for the running system.
    #[must_use]
    pub fn base(&self) -> PathBuf {
        base_beside(&self.store)
    }

    /// A link to the composefs image that the base was mounted from, where nothing else tells of it.
    #[must_use]
    pub(crate) fn image(&self) -> PathBuf {
        self.base().with_file_name("image")
    }

    /// An empty directory for kernels that cannot mount detached.
    #[must_use]
    pub fn staging(&self) -> PathBuf {
        self.store.parent().unwrap_or(Path::new("/")).join("staging")
    }

    /// The /usr to be.
    #[must_use]
    pub fn usr(&self) -> PathBuf {
        self.sysroot.join("usr")
    }
}

/// Where the bare base of a running layer is, by the place of the store.
#[must_use]
pub fn base_beside(store: &Path) -> PathBuf {
    store.parent().unwrap_or(Path::new("/")).join("base")
}

/// The machine as found, but for the store.
#[derive(Debug)]
pub struct Machine {
    /// The bare /usr.
    pub usr: Dir,
    /// Where that is.
    pub site: Site,
    /// The base that it is.
    pub base: Base,
}

impl Machine {
    /// Looks at the base.
    pub fn observe(places: &Places, words: &Cmdline) -> Result<Self> {
        let path = places.usr();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let usr = rustix::fs::openat(CWD, &path, flags, Mode::empty()).opening(&path)?;
        let usr = Dir::from_fd(usr, path);
        let site = mount::site(&usr)?;
        let base = Base::observe(&places.sysroot, &usr, &site, words)?;
        Ok(Machine { usr, site, base })
    }

    /// True if the base is an overlay itself.
    #[must_use]
    pub(crate) fn is_overlay(&self) -> bool {
        self.site.mount.as_ref().is_some_and(|row| row.kind == "overlay")
    }

    /// True if a layer is mounted over /usr already.
    #[must_use]
    pub fn is_layered(&self) -> bool {
        self.site.mount.as_ref().is_some_and(MountRow::is_layer)
    }
}

/// What an error with the store means for the boot.
#[must_use]
pub fn refuse(error: &Error) -> Refusal {
    let reason = match error {
        _ if error.is_no_space() => Reason::NoSpace,
        Error::Busy { .. } => Reason::StoreBusy,
        Error::Damaged { .. } | Error::Format { .. } => Reason::StoreCorrupt,
        _ => Reason::StoreUnusable,
    };
    Refusal::new(reason, format!("{error}; {}", reason.remedy()))
}
