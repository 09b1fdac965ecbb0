//! The record's `shadowed` file: what the old base has at the paths where the layer has something over it. A block a
//! directory, each with its own checksum, so that a rebase reads just the block that it judges; a damaged block is as
//! good as none: what it said is unknown, never guessed.
//!
//! ```text
//! veneer shadowed 1
//! @ all|some LENGTH SUM PATH      then LENGTH bytes of lines, one an entry (see `line`)
//! ```

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::entry::OldEntry;
use super::line;
use crate::error::{At as _, Error, Result};
use crate::hex;
use crate::tree::Dir;

/// Its name in the record.
pub(super) const FILE: &CStr = c"shadowed";
const MAGIC: &str = "veneer shadowed 1\n";
/// A block holds some 60 000 entries. What would be larger is not written.
const BLOCK_LIMIT: usize = 8 * 1024 * 1024;
/// Of directories. Above it, the rest is unknown.
const INDEX_LIMIT: usize = 200_000;
/// A path of 4095 bytes, each escaped, and the rest of a head.
const HEAD_LIMIT: u64 = 16 * 1024;

/// What is known of a name in the old base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Old<'a> {
    /// Nobody looked.
    Unknown,
    /// It had nothing there.
    Absent,
    /// It had this.
    Known(&'a OldEntry),
}

/// What is known of a directory of the old base.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum OldDir {
    /// Nothing.
    #[default]
    Unknown,
    /// There was no such directory, so nothing below it either.
    Absent,
    /// Some or all of its entries; `None` for a name that it did not have.
    Listed {
        /// True if names that are not listed were not there.
        whole: bool,
        /// By name.
        entries: HashMap<CString, Option<OldEntry>>,
    },
}

impl OldDir {
    /// What is known of a name in it.
    #[must_use]
    pub fn get(&self, name: &CStr) -> Old<'_> {
        match self {
            OldDir::Unknown => Old::Unknown,
            OldDir::Absent => Old::Absent,
            OldDir::Listed { whole, entries } => match entries.get(name) {
                Some(Some(entry)) => Old::Known(entry),
                Some(None) => Old::Absent,
                None if *whole => Old::Absent,
                None => Old::Unknown,
            },
        }
    }

    /// All that was in it, if that is known.
    #[must_use]
    pub fn all(&self) -> Option<impl Iterator<Item = (&CStr, &OldEntry)>> {
        match self {
            OldDir::Listed { whole: true, entries } => {
                Some(entries.iter().filter_map(|(name, entry)| Some((name.as_c_str(), entry.as_ref()?))))
            }
            _ => None,
        }
    }
}

/// The file, opened; what is not in it is unknown.
#[derive(Debug, Default)]
pub struct Shadowed {
    file: Option<File>,
    blocks: Blocks,
}

/// Where the block of a directory is, by its path: offset and length of head and lines, in bytes.
type Blocks = HashMap<Box<[u8]>, (u64, usize)>;

impl Shadowed {
    /// Opens the file in a layer's record and finds its blocks. A file that is not there, or no such file, says nothing.
    pub fn open(record: &Dir) -> Result<Self> {
        let file = match record.file(FILE) {
            Err(Error::Open { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Shadowed::default());
            }
            Err(error @ Error::Damaged { .. }) => {
                log::warn!("{error}; what the old base had is taken as unknown");
                return Ok(Shadowed::default());
            }
            other => other?,
        };
        let blocks = match index(&file) {
            Ok(blocks) => blocks,
            Err(error) => {
                log::warn!("{}: {error}; some of it is taken as unknown", record.path_of(FILE).display());
                error.found
            }
        };
        Ok(Shadowed { file: Some(file), blocks })
    }

