//! Files, symlinks, devices, FIFOs and sockets of a layer. Pure: a table.

use super::{Judgement, Reason, Verdict, say};
use crate::packages::Owner;

/// What the layer's entry is against what the old base had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// The old base had nothing there.
    Absent,
    /// Nobody knows what the old base had there.
    Unknown,
    /// Nobody knows, but it was copied up, so there was something.
    CopiedUp,
    /// The content is the old base's. True if the metadata is not.
    Unchanged {
        /// Whether mode, owner or attributes differ.
        metadata: bool,
    },
    /// The content, or the type, is another.
    Edited,
}

/// What the new base has, against the layer's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theirs {
    /// Nothing.
    Nothing,
    /// A directory.
    Directory,
    /// Something of another type.
    Other,
    /// The same type with other content.
    Differs {
        /// True if that content is what the old base had.
        as_old: bool,
    },
    /// The same content with other metadata.
    SameContent,
    /// The same in everything that counts.
    Same,
}

/// Whether the content is what the layer's package brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shipping {
    /// No digest says.
    Unknown,
    /// It is.
    AsShipped,
    /// It is not: somebody edited it.
    Edited,
}

/// What judging looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // each is a column of the table
pub struct Leaf {
    /// Who owns the path.
    pub owner: Owner,
    /// Whether the content is what its package brought.
    pub shipping: Shipping,
    /// True for a path at which the base always wins.
    pub protected: bool,
    /// True for a file that is made from others.
    pub derived: bool,
    /// True if the new base has something else than a directory above it.
    pub displaced: bool,
    /// Against the old base.
    pub before: Before,
    /// Against the new one.
    pub theirs: Theirs,
    /// True if the merged metadata is the new base's; only where [`Leaf::theirs`] is of the same type.
    pub base_metadata: bool,
    /// True if both changed an item of the metadata.
    pub conflict: bool,
}

/// Judges a leaf.
#[must_use]
#[allow(clippy::match_same_arms)] // a table: each row stands for a rule of its own
pub fn judge_leaf(leaf: &Leaf) -> Judgement {
    use Before::{Absent, CopiedUp, Edited, Unchanged, Unknown};
    use Theirs::{Differs, Directory, Nothing, Other, Same, SameContent};
    use Verdict::{Drop, Keep, KeepMerged, Quarantine};

    if let Some(first) = before_all_others(leaf) {
        return first;
    }
    match (leaf.before, leaf.theirs) {
        (_, Same) => say(Drop, Reason::Same),
        (Unchanged { .. }, Other | Directory) => say(Drop, Reason::OldBase),
        (_, Directory) => say(Quarantine, Reason::BaseDirectory),
        (Edited, Other) => say(Quarantine, Reason::BaseOther),

        (Absent, Nothing) => say(Keep, Reason::Own),
        (Absent, Other | Differs { .. } | SameContent) => say(Quarantine, Reason::BothBrought),

        (Unknown, Nothing) => say(Keep, Reason::Own),
        (CopiedUp, Nothing) => say(Quarantine, Reason::UnknownCopy),
        (Unknown | CopiedUp, Other | Differs { .. } | SameContent) => say(Quarantine, Reason::Unknown),

        (Unchanged { metadata: false }, Nothing) => say(Drop, Reason::OldBase),
        (Unchanged { metadata: true }, Nothing) => say(Drop, Reason::OldBaseMetadata),
        (Edited, Nothing) => say(Keep, Reason::EditedBaseGone),

        (Edited, Differs { as_old: true }) => say(KeepMerged, Reason::Edited),
        (Edited, Differs { as_old: false }) => say(Quarantine, Reason::BothChanged),
        (Unchanged { .. }, Differs { .. } | SameContent) | (Edited, SameContent) => metadata_only(leaf),
    }
}

