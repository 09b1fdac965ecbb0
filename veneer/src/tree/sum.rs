//! Whether a tree was changed since: one number over what stat(2) says of each of its entries.

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
    sum.walk(tree, 0)?;
    Ok(hex::encode(&sum.0.to_be_bytes()))
}

/// Added up, so that the order in which a file system gives names does not count.
struct Sum(u128);

impl Sum {
    fn walk(&mut self, dir: &Dir, depth: usize) -> Result<()> {
        check_depth(dir, depth)?;
        let place = dir.stat_self()?;
        self.add(0, b"", &place);
        for name in dir.names()? {
            let Some(stat) = dir.stat(&name)? else { continue };
            self.add(place.st_ino, name.to_bytes(), &stat);
            if Kind::of(&stat) == Kind::Directory {
                self.walk(&dir.sub(&name)?, depth + 1)?;
            }
        }
        Ok(())
    }

    /// A directory is named by its inode, and an entry by that of its directory and its name.
    fn add(&mut self, directory: u64, name: &[u8], stat: &rustix::fs::Stat) {
        let mut digest = Sha256::new();
        digest.update(directory.to_be_bytes());
        digest.update(stat.st_ino.to_be_bytes());
        digest.update(stat.st_mode.to_be_bytes());
        digest.update(stat.st_size.to_be_bytes());
        digest.update(stat.st_ctime.to_be_bytes());
        digest.update(stat.st_ctime_nsec.to_be_bytes());
        digest.update(name);
        let digest: [u8; 32] = digest.finalize().into();
        let half = digest.first_chunk::<16>().map_or(0, |bytes| u128::from_be_bytes(*bytes));
        self.0 = self.0.wrapping_add(half);
    }
}