    /// True if nothing is known at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// What is known of the directory at `path` below /usr.
    #[must_use]
    pub fn dir(&self, path: &Path) -> OldDir {
        let key = path.as_os_str().as_bytes();
        let (Some(file), Some(&(offset, length))) = (&self.file, self.blocks.get(key)) else {
            return OldDir::Unknown;
        };
        let mut bytes = vec![0; length];
        let mut done = 0;
        while done < length {
            match rustix::io::pread(file, &mut bytes[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(more) => done += more,
                Err(error) => {
                    log::warn!("the record of {}: {error}", path.display());
                    return OldDir::Unknown;
                }
            }
        }
        block(&bytes[..done]).unwrap_or_else(|| {
            log::warn!("the record of {} is damaged: it is taken as unknown", path.display());
            OldDir::Unknown
        })
    }
}

/// What was found before something was wrong.
#[derive(Debug)]
struct BadIndex {
    what: String,
    found: Blocks,
}

impl std::fmt::Display for BadIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

fn index(file: &File) -> std::result::Result<Blocks, BadIndex> {
    let mut found = HashMap::new();
    match fill_index(file, &mut found) {
        Ok(()) => Ok(found),
        Err(error) => Err(BadIndex { what: error.to_string(), found }),
    }
}

fn fill_index(file: &File, found: &mut Blocks) -> std::io::Result<()> {
    let bad = |what: &str| std::io::Error::other(what.to_owned());
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    let mut text = vec![0; MAGIC.len()];
    reader.read_exact(&mut text)?;
    if text != MAGIC.as_bytes() {
        return Err(bad("not of a format that is known here"));
    }
    let mut at = MAGIC.len() as u64;
    loop {
        text.clear();
        let length = (&mut reader).take(HEAD_LIMIT).read_until(b'\n', &mut text)?;
        if length == 0 {
            return Ok(());
        }
        let head = std::str::from_utf8(&text).ok().and_then(|text| Head::parse(text.strip_suffix('\n')?));
        let head = head.ok_or_else(|| bad("damaged, or cut off"))?;
        if found.len() >= INDEX_LIMIT {
            return Err(bad("of too many directories"));
        }
        found.insert(head.path.into(), (at, length + head.length));
        reader.seek_relative(i64::try_from(head.length).unwrap_or(i64::MAX))?;
        at += (length + head.length) as u64;
    }
}

struct Head<'a> {
    whole: bool,
    length: usize,
    sum: &'a str,
    path: Vec<u8>,
}

impl<'a> Head<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut words = text.split(' ');
        if words.next()? != "@" {
            return None;
        }
        let whole = match words.next()? {
            "all" => true,
            "some" => false,
            _ => return None,
        };
        let length = words.next()?.parse().ok().filter(|length| *length <= BLOCK_LIMIT)?;
        let (sum, path) = (words.next()?, line::unescape(words.next()?)?);
        words.next().is_none().then_some(Head { whole, length, sum, path })
    }
}

/// Reads a block, head and all; `None` if it is not as it was written.
fn block(bytes: &[u8]) -> Option<OldDir> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, lines) = text.split_once('\n')?;
    let head = Head::parse(head)?;
    if lines.len() != head.length || sum(&head.path, head.whole, lines) != head.sum {
        return None;
    }
    let mut entries = HashMap::new();
    for text in lines.split_terminator('\n') {
        let (name, entry) = line::parse(text)?;
        entries.insert(name, entry);
    }
    Some(OldDir::Listed { whole: head.whole, entries })
}

/// Enough of a SHA-256 to tell damage.
fn sum(path: &[u8], whole: bool, lines: &str) -> String {
    let mut sum = Sha256::new();
    sum.update([u8::from(whole)]);
    sum.update((path.len() as u64).to_le_bytes());
    sum.update(path);
    sum.update(lines);
    let digest: [u8; 32] = sum.finalize().into();
    hex::encode(&digest[..8])
}

/// The lines of a block in the making; `None` once they are more than a block may have, which then says nothing.
pub(super) struct Lines(Option<String>);

impl Lines {
    pub(super) fn new() -> Self {
        Lines(Some(String::new()))
    }

    pub(super) fn push(&mut self, name: &CStr, entry: Option<&OldEntry>) {
        if let Some(lines) = &mut self.0 {
            line::push(lines, name.to_bytes(), entry);
            if lines.len() > BLOCK_LIMIT {
                self.0 = None;
            }
        }
    }
}

