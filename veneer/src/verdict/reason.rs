//! Reason codes: few, stable words that programs and manuals refer to.

use serde::{Deserialize, Serialize};

/// Why this boot is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A layer is mounted.
    Ok,
    /// The user or the image turned Veneer off, for this boot or for good.
    Disabled,
    /// There is no store.
    StoreMissing,
    /// There is something where the store should be, and it cannot hold a layer.
    StoreUnusable,
    /// A state file or directory of the store is damaged or of a later format.
    StoreCorrupt,
    /// Somebody else uses the store.
    StoreBusy,
    /// The store is too full.
    NoSpace,
    /// The layer was made for another system.
    Incompatible,
    /// The layer did not come up well too many times.
    TrialFailed,
    /// With the layer the system could not start.
    ProbeFailed,
    /// The kernel refused a mount.
    MountFailed,
    /// Deriving a layer for this base failed.
    RebaseFailed,
    /// A mistake in Veneer.
    Internal,
}

impl Reason {
    /// The word.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Reason::Ok => "ok",
            Reason::Disabled => "disabled",
            Reason::StoreMissing => "store-missing",
            Reason::StoreUnusable => "store-unusable",
            Reason::StoreCorrupt => "store-corrupt",
            Reason::StoreBusy => "store-busy",
            Reason::NoSpace => "no-space",
            Reason::Incompatible => "incompatible",
            Reason::TrialFailed => "trial-failed",
            Reason::ProbeFailed => "probe-failed",
            Reason::MountFailed => "mount-failed",
            Reason::RebaseFailed => "rebase-failed",
            Reason::Internal => "internal",
        }
    }

    /// What the user can do, as the end of a sentence.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Reason::Ok => "nothing is to be done",
            Reason::Disabled => "boot without rd.veneer=0 and rd.veneer.mode=pristine to turn it on",
            Reason::StoreMissing => {
                "make a partition with Veneer's type or the label veneer and a file system on it, or set rd.veneer.store="
            }
            Reason::StoreUnusable => "the store needs a healthy ext4, xfs or btrfs that is writable",
            Reason::StoreCorrupt => {
                "nothing was changed; move the damaged file away or put back a good one, and reboot"
            }
            Reason::StoreBusy => "end what uses it and reboot",
            Reason::NoSpace => {
                "make room in the store (`veneer gc`, or enlarge it) and reboot; nothing was changed"
            }
            Reason::Incompatible => "`veneer rebase --base / --force` carries the layer over all the same",
            Reason::TrialFailed => "`veneer retry` gives the layer another try",
            Reason::ProbeFailed => {
                "nothing was lost; mend it from the pristine system, or boot with rd.veneer.layer=ID to use another layer"
            }
            Reason::MountFailed => "the kernel log says more; nothing was changed",
            Reason::RebaseFailed => "the old layer is untouched; boot its base to use it",
            Reason::Internal => "please report it, with `journalctl -b -t veneer-assemble`",
        }
    }
}
