//! The base: what it is called, and what identifies its content.

mod composefs;
mod fingerprint;
mod identity;
mod os_release;
mod superblock;

pub(crate) use composefs::take_apart;
pub use identity::{BaseId, IdSource};
pub use os_release::OsRelease;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::intent::Cmdline;
use crate::mount::{Site, Time};
use crate::report::one_line;
use crate::tree::{Dir, leave_open, read_sized};

/// What is known of a base; a layer keeps a copy of that of the base it is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// What identifies its content.
    #[serde(flatten)]
    pub id: BaseId,
    /// `ID=` of os-release.
    pub os: String,
    /// `VERSION_ID=`, with `IMAGE_VERSION=` or `BUILD_ID=` behind it if set; for people.
    pub version: String,
    /// `VERSION_ID=` alone, what the `versions=` policy compares.
    pub version_id: String,
    /// `ID_LIKE=`, split at blanks.
    pub like: Vec<String>,
    /// `VENEER_LEVEL=`, the image builder's own switch for compatibility.
    pub level: Option<String>,
    /// The machine architecture that the base is for, as `uname -m` names it.
    pub arch: String,
}

impl Base {
    /// Looks at the base below `sysroot`, whose /usr is already open as `usr` and lies at `site`.
    ///
    /// `words` is the kernel command line, which names a verity root hash or an ostree deployment; a word counts
    /// only if what is mounted bears it out.
    pub fn observe(sysroot: &Path, usr: &Dir, site: &Site, words: &Cmdline) -> Result<Self> {
        let (text, time) = match read_os_release(usr) {
            Ok(Some((text, time))) => (text, Some(time)),
            // Nothing at all is no base: a layer on it would hide nothing and serve nobody.
            Ok(None) if usr.names()?.is_empty() => {
                return Err(Error::Damaged {
                    path: usr.path().into(),
                    what: "there is nothing in it".into(),
                });
            }
            Ok(None) => (Vec::new(), None),
            // A base that cannot say its name is still one.
            Err(error) => {
                log::warn!("{error}; going on as if it were empty");
                (Vec::new(), None)
            }
        };
        let os = OsRelease::parse(&String::from_utf8_lossy(&text));
        let id = identity::observe(sysroot, usr, site, words, (&text, time))?;
        Ok(Base {
            id,
            version: os.display_version(),
            os: os.id,
            version_id: os.version_id,
            like: os.like,
            level: os.level,
            arch: machine(),
        })
    }

    /// How messages name it: `debian 13 (image 7)`.
    #[must_use]
    pub fn name(&self) -> String {
        // A layer's copy of it is whatever the store says.
        let (os, version) = (one_line(&self.os, 100), one_line(&self.version, 100));
        format!("{os} {version}").trim_end().to_owned()
    }

    /// The same with the beginning of its id, for telling two apart.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{} (id {})", self.name(), self.id.short())
    }
}

/// The content of os-release and its time of modification; `None` if there is none.
fn read_os_release(usr: &Dir) -> Result<Option<(Vec<u8>, Time)>> {
    let path = Path::new("lib/os-release");
    let Some((file, stat)) = usr.file_down(path)? else { return Ok(None) };
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    let text = read_sized(&file, size, OsRelease::LIMIT, &usr.path().join(path))?;
    leave_open(file);
    Ok(Some((text, (stat.st_mtime, stat.st_mtime_nsec))))
}

fn machine() -> String {
    rustix::system::uname().machine().to_string_lossy().into_owned()
}
