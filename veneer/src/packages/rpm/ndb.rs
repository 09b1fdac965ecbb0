//! Reads rpm's own database format, which openSUSE uses (`Packages.db`): slots that say in which blocks each header is.
//!
//! As bounded as [`super::sqlite`]. The form is that of lib/backend/ndb/rpmpkg.c of rpm; all numbers are little-endian.
//! A transaction that was cut off is in blocks that no slot names yet.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use super::sqlite::Fault;

const PAGE: usize = 4096;
const SLOT: usize = 16;
const BLOCK: u64 = 16;
/// The first page begins with as much about the whole file as two slots take.
const HEAD_SLOTS: usize = 2;
/// Slots of one package each: more than any distribution has packages.
const SLOT_PAGES_LIMIT: u32 = 1024;

/// Where a package is, and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    package: u32,
    block: u32,
}

/// A database file.
#[derive(Debug)]
pub(super) struct Database {
    file: File,
    slot_pages: u32,
}

impl Database {
    /// Takes an open database.
    pub(super) fn new(file: File) -> Result<Self, Fault> {
        let mut head = [0; 20];
        file.read_exact_at(&mut head, 0)?;
        if !head.starts_with(b"RpmP") || word(&head, 4) != 0 {
            return Err(Fault::Form("it is no package database that rpm has written"));
        }
        let slot_pages = word(&head, 12);
        if slot_pages > SLOT_PAGES_LIMIT {
            return Err(Fault::Form("it has more packages than any distribution"));
        }
        Ok(Database { file, slot_pages })
    }

    /// Shows `see` the blobs, until it returns an error. A blob is at most `limit` bytes.
    pub(super) fn each<E: From<Fault>>(
        &self,
        limit: usize,
        mut see: impl FnMut(Place, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut page = [0; PAGE];
        for number in 0..self.slot_pages {
            self.file.read_exact_at(&mut page, u64::from(number) * PAGE as u64).map_err(Fault::from)?;
            let head = if number == 0 { HEAD_SLOTS } else { 0 };
            for slot in page.chunks_exact(SLOT).skip(head) {
                if !slot.starts_with(b"Slot") {
                    return Err(Fault::Form("a slot of it is none").into());
                }
                let place = Place { package: word(slot, 4), block: word(slot, 8) };
                if place.package != 0 && place.block != 0 {
                    see(place, &self.at(place, limit)?)?;
                }
            }
        }
        Ok(())
    }

    /// The blob at a place that [`Database::each`] showed.
    pub(super) fn at(&self, place: Place, limit: usize) -> Result<Vec<u8>, Fault> {
        let at = u64::from(place.block) * BLOCK;
        let mut head = [0; 16];
        self.file.read_exact_at(&mut head, at)?;
        if !head.starts_with(b"BlbS") || word(&head, 4) != place.package {
            return Err(Fault::Form("a slot of it names blocks of another package"));
        }
        let length = usize::try_from(word(&head, 12)).ok().filter(|length| *length <= limit);
        let mut blob = vec![0; length.ok_or(Fault::Form("a package of it is larger than any"))?];
        self.file.read_exact_at(&mut blob, at + head.len() as u64)?;
        Ok(blob)
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
    four.map_or(0, |four| u32::from_le_bytes(*four))
}
