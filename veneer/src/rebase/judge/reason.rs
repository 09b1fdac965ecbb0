//! Why a verdict is what it is, in words for people.

use crate::report::ProblemKind;

/// A row of docs/rebase.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The base never had a say.
    Own,
    /// Nothing differs from the new base.
    Same,
    /// A leftover of the old base.
    OldBase,
    /// The same, with metadata that the user had changed.
    OldBaseMetadata,
    /// Edited, and the new base did not touch it.
    Edited,
    /// Edited, and the new base has it no more.
    EditedBaseGone,
    /// The user changed metadata alone.
    Metadata,
    /// The user and the new base changed the same item of the metadata.
    MetadataConflict,
    /// Both changed the content.
    BothChanged,
    /// Both brought something.
    BothBrought,
    /// The base has a directory where the layer has none.
    BaseDirectory,
    /// The base has something of another type.
    BaseOther,
    /// What the old base had is not known, and the entry was copied up from it.
    UnknownCopy,
    /// What the old base had is not known, and the new one has something else.
    Unknown,
    /// The base has something in the place of a directory of the layer.
    Displaced,
    /// A package of the user's has a file that a package of the base has too.
    PackageConflict,
    /// A file of a package whose files go had been edited by hand.
    EditedPackaged,
    /// A package of the user's stays.
    Packaged,
    /// A package that the user has newer stays.
    Overriding,
    /// A package is the base's now, or nobody's.
    PackageGone,
    /// A package that had been removed is there again.
    PackageBack,
    /// A package that had been removed stays removed.
    PackageRemoved,
    /// The package database is composed anew.
    Database,
    /// The new base has no package database.
    Stranded,
    /// The base's own is always used at this path.
    Protected,
    /// Modules of a kernel that the new base lacks.
    OldKernel,
    /// Made from other files.
    Derived,
    /// A whiteout of nothing.
    Orphan,
    /// Removed by the user, and as it was.
    Removed,
    /// Removed by the user, and changed by the new base.
    RemovedChanged,
    /// Hidden; whether the user or the base changed anything is not known.
    RemovedUnknown,
    /// Removed by the user, and something of another kind in the new base.
    RemovedOther,
    /// A directory that the user removed, or made anew, with new things in the new base.
    Unhidden,
    /// A directory that both have.
    BothDirectories,
}

impl Reason {
    /// A sentence without its full stop.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Reason::Own => "the base has nothing here",
            Reason::Same => "it is the same as the new base's",
            Reason::OldBase => "it was the old base's, unchanged",
            Reason::OldBaseMetadata => {
                "the new base does not have this file any more; your change of its mode, owner or attributes went with it"
            }
            Reason::Edited => "you changed it, and the new base did not",
            Reason::EditedBaseGone => {
                "the new base does not have this file any more; yours, which you had changed, stays"
            }
            Reason::Metadata => "your change of mode, owner or attributes is kept on what the new base has",
            Reason::MetadataConflict => {
                "you and the new base both changed its mode, owner or attributes: the base's are in force"
            }
            Reason::BothChanged => "the new base has its own version of this file",
            Reason::BothBrought => "the new base brought its own file here",
            Reason::BaseDirectory => "the new base has a directory here",
            Reason::BaseOther => "the new base has something of another kind here",
            Reason::UnknownCopy => {
                "it came from the old base, the new one does not have it, and whether you changed it is not known"
            }
            Reason::Unknown => {
                "the new base has its own version of this file, and whether you changed yours is not known"
            }
            Reason::Displaced => "the new base has something else than a directory here",
            Reason::PackageConflict => "a package of the new base has this file too",
            Reason::EditedPackaged => {
                "you had changed this file of a package, and the package is the base's now or gone"
            }
            Reason::Packaged => "a package of yours has it",
            Reason::Overriding => "your version of its package is newer than the base's",
            Reason::PackageGone => "its package is the base's now, or gone",
            Reason::PackageBack => "its package is there again",
            Reason::PackageRemoved => "you removed its package",
            Reason::Database => "the package database is composed anew",
            Reason::Stranded => "the new base has no package database, so nothing lists your packages there",
            Reason::Protected => "the base's own is always used here",
            Reason::OldKernel => "the new base does not have this kernel",
            Reason::Derived => "it is made from other files, and made again",
            Reason::Orphan => "there is nothing left to hide",
            Reason::Removed => "you removed it",
            Reason::RemovedChanged => "you removed it; the new base changed it, and it stays hidden",
            Reason::RemovedUnknown => {
                "you removed it; whether the new base changed it is not known, and it stays hidden"
            }
            Reason::RemovedOther => {
                "you removed what the old base had here; the new base has something of another kind"
            }
            Reason::Unhidden => {
                "you removed what the old base had in this directory; what is new in it is visible"
            }
            Reason::BothDirectories => "both have this directory",
        }
    }

    pub(super) fn problem(self) -> Option<ProblemKind> {
        Some(match self {
            Reason::BothChanged
            | Reason::BothBrought
            | Reason::BaseDirectory
            | Reason::BaseOther
            | Reason::UnknownCopy
            | Reason::Unknown
            | Reason::Displaced
            | Reason::PackageConflict
            | Reason::EditedPackaged
            | Reason::Stranded
            | Reason::OldKernel => ProblemKind::Quarantined,
            Reason::Protected => ProblemKind::Protected,
            Reason::OldBaseMetadata | Reason::MetadataConflict => ProblemKind::Metadata,
            Reason::Metadata | Reason::EditedBaseGone => ProblemKind::Kept,
            Reason::RemovedChanged | Reason::RemovedUnknown => ProblemKind::Hidden,
            Reason::RemovedOther | Reason::Unhidden => ProblemKind::Shown,
            Reason::Own
            | Reason::Same
            | Reason::OldBase
            | Reason::Edited
            | Reason::Packaged
            | Reason::Overriding
            | Reason::PackageGone
            | Reason::PackageBack
            | Reason::PackageRemoved
            | Reason::Database
            | Reason::Derived
            | Reason::Orphan
            | Reason::Removed
            | Reason::BothDirectories => return None,
        })
    }
}
