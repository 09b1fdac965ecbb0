//! What is known of one entry of the old base: enough to tell whether something else is the same, nothing to make it from.

use std::ffi::{CStr, CString};
use std::fs::File;

use rustix::fs::{FileType, Stat};
use sha2::{Digest as _, Sha256};

use crate::error::{At as _, Result};
use crate::tree::{Attributes, Dir};

/// An entry of the old base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldEntry {
    /// Its type.
    pub kind: FileType,
    /// A file's size or a link's length in bytes, a device's number, 0 for all others.
    pub number: u64,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// SHA-256 of a file's data or a link's target; `None` if nobody asked for it, and for other types.
    pub digest: Option<[u8; 32]>,
    /// Extended attributes, sorted by name: the beginning of the SHA-256 of each value.
    pub xattrs: Vec<(CString, ValueSum)>,
}

/// The first half of a SHA-256.
pub type ValueSum = [u8; 16];

impl OldEntry {
    /// Looks at the entry `name` of `dir`, whose `stat` is known; reads its content if `with_digest`.
    pub fn read(dir: &Dir, name: &CStr, stat: &Stat, with_digest: bool) -> Result<Self> {
        let attributes = Attributes::read(dir, name, stat)?.without_marks();
        let kind = FileType::from_raw_mode(stat.st_mode);
        let digest = match kind {
            FileType::RegularFile if with_digest => Some(content_sum(&dir.file(name)?, dir, name)?),
            FileType::Symlink if with_digest => Some(link_sum(dir, name)?),
            _ => None,
        };
        Ok(OldEntry {
            kind,
            number: number(stat),
            mode: attributes.mode,
            uid: attributes.uid,
            gid: attributes.gid,
            digest,
            xattrs: attributes.xattrs.iter().map(|(name, value)| (name.clone(), value_sum(value))).collect(),
        })
    }

    /// True for a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.kind == FileType::Directory
    }

    /// The sum of the value of one extended attribute.
    #[must_use]
    pub fn xattr(&self, name: &CStr) -> Option<ValueSum> {
        self.xattrs.iter().find(|(n, _)| **n == *name).map(|(_, sum)| *sum)
    }

    /// True if an entry with this `stat` may have the same content: type and size or number agree.
    #[must_use]
    pub fn may_equal(&self, stat: &Stat) -> bool {
        self.kind == FileType::from_raw_mode(stat.st_mode) && self.number == number(stat)
    }
}

/// What tells contents of one type apart without reading them.
pub(crate) fn number(stat: &Stat) -> u64 {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile | FileType::Symlink => u64::try_from(stat.st_size).unwrap_or(0),
        FileType::CharacterDevice | FileType::BlockDevice => stat.st_rdev,
        _ => 0,
    }
}

/// The sum by which a value of an extended attribute is remembered.
pub(crate) fn value_sum(value: &[u8]) -> ValueSum {
    let digest: [u8; 32] = Sha256::digest(value).into();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

/// SHA-256 of a file's data; `dir` and `name` are for messages.
pub(crate) fn content_sum(file: &File, dir: &Dir, name: &CStr) -> Result<[u8; 32]> {
    let mut sum = Sha256::new();
    crate::tree::each_piece(file, |piece| sum.update(piece)).reading(dir.path_of(name))?;
    Ok(sum.finalize().into())
}

/// SHA-256 of a link's target.
pub(crate) fn link_sum(dir: &Dir, name: &CStr) -> Result<[u8; 32]> {
    let target = rustix::fs::readlinkat(dir, name, Vec::new()).reading(dir.path_of(name))?;
    Ok(Sha256::digest(target.to_bytes()).into())
}
