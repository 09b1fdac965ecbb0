//! Reads one table of an SQLite database: numbered blobs, which is how rpm keeps its headers. Nothing is ever written,
//! not even a lock or a shared-memory file, so that a layer can be read as it stands.
//!
//! The file may be damaged or forged: pages are read one at a time, at most as many as there are, and a value is
//! never larger than a limit. Format: <https://www.sqlite.org/fileformat2.html>.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use super::wal::Log;

/// What is wrong with a database, in words that fit after "is damaged: ".
#[derive(Debug)]
pub(super) enum Fault {
    /// The file is not what the format says.
    Form(&'static str),
    /// The kernel could not read it.
    Read(std::io::Error),
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Fault::Form("it ends before a page that it names"),
            _ => Fault::Read(error),
        }
    }
}

/// Where a row is: the page that it begins in, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    page: u32,
    cell: usize,
}

type Result<T> = std::result::Result<T, Fault>;

/// How deep a tree of pages may be: of the smallest pages it takes 20 levels to hold what fits into a file.
const DEPTH_LIMIT: usize = 20;

/// Five times what large desktop systems have, in bytes.
const FILE_LIMIT: u64 = 1 << 30;

/// A database file, with the log of what was committed to it since it was last written to.
#[derive(Debug)]
pub(super) struct Database {
    file: File,
    log: Option<Log>,
    /// Bytes of a page.
    page: usize,
    /// Bytes of a page that hold something.
    usable: usize,
    /// There are no more pages than this.
    pages: u64,
}

impl Database {
    /// Takes an open database and, if there is one, its write-ahead log.
    pub(super) fn new(file: File, log: Option<Log>) -> Result<Self> {
        let mut head = [0; 100];
        match &log {
            // The first page, too, may be in the log only.
            Some(log) if log.place(1).is_some() => log.read(1, &mut head)?,
            _ => file.read_exact_at(&mut head, 0)?,
        }
        if !head.starts_with(b"SQLite format 3\0") {
            return Err(Fault::Form("it is no SQLite database"));
        }
        let page = match usize::from(u16::from_be_bytes([head[16], head[17]])) {
            1 => 65536,
            size => size,
        };
        let usable = page.saturating_sub(usize::from(head[20]));
        if !page.is_power_of_two() || page < 512 || usable < 480 {
            return Err(Fault::Form("its page size is none that SQLite knows"));
        }
        if log.as_ref().is_some_and(|log| log.page() != page) {
            return Err(Fault::Form("its write-ahead log has pages of another size"));
        }
        let length = file.metadata()?.len();
        if length > FILE_LIMIT {
            return Err(Fault::Form("it is larger than any package database"));
        }
        let pages = length / page as u64 + log.as_ref().map_or(0, |log| log.pages() as u64);
        Ok(Database { file, log, page, usable, pages })
    }

