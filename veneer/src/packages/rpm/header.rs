//! One rpm header: an index of tags over a block of data, as the database and `rpmdb --exportdb` have it.
//!
//! A header comes from a store that may be damaged, so nothing in it is believed: every offset and count is checked
//! against the bytes that are there, and what does not fit is as good as absent.
//!
//! The form is rpm's own (docs/manual/hregions.md and lib/rpmtag.h of rpm): two big-endian counts, of index entries
//! and of data bytes; the entries, four numbers each (tag, type, offset, count); the data.

/// What stands before a header in a stream of them, and in a package file, but not in a database.
pub const MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];

/// More entries rpm itself refuses (`HEADER_TAGS_MAX`).
const ENTRIES_LIMIT: usize = 0xffff;
const ENTRY: usize = 16;
/// The whole index and data may not be larger, in bytes: an initramfs has no more to give. The largest that distributions
/// have are those of kernel sources: 90,000 files take some 11 MiB.
pub const SIZE_LIMIT: usize = 16 * 1024 * 1024;

/// The tags that are read, by the names and numbers of rpm's lib/rpmtag.h.
pub mod tag {
    #![allow(missing_docs)]
    pub const SHA1HEADER: u32 = 269;
    pub const SHA256HEADER: u32 = 273;
    pub const NAME: u32 = 1000;
    pub const VERSION: u32 = 1001;
    pub const RELEASE: u32 = 1002;
    pub const EPOCH: u32 = 1003;
    pub const INSTALLTIME: u32 = 1008;
    pub const ARCH: u32 = 1022;
    pub const OLDFILENAMES: u32 = 1027;
    pub const FILESTATES: u32 = 1029;
    pub const FILEMODES: u32 = 1030;
    pub const FILEDIGESTS: u32 = 1035;
    pub const FILEFLAGS: u32 = 1037;
    pub const PROVIDENAME: u32 = 1047;
    pub const REQUIREFLAGS: u32 = 1048;
    pub const REQUIRENAME: u32 = 1049;
    pub const REQUIREVERSION: u32 = 1050;
    pub const CONFLICTFLAGS: u32 = 1053;
    pub const CONFLICTNAME: u32 = 1054;
    pub const CONFLICTVERSION: u32 = 1055;
    pub const OBSOLETENAME: u32 = 1090;
    pub const PROVIDEFLAGS: u32 = 1112;
    pub const PROVIDEVERSION: u32 = 1113;
    pub const OBSOLETEFLAGS: u32 = 1114;
    pub const OBSOLETEVERSION: u32 = 1115;
    pub const DIRINDEXES: u32 = 1116;
    pub const BASENAMES: u32 = 1117;
    pub const DIRNAMES: u32 = 1118;
    pub const FILEDIGESTALGO: u32 = 5011;
}

/// The types of values that are read, by rpm's lib/rpmtag.h.
mod kind {
    pub(super) const INT16: u32 = 3;
    pub(super) const INT32: u32 = 4;
    pub(super) const INT64: u32 = 5;
    pub(super) const STRING: u32 = 6;
    pub(super) const STRINGS: u32 = 8;
    pub(super) const TRANSLATED: u32 = 9;
}

/// A header, borrowed from the bytes that it was read from.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    index: &'a [u8],
    data: &'a [u8],
}

/// The bytes that a header says it has, index and data, from its first eight; `None` if it says nonsense.
#[must_use]
pub fn length(start: [u8; 8]) -> Option<usize> {
    let entries = usize::try_from(number(&start, 0)).ok()?;
    let data = usize::try_from(number(&start, 4)).ok()?;
    let length = (entries <= ENTRIES_LIMIT).then(|| entries * ENTRY)?.checked_add(data)?;
    (length <= SIZE_LIMIT).then_some(length)
}

impl<'a> Header<'a> {
    /// Takes a header without its magic, as databases have it. `None` if it is not as long as it says.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (start, rest) = bytes.split_first_chunk::<8>()?;
        if length(*start)? != rest.len() {
            return None;
        }
        let entries = usize::try_from(number(start, 0)).ok()?;
        let (index, data) = rest.split_at_checked(entries * ENTRY)?;
        Some(Header { index, data })
    }

    /// Type, count and the data from where the values begin.
    fn find(&self, tag: u32) -> Option<(u32, usize, &'a [u8])> {
        let entry = self.index.chunks_exact(ENTRY).find(|entry| number(entry, 0) == tag)?;
        let offset = usize::try_from(number(entry, 8)).ok()?;
        let count = usize::try_from(number(entry, 12)).ok()?;
        Some((number(entry, 4), count, self.data.get(offset..)?))
    }

    /// A text; of a translated or a list the first.
    #[must_use]
    pub fn text(&self, tag: u32) -> Option<&'a [u8]> {
        self.texts(tag).next()
    }

    /// A list of texts; empty if there is none of this tag.
    #[must_use]
    pub fn texts(&self, tag: u32) -> Texts<'a> {
        match self.find(tag) {
            Some((kind::STRING, _, data)) => Texts { data, left: 1 },
            Some((kind::STRINGS | kind::TRANSLATED, left, data)) => Texts { data, left },
            _ => Texts { data: &[], left: 0 },
        }
    }

    /// A list of numbers; empty if there is none of this tag. Of 16 or 64 bits where rpm has them so.
    pub fn numbers(&self, tag: u32) -> impl Iterator<Item = u64> + use<'a> {
        let (width, count, data) = match self.find(tag) {
            Some((kind::INT16, count, data)) => (2, count, data),
            Some((kind::INT32, count, data)) => (4, count, data),
            Some((kind::INT64, count, data)) => (8, count, data),
            _ => (1, 0, &[][..]),
        };
        let one = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        data.chunks_exact(width).take(count).map(one)
    }

    /// One number.
    #[must_use]
    pub fn number(&self, tag: u32) -> Option<u64> {
        self.numbers(tag).next()
    }

    /// Bytes, or numbers of 8 bits.
    #[must_use]
    pub fn bytes(&self, tag: u32) -> &'a [u8] {
        // CHAR, INT8 and BIN, all of which are counted in bytes.
        match self.find(tag) {
            Some((1 | 2 | 7, count, data)) => data.get(..count).unwrap_or_default(),
            _ => &[],
        }
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
    four.map_or(0, |four| u32::from_be_bytes(*four))
}

/// NUL-terminated texts, one after the other. Ends at the first that has no end.
#[derive(Debug, Clone)]
pub struct Texts<'a> {
    data: &'a [u8],
    left: usize,
}

impl<'a> Iterator for Texts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let end = self.data.iter().position(|byte| *byte == 0)?;
        let (text, rest) = self.data.split_at_checked(end)?;
        self.data = rest.get(1..)?;
        Some(text)
    }
}
