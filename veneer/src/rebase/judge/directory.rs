//! Directories of a layer. Pure: a table.

use super::{Judgement, Reason, Verdict, say};
use crate::packages::Owner;

/// What judging looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // each is a column of the table
pub struct Directory {
    /// Who owns the path.
    pub owner: Owner,
    /// True for the modules of a kernel that the new base lacks and that are not known to be the user's own.
    pub old_kernel: bool,
    /// True if the new base has something else than a directory here or above.
    pub displaced: bool,
    /// Whether the new base has a directory here.
    pub base: bool,
    /// True if nothing is in it.
    pub empty: bool,
    /// True if it is known, or its mark says, that the old base had a directory here.
    pub was_there: bool,
    /// True if the merged metadata is the base's; only with [`Directory::base`].
    pub base_metadata: bool,
    /// True if both changed an item of the metadata.
    pub conflict: bool,
}

/// Judges a directory. What is in it is judged entry by entry, but for a quarantine, which takes all of it.
#[must_use]
pub fn judge_directory(directory: &Directory) -> Judgement {
    use Verdict::{Carry, Displace, Keep, Merge, MergeMetadata, Quarantine};
    if directory.owner == Owner::Stranded {
        return say(Quarantine, Reason::Stranded);
    }
    if directory.old_kernel {
        return say(Quarantine, Reason::OldKernel);
    }
    if directory.displaced {
        let is_all_there_is = directory.empty && !directory.was_there;
        return if is_all_there_is {
            say(Quarantine, Reason::Displaced)
        } else {
            say(Displace, Reason::Displaced)
        };
    }
    match (directory.base, directory.base_metadata, directory.conflict) {
        // A package database has the metadata that its manager gives it.
        (true, _, _) if directory.owner == Owner::Database => say(Merge, Reason::Database),
        (true, true, false) => say(Merge, Reason::BothDirectories),
        (true, true, true) => say(Merge, Reason::MetadataConflict),
        (true, false, false) => say(MergeMetadata, Reason::Metadata),
        (true, false, true) => say(MergeMetadata, Reason::MetadataConflict),
        (false, _, _) if matches!(directory.owner, Owner::Database | Owner::Gone) => {
            say(Carry, Reason::PackageGone)
        }
        (false, _, _) if directory.owner == Owner::Kept => say(Keep, Reason::Packaged),
        (false, _, _) if directory.was_there => say(Carry, Reason::OldBase),
        (false, _, _) => say(Keep, Reason::Own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Carry, Displace, Keep, Merge, MergeMetadata, Quarantine};

    const PLAIN: Directory = Directory {
        owner: Owner::Nobody,
        old_kernel: false,
        displaced: false,
        empty: false,
        base: true,
        was_there: false,
        base_metadata: true,
        conflict: false,
    };

    #[test]
    fn the_table() {
        let rows = [
            (PLAIN, Merge),
            (Directory { base_metadata: false, ..PLAIN }, MergeMetadata),
            (Directory { conflict: true, ..PLAIN }, Merge),
            (Directory { base: false, ..PLAIN }, Keep),
            (Directory { base: false, was_there: true, ..PLAIN }, Carry),
            (Directory { base: false, was_there: true, owner: Owner::Kept, ..PLAIN }, Keep),
            (Directory { base: false, owner: Owner::Gone, ..PLAIN }, Carry),
            (Directory { base: false, displaced: true, ..PLAIN }, Displace),
            (Directory { base: false, displaced: true, empty: true, ..PLAIN }, Quarantine),
            (Directory { base: false, old_kernel: true, ..PLAIN }, Quarantine),
            (Directory { owner: Owner::Stranded, base: false, ..PLAIN }, Quarantine),
        ];
        for (directory, expected) in rows {
            assert_eq!(judge_directory(&directory).verdict, expected, "{directory:?}");
        }
    }
}
