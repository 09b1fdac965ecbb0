//! rpm's dependencies, as headers have them: a name, flags, a version.

use super::{Capability, Kind, Op, Provided, Qualifier, Requirement, Wants, rich};

/// The bits of a dependency's flags that count here (rpm's `rpmsenseFlags`).
mod sense {
    pub(super) const LESS: u32 = 1 << 1;
    pub(super) const GREATER: u32 = 1 << 2;
    pub(super) const EQUAL: u32 = 1 << 3;
    /// For scripts that run while a package is installed: posttrans, pretrans, pre, post.
    pub(super) const INSTALLING: u32 = 1 << 5 | 1 << 7 | 1 << 9 | 1 << 10;
    /// For scripts that run while it is removed, preun and postun; and `meta`.
    pub(super) const LASTING: u32 = 1 << 11 | 1 << 12 | 1 << 29;
}

/// Which versions the flags say; `None` for any.
fn op(flags: u32, version: &str) -> Option<Op> {
    let has = |bit| flags & bit != 0;
    let op = Op { less: has(sense::LESS), equal: has(sense::EQUAL), greater: has(sense::GREATER) };
    (!version.is_empty() && (op.less || op.equal || op.greater)).then_some(op)
}

/// One Requires, Recommends or Conflicts; `None` if it is for the time of installation only, as rpm itself does not ask
/// for it afterwards. A name in parentheses is a boolean dependency (rpm-dependencies(7)).
#[must_use]
pub fn requirement(name: &str, flags: u32, version: &str, kind: Kind) -> Option<Requirement> {
    if flags & sense::INSTALLING != 0 && flags & sense::LASTING == 0 {
        return None;
    }
    if name.starts_with('(') {
        return Some(Requirement { text: name.to_owned(), wants: rich::parse(name), kind });
    }
    let op = op(flags, version);
    let text = op.map_or_else(|| name.to_owned(), |op| format!("{name} {} {version}", op.sign()));
    let version = op.map(|op| (op, version.to_owned()));
    let wants = Wants::One(Capability { name: name.to_owned(), version, arch: Qualifier::Own });
    Some(Requirement { text, wants, kind })
}

/// One Provides.
#[must_use]
pub fn provided<'a>(name: &'a str, flags: u32, version: &'a str) -> Provided<'a> {
    Provided { name, version: op(flags, version).map(|op| (op, version)), arch: None }
}
