//! The content of one entry: compared or hashed when asked for, and hashed at most once.

use std::ffi::CStr;
use std::fs::File;

use md5::Md5;
use rustix::fs::{FileType, Stat};
use sha2::Digest as _;

use crate::error::{At as _, Result};
use crate::packages::Digest;
use crate::record::{content_sum, link_sum};
use crate::tree::{Dir, each_piece};

/// A file's data or a link's target; other types have none.
pub(super) struct Content<'a> {
    dir: &'a Dir,
    name: &'a CStr,
    kind: FileType,
    sha256: Option<[u8; 32]>,
    md5: Option<[u8; 16]>,
}

impl<'a> Content<'a> {
    pub(super) fn new(dir: &'a Dir, name: &'a CStr, stat: &Stat) -> Self {
        Content { dir, name, kind: FileType::from_raw_mode(stat.st_mode), sha256: None, md5: None }
    }

    /// True if its digest is this one.
    pub(super) fn is(&mut self, digest: &Digest) -> Result<bool> {
        match (digest, self.kind) {
            (Digest::Sha256(expected), FileType::RegularFile | FileType::Symlink) => {
                let found = match self.sha256 {
                    Some(found) => found,
                    None if self.kind == FileType::Symlink => link_sum(self.dir, self.name)?,
                    None => content_sum(&self.dir.file(self.name)?, self.dir, self.name)?,
                };
                self.sha256 = Some(found);
                Ok(found == *expected)
            }
            (Digest::Md5(expected), FileType::RegularFile) => {
                let found = match self.md5 {
                    Some(found) => found,
                    None => md5_sum(&self.dir.file(self.name)?, self.dir, self.name)?,
                };
                self.md5 = Some(found);
                Ok(found == *expected)
            }
            _ => Ok(false),
        }
    }

    /// True if two contents of one type and size are the same, byte by byte; the first difference ends it.
    pub(super) fn same_as(&self, other: &Content<'_>) -> Result<bool> {
        match self.kind {
            FileType::RegularFile => {
                let (ours, theirs) = (self.dir.file(self.name)?, other.dir.file(other.name)?);
                same_data(&ours, &theirs).reading(other.dir.path_of(other.name))
            }
            FileType::Symlink => {
                let target = |content: &Content<'_>| {
                    rustix::fs::readlinkat(content.dir, content.name, Vec::new())
                        .reading(content.dir.path_of(content.name))
                };
                Ok(target(self)? == target(other)?)
            }
            _ => Ok(true),
        }
    }
}

fn md5_sum(file: &File, dir: &Dir, name: &CStr) -> Result<[u8; 16]> {
    let mut sum = Md5::new();
    each_piece(file, |piece| sum.update(piece)).reading(dir.path_of(name))?;
    Ok(sum.finalize().into())
}

fn same_data(a: &File, b: &File) -> rustix::io::Result<bool> {
    let (mut left, mut right) = (vec![0_u8; 64 * 1024], vec![0_u8; 64 * 1024]);
    let mut at = 0;
    loop {
        let length = fill(a, &mut left, at)?;
        if length != fill(b, &mut right, at)? || left[..length] != right[..length] {
            return Ok(false);
        }
        if length == 0 {
            return Ok(true);
        }
        at += length as u64;
    }
}

fn fill(file: &File, buffer: &mut [u8], at: u64) -> rustix::io::Result<usize> {
    let mut have = 0;
    while have < buffer.len() {
        match rustix::io::pread(file, &mut buffer[have..], at + have as u64)? {
            0 => break,
            length => have += length,
        }
    }
    Ok(have)
}
