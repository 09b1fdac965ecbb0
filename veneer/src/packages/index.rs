//! What packages say of paths, by key: a few bytes for each path, however many packages list it.

use super::{Digest, Owner, Shipped};
use crate::error::{Error, Result};

/// What holds of a path; several may.
pub(super) mod flag {
    /// A package lists it that stays and that the base lacks.
    pub(in crate::packages) const KEPT: u16 = 1;
    /// A package lists it that stays over the base's.
    pub(in crate::packages) const OVERRIDING: u16 = 2;
    /// A package lists it whose files in the layer go.
    pub(in crate::packages) const GONE: u16 = 4;
    /// A version of a package lists it, of A or of B, that is not there: of one that the user removed, or has newer.
    pub(in crate::packages) const ABSENT: u16 = 8;
    /// A package lists it that the user had removed and that is back.
    pub(in crate::packages) const RETURNED: u16 = 16;
    /// A package of A lists it that the user left alone.
    pub(in crate::packages) const BASE: u16 = 32;
    /// A package of B lists it that is there in B's version.
    pub(in crate::packages) const PRESENT: u16 = 64;
    /// A package of B of the same name, for another architecture, brings it too (`Multi-Arch: same`).
    pub(in crate::packages) const SHARED: u16 = 128;
    /// A package of A lists it that the user removed and that B has no more.
    pub(in crate::packages) const LEFT: u16 = 256;
}

/// More than this in memory was not made by a package manager, and an initramfs has no more to give.
const LIMIT: usize = if cfg!(test) { 4_000 } else { 400_000 };

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    key: u64,
    flags: u16,
    /// The package by its decision: of those that list the path, one that stays, if one does.
    package: u16,
    old: Slot,
    layer: Slot,
    /// The order of adding: of two lists that say something of one path's content, the first counts.
    number: u32,
}

/// Where a digest is: 0 for none, else its number in one of two lists, doubled, and one more if it is of the second.
#[derive(Debug, Clone, Copy, Default)]
struct Slot(u32);

/// Whose digest it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// A's.
    Old,
    /// What the package manager put into the layer.
    Layer,
    /// A's, where no other list of A is known.
    Both,
    /// B's, which nobody asks for.
    Nobody,
}

/// The index: filled, then sealed, then asked.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: Vec<Entry>,
    md5: Vec<[u8; 16]>,
    sha256: Vec<[u8; 32]>,
    merged: bool,
    /// The package that is spoken of.
    package: u16,
}

impl Index {
    /// What is added from now on is said by this package, by the number of its decision.
    pub(super) fn begin(&mut self, package: usize) {
        self.package = u16::try_from(package).unwrap_or(u16::MAX);
    }

    /// Notes what one list says of one path.
    pub(super) fn add(&mut self, key: u64, flags: u16, digest: Option<(Whose, Digest)>) -> Result<()> {
        if self.entries.len() >= LIMIT {
            self.merge();
        }
        // Some room after merging, so that it is not done again for the next few paths.
        if self.entries.len() >= LIMIT / 8 * 7 && self.merged || self.digests() >= LIMIT {
            let what = format!("its packages changed more than {LIMIT} paths");
            return Err(Error::Damaged { path: "the layer's package database".into(), what });
        }
        self.merged = false;
        let number = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let mut entry = Entry { key, flags, package: self.package, number, ..Entry::default() };
        if let Some((whose, digest)) = digest {
            match whose {
                Whose::Old => entry.old = self.store(digest),
                Whose::Layer => entry.layer = self.store(digest),
                Whose::Both => {
                    entry.old = self.store(digest);
                    entry.layer = entry.old;
                }
                Whose::Nobody => {}
            }
        }
        self.entries.push(entry);
        Ok(())
    }

    fn store(&mut self, digest: Digest) -> Slot {
        let (number, kind) = match digest {
            Digest::Md5(bytes) => {
                self.md5.push(bytes);
                (self.md5.len(), 0)
            }
            Digest::Sha256(bytes) => {
                self.sha256.push(bytes);
                (self.sha256.len(), 1)
            }
        };
        Slot(u32::try_from(number * 2 + kind).unwrap_or(0))
    }

    fn digests(&self) -> usize {
        self.md5.len() + self.sha256.len()
    }

    fn digest(&self, slot: Slot) -> Option<Digest> {
        let number = usize::try_from(slot.0 / 2).ok()?.checked_sub(1)?;
        match slot.0 % 2 {
            0 => self.md5.get(number).copied().map(Digest::Md5),
            _ => self.sha256.get(number).copied().map(Digest::Sha256),
        }
    }

    /// To be called when all is added, and before anything is asked.
    pub(super) fn merge(&mut self) {
        self.merged = true;
        self.entries.sort_unstable_by_key(|entry| (entry.key, entry.number));
        self.entries.dedup_by(|next, kept| {
            if next.key != kept.key {
                return false;
            }
            let stays = |entry: &Entry| entry.flags & (flag::KEPT | flag::OVERRIDING) != 0;
            if stays(next) && !stays(kept) {
                kept.package = next.package;
            }
            kept.flags |= next.flags;
            if kept.old.0 == 0 {
                kept.old = next.old;
            }
            if kept.layer.0 == 0 {
                kept.layer = next.layer;
            }
            true
        });
    }

    fn find(&self, key: u64) -> Option<&Entry> {
        self.entries.binary_search_by_key(&key, |entry| entry.key).ok().map(|at| &self.entries[at])
    }

    /// Adds to what is said of a path, if anything is.
    pub(super) fn mark(&mut self, key: u64, flags: u16) {
        if let Ok(at) = self.entries.binary_search_by_key(&key, |entry| entry.key) {
            self.entries[at].flags |= flags;
        }
    }