    /// Shows `see` the blobs of the table `name` in the order of their numbers, until it returns an error. A blob is
    /// at most `limit` bytes.
    pub(super) fn each<E: From<Fault>>(
        &self,
        name: &str,
        limit: usize,
        mut see: impl FnMut(Place, &[u8]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let mut root = None;
        // The schema is a table itself: type, name, table, first page, text.
        let mut walk = Walk { database: self, left: self.pages };
        walk.tree(1, DEPTH_LIMIT, limit, &mut |_, record| {
            let columns = Columns::new(record).ok_or(Fault::Form("its schema has a row that is none"))?;
            let columns: Vec<Value<'_>> = columns.take(4).collect();
            if let [Value::Bytes(b"table"), Value::Bytes(found), _, Value::Number(page)] = columns[..] {
                if found == name.as_bytes() {
                    root = u32::try_from(page).ok();
                }
            }
            Ok::<(), E>(())
        })?;
        let root = root.ok_or(Fault::Form("it has no table of packages"))?;
        let mut walk = Walk { database: self, left: self.pages };
        walk.tree(root, DEPTH_LIMIT, limit, &mut |place, record| see(place, blob_of(record)?))
    }

    /// The blob at a place that [`Database::each`] showed.
    pub(super) fn at(&self, place: Place, limit: usize) -> Result<Vec<u8>> {
        let mut walk = Walk { database: self, left: self.pages };
        let mut page = Vec::new();
        walk.page(place.page, &mut page)?;
        let cells = Cells::of(&page, place.page, self.usable)?;
        let cell = cells.get(place.cell).ok_or(Fault::Form("a row of it is gone"))?;
        let mut record = walk.record(cell, limit)?;
        let start = record.len() - blob_of(&record)?.len();
        record.drain(..start);
        Ok(record)
    }

    fn read(&self, number: u32, buffer: &mut Vec<u8>) -> Result<()> {
        buffer.resize(self.page, 0);
        match &self.log {
            Some(log) if log.place(number).is_some() => log.read(number, buffer),
            _ => {
                let before = number.checked_sub(1).ok_or(Fault::Form("it names a page 0"))?;
                Ok(self.file.read_exact_at(buffer, u64::from(before) * self.page as u64)?)
            }
        }
    }
}

/// One pass through a tree. Each page is visited once in a sound tree, so that the number of pages ends the pass
/// through one that has a circle.
struct Walk<'a> {
    database: &'a Database,
    left: u64,
}

impl Walk<'_> {
    fn page(&mut self, number: u32, buffer: &mut Vec<u8>) -> Result<()> {
        self.left = self.left.checked_sub(1).ok_or(Fault::Form("its pages go in a circle"))?;
        self.database.read(number, buffer)
    }

    fn tree<E: From<Fault>>(
        &mut self,
        number: u32,
        depth: usize,
        limit: usize,
        see: &mut impl FnMut(Place, &[u8]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let depth = depth.checked_sub(1).ok_or(Fault::Form("its tree of pages is too deep"))?;
        let mut page = Vec::new();
        self.page(number, &mut page)?;
        let cells = Cells::of(&page, number, self.database.usable)?;
        for cell in 0..cells.count() {
            let bytes = cells.get(cell).ok_or(Fault::Form("a page of it is cut off"))?;
            if cells.last.is_some() {
                let child = bytes.first_chunk::<4>().ok_or(Fault::Form("a page of it is cut off"))?;
                self.tree(u32::from_be_bytes(*child), depth, limit, see)?;
            } else {
                let record = self.record(bytes, limit)?;
                see(Place { page: number, cell }, &record)?;
            }
        }
        match cells.last {
            Some(last) => self.tree(last, depth, limit, see),
            None => Ok(()),
        }
    }

    /// The whole content of a row, which begins in its leaf and goes on in pages of its own.
    fn record(&mut self, cell: &[u8], limit: usize) -> Result<Vec<u8>> {
        let cut = || Fault::Form("a row of it is cut off");
        let (length, cell) = varint(cell).ok_or_else(cut)?;
        let (_, cell) = varint(cell).ok_or_else(cut)?;
        // A row is its blob and a few bytes.
        let length = usize::try_from(length).ok().filter(|length| *length <= limit.saturating_add(1024));
        let length = length.ok_or(Fault::Form("a row of it is larger than any package's"))?;
        let here = in_leaf(length, self.database.usable);
        let mut record = Vec::with_capacity(length);
        record.extend_from_slice(cell.get(..here).ok_or_else(cut)?);
        let mut next = cell.get(here..).and_then(<[u8]>::first_chunk::<4>).copied();
        let mut page = Vec::new();
        while record.len() < length {
            self.page(u32::from_be_bytes(next.ok_or_else(cut)?), &mut page)?;
            next = page.first_chunk::<4>().copied();
            let here = (length - record.len()).min(self.database.usable - 4);
            record.extend_from_slice(page.get(4..4 + here).ok_or_else(cut)?);
        }
        Ok(record)
    }
}

