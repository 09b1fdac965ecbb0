//! What a layer's record keeps of its base's package database: the packages, and for each path that they list its key and
//! its content's digest. A tenth of the database, readable without the package manager.
//!
//! A record is made twice: at once when a layer is made, with the packages alone, since a boot waits for it; and with all
//! of it by `veneer record`, while the base runs.
//!
//! One line `veneer packages 1`, one line of JSON (the head), the attachments, then for each package its paths: key (8
//! bytes, little endian), kind of digest (0 none, 1 MD5, 2 SHA-256), digest; at the end a checksum of all before it.

use std::ffi::CStr;
use std::fs::File;
use std::io::{BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::database::{Database, Listed, See};
use super::paths::{Aliases, Keys};
use super::{Digest, Manager, Package};
use crate::error::{At as _, Error, Result};
use crate::tree::Dir;

/// The file's name in the record.
const FILE: &CStr = c"packages";
const NEW: &CStr = c"packages.new";

const FIRST: &[u8] = b"veneer packages 1\n";
/// Twenty thousand packages.
const HEAD_LIMIT: u64 = 8 * 1024 * 1024;
const ATTACHMENT_LIMIT: u64 = 1024 * 1024;
/// A million paths.
const PATH_LIMIT: u64 = 1_000_000;
/// Tells damage; it keeps nobody from forging a record.
const CHECKSUM: [u8; 16] = *b"veneer packages.";

/// What the file says first.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    /// `None` if the base has no package database.
    manager: Option<Manager>,
    /// The database's directory below /usr.
    dir: PathBuf,
    keys: Keys,
    aliases: Aliases,
    /// False if only the packages are recorded.
    lists: bool,
    packages: Vec<Package>,
    /// How many paths each package has.
    counts: Vec<u64>,
    /// Small files of the database as they are: name and length.
    attachments: Vec<(String, u64)>,
}

/// An open record.
#[derive(Debug)]
pub struct Extract {
    head: Head,
    attachments: Vec<Vec<u8>>,
    /// Where each package's paths begin, in bytes: unknown until those before it were read once.
    starts: Vec<u64>,
    file: File,
    path: PathBuf,
}

/// What is to be recorded.
pub struct Content<'a> {
    /// Whose database it is.
    pub manager: Manager,
    /// Its directory below /usr.
    pub dir: &'a Path,
    /// The base's.
    pub aliases: Aliases,
    /// The database itself.
    pub database: &'a dyn Database,
    /// Small files of it that are to be had as they are, by name.
    pub attachments: Vec<(String, Vec<u8>)>,
}

impl Extract {
    /// Writes the record, in place of one that is there. `lists` tells whether with the packages' paths.
    pub fn write(record: &Dir, content: Option<&Content<'_>>, lists: bool) -> Result<()> {
        let keys = Keys::random();
        let nothing = Head {
            manager: None,
            dir: PathBuf::new(),
            keys,
            aliases: Aliases::default(),
            lists: true,
            packages: Vec::new(),
            counts: Vec::new(),
            attachments: Vec::new(),
        };
        let (mut head, mut paths) = (nothing, Vec::new());
        if let Some(content) = content {
            head.manager = Some(content.manager);
            head.dir = content.dir.to_path_buf();
            head.aliases = content.aliases.clone();
            head.lists = lists;
            head.packages = content.database.packages().to_vec();
            head.attachments =
                content.attachments.iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect();
            for number in 0..if lists { head.packages.len() } else { 0 } {
                let mut count = 0;
                content.database.each_file(number, &mut |path, digest| {
                    count += 1;
                    put(&mut paths, keys, path, digest);
                })?;
                head.counts.push(count);
            }
        }
        let json = serde_json::to_vec(&head).map_err(std::io::Error::other).writing(record.path_of(FILE))?;
        record.remove_file(NEW)?;
        let mut file = record.create(NEW, 0o600)?;
        let mut sum = Sum::new();
        let attachments = content.map_or(&[][..], |content| &content.attachments[..]);
        let parts = [FIRST, &json, b"\n"].into_iter().chain(attachments.iter().map(|(_, bytes)| &bytes[..]));
        for part in parts.chain([&paths[..]]) {
            sum.add(part);
            file.write_all(part).writing(record.path_of(NEW))?;
        }
        file.write_all(&sum.end().to_le_bytes()).writing(record.path_of(NEW))?;
        rustix::fs::fsync(&file).writing(record.path_of(NEW))?;
        rustix::fs::renameat(record, NEW, record, FILE).writing(record.path_of(FILE))?;
        record.sync()
    }

