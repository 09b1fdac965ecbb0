//! Paths as package databases name them, and as the layer has them: below /usr, and, where hundreds of thousands are kept
//! in memory or in a record, as 64-bit keys. Two paths of one base get the same key in less than one of a million rebases.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::hash::{BuildHasher as _, RandomState};
use std::io::BufRead as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{At as _, Result};
use crate::tree::{Dir, Kind};

/// What turns paths into keys. A record carries its own, so that what was hashed when it was made can be found again;
/// std's hasher may change with each Rust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys(u64, u64);

impl Keys {
    /// New ones, unlike any others.
    #[must_use]
    pub fn random() -> Self {
        // Each state is seeded by the kernel's random numbers.
        Keys(RandomState::new().hash_one(0), RandomState::new().hash_one(1))
    }

    /// Those that these bytes are; always the same.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let bits = u128::from_le_bytes(bytes);
        // Each half has room for its half.
        Keys(u64::try_from(bits >> 64).unwrap_or(0), u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0))
    }

    /// The key of a path below /usr.
    #[must_use]
    pub fn of(self, path: &Path) -> u64 {
        self.hash(path.as_os_str().as_bytes())
    }

    /// SipHash-1-3 (Aumasson, Bernstein: SipHash, a fast short-input PRF).
    #[must_use]
    pub fn hash(self, bytes: &[u8]) -> u64 {
        let mut state = [
            self.0 ^ 0x736f_6d65_7073_6575,
            self.1 ^ 0x646f_7261_6e64_6f6d,
            self.0 ^ 0x6c79_6765_6e65_7261,
            self.1 ^ 0x7465_6462_7974_6573,
        ];
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            take(&mut state, u64::from_le_bytes(word.try_into().unwrap_or_default()));
        }
        let mut last = [0; 8];
        last[..words.remainder().len()].copy_from_slice(words.remainder());
        last[7] = bytes.len().to_le_bytes()[0];
        take(&mut state, u64::from_le_bytes(last));
        state[2] ^= 0xff;
        for _ in 0..3 {
            round(&mut state);
        }
        state[0] ^ state[1] ^ state[2] ^ state[3]
    }
}

fn take(state: &mut [u64; 4], word: u64) {
    state[3] ^= word;
    round(state);
    state[0] ^= word;
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[2] = v[2].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[1]);
    v[0] = v[0].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].rotate_left(32);
}

/// The names in the root directory that are links into /usr on a merged /usr.
const MERGED: [&[u8]; 6] = [b"bin", b"sbin", b"lib", b"lib64", b"lib32", b"libx32"];

/// `/usr/bin/x` and, on a merged /usr, `/bin/x` are both `bin/x`; what is elsewhere, or is no plain path, is not the
/// layer's. A slash at the end (pacman's directories) does not count.
#[must_use]
pub fn below_usr(path: &[u8]) -> Option<&Path> {
    let below = path.strip_prefix(b"/")?;
    let below = below.strip_suffix(b"/").unwrap_or(below);
    let first = parts(below, b'/').next().unwrap_or_default();
    let below = match first {
        b"usr" => below.get(4..)?,
        first if MERGED.contains(&first) => below,
        _ => return None,
    };
    let plain = |part: &[u8]| !matches!(part, b"" | b"." | b"..");
    let is_plain =
        !below.is_empty() && !below.ends_with(b"/") && !below.contains(&0) && parts(below, b'/').all(plain);
    is_plain.then(|| Path::new(OsStr::from_bytes(below)))
}

/// What a byte parts; nothing after the last one if that is at the end. As slice::split_inclusive, by the library's own
/// search, which takes a tenth of the time: lists of packages have millions of bytes.
pub fn parts(mut rest: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let before = rest;
        // Reading from memory cannot fail; it would end the list.
        let length = rest.skip_until(separator).unwrap_or(0);
        let part = before.get(..length).filter(|part| !part.is_empty())?;
        Some(part.strip_suffix(&[separator]).unwrap_or(part))
    })
}

/// True for a path of plain components that stays below the directory that it is looked for in.
#[must_use]
pub fn is_plain(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// Directories right below /usr that are links to each other, as `sbin` to `bin` where the two are merged: what a package
/// lists below the link is below its target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aliases(Vec<(String, String)>);

impl Aliases {
    /// Those of a tree.
    pub fn of(usr: &Dir) -> Result<Self> {
        let mut found = Vec::new();
        for name in [c"bin", c"sbin", c"lib", c"lib64", c"lib32", c"libx32"] {
            let Some(stat) = usr.stat(name)? else { continue };
            if Kind::of(&stat) != Kind::Symlink {
                continue;
            }
            let target = rustix::fs::readlinkat(usr, name, Vec::new()).reading(usr.path_of(name))?;
            let (Ok(name), Ok(target)) = (name.to_str(), target.into_string()) else { continue };
            if is_plain(Path::new(&target)) && !target.contains('/') && target != name {
                found.push((name.to_owned(), target));
            }
        }
        Ok(Aliases(found))
    }

    /// Where a path below /usr really is.
    #[must_use]
    pub fn resolve<'a>(&self, path: &'a Path) -> Cow<'a, Path> {
        for (name, target) in &self.0 {
            match path.strip_prefix(name) {
                // The link itself is where it is.
                Ok(rest) if !rest.as_os_str().is_empty() => {
                    return Cow::Owned([Path::new(target), rest].iter().collect::<PathBuf>());
                }
                _ => {}
            }
        }
        Cow::Borrowed(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// std's own is SipHash-1-3 with keys of 0, and says that it may become another; ours may not.
    #[test]
    fn the_hash_is_siphash_1_3() {
        use std::hash::{DefaultHasher, Hasher as _};

        let input: Vec<u8> = (0..100).collect();
        for length in 0..input.len() {
            let mut hasher = DefaultHasher::new();
            hasher.write(&input[..length]);
            assert_eq!(Keys(0, 0).hash(&input[..length]), hasher.finish(), "{length}");
        }
        let keys = Keys(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
        assert_eq!(keys.hash(&[]), 0xabac_0158_050f_c4dc);
    }

    #[test]
    fn only_plain_paths_below_usr_are_the_layers() {
        let below = |text: &str| below_usr(text.as_bytes()).map(|path| path.display().to_string());
        for (text, path) in [
            ("/usr/bin/x", "bin/x"),
            ("/bin/x", "bin/x"),
            ("/lib64/ld.so", "lib64/ld.so"),
            ("/usr/share/doc/", "share/doc"),
            ("/usr/lib", "lib"),
            ("/lib", "lib"),
        ] {
            assert_eq!(below(text).as_deref(), Some(path), "{text}");
        }
        for text in [
            "",
            "/",
            "/.",
            "/usr",
            "/usr/",
            "usr/bin/x",
            "/etc/x",
            "/usr/../etc/x",
            "/usr//x",
            "/usr/./x",
            "/usrlocal/x",
            "/library/x",
            "/usr/bin//",
            "/usr/bin/.",
            "/usr/bin/..",
            "/usr/a\0b",
        ] {
            assert_eq!(below(text), None, "{text}");
        }
    }

    #[test]
    fn a_merged_directory_is_found_below_its_target() {
        let aliases = Aliases(vec![("sbin".into(), "bin".into())]);
        assert_eq!(aliases.resolve(Path::new("sbin/x/y")), Path::new("bin/x/y"));
        assert_eq!(aliases.resolve(Path::new("sbin")), Path::new("sbin"));
        assert_eq!(aliases.resolve(Path::new("sbinx/y")), Path::new("sbinx/y"));
    }
}
