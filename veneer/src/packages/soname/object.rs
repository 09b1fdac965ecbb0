//! ELF files of a tree: which they are, and what they say to the loader.

use std::cell::Cell;
use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::mem;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Stat};

use crate::elf::{Dynamic, Header, LENGTH, Source};
use crate::error::Result;
use crate::order;
use crate::tree::{Dir, Kind};

/// A program or a library.
pub(super) struct Object {
    pub(super) header: Header,
    pub(super) dynamic: Dynamic,
}

impl Object {
    /// Reads one as long as there is `work` left; `None` for a file of another kind, and for one that cannot be read or
    /// understood: whoever starts it will see.
    pub(super) fn read(file: &File, work: &Cell<u64>) -> Option<Self> {
        let mut pages = Pages { file, work, last: Page::default(), other: Page::default() };
        let length = LENGTH.min(usize::try_from(file.metadata().ok()?.len()).unwrap_or(LENGTH));
        // Four bytes tell most files that are something else.
        pages.at(0, 4).filter(|magic| *magic == b"\x7fELF")?;
        let header = Header::parse(pages.at(0, length)?)?;
        let dynamic = Dynamic::read(&header, &mut pages)?;
        Some(Object { header, dynamic })
    }
}

/// A file by pages, of which two are at hand: names are in one place, and who has them is in another.
struct Pages<'a> {
    file: &'a File,
    work: &'a Cell<u64>,
    last: Page,
    other: Page,
}

#[derive(Default)]
struct Page {
    start: u64,
    bytes: Vec<u8>,
}

impl Page {
    /// Where in it these bytes are, if it has them.
    fn find(&self, offset: u64, length: usize) -> Option<Range<usize>> {
        let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        let range = from..from.checked_add(length)?;
        (range.end <= self.bytes.len()).then_some(range)
    }
}

/// Bytes that are read at once.
const PAGE: usize = 8192;
/// How much work that is, next to looking at something that is at hand.
const READING: u64 = 100;

/// Takes from what work is left; `None`, and nothing left, if that is not enough.
fn spend(work: &Cell<u64>, steps: u64) -> Option<()> {
    let left = work.get().checked_sub(steps);
    work.set(left.unwrap_or(0));
    left.map(drop)
}

impl Source for Pages<'_> {
    fn at(&mut self, offset: u64, length: usize) -> Option<&[u8]> {
        spend(self.work, 1)?;
        if self.last.find(offset, length).is_none() {
            mem::swap(&mut self.last, &mut self.other);
        }
        if self.last.find(offset, length).is_none() {
            spend(self.work, READING)?;
            let Page { start, bytes } = &mut self.last;
            bytes.resize(PAGE, 0);
            *start = offset;
            let mut have = 0;
            while have < length {
                // What cannot be read is not there.
                match self.file.read_at(&mut bytes[have..], offset.checked_add(have as u64)?) {
                    Ok(0) | Err(_) => break,
                    Ok(more) => have += more,
                }
            }
            bytes.truncate(have);
        }
        self.last.bytes.get(self.last.find(offset, length)?)
    }
}

/// True for a file that may be a program or a library, by its name and mode: the loader needs neither an `x` nor a name, but
/// nobody makes others.
pub(super) fn may_be_one(path: &Path, stat: &Stat) -> bool {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let has_name = name.windows(3).any(|part| part == b".so");
    Kind::of(stat) == Kind::File
        && (stat.st_mode & 0o111 != 0 || has_name)
        // Debuggers' copies have the headers and not what they speak of.
        && !path.starts_with("lib/debug")
}

/// How deep trees are.
const DEPTH: usize = 250;

/// Shows `see` the files of a tree that may be programs or libraries.
pub(super) fn each(tree: &Dir, mut see: impl FnMut(&Path, &Dir, &CStr) -> Result<()>) -> Result<()> {
    let mut levels: Vec<(Dir, PathBuf, Vec<CString>)> = Vec::new();
    let mut next = Some((tree.again()?, PathBuf::new()));
    loop {
        if let Some((dir, path)) = next.take() {
            let mut below = Vec::new();
            let mut files = Vec::new();
            dir.each_name(|name, kind| match kind {
                FileType::Directory => below.push(name.to_owned()),
                FileType::RegularFile => files.push(name.to_owned()),
                FileType::Unknown => {
                    below.push(name.to_owned());
                    files.push(name.to_owned());
                }
                _ => {}
            })?;
            order::sort(&mut files);
            for name in files {
                let path = path.join(OsStr::from_bytes(name.to_bytes()));
                if dir.stat(&name)?.is_some_and(|stat| may_be_one(&path, &stat)) {
                    see(&path, &dir, &name)?;
                }
            }
            order::sort_by(&mut below, |a, b| b.cmp(a));
            if levels.len() < DEPTH {
                levels.push((dir, path, below));
            }
        }
        let Some((dir, path, left)) = levels.last_mut() else { return Ok(()) };
        match left.pop() {
            Some(name) => {
                let path = path.join(OsStr::from_bytes(name.to_bytes()));
                next = dir.sub_if_there(&name)?.map(|dir| (dir, path));
            }
            None => drop(levels.pop()),
        }
    }
}
