//! The files that a header lists, one at a time: a package may have a hundred thousand.

use super::header::{Header, Texts, tag};
use crate::packages::Digest;

/// The algorithm of digests, by the numbers of OpenPGP (RFC 9580, 9.5).
const MD5: u64 = 1;
const SHA256: u64 = 8;

/// More directories than this no package has; their names are held in memory.
const DIRS_LIMIT: usize = 256 * 1024;

/// A file as its package brought it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File<'a> {
    /// Its directory, from `/` to a slash.
    pub dir: &'a [u8],
    /// Its name in there.
    pub name: &'a [u8],
    /// Of a regular file's content, if the package brought one, and by an algorithm that is known.
    pub digest: Option<Digest>,
    /// Type and permissions, as in `st_mode`.
    pub mode: u32,
    /// `%ghost`, `%config` and the like, see [`flag`].
    pub flags: u32,
    /// False if it was left out, or gave way to another package's, when the package was installed.
    pub installed: bool,
}

/// What [`File::flags`] are made of, by rpm's lib/rpmfiles.h (`RPMFILE_…`).
pub mod flag {
    /// A configuration file.
    pub const CONFIG: u32 = 1;
    /// Not in the package, though it is the package's.
    pub const GHOST: u32 = 1 << 6;
}

impl File<'_> {
    /// The whole path.
    #[must_use]
    pub fn path(&self) -> Vec<u8> {
        [self.dir, self.name].concat()
    }
}

/// The files of a header, in its order.
pub fn files<'a>(header: &Header<'a>) -> impl Iterator<Item = File<'a>> + use<'a> {
    let dirs: Vec<&[u8]> = header.texts(tag::DIRNAMES).take(DIRS_LIMIT).collect();
    let names = Names {
        dirs,
        indexes: header.numbers(tag::DIRINDEXES),
        bases: header.texts(tag::BASENAMES),
        whole: header.texts(tag::OLDFILENAMES),
    };
    let mut digests = Digests {
        texts: header.texts(tag::FILEDIGESTS),
        // Without a word about it they are what they were before there was a choice.
        algorithm: header.number(tag::FILEDIGESTALGO).unwrap_or(MD5),
    };
    let mut modes = header.numbers(tag::FILEMODES);
    let mut flags = header.numbers(tag::FILEFLAGS);
    let mut states = header.bytes(tag::FILESTATES).iter();
    names.map(move |(dir, name)| {
        let installed = states.next().is_none_or(|state| *state == 0);
        let small = |number: Option<u64>| number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
        let (digest, flags) = (digests.next().flatten(), small(flags.next()));
        let digest = digest.filter(|_| installed && flags & flag::GHOST == 0);
        File { dir, name, digest, mode: small(modes.next()), flags, installed }
    })
}

/// Paths, in two parts: as rpm has them since 4.0, or before.
struct Names<'a, I> {
    dirs: Vec<&'a [u8]>,
    indexes: I,
    bases: Texts<'a>,
    whole: Texts<'a>,
}

impl<'a, I: Iterator<Item = u64>> Iterator for Names<'a, I> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(name) = self.bases.next() {
            let dir = usize::try_from(self.indexes.next()?).ok()?;
            return Some((self.dirs.get(dir)?, name));
        }
        let path = self.whole.next()?;
        let end = path.iter().rposition(|byte| *byte == b'/')?;
        Some(path.split_at(end + 1))
    }
}

/// Digests of files; of a directory, a link or a ghost there is none.
struct Digests<'a> {
    texts: Texts<'a>,
    algorithm: u64,
}

impl Iterator for Digests<'_> {
    type Item = Option<Digest>;

    fn next(&mut self) -> Option<Option<Digest>> {
        let text = self.texts.next()?;
        Some(match self.algorithm {
            MD5 => from_hex(text).map(Digest::Md5),
            SHA256 => from_hex(text).map(Digest::Sha256),
            _ => None,
        })
    }
}

fn from_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    for (byte, two) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(two[0])? << 4 | digit(two[1])?;
    }
    Some(bytes)
}