    /// Removes a record that may be there.
    pub fn remove(record: &Dir) -> Result<()> {
        record.remove_file(FILE)
    }

    /// Opens a record; `None` if there is none of packages.
    pub fn open(record: &Dir) -> Result<Option<Self>> {
        let file = match record.file(FILE) {
            Err(Error::Open { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Ok(None);
            }
            other => other?,
        };
        let path = record.path_of(FILE);
        let size = file.metadata().reading(&path)?.len();
        let mut reader = Reader { file: BufReader::with_capacity(64 * 1024, file), sum: Sum::new(), path };
        let mut first = [0; FIRST.len()];
        reader.fill(&mut first)?;
        if first != *FIRST {
            return Err(reader.damaged("no Veneer packages file of format 1"));
        }
        let head = reader.line(HEAD_LIMIT.min(size))?;
        let head: Head = serde_json::from_slice(&head).map_err(|_| reader.damaged("its head is no JSON"))?;
        let sorted = head.packages.windows(2).all(|two| two[0].key() < two[1].key());
        let count = head.counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count));
        let paths = count.is_some_and(|count| count <= PATH_LIMIT);
        let counted = head.counts.len() == if head.lists { head.packages.len() } else { 0 };
        if !sorted || !paths || !counted || !super::paths::is_plain(&head.dir) {
            return Err(reader.damaged("its head is not what Veneer writes"));
        }
        let mut attachments = Vec::new();
        let mut left = ATTACHMENT_LIMIT;
        for (_, length) in &head.attachments {
            left =
                left.checked_sub(*length).ok_or_else(|| reader.damaged("its attachments are too large"))?;
            let mut bytes = vec![0; usize::try_from(*length).unwrap_or(0)];
            reader.fill(&mut bytes)?;
            attachments.push(bytes);
        }
        let mut at = reader.sum.length;
        let mut starts = Vec::with_capacity(head.counts.len());
        for count in &head.counts {
            starts.push(at);
            for _ in 0..*count {
                at += reader.path()?.2;
            }
        }
        let expected = std::mem::replace(&mut reader.sum, Sum::new()).end();
        let mut sum = [0; 8];
        reader.fill(&mut sum)?;
        if u64::from_le_bytes(sum) != expected || at + 8 != size {
            return Err(reader.damaged("its checksum is wrong"));
        }
        let Reader { file, path, .. } = reader;
        Ok(Some(Extract { head, attachments, starts, file: file.into_inner(), path }))
    }

    /// Whose database it is of; `None` if the base has none.
    #[must_use]
    pub fn manager(&self) -> Option<Manager> {
        self.head.manager
    }

    /// The database's directory below /usr.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.head.dir
    }

    /// What its keys were made with.
    #[must_use]
    pub fn keys(&self) -> Keys {
        self.head.keys
    }

    /// The base's.
    #[must_use]
    pub fn aliases(&self) -> &Aliases {
        &self.head.aliases
    }

    /// True if the packages' paths are recorded.
    #[must_use]
    pub fn has_lists(&self) -> bool {
        self.head.lists
    }

    /// A small file of the database as it was.
    #[must_use]
    pub fn attachment(&self, name: &str) -> Option<&[u8]> {
        let at = self.head.attachments.iter().position(|(found, _)| found == name)?;
        self.attachments.get(at).map(Vec::as_slice)
    }
}

impl Database for Extract {
    fn packages(&self) -> &[Package] {
        &self.head.packages
    }