/// The content is the base's, by whatever way: only metadata may be the user's.
fn metadata_only(leaf: &Leaf) -> Judgement {
    match (leaf.base_metadata, leaf.conflict) {
        (true, false) => say(Verdict::Drop, Reason::OldBase),
        (true, true) => say(Verdict::Drop, Reason::MetadataConflict),
        (false, false) => say(Verdict::BaseMerged, Reason::Metadata),
        (false, true) => say(Verdict::BaseMerged, Reason::MetadataConflict),
    }
}

/// Rules that hold whatever the comparison says.
fn before_all_others(leaf: &Leaf) -> Option<Judgement> {
    use Theirs::{Directory, Nothing, Same};
    use Verdict::{Drop, Keep, Quarantine};

    let is_the_old_bases = matches!(leaf.before, Before::Unchanged { .. });
    if leaf.owner == Owner::Database {
        return Some(say(Drop, Reason::Database));
    }
    if leaf.protected && leaf.theirs != Nothing {
        let lost = leaf.theirs != Same && !is_the_old_bases && leaf.shipping != Shipping::AsShipped;
        return Some(if lost { say(Quarantine, Reason::Protected) } else { say(Drop, Reason::Protected) });
    }
    if leaf.derived && leaf.owner != Owner::Kept {
        return Some(say(Drop, Reason::Derived));
    }
    if leaf.displaced {
        return Some(match leaf.owner {
            _ if is_the_old_bases => say(Drop, Reason::OldBase),
            Owner::Gone if leaf.shipping != Shipping::Edited => say(Drop, Reason::PackageGone),
            _ => say(Quarantine, Reason::Displaced),
        });
    }
    match leaf.owner {
        Owner::Gone if leaf.shipping == Shipping::Edited && leaf.theirs != Same => {
            Some(say(Quarantine, Reason::EditedPackaged))
        }
        Owner::Gone => Some(say(Drop, Reason::PackageGone)),
        Owner::Kept => Some(match leaf.theirs {
            Nothing => say(Keep, Reason::Packaged),
            Same => say(Drop, Reason::Same),
            _ => say(Quarantine, Reason::PackageConflict),
        }),
        Owner::Overriding => Some(match leaf.theirs {
            Directory => say(Quarantine, Reason::BaseDirectory),
            _ => say(Keep, Reason::Overriding),
        }),
        // The new base's file of that package is not to be seen: the user's own in its place is.
        Owner::Removed if !is_the_old_bases => Some(match leaf.theirs {
            Directory => say(Quarantine, Reason::BaseDirectory),
            _ => say(Keep, Reason::Own),
        }),
        Owner::Nobody
        | Owner::Base
        | Owner::Removed
        | Owner::Returned
        | Owner::Database
        | Owner::Stranded => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Before::{Absent, CopiedUp, Edited, Unknown};
    use Theirs::{Differs, Directory, Nothing, Other, Same, SameContent};
    use Verdict::{BaseMerged, Drop, Keep, KeepMerged, Quarantine};

    const PLAIN: Leaf = Leaf {
        owner: Owner::Nobody,
        shipping: Shipping::Unknown,
        protected: false,
        derived: false,
        displaced: false,
        before: Unknown,
        theirs: Nothing,
        base_metadata: true,
        conflict: false,
    };
    const TOUCHED: Before = Before::Unchanged { metadata: false };
    const CHMOD: Before = Before::Unchanged { metadata: true };

    /// Every row against every column of docs/rebase.md.
    #[test]
    fn the_table() {
        let theirs = [
            Nothing,
            Same,
            SameContent,
            Differs { as_old: true },
            Differs { as_old: false },
            Other,
            Directory,
        ];
        let rows: [(Before, [Verdict; 7]); 6] = [
            (Absent, [Keep, Drop, Quarantine, Quarantine, Quarantine, Quarantine, Quarantine]),
            (Unknown, [Keep, Drop, Quarantine, Quarantine, Quarantine, Quarantine, Quarantine]),
            (CopiedUp, [Quarantine, Drop, Quarantine, Quarantine, Quarantine, Quarantine, Quarantine]),
            (TOUCHED, [Drop, Drop, Drop, Drop, Drop, Drop, Drop]),
            (CHMOD, [Drop, Drop, Drop, Drop, Drop, Drop, Drop]),
            (Edited, [Keep, Drop, Drop, KeepMerged, Quarantine, Quarantine, Quarantine]),
        ];
        for (before, expected) in rows {
            let found = theirs.map(|theirs| judge_leaf(&Leaf { before, theirs, ..PLAIN }).verdict);
            assert_eq!(found, expected, "{before:?}");
        }
    }

    #[test]
    fn metadata_of_the_users_is_kept_on_the_bases_content() {
        for (before, theirs) in
            [(CHMOD, SameContent), (CHMOD, Differs { as_old: false }), (Edited, SameContent)]
        {
            let found = judge_leaf(&Leaf { before, theirs, base_metadata: false, ..PLAIN });
            assert_eq!((found.verdict, found.reason), (BaseMerged, Reason::Metadata));
        }
        let both = judge_leaf(&Leaf { before: CHMOD, theirs: SameContent, conflict: true, ..PLAIN });
        assert_eq!((both.verdict, both.reason), (Drop, Reason::MetadataConflict));
    }

    #[test]
    fn packages() {
        use Shipping::{AsShipped, Edited as ByHand};
        let rows = [
            (Owner::Kept, Shipping::Unknown, Nothing, Keep),
            (Owner::Kept, Shipping::Unknown, Same, Drop),
            (Owner::Kept, AsShipped, Differs { as_old: false }, Quarantine),
            (Owner::Overriding, AsShipped, Differs { as_old: false }, Keep),
            (Owner::Overriding, AsShipped, Directory, Quarantine),
            (Owner::Gone, Shipping::Unknown, Nothing, Drop),
            (Owner::Gone, AsShipped, Differs { as_old: false }, Drop),
            (Owner::Gone, ByHand, Nothing, Quarantine),
            (Owner::Gone, ByHand, Same, Drop),
            (Owner::Database, Shipping::Unknown, Nothing, Drop),
            (Owner::Removed, Shipping::Unknown, Differs { as_old: false }, Keep),
            (Owner::Removed, Shipping::Unknown, Nothing, Keep),
            (Owner::Removed, Shipping::Unknown, Directory, Quarantine),
        ];
        for (owner, shipping, theirs, expected) in rows {
            let found = judge_leaf(&Leaf { owner, shipping, theirs, ..PLAIN });
            assert_eq!(found.verdict, expected, "{owner:?} {shipping:?} {theirs:?}");
        }
    }

    #[test]
    fn protected_paths_are_the_bases_whatever_else_holds() {
        let leaf = Leaf { protected: true, owner: Owner::Overriding, before: Edited, ..PLAIN };
        let rows =
            [(Differs { as_old: true }, Quarantine), (Same, Drop), (Directory, Quarantine), (Nothing, Keep)];
        for (theirs, expected) in rows {
            assert_eq!(judge_leaf(&Leaf { theirs, ..leaf }).verdict, expected, "{theirs:?}");
        }
        let touched = judge_leaf(&Leaf { theirs: Differs { as_old: false }, before: TOUCHED, ..leaf });
        assert_eq!(touched.verdict, Drop);
    }

    #[test]
    fn caches_are_made_again_unless_a_package_brought_them() {
        assert_eq!(judge_leaf(&Leaf { derived: true, ..PLAIN }).verdict, Drop);
        assert_eq!(judge_leaf(&Leaf { derived: true, owner: Owner::Kept, ..PLAIN }).verdict, Keep);
    }

    #[test]
    fn where_the_base_has_no_directory_the_users_is_set_aside() {
        let leaf = Leaf { displaced: true, ..PLAIN };
        for (before, expected) in
            [(Absent, Quarantine), (Unknown, Quarantine), (Edited, Quarantine), (TOUCHED, Drop)]
        {
            assert_eq!(judge_leaf(&Leaf { before, ..leaf }).verdict, expected, "{before:?}");
        }
    }
}
