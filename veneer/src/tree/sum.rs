//! Whether a tree was changed since: one number over what stat(2) says of each of its entries.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::depth::check_depth;
use super::dir::{Dir, Kind};
use crate::error::Result;
use crate::hex;

/// The sum over all entries of a tree, in hexadecimal digits. Equal if nobody wrote to it meanwhile: each change of content,
/// of metadata or of an attribute sets an inode's ctime (inode(7)), each change of names that of a directory. Only compared
/// for being equal, so a clock that is set back makes two trees different, not the same. No content is read.
pub fn sum_of(tree: &Dir) -> Result<String> {
    let mut sum = Sum(0);
    sum.add(b"", &tree.stat_self()?);
    sum.walk(tree, Path::new(""), 0)?;
    Ok(hex::encode(&sum.0.to_be_bytes()))
}

/// Added up, so that the order in which a file system gives names does not count.
struct Sum(u128);

impl Sum {
    fn walk(&mut self, dir: &Dir, path: &Path, depth: usize) -> Result<()> {
        check_depth(dir, depth)?;
        for name in dir.names()? {
            let Some(stat) = dir.stat(&name)? else { continue };
            let below = path.join(OsStr::from_bytes(name.to_bytes()));
            self.add(below.as_os_str().as_bytes(), &stat);
            if Kind::of(&stat) == Kind::Directory {
                self.walk(&dir.sub(&name)?, &below, depth + 1)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &[u8], stat: &rustix::fs::Stat) {
        let mut digest = Sha256::new();
        digest.update(stat.st_ino.to_be_bytes());
        digest.update(stat.st_mode.to_be_bytes());
        digest.update(stat.st_size.to_be_bytes());
        digest.update(stat.st_ctime.to_be_bytes());
        digest.update(stat.st_ctime_nsec.to_be_bytes());
        digest.update(path);
        let digest: [u8; 32] = digest.finalize().into();
        let half = digest.first_chunk::<16>().map_or(0, |bytes| u128::from_be_bytes(*bytes));
        self.0 = self.0.wrapping_add(half);
    }
}
