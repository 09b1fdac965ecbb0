//! The verdict on one entry of a layer that goes to another base. Pure: facts in, a verdict with its reason out. The rules
//! are those of docs/rebase.md, one table a kind of entry.

mod directory;
mod leaf;
mod metadata;
mod reason;
mod whiteout;

pub use directory::{Directory, judge_directory};
pub use leaf::{Before, Leaf, Shipping, Theirs, judge_leaf};
pub use metadata::{Merged, is_changed, merge};
pub use reason::Reason;
pub use whiteout::{Hidden, Whiteout, judge_whiteout};

use crate::report::ProblemKind;

/// What becomes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes to the new layer as it is, less overlayfs's marks. A directory's entries are judged one by one.
    Keep,
    /// Its content goes to the new layer, with the merged metadata.
    KeepMerged,
    /// The new base's content goes to the new layer, with the merged metadata.
    BaseMerged,
    /// It does not go to the new layer: nothing of the user's is in it.
    Drop,
    /// It is set aside; what the base has is visible.
    Quarantine,
    /// It goes to the new layer, and hides what the base has.
    Hide,
    /// What of the old base it hid is hidden path by path, so that what the new base adds is visible.
    Unhide,
    /// A directory of both: entries are judged one by one, and the base's metadata is in force.
    Merge,
    /// The same, with metadata of the user's.
    MergeMetadata,
    /// A directory that the new base does not have: it goes to the new layer if anything in it does.
    Carry,
    /// A directory in whose place the new base has something else: what in it is the user's is set aside.
    Displace,
}

impl Verdict {
    /// The word for it in lists.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Keep | Verdict::KeepMerged => "keep",
            Verdict::BaseMerged => "metadata",
            Verdict::Drop => "drop",
            Verdict::Quarantine => "quarantine",
            Verdict::Hide => "hide",
            Verdict::Unhide => "unhide",
            Verdict::Merge | Verdict::Carry => "merge-directory",
            Verdict::MergeMetadata => "merge-metadata",
            Verdict::Displace => "displace",
        }
    }
}

/// A verdict and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
}

impl Judgement {
    /// The kind of problem that the user is told of; `None` if nobody needs to know.
    #[must_use]
    pub fn problem(&self) -> Option<ProblemKind> {
        // What is in such a directory is told entry by entry; and where the base's own was there before, nothing of the
        // user's is lost.
        let is_nothing = self.verdict == Verdict::Displace
            || (self.verdict == Verdict::Drop && self.reason == Reason::Protected);
        if is_nothing { None } else { self.reason.problem() }
    }

    /// True if it says no more than "yours stays" or "the base's directory is used".
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self.verdict, Verdict::Keep | Verdict::Merge | Verdict::Carry) && self.problem().is_none()
    }
}

const fn say(verdict: Verdict, reason: Reason) -> Judgement {
    Judgement { verdict, reason }
}