/// Writes a `shadowed` file beside the present one, whose place it takes at the end.
pub(super) struct Writer<'a> {
    record: &'a Dir,
    file: std::io::BufWriter<File>,
}

const NEW: &CStr = c"shadowed.new";

impl<'a> Writer<'a> {
    pub(super) fn start(record: &'a Dir) -> Result<Self> {
        record.remove_file(NEW)?;
        let file = record.create(NEW, 0o600)?;
        let mut file = std::io::BufWriter::with_capacity(64 * 1024, file);
        file.write_all(MAGIC.as_bytes()).writing(record.path_of(NEW))?;
        Ok(Writer { record, file })
    }

    /// Writes the block of the directory at `path`, unless there is nothing in it to say.
    pub(super) fn block(&mut self, path: &Path, whole: bool, lines: &Lines) -> Result<()> {
        let Some(lines) = lines.0.as_deref().filter(|lines| whole || !lines.is_empty()) else {
            return Ok(());
        };
        let path = path.as_os_str().as_bytes();
        let word = if whole { "all" } else { "some" };
        let mut head = format!("@ {word} {} {} ", lines.len(), sum(path, whole, lines));
        line::push_name(&mut head, path);
        head.push('\n');
        self.file.write_all(head.as_bytes()).writing(self.record.path_of(NEW))?;
        self.file.write_all(lines.as_bytes()).writing(self.record.path_of(NEW))
    }

    /// Puts the new file in the place of the old one. With `durable`, it is on disk before this returns.
    pub(super) fn finish(self, durable: bool) -> Result<()> {
        let path = self.record.path_of(NEW);
        let file = self.file.into_inner().map_err(std::io::IntoInnerError::into_error).writing(&path)?;
        if durable {
            rustix::fs::fsync(&file).writing(&path)?;
        }
        rustix::fs::renameat(self.record, NEW, self.record, FILE).writing(&path)?;
        if durable { self.record.sync() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(lines: &str, whole: bool) -> Vec<u8> {
        let word = if whole { "all" } else { "some" };
        format!("@ {word} {} {} lib\\20x\n{lines}", lines.len(), sum(b"lib x", whole, lines)).into_bytes()
    }

    #[test]
    fn a_block_says_what_was_there_and_what_was_not() {
        let some = block(&written("- gone\nd 755 0 0 0 - - sub\n", false)).expect("a block");
        assert_eq!((some.get(c"gone"), some.get(c"other")), (Old::Absent, Old::Unknown));
        assert!(matches!(some.get(c"sub"), Old::Known(entry) if entry.is_directory()));
        let all = block(&written("d 755 0 0 0 - - sub\n", true)).expect("a block");
        assert_eq!(all.get(c"other"), Old::Absent);
        assert_eq!(all.all().map(Iterator::count), Some(1));
        assert!(some.all().is_none());
    }

    #[test]
    fn every_changed_or_missing_byte_makes_it_unknown() {
        let good = written("d 755 0 0 0 - - sub\n", true);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(block(&bad), None, "byte {at}");
            assert_eq!(block(&good[..at]), None, "cut at {at}");
        }
    }

    /// A million: see [`crate::fuzz`].
    #[test]
    fn noise_is_indexed_without_a_panic() {
        let good =
            [MAGIC.as_bytes(), &written("d 755 0 0 0 - - sub\n", true), &written("- x\n", false)].concat();
        let path = std::env::temp_dir().join(format!("veneer-shadowed-{}", std::process::id()));
        let mut random = crate::fuzz::Random::new();
        for _ in 0..crate::fuzz::rounds(1000) {
            let bytes = random.mangle(&good);
            std::fs::write(&path, &bytes).expect("write");
            let file = File::open(&path).expect("open");
            let blocks = index(&file).unwrap_or_else(|bad| bad.found);
            let shadowed = Shadowed { file: Some(file), blocks };
            for key in shadowed.blocks.keys() {
                let _ = shadowed.dir(Path::new(std::ffi::OsStr::from_bytes(key)));
            }
        }
        std::fs::remove_file(&path).expect("remove");
    }
}
