//! Which directories the new `local/` has: the base's, less those of packages that the user removed or has newer, and the
//! user's own. Pure.
//!
//! Whatever the verdicts, no package has two directories: one of the layer's is added only where the base has none of this
//! name, or where that is hidden.

use crate::packages::{Decision, Package, Verdict};

/// What is done to the base's `local/`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Composition {
    /// Packages whose directory comes from the layer, by their number there.
    pub copied: Vec<usize>,
    /// Packages whose directory comes from the old base, by their number there.
    pub adopted: Vec<usize>,
    /// Packages of the base whose directory is hidden, by their number there.
    pub hidden: Vec<usize>,
    /// Packages of the base, by their number there, that get another reason: true for one that the user asked for.
    pub marked: Vec<(usize, bool)>,
}

/// Works it out from the verdicts and the three lists that they are about.
#[must_use]
pub fn compose(
    decisions: &[Decision],
    old: Option<&[Package]>,
    layer: &[Package],
    new: &[Package],
) -> Composition {
    let mut composition = Composition::default();
    for decision in decisions {
        match decision.verdict {
            Verdict::Keep { .. } | Verdict::Override => {
                composition.copied.extend(decision.layer);
                composition.hidden.extend(decision.new);
            }
            Verdict::Removed => composition.hidden.extend(decision.new),
            Verdict::HandBack | Verdict::Base => {
                let (Some(theirs), Some(number)) = (decision.layer, decision.new) else { continue };
                let before = match old {
                    None => Before::Unknown,
                    Some(old) => decision.old.map_or(Before::Absent, |old_number| {
                        Before::Marked(old.get(old_number).is_some_and(|package| package.wanted))
                    }),
                };
                let (Some(theirs), Some(ours)) = (layer.get(theirs), new.get(number)) else { continue };
                let wanted = wanted(before, theirs.wanted, ours.wanted);
                if wanted != ours.wanted {
                    composition.marked.push((number, wanted));
                }
            }
            Verdict::Adopt => composition.adopted.extend(decision.old),
            Verdict::Returned | Verdict::Dropped => {}
        }
    }
    composition
}

/// Whether the old base said that somebody asked for a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Unknown,
    Absent,
    Marked(bool),
}

/// Three ways: a mark that the user changed stays, else it is the base's. Somebody who installed a package that the base
/// brings now still wants it.
fn wanted(old: Before, layer: bool, new: bool) -> bool {
    match old {
        Before::Marked(old) if old != layer => layer,
        Before::Marked(_) => new,
        Before::Unknown | Before::Absent => layer || new,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_that_the_user_changed_stays() {
        use Before::{Absent, Marked, Unknown};
        for (old, layer, new, expected) in [
            (Marked(false), false, true, true),
            (Marked(false), true, false, true),
            (Marked(true), false, true, false),
            (Marked(true), true, false, false),
            (Absent, true, false, true),
            (Absent, false, true, true),
            (Absent, false, false, false),
            (Unknown, true, false, true),
            (Unknown, false, true, true),
        ] {
            assert_eq!(wanted(old, layer, new), expected, "{old:?} {layer} {new}");
        }
    }
}
