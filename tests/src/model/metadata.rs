//! Metadata of the user, the old base and the new one, item by item.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::Node;

/// Mode, owner, group and attributes.
pub(super) struct Merged {
    mode: u32,
    owner: (u32, u32),
    xattrs: BTreeMap<String, Vec<u8>>,
    /// Whether something of the user's gave way to something that the new base changed, too.
    pub(super) lost: bool,
}

impl Merged {
    /// This content with the merged metadata.
    pub(super) fn node(&self, content: &Node) -> Node {
        Node { mode: self.mode, owner: self.owner, xattrs: self.xattrs.clone(), ..content.clone() }
    }
}

/// The user's where the user changed it and the base did not; else the base's.
pub(super) fn merge(user: &Node, old: &Node, new: &Node) -> Merged {
    let mut lost = false;
    let mode = pick(&user.mode, &old.mode, &new.mode, &mut lost);
    let uid = pick(&user.owner.0, &old.owner.0, &new.owner.0, &mut lost);
    let gid = pick(&user.owner.1, &old.owner.1, &new.owner.1, &mut lost);
    let names: BTreeSet<&String> = [user, old, new].iter().flat_map(|node| node.xattrs.keys()).collect();
    let mut xattrs = BTreeMap::new();
    for name in names {
        let of = |node: &Node| node.xattrs.get(name).cloned();
        if let Some(value) = pick(&of(user), &of(old), &of(new), &mut lost) {
            xattrs.insert(name.clone(), value);
        }
    }
    if let Some(acl) = xattrs.get_mut("system.posix_acl_access") {
        follow_mode(acl, mode);
    }
    Merged { mode, owner: (uid, gid), xattrs, lost }
}

/// Whether two nodes agree in all of it.
pub(super) fn is_same(a: &Node, b: &Node) -> bool {
    (a.mode, a.owner, &a.xattrs) == (b.mode, b.owner, &b.xattrs)
}

fn pick<T: Clone + PartialEq>(user: &T, old: &T, new: &T, lost: &mut bool) -> T {
    let (mine, theirs) = (user != old, new != old);
    *lost |= mine && theirs && user != new;
    if mine && !theirs { user.clone() } else { new.clone() }
}

/// Some of an access ACL's entries are the mode's bits, and the kernel keeps them so (acl(5), "CORRESPONDENCE BETWEEN
/// ACL ENTRIES AND FILE PERMISSION BITS"): what the mode is, wins.
fn follow_mode(acl: &mut [u8], mode: u32) {
    const USER_OBJ: u16 = 1;
    const GROUP_OBJ: u16 = 4;
    const MASK: u16 = 16;
    const OTHER: u16 = 32;
    let entries = acl.get_mut(4..).unwrap_or_default();
    let tag = |entry: &[u8]| u16::from_le_bytes([entry[0], entry[1]]);
    let masked = entries.chunks_exact(8).any(|entry| tag(entry) == MASK);
    for entry in entries.chunks_exact_mut(8) {
        let bits = match tag(entry) {
            USER_OBJ => mode >> 6,
            GROUP_OBJ if !masked => mode >> 3,
            MASK => mode >> 3,
            OTHER => mode,
            _ => continue,
        };
        entry[2..4].copy_from_slice(&u16::try_from(bits & 7).expect("three bits").to_le_bytes());
    }
}
