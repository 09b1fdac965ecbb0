//! Which paths the layer has an entry at, in a fixed amount of memory: yes for each of them, and for few others. With it
//! the digests of a base of hundreds of thousands of files are kept only where they may be asked for.

use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use rustix::fs::FileType;

use super::paths::Keys;
use crate::error::Result;
use crate::tree::Dir;

/// Bits; one path in twenty that is not in a layer of a million entries passes, one in a thousand of 100,000 entries.
const BITS: u64 = 1 << 23;

/// The engine refuses what is deeper, by name.
const DEPTH: usize = 250;

/// A Bloom filter over paths below /usr.
pub(super) struct Sieve {
    keys: Keys,
    words: Vec<u64>,
}

impl Sieve {
    /// Takes in every path of `upper`. A level of the tree is open at a time, whatever its width.
    pub(super) fn of(upper: &Dir, keys: Keys) -> Result<Self> {
        let mut sieve = Sieve { keys, words: vec![0; usize::try_from(BITS / 64).unwrap_or(0)] };
        let mut levels = vec![Level::of(upper.again()?, PathBuf::new(), &mut sieve)?];
        while let Some(level) = levels.last_mut() {
            let Some(name) = level.left.pop() else {
                levels.pop();
                continue;
            };
            let path = level.path.join(std::ffi::OsStr::from_bytes(name.to_bytes()));
            // What was a directory a moment ago.
            let Some(dir) = level.dir.sub_if_there(&name)? else { continue };
            if levels.len() < DEPTH {
                let next = Level::of(dir, path, &mut sieve)?;
                levels.push(next);
            }
        }
        Ok(sieve)
    }

    /// False if the layer has no entry at the path with this key.
    pub(super) fn may_have(&self, key: u64) -> bool {
        bits(key).iter().all(|(word, bit)| self.words.get(*word).is_some_and(|word| word & bit != 0))
    }

    fn add(&mut self, key: u64) {
        for (word, bit) in bits(key) {
            if let Some(word) = self.words.get_mut(word) {
                *word |= bit;
            }
        }
    }
}

/// Three bits, from three parts of the key.
fn bits(key: u64) -> [(usize, u64); 3] {
    [0, 20, 40].map(|shift| {
        let bit = (key >> shift) % BITS;
        (usize::try_from(bit / 64).unwrap_or(0), 1 << (bit % 64))
    })
}

struct Level {
    dir: Dir,
    path: PathBuf,
    /// Directories in it that are still to be read.
    left: Vec<std::ffi::CString>,
}

impl Level {
    fn of(dir: Dir, path: PathBuf, sieve: &mut Sieve) -> Result<Self> {
        let mut left = Vec::new();
        let mut whole = path.into_os_string().into_encoded_bytes();
        if !whole.is_empty() {
            whole.push(b'/');
        }
        let length = whole.len();
        dir.each_name(|name, kind| {
            whole.truncate(length);
            whole.extend_from_slice(name.to_bytes());
            sieve.add(sieve.keys.hash(&whole));
            // A file system that does not tell the type lets us try.
            if matches!(kind, FileType::Directory | FileType::Unknown) {
                left.push(name.to_owned());
            }
        })?;
        whole.truncate(length.saturating_sub(1));
        let path = PathBuf::from(std::ffi::OsString::from_vec(whole));
        Ok(Level { dir, path, left })
    }
}
