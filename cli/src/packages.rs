//! Packages of the running system against those of its base: what the user added, has in another version, and removed.

use std::cmp::Ordering;

use serde::Serialize;
use veneer::packages::{Manager, Package, find, installed};
use veneer::tree::Dir;

use crate::failure::Failure;

/// A package that only one of the two has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct One {
    pub(crate) name: String,
    /// Empty where the manager has no architectures.
    pub(crate) arch: String,
    pub(crate) version: String,
    /// True if the database itself says that somebody asked for it (pacman).
    #[serde(skip)]
    pub(crate) wanted: bool,
}

impl From<&Package> for One {
    fn from(package: &Package) -> Self {
        let Package { name, arch, version, wanted, .. } = package.clone();
        One { name, arch, version, wanted }
    }
}

/// A package that both have, in two builds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Overridden {
    #[serde(flatten)]
    pub(crate) layer: One,
    pub(crate) base_version: String,
    /// True if the base's is newer.
    pub(crate) is_older: bool,
}

/// The difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Packages {
    pub(crate) manager: Manager,
    pub(crate) added: Vec<One>,
    pub(crate) overridden: Vec<Overridden>,
    pub(crate) removed: Vec<One>,
}

impl Packages {
    /// Reads both databases. None if the running system has no database; a layer that never touched it changes nothing.
    pub(crate) fn read(usr: &Dir, upper: &Dir, base: &Dir) -> Result<Option<Self>, Failure> {
        let Some((manager, dir)) = find(usr)? else { return Ok(None) };
        let (ours, theirs) = match upper.down(&dir)? {
            Some(_) => (installed(usr)?, installed(base)?),
            None => (Vec::new(), Vec::new()),
        };
        Ok(Some(Packages::compare(manager, &ours, &theirs)))
    }

    /// Both lists are sorted by name and architecture.
    fn compare(manager: Manager, layer: &[Package], base: &[Package]) -> Self {
        let mut packages =
            Packages { manager, added: Vec::new(), overridden: Vec::new(), removed: Vec::new() };
        let (mut o, mut b) = (layer.iter().peekable(), base.iter().peekable());
        loop {
            let ordering = match (o.peek(), b.peek()) {
                (Some(ours), Some(theirs)) => ours.key().cmp(&theirs.key()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return packages,
            };
            let ours = if ordering.is_le() { o.next() } else { None };
            let theirs = if ordering.is_ge() { b.next() } else { None };
            match (ours, theirs) {
                (Some(ours), Some(theirs)) if !ours.is_same_build(theirs) => {
                    let order = manager.order().compare(&ours.version, &theirs.version);
                    packages.overridden.push(Overridden {
                        layer: ours.into(),
                        base_version: theirs.version.clone(),
                        is_older: order.is_lt(),
                    });
                }
                (Some(ours), None) => packages.added.push(ours.into()),
                (None, Some(theirs)) => packages.removed.push(theirs.into()),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str) -> Package {
        Package { name: name.into(), version: version.into(), ..Package::default() }
    }

    #[test]
    fn what_one_side_has_and_the_other_has_not() {
        let base = [package("a", "1"), package("b", "1:2"), package("c", "3"), package("d", "4")];
        let layer = [package("a", "1"), package("b", "9"), package("c", "3.1"), package("e", "5")];
        let found = Packages::compare(Manager::Dpkg, &layer, &base);
        let names = |all: &[One]| all.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        assert_eq!((names(&found.added), names(&found.removed)), (vec!["e".into()], vec!["d".into()]));
        let overridden: Vec<_> =
            found.overridden.iter().map(|one| (one.layer.name.as_str(), one.is_older)).collect();
        // An epoch counts more than any number after it.
        assert_eq!(overridden, [("b", true), ("c", false)]);
    }
}