/// The cells of a page: rows, or what leads to other pages.
struct Cells<'a> {
    page: &'a [u8],
    places: &'a [u8],
    /// Of a page that leads to others, the one after all those of its cells.
    last: Option<u32>,
}

impl<'a> Cells<'a> {
    fn of(page: &'a [u8], number: u32, usable: usize) -> Result<Self> {
        let cut = || Fault::Form("a page of it is cut off");
        // The file's own header stands before the first page's.
        let start = if number == 1 { 100 } else { 0 };
        let head = page.get(start..).and_then(<[u8]>::first_chunk::<12>).ok_or_else(cut)?;
        let (last, length) = match head[0] {
            5 => (Some(u32::from_be_bytes([head[8], head[9], head[10], head[11]])), 12),
            13 => (None, 8),
            _ => return Err(Fault::Form("a page of it is not of a table")),
        };
        let count = usize::from(u16::from_be_bytes([head[3], head[4]]));
        let places = page.get(start + length..).and_then(|rest| rest.get(..2 * count)).ok_or_else(cut)?;
        Ok(Cells { page: page.get(..usable).ok_or_else(cut)?, places, last })
    }

    fn count(&self) -> usize {
        self.places.len() / 2
    }

    /// The cell and all that follows it in its page.
    fn get(&self, cell: usize) -> Option<&'a [u8]> {
        let place = self.places.get(2 * cell..)?.first_chunk::<2>()?;
        self.page.get(usize::from(u16::from_be_bytes(*place))..)
    }
}

/// The blob of a row of packages.
fn blob_of(record: &[u8]) -> Result<&[u8]> {
    let mut columns = Columns::new(record).ok_or(Fault::Form("a row of it is none"))?;
    match (columns.next(), columns.next(), columns.next()) {
        (Some(Value::Null), Some(Value::Bytes(blob)), None) => Ok(blob),
        _ => Err(Fault::Form("a row of its packages is not a number and a blob")),
    }
}

/// How many bytes of a row are in its leaf ("Cell payload overflow" of the format).
fn in_leaf(length: usize, usable: usize) -> usize {
    let most = usable - 35;
    if length <= most {
        return length;
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let fit = least + (length - least) % (usable - 4);
    if fit <= most { fit } else { least }
}

/// A number of one to nine bytes, and what comes after it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (place, byte) in bytes.iter().take(9).enumerate() {
        if place == 8 {
            return Some((value << 8 | u64::from(*byte), &bytes[9..]));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if *byte < 0x80 {
            return Some((value, &bytes[place + 1..]));
        }
    }
    None
}

/// One value of a row.
#[derive(Debug)]
enum Value<'a> {
    Null,
    Number(u64),
    Bytes(&'a [u8]),
    /// Something that neither schema nor packages have.
    Other,
}

/// The values of a row: a list of types, then what they are of.
struct Columns<'a> {
    types: &'a [u8],
    values: &'a [u8],
}

impl<'a> Columns<'a> {
    fn new(record: &'a [u8]) -> Option<Self> {
        let (length, rest) = varint(record)?;
        let types = usize::try_from(length).ok()?.checked_sub(record.len() - rest.len())?;
        let (types, values) = rest.split_at_checked(types)?;
        Some(Columns { types, values })
    }
}

impl<'a> Iterator for Columns<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let (kind, types) = varint(self.types)?;
        self.types = types;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 | 7 => 8,
            12.. => usize::try_from((kind - 12) / 2).ok()?,
            _ => return None,
        };
        let (value, values) = self.values.split_at_checked(length)?;
        self.values = values;
        Some(match kind {
            0 => Value::Null,
            1..=6 => Value::Number(value.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))),
            8 | 9 => Value::Number(kind - 8),
            12.. => Value::Bytes(value),
            _ => Value::Other,
        })
    }
}