    fn each_file(&self, number: usize, see: &mut See<'_>) -> Result<()> {
        use std::os::unix::fs::FileExt as _;

        let (Some(start), Some(count)) = (self.starts.get(number), self.head.counts.get(number)) else {
            return Ok(());
        };
        let end = self.starts.get(number + 1).copied();
        let mut at = *start;
        let mut left = *count;
        let mut buffer = vec![0; 64 * 1024];
        while left > 0 {
            let wish = end.map_or(buffer.len(), |end| {
                usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len())
            });
            let length = self.file.read_at(&mut buffer[..wish], at).reading(&self.path)?;
            let mut rest = &buffer[..length];
            while left > 0 {
                let Some((key, digest, length)) = take(rest) else { break };
                see(Listed::Key(key), digest);
                rest = &rest[length..];
                left -= 1;
            }
            let done = length - rest.len();
            if done == 0 {
                let what = "it changed while it was read".to_owned();
                return Err(Error::Damaged { path: self.path.clone(), what });
            }
            at += done as u64;
        }
        Ok(())
    }
}

fn put(bytes: &mut Vec<u8>, keys: Keys, path: Listed<'_>, digest: Option<Digest>) {
    let key = match path {
        Listed::Path(path) => keys.of(path),
        Listed::Key(key) => key,
    };
    bytes.extend_from_slice(&key.to_le_bytes());
    match digest {
        None => bytes.push(0),
        Some(Digest::Md5(digest)) => {
            bytes.push(1);
            bytes.extend_from_slice(&digest);
        }
        Some(Digest::Sha256(digest)) => {
            bytes.push(2);
            bytes.extend_from_slice(&digest);
        }
    }
}

/// One path from the beginning of `bytes`, and its length there; `None` if it is not all there.
fn take(bytes: &[u8]) -> Option<(u64, Option<Digest>, usize)> {
    let (key, rest) = bytes.split_first_chunk::<8>()?;
    let (kind, rest) = rest.split_first()?;
    let (digest, length) = match kind {
        1 => (Some(Digest::Md5(*rest.first_chunk()?)), 9 + 16),
        2 => (Some(Digest::Sha256(*rest.first_chunk()?)), 9 + 32),
        _ => (None, 9),
    };
    Some((u64::from_le_bytes(*key), digest, length))
}

/// A checksum over pieces of any size.
struct Sum {
    keys: Keys,
    now: u64,
    length: u64,
    block: Vec<u8>,
}

const BLOCK: usize = 4096;

impl Sum {
    fn new() -> Self {
        Sum { keys: Keys::from_bytes(CHECKSUM), now: 0, length: 0, block: Vec::with_capacity(BLOCK + 8) }
    }

