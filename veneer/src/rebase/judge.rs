//! The verdict on one entry of a layer that goes to another base. Pure: a table.

use crate::tree::Kind;

/// Who owns an entry, by the package database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// Nobody, or a package that is none of the others.
    Nobody,
    /// A package of the user's that stays.
    Kept,
    /// A package whose files in the layer go: the base has it, or nobody has it any more.
    Gone,
    /// A package of the base that the user had removed and that is back.
    Returned,
    /// The package database itself, which is composed anew.
    Database,
    /// A package database that the new base has no counterpart for.
    Stranded,
}

/// What judging looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    /// What the layer has.
    pub(super) kind: Kind,
    /// What the new base has there.
    pub(super) base: Option<Kind>,
    /// True if both are the same in type, content, mode, owner and attributes.
    pub(super) same: bool,
    /// Who owns it.
    pub(super) owner: Owner,
    /// True for a file that is made from others and can be made again.
    pub(super) derived: bool,
}

/// What becomes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes to the new layer as it is.
    Keep,
    /// A directory of both: the base's attributes, the children judged one by one.
    Merge,
    /// It does not go to the new layer: nothing of the user's is in it.
    Drop,
    /// It is set aside with all that is below it, for this reason; the base's is visible.
    Quarantine(&'static str),
}

/// Judges one entry.
#[allow(clippy::match_same_arms)] // a table: each row stands for a rule of its own
pub(super) fn entry(facts: Facts) -> Verdict {
    use Kind::{Directory, Whiteout};
    if facts.owner == Owner::Database && facts.kind != Directory {
        return Verdict::Drop;
    }
    if facts.owner == Owner::Stranded {
        return Verdict::Quarantine(
            "the new base has no package database, so nothing lists your packages there",
        );
    }
    match (facts.kind, facts.base) {
        (Directory, Some(Directory)) => Verdict::Merge,
        // Nothing left to hide; or it hides what the package database lists.
        (Whiteout, None) => Verdict::Drop,
        (Whiteout, Some(_)) if matches!(facts.owner, Owner::Returned | Owner::Gone) => Verdict::Drop,
        (Whiteout, Some(_)) if facts.derived => Verdict::Drop,
        (Whiteout, Some(_)) => Verdict::Keep,
        (Directory, None) => Verdict::Keep,
        (Directory, Some(_)) => Verdict::Quarantine("the new base has something else than a directory here"),
        _ if facts.owner == Owner::Gone => Verdict::Drop,
        _ if facts.derived && facts.owner != Owner::Kept => Verdict::Drop,
        (_, None) => Verdict::Keep,
        _ if facts.same => Verdict::Drop,
        (_, Some(Directory)) => Verdict::Quarantine("the new base has a directory here"),
        _ if facts.owner == Owner::Kept => Verdict::Quarantine("a package of the new base has this file too"),
        _ => Verdict::Quarantine("the new base has its own version of this file"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Kind::{Directory, File, Symlink, Whiteout};

    const PLAIN: Facts = Facts { kind: File, base: None, same: false, owner: Owner::Nobody, derived: false };

    #[test]
    fn the_base_wins_and_nothing_is_lost() {
        let quarantined = |verdict| matches!(verdict, Verdict::Quarantine(_));
        assert_eq!(entry(PLAIN), Verdict::Keep);
        assert!(quarantined(entry(Facts { base: Some(File), ..PLAIN })));
        assert!(quarantined(entry(Facts { base: Some(Directory), ..PLAIN })));
        assert!(quarantined(entry(Facts { kind: Directory, base: Some(Symlink), ..PLAIN })));
        assert!(quarantined(entry(Facts { base: Some(File), owner: Owner::Kept, ..PLAIN })));
        assert_eq!(entry(Facts { base: Some(File), same: true, ..PLAIN }), Verdict::Drop);
        assert_eq!(entry(Facts { kind: Directory, base: Some(Directory), ..PLAIN }), Verdict::Merge);
    }

    #[test]
    fn whiteouts() {
        let hidden = Facts { kind: Whiteout, base: Some(File), ..PLAIN };
        assert_eq!(entry(hidden), Verdict::Keep);
        assert_eq!(entry(Facts { base: None, ..hidden }), Verdict::Drop);
        assert_eq!(entry(Facts { owner: Owner::Returned, ..hidden }), Verdict::Drop);
    }

    #[test]
    fn what_can_be_made_again_or_belongs_to_the_base_goes() {
        assert_eq!(entry(Facts { derived: true, ..PLAIN }), Verdict::Drop);
        assert_eq!(entry(Facts { derived: true, owner: Owner::Kept, ..PLAIN }), Verdict::Keep);
        assert_eq!(entry(Facts { owner: Owner::Gone, base: Some(File), ..PLAIN }), Verdict::Drop);
        assert_eq!(entry(Facts { owner: Owner::Database, base: Some(File), ..PLAIN }), Verdict::Drop);
    }
}
