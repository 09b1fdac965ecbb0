//! `status.json`: what this boot did. Its form is an interface (format 1): fields are added, never changed.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use rustix::fs::Mode;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::Problem;
use crate::base::{Base, IdSource};
use crate::error::{At as _, Result};
use crate::mount::Form;
use crate::store::{Action, LayerName};
use crate::tree::leave_open;
use crate::verdict::Reason;

/// Whether a layer is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A layer is mounted over /usr.
    Layer,
    /// /usr is the bare base.
    Pristine,
}

/// The base of this boot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusBase {
    /// The base id; empty if the base could not be looked at, as are the others then.
    pub id: String,
    /// Where it comes from.
    pub source: Option<IdSource>,
    /// `ID=` of os-release.
    pub os: String,
    /// `VERSION_ID=`, or what there is instead.
    pub version: String,
}

impl From<&Base> for StatusBase {
    fn from(base: &Base) -> Self {
        let (id, source) = (base.id.id.clone(), Some(base.id.source));
        let version = if base.version_id.is_empty() { &base.version } else { &base.version_id };
        StatusBase { id, source, os: base.os.clone(), version: version.clone() }
    }
}

/// The layer of this boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusLayer {
    /// Its name.
    pub id: LayerName,
    /// The layer that it was derived from.
    pub parent: Option<LayerName>,
    /// How it came to be mounted.
    pub action: Action,
}

/// What the layer stands on, where the base is an overlay itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusLower {
    /// The base's overlay, or the parts that it is made of.
    pub form: Form,
    /// Whether the kernel lets a systemd-sysext be mounted on top; null if that could not be tried.
    pub extension_fits: Option<bool>,
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// 1.
    pub format: u32,
    /// Whether a layer is mounted.
    pub outcome: Outcome,
    /// `ok`, or why none is.
    pub reason: Reason,
    /// What happened and what the user can do, in a sentence or two.
    pub message: String,
    /// The base.
    pub base: StatusBase,
    /// The layer; null when pristine.
    pub layer: Option<StatusLayer>,
    /// What the layer stands on; not there if that is a plain file system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower: Option<StatusLower>,
    /// What the user should know of this layer on this base.
    pub problems: Vec<Problem>,
    /// How long the parts took, in microseconds; `total` is the whole program.
    pub timings_us: BTreeMap<String, u64>,
}

/// More than this is no file of ours: a store's whole list of problems fits.
const LIMIT: u64 = 16 * 1024 * 1024;

impl Status {
    /// Writes `status.json` into the runtime directory, which is made if it is missing. Readers see the old or the
    /// new file; nothing is synced, since the directory is memory. True if there was no such directory.
    pub fn write(&self, runtime: &Path) -> Result<bool> {
        let path = runtime.join("status.json");
        let tmp = runtime.join("status.json.new");
        let mut text = serde_json::to_string(self).map_err(std::io::Error::other).writing(&path)?;
        text.push('\n');
        // /run is new on every boot.
        let is_new = match rustix::fs::mkdir(runtime, Mode::from_raw_mode(0o755)) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(_) => {
                fs_err::create_dir_all(runtime).writing(runtime)?;
                true
            }
        };
        let mut file = fs_err::File::create(&tmp).writing(&tmp)?;
        file.write_all(text.as_bytes()).writing(&tmp)?;
        leave_open(file.into_file());
        fs_err::rename(&tmp, &path).writing(&path)?;
        Ok(is_new)
    }

    /// Writes `motd` into the runtime directory if there is something that a person who logs in should be told: a
    /// pristine boot that nobody asked for, a layer that was carried over, or problems. If there is not, takes away what
    /// was foretold of a run that would not come to its end, but for an `is_new` directory, which has nothing in it.
    pub fn write_motd(&self, runtime: &Path, is_new: bool) -> Result<()> {
        let rebased = self.layer.as_ref().is_some_and(|layer| layer.action == Action::Rebased);
        let asked_for = matches!(self.reason, Reason::Ok | Reason::Disabled);
        let path = runtime.join("motd");
        if asked_for && !rebased && self.problems.is_empty() {
            if is_new {
                return Ok(());
            }
            return match fs_err::remove_file(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                other => other.writing(&path),
            };
        }
        let text = match self.outcome {
            Outcome::Layer => format!("Veneer: {}.\n", self.message),
            Outcome::Pristine => {
                format!("Veneer: /usr is pristine ({}): {}.\n", self.reason.code(), self.message)
            }
        };
        fs_err::write(&path, text).writing(&path)
    }

    /// Reads what [`Status::write`] wrote; `None` if Veneer did not run in this boot.
    pub fn read(runtime: &Path) -> Result<Option<Self>> {
        let path = runtime.join("status.json");
        if !path.exists() {
            return Ok(None);
        }
        let dir = crate::tree::Dir::open(runtime)?;
        let bytes = dir.read(c"status.json", LIMIT)?.unwrap_or_default();
        let status = serde_json::from_slice(&bytes).map_err(std::io::Error::from).reading(path)?;
        Ok(Some(status))
    }
}
