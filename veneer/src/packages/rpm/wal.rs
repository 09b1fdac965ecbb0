//! SQLite's write-ahead log: what was committed to a database and is not in its main file yet, as after a power cut in
//! the middle of a transaction of the package manager. Read, never replayed: the layer stays as it is.
//!
//! Only whole commits count, each frame of which must carry the log's own salt and the right sum, as in SQLite's own
//! recovery ("The WAL File Format" of <https://www.sqlite.org/fileformat2.html>).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read as _};
use std::os::unix::fs::FileExt as _;

use super::sqlite::Fault;

const HEAD: usize = 32;
const FRAME: usize = 24;
/// More pages than this a log of packages does not have: a gibibyte of them.
const PAGES_LIMIT: usize = 256 * 1024;

/// The pages of a log, by where they are in it.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    page: usize,
    places: BTreeMap<u32, u64>,
}

impl Log {
    /// Reads a log; `None` if nothing was committed to it.
    pub(super) fn read_from(file: File) -> Result<Option<Self>, Fault> {
        let mut reader = BufReader::with_capacity(64 * 1024, file.try_clone()?);
        let mut head = [0; HEAD];
        if !fill(&mut reader, &mut head)? {
            return Ok(None);
        }
        let magic = word(&head, 0);
        let page = usize::try_from(word(&head, 8)).unwrap_or(0);
        let known = magic & !1 == 0x377f_0682 && page.is_power_of_two() && (512..=65536).contains(&page);
        let big = magic & 1 == 1;
        let mut sum = Sum::default();
        sum.add(&head[..24], big);
        // SQLite begins a new log over one whose head is not whole: nothing in it was ever committed.
        if !known || sum != Sum(word(&head, 24), word(&head, 28)) {
            return Ok(None);
        }

        let mut frame = vec![0; FRAME + page];
        let (mut places, mut open) = (BTreeMap::new(), BTreeMap::new());
        let mut at = HEAD as u64;
        while fill(&mut reader, &mut frame)? {
            sum.add(&frame[..8], big);
            sum.add(&frame[FRAME..], big);
            if frame[8..16] != head[16..24] || sum != Sum(word(&frame, 16), word(&frame, 20)) {
                break;
            }
            open.insert(word(&frame, 0), at + FRAME as u64);
            at += frame.len() as u64;
            if places.len() + open.len() > PAGES_LIMIT {
                return Err(Fault::Form("its write-ahead log has more pages than any package database"));
            }
            // The last frame of a commit says how many pages the database has now.
            if word(&frame, 4) > 0 {
                places.extend(std::mem::take(&mut open));
            }
        }
        Ok((!places.is_empty()).then_some(Log { file, page, places }))
    }

    /// Bytes of a page.
    #[must_use]
    pub(super) fn page(&self) -> usize {
        self.page
    }

    /// How many pages of the database it has.
    #[must_use]
    pub(super) fn pages(&self) -> usize {
        self.places.len()
    }

    /// Where in the log the newest content of a page is.
    #[must_use]
    pub(super) fn place(&self, number: u32) -> Option<u64> {
        self.places.get(&number).copied()
    }

    /// Reads the beginning of a page that has a [place](Log::place) in the log.
    pub(super) fn read(&self, number: u32, buffer: &mut [u8]) -> Result<(), Fault> {
        let place = self.place(number).ok_or(Fault::Form("it names a page that it does not have"))?;
        Ok(self.file.read_exact_at(buffer, place)?)
    }
}

/// Fills the buffer; false if the file ends before that.
fn fill(reader: &mut BufReader<File>, buffer: &mut [u8]) -> Result<bool, Fault> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(Fault::Read(e)),
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
    four.map_or(0, |four| u32::from_be_bytes(*four))
}

/// The running sum over a log ("Checksum Algorithm" of the format).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Sum(u32, u32);

impl Sum {
    fn add(&mut self, bytes: &[u8], big: bool) {
        let word = |four: &[u8]| {
            let four = [four[0], four[1], four[2], four[3]];
            if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
        };
        for eight in bytes.chunks_exact(8) {
            self.0 = self.0.wrapping_add(word(&eight[..4])).wrapping_add(self.1);
            self.1 = self.1.wrapping_add(word(&eight[4..])).wrapping_add(self.0);
        }
    }
}
