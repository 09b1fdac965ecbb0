//! Whiteouts of a layer: what the user removed. Pure: a table.

use super::{Judgement, Reason, Verdict, say};
use crate::packages::Owner;

/// What the whiteout hid in the old base, against what it would hide in the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// The new base has nothing there.
    Nothing,
    /// Nobody knows what the old base had, or it had nothing.
    Unknown,
    /// The same type, content and metadata in both; no directories.
    Same,
    /// The same type in both, changed or perhaps so; no directories.
    Changed,
    /// Another type.
    Other,
    /// Directories in both.
    Directories,
}

/// What judging looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whiteout {
    /// Who owns the path.
    pub owner: Owner,
    /// True for a path at which the base always wins.
    pub protected: bool,
    /// True for a file that is made from others.
    pub derived: bool,
    /// True if the new base has something else than a directory above it.
    pub displaced: bool,
    /// Both bases.
    pub hidden: Hidden,
}

/// Judges a whiteout.
#[must_use]
pub fn judge_whiteout(whiteout: &Whiteout) -> Judgement {
    use Verdict::{Drop, Hide, Unhide};
    if whiteout.owner == Owner::Database {
        return say(Drop, Reason::Database);
    }
    if whiteout.displaced || whiteout.hidden == Hidden::Nothing {
        return say(Drop, Reason::Orphan);
    }
    if whiteout.protected {
        return say(Drop, Reason::Protected);
    }
    if whiteout.derived {
        return say(Drop, Reason::Derived);
    }
    match (whiteout.owner, whiteout.hidden) {
        (Owner::Returned, _) => say(Drop, Reason::PackageBack),
        (Owner::Gone, _) => say(Drop, Reason::PackageGone),
        // What of it is hidden comes from the package's own list.
        (Owner::Removed, Hidden::Directories) => say(Unhide, Reason::PackageRemoved),
        (Owner::Removed, _) => say(Hide, Reason::PackageRemoved),
        (Owner::Overriding, Hidden::Directories) => say(Unhide, Reason::Overriding),
        (Owner::Overriding, _) => say(Hide, Reason::Overriding),
        (_, Hidden::Nothing) => say(Drop, Reason::Orphan),
        (_, Hidden::Same) => say(Hide, Reason::Removed),
        (_, Hidden::Changed) => say(Hide, Reason::RemovedChanged),
        (_, Hidden::Unknown) => say(Hide, Reason::RemovedUnknown),
        (_, Hidden::Other) => say(Drop, Reason::RemovedOther),
        (_, Hidden::Directories) => say(Unhide, Reason::Unhidden),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Hidden::{Changed, Directories, Nothing, Other, Same, Unknown};
    use Verdict::{Drop, Hide, Unhide};

    const PLAIN: Whiteout =
        Whiteout { owner: Owner::Nobody, protected: false, derived: false, displaced: false, hidden: Same };

    #[test]
    fn the_table() {
        let columns = [Nothing, Unknown, Same, Changed, Other, Directories];
        let rows = [
            (Owner::Nobody, [Drop, Hide, Hide, Hide, Drop, Unhide]),
            (Owner::Base, [Drop, Hide, Hide, Hide, Drop, Unhide]),
            (Owner::Removed, [Drop, Hide, Hide, Hide, Hide, Unhide]),
            (Owner::Returned, [Drop, Drop, Drop, Drop, Drop, Drop]),
            (Owner::Gone, [Drop, Drop, Drop, Drop, Drop, Drop]),
            (Owner::Database, [Drop, Drop, Drop, Drop, Drop, Drop]),
        ];
        for (owner, expected) in rows {
            let found = columns.map(|hidden| judge_whiteout(&Whiteout { owner, hidden, ..PLAIN }).verdict);
            assert_eq!(found, expected, "{owner:?}");
        }
    }

    #[test]
    fn what_the_system_needs_is_never_hidden() {
        for plain in [
            Whiteout { protected: true, ..PLAIN },
            Whiteout { derived: true, ..PLAIN },
            Whiteout { displaced: true, ..PLAIN },
        ] {
            assert_eq!(judge_whiteout(&plain).verdict, Drop);
        }
    }
}