    /// All that was noted of a path.
    pub(super) fn flags(&self, key: u64) -> u16 {
        self.find(key).map_or(0, |entry| entry.flags)
    }

    /// True if one of these holds of any path.
    pub(super) fn has(&self, flags: u16) -> bool {
        self.entries.iter().any(|entry| entry.flags & flags != 0)
    }

    /// The number of a decision on a package that lists a path: one that stays, if one does.
    pub(super) fn package(&self, key: u64) -> Option<usize> {
        self.find(key).map(|entry| usize::from(entry.package))
    }

    /// The digests of a path.
    pub(super) fn shipped(&self, key: u64) -> Shipped {
        self.find(key).map_or(Shipped::default(), |entry| Shipped {
            old: self.digest(entry.old),
            layer: self.digest(entry.layer),
        })
    }
}

/// Who owns a path of the layer, of which this is noted.
pub(super) fn owner(flags: u16) -> Owner {
    let has = |flag| flags & flag != 0;
    if has(flag::OVERRIDING) && !has(flag::PRESENT) {
        Owner::Overriding
    } else if has(flag::KEPT) && has(flag::SHARED) {
        // Both architectures have the same file there, and the base's is at hand.
        Owner::Gone
    } else if has(flag::KEPT) && has(flag::ABSENT) && !has(flag::PRESENT) {
        // What the new base has there is of a package that is not there.
        Owner::Overriding
    } else if has(flag::KEPT) || has(flag::OVERRIDING) {
        // What another package of the base has there is the base's.
        Owner::Kept
    } else if has(flag::GONE) {
        // Also where what the new base has there is hidden: the one goes, and the other does not take its place.
        Owner::Gone
    } else if has(flag::ABSENT) && !has(flag::PRESENT) {
        Owner::Removed
    } else if has(flag::ABSENT) || has(flag::RETURNED) || (has(flag::LEFT) && has(flag::PRESENT)) {
        // What hid a package that is not there must not hide one that is.
        Owner::Returned
    } else if has(flag::BASE) {
        Owner::Base
    } else {
        Owner::Nobody
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_sum_of_what_lists_say() {
        let mut index = Index::default();
        let digest = |byte| Digest::Md5([byte; 16]);
        index.begin(5);
        index.add(7, flag::BASE, Some((Whose::Old, digest(1)))).expect("room");
        index.begin(6);
        index.add(3, flag::KEPT, Some((Whose::Layer, Digest::Sha256([2; 32])))).expect("room");
        index.add(7, flag::GONE, Some((Whose::Layer, digest(3)))).expect("room");
        index.add(7, flag::GONE, Some((Whose::Old, digest(4)))).expect("room");
        index.merge();
        index.mark(7, flag::PRESENT);
        index.mark(8, flag::PRESENT);
        assert_eq!(index.flags(7), flag::BASE | flag::GONE | flag::PRESENT);
        assert_eq!(index.flags(8), 0);
        assert_eq!((index.package(7), index.package(3), index.package(8)), (Some(5), Some(6), None));
        assert_eq!(index.shipped(7), Shipped { old: Some(digest(1)), layer: Some(digest(3)) });
        assert_eq!(index.shipped(3), Shipped { old: None, layer: Some(Digest::Sha256([2; 32])) });
        assert_eq!(index.shipped(9), Shipped::default());
    }

    #[test]
    fn a_path_belongs_to_the_package_that_stays() {
        let mut index = Index::default();
        for (package, flags) in [(1, flag::GONE), (2, flag::OVERRIDING), (3, flag::KEPT), (4, flag::ABSENT)] {
            index.begin(package);
            index.add(7, flags, None).expect("room");
        }
        index.merge();
        assert_eq!(index.package(7), Some(2));
    }

    #[test]
    fn the_last_word_is_that_of_packages_that_are_there() {
        use flag::{ABSENT, BASE, GONE, KEPT, LEFT, OVERRIDING, PRESENT, RETURNED, SHARED};
        for (flags, expected) in [
            (0, Owner::Nobody),
            (BASE | PRESENT, Owner::Base),
            (GONE | BASE | PRESENT, Owner::Gone),
            (GONE | ABSENT, Owner::Gone),
            (GONE | ABSENT | PRESENT, Owner::Gone),
            (ABSENT, Owner::Removed),
            (ABSENT | PRESENT, Owner::Returned),
            (RETURNED | PRESENT, Owner::Returned),
            (KEPT | GONE | BASE, Owner::Kept),
            (KEPT | ABSENT, Owner::Overriding),
            (KEPT | ABSENT | PRESENT, Owner::Kept),
            (KEPT | SHARED | PRESENT, Owner::Gone),
            (OVERRIDING | GONE | ABSENT, Owner::Overriding),
            (OVERRIDING | ABSENT | PRESENT, Owner::Kept),
            (LEFT, Owner::Nobody),
            (LEFT | PRESENT, Owner::Returned),
            (LEFT | PRESENT | KEPT, Owner::Kept),
        ] {
            assert_eq!(owner(flags), expected, "{flags:#b}");
        }
    }

    #[test]
    fn the_index_has_an_end() {
        let mut index = Index::default();
        let full = (0..2 * LIMIT as u64).find(|key| index.add(*key, flag::KEPT, None).is_err());
        assert_eq!(full, Some(LIMIT as u64));
        let mut same = Index::default();
        for key in 0..3 * LIMIT as u64 {
            same.add(key % 9, flag::KEPT, None).expect("nine paths");
        }
    }
}