    fn add(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(bytes.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(now);
            bytes = rest;
            if self.block.len() == BLOCK {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        self.block.extend_from_slice(&self.now.to_le_bytes());
        self.now = self.keys.hash(&self.block);
        self.block.clear();
    }

    fn end(mut self) -> u64 {
        self.close();
        self.now
    }
}

struct Reader {
    file: BufReader<File>,
    sum: Sum,
    path: PathBuf,
}

impl Reader {
    fn damaged(&self, what: &str) -> Error {
        Error::Damaged { path: self.path.clone(), what: what.to_owned() }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        match self.file.read_exact(bytes) {
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Err(self.damaged("cut off")),
            other => other.reading(&self.path),
        }?;
        self.sum.add(bytes);
        Ok(())
    }

    fn line(&mut self, limit: u64) -> Result<Vec<u8>> {
        use std::io::BufRead as _;

        let mut line = Vec::new();
        (&mut self.file).take(limit).read_until(b'\n', &mut line).reading(&self.path)?;
        if line.last() != Some(&b'\n') {
            return Err(self.damaged("cut off, or its head is too large"));
        }
        self.sum.add(&line);
        Ok(line)
    }

    /// Reads a path; what it says, and its length.
    fn path(&mut self) -> Result<(u64, Option<Digest>, u64)> {
        let mut bytes = [0; 9 + 32];
        self.fill(&mut bytes[..9])?;
        let more = match bytes[8] {
            0 => 0,
            1 => 16,
            2 => 32,
            _ => return Err(self.damaged("it has a kind of digest that Veneer does not know")),
        };
        self.fill(&mut bytes[9..9 + more])?;
        let (key, digest, length) = take(&bytes).ok_or_else(|| self.damaged("cut off"))?;
        Ok((key, digest, length as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::{Memory, TempDir};
    use super::*;

    fn database() -> Memory {
        Memory::new(&[
            ("libfoo", "1.0", &[("lib/libfoo.so", 1), ("share/doc/libfoo", 0)]),
            ("nothing", "2", &[]),
            ("tool", "1:3~rc1-2", &[("bin/tool", 3)]),
        ])
    }

    fn write(dir: &Dir, lists: bool) {
        let database = database();
        let content = Content {
            manager: Manager::Dpkg,
            dir: Path::new("lib/sysimage/dpkg"),
            aliases: Aliases::default(),
            database: &database,
            attachments: vec![("diversions".into(), b"/a\n/b\n:\n".to_vec())],
        };
        Extract::write(dir, Some(&content), lists).expect("written");
    }

    #[test]
    fn what_is_recorded_is_read() {
        let temp = TempDir::new();
        let dir = Dir::open(&temp.0).expect("open");
        assert!(Extract::open(&dir).expect("nothing is no error").is_none());
        write(&dir, true);
        let extract = Extract::open(&dir).expect("good").expect("there");
        assert_eq!(extract.packages(), database().packages());
        assert_eq!((extract.manager(), extract.has_lists()), (Some(Manager::Dpkg), true));
        assert_eq!(extract.attachment("diversions"), Some(&b"/a\n/b\n:\n"[..]));
        assert_eq!(extract.attachment("other"), None);
        let mut seen = Vec::new();
        for number in 0..4 {
            let see = &mut |path: Listed<'_>, digest: Option<Digest>| {
                let Listed::Key(key) = path else { panic!("a record has keys") };
                seen.push((number, key, digest));
            };
            extract.each_file(number, see).expect("read");
        }
        let key = |path: &str| extract.keys().of(Path::new(path));
        let expected = [
            (0, key("lib/libfoo.so"), Some(Digest::Md5([1; 16]))),
            (0, key("share/doc/libfoo"), None),
            (2, key("bin/tool"), Some(Digest::Md5([3; 16]))),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_first_record_has_no_lists() {
        let temp = TempDir::new();
        let dir = Dir::open(&temp.0).expect("open");
        write(&dir, false);
        let extract = Extract::open(&dir).expect("good").expect("there");
        assert_eq!((extract.packages().len(), extract.has_lists()), (3, false));
        extract.each_file(0, &mut |_, _| panic!("no lists")).expect("nothing to read");
        Extract::write(&dir, None, true).expect("written over");
        assert_eq!(Extract::open(&dir).expect("good").expect("there").manager(), None);
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let temp = TempDir::new();
        let dir = Dir::open(&temp.0).expect("open");
        write(&dir, true);
        let path = temp.0.join("packages");
        let good = std::fs::read(&path).expect("read");
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 0x20;
            std::fs::write(&path, &bytes).expect("write");
            assert!(matches!(Extract::open(&dir), Err(Error::Damaged { .. })), "byte {at}");
            std::fs::write(&path, &good[..at]).expect("write");
            assert!(matches!(Extract::open(&dir), Err(Error::Damaged { .. })), "cut at {at}");
        }
    }

    /// Fewer than other tests of noise: each one goes through a file.
    #[test]
    fn noise_is_damage_and_never_a_panic() {
        let temp = TempDir::new();
        let dir = Dir::open(&temp.0).expect("open");
        write(&dir, true);
        let path = temp.0.join("packages");
        let good = std::fs::read(&path).expect("read");
        let body = &good[..good.len() - 8];
        let mut random = crate::fuzz::Random::new();
        for _ in 0..crate::fuzz::rounds(3000) / 10 {
            // With the right checksum: a forger can do that.
            let mut bytes = random.mangle(body);
            let mut sum = Sum::new();
            sum.add(&bytes);
            bytes.extend_from_slice(&sum.end().to_le_bytes());
            std::fs::write(&path, &bytes).expect("write");
            match Extract::open(&dir) {
                Ok(None) => panic!("there is one"),
                Ok(Some(extract)) => {
                    for number in 0..extract.packages().len() {
                        extract.each_file(number, &mut |_, _| {}).expect("what was read once is read again");
                    }
                }
                Err(Error::Damaged { what, .. }) => assert!(!what.contains(char::is_control), "{what:?}"),
                Err(other) => panic!("{other}"),
            }
        }
    }
}
