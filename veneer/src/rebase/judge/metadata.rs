//! Metadata, item by item: the user's where the user changed it and the new base did not, else the base's. Pure.

use crate::order;
use crate::record::{OldEntry, value_sum};
use crate::tree::Attributes;

/// What merging gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Mode, owner, group and extended attributes; the times are the base's.
    pub attributes: Attributes,
    /// True if all of it is the base's.
    pub is_base: bool,
    /// True if an item was changed by both, to different values.
    pub conflict: bool,
}

/// Merges the metadata of an entry of the layer with that of the new base, both without overlayfs's marks. Where nothing
/// is known of the old base (`None`), all of it is the new base's.
#[must_use]
pub fn merge(ours: &Attributes, old: Option<&OldEntry>, base: &Attributes) -> Merged {
    let mut merged = Merged { attributes: base.clone(), is_base: true, conflict: false };
    let Some(old) = old else { return merged };
    merged.attributes.mode = merged.item(ours.mode, old.mode, base.mode);
    merged.attributes.uid = merged.item(ours.uid, old.uid, base.uid);
    merged.attributes.gid = merged.item(ours.gid, old.gid, base.gid);
    let all = order::set(ours.xattrs.iter().chain(&base.xattrs).map(|(name, _)| name.clone()));
    let mut xattrs = Vec::new();
    for name in all {
        let (u, b) = (ours.xattr(&name), base.xattr(&name));
        let from_user = merged.takes(u.map(value_sum), old.xattr(&name), b.map(value_sum));
        if let Some(value) = if from_user { u } else { b } {
            xattrs.push((name, value.to_vec()));
        }
    }
    merged.attributes.xattrs = xattrs;
    merged
}

/// True if the user changed any item of it.
#[must_use]
pub fn is_changed(ours: &Attributes, old: &OldEntry) -> bool {
    let sums = ours.xattrs.iter().map(|(name, value)| (name.clone(), value_sum(value)));
    (ours.mode, ours.uid, ours.gid) != (old.mode, old.uid, old.gid) || !sums.eq(old.xattrs.iter().cloned())
}

impl Merged {
    fn item<T: PartialEq + Copy>(&mut self, ours: T, old: T, base: T) -> T {
        if self.takes(ours, old, base) { ours } else { base }
    }

    /// True if the user's value is in force; notes what it means for the whole.
    fn takes<T: PartialEq + Copy>(&mut self, ours: T, old: T, base: T) -> bool {
        if ours == base || ours == old {
            return false;
        }
        if base == old {
            self.is_base = false;
            return true;
        }
        self.conflict = true;
        false
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;
    use rustix::fs::FileType;

    fn attributes(mode: u32, xattrs: &[(&CStr, &[u8])]) -> Attributes {
        let xattrs = xattrs.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect();
        let mut attributes = Attributes::default();
        (attributes.mode, attributes.xattrs) = (mode, xattrs);
        attributes
    }

    fn old(mode: u32, xattrs: &[(&CStr, &[u8])]) -> OldEntry {
        OldEntry {
            kind: FileType::RegularFile,
            number: 0,
            mode,
            uid: 0,
            gid: 0,
            digest: None,
            xattrs: xattrs.iter().map(|(name, value)| ((*name).to_owned(), value_sum(value))).collect(),
        }
    }

    #[test]
    fn mode() {
        // the user's, the old base's, the new base's: what is in force, all of it the base's?, both changed it?
        let rows = [
            (0o755, 0o755, 0o755, 0o755, true, false),
            (0o700, 0o755, 0o755, 0o700, false, false),
            (0o755, 0o755, 0o750, 0o750, true, false),
            (0o4755, 0o4755, 0o755, 0o755, true, false),
            (0o700, 0o755, 0o750, 0o750, true, true),
            (0o750, 0o755, 0o750, 0o750, true, false),
        ];
        for (u, a, b, mode, is_base, conflict) in rows {
            let merged = merge(&attributes(u, &[]), Some(&old(a, &[])), &attributes(b, &[]));
            let found = (merged.attributes.mode, merged.is_base, merged.conflict);
            assert_eq!(found, (mode, is_base, conflict), "{u:o} {a:o} {b:o}");
        }
    }

    #[test]
    fn each_extended_attribute_for_itself() {
        let (caps, acl, user) = (c"security.capability", c"system.posix_acl_access", c"user.note");
        let ours = attributes(0o755, &[(user, b"mine")]);
        let before = old(0o755, &[(acl, b"a")]);
        let base = attributes(0o755, &[(caps, b"c"), (acl, b"a")]);
        // The user took the ACL away and left a note; the base added capabilities.
        let merged = merge(&ours, Some(&before), &base);
        assert_eq!(merged.attributes.xattrs, attributes(0, &[(caps, b"c"), (user, b"mine")]).xattrs);
        assert!(!merged.is_base && !merged.conflict);
    }

    #[test]
    fn without_knowledge_all_is_the_bases() {
        let merged = merge(&attributes(0o700, &[(c"user.x", b"1")]), None, &attributes(0o755, &[]));
        assert_eq!((merged.attributes, merged.is_base), (attributes(0o755, &[]), true));
    }

    #[test]
    fn changes_are_seen() {
        let before = old(0o755, &[(c"user.x", b"1")]);
        assert!(!is_changed(&attributes(0o755, &[(c"user.x", b"1")]), &before));
        for other in [
            attributes(0o700, &[(c"user.x", b"1")]),
            attributes(0o755, &[]),
            attributes(0o755, &[(c"user.x", b"2")]),
        ] {
            assert!(is_changed(&other, &before));
        }
    }
}
