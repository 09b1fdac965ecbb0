//! Copies one entry with everything that belongs to it: content (shared by reflink where the file system can), holes,
//! owner, mode, times and extended attributes.

use std::collections::HashSet;
use std::ffi::CStr;
use std::fs::File;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, SeekFrom, Stat};
use rustix::io::Errno;

use crate::error::{At as _, Result};
use crate::report::Progress;
use crate::tree::{Attributes, Dir, Kind, check_depth};

/// Copies the non-directory `name` from one directory to another, where it must not exist yet.
pub(super) fn entry(
    from: &Dir,
    to: &Dir,
    name: &CStr,
    stat: &Stat,
    attributes: &Attributes,
    progress: &mut Progress,
) -> Result<()> {
    let kind = FileType::from_raw_mode(stat.st_mode);
    match kind {
        FileType::RegularFile => {
            let (source, target) = (from.file(name)?, to.create(name, 0o600)?);
            content(&source, &target, stat, progress, &to.path_of(name))?;
        }
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(from, name, Vec::new()).reading(from.path_of(name))?;
            rustix::fs::symlinkat(&*target, to, name).writing(to.path_of(name))?;
        }
        _ => {
            rustix::fs::mknodat(to, name, kind, Mode::from_raw_mode(0o600), stat.st_rdev)
                .writing(to.path_of(name))?;
        }
    }
    attributes.write(to, name, kind)
}

fn content(from: &File, to: &File, stat: &Stat, progress: &mut Progress, path: &Path) -> Result<()> {
    if stat.st_size == 0 {
        return progress.advance(0);
    }
    match rustix::fs::ioctl_ficlone(to, from) {
        Ok(()) => return progress.advance(u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512)),
        // This file system, or this pair of files, cannot share blocks.
        Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::XDEV | Errno::NOTTY | Errno::NOSYS) => {}
        Err(e) => return Err(e).writing(path),
    }
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    rustix::fs::ftruncate(to, size).writing(path)?;
    let mut at = 0;
    while at < size {
        // Only what is data: a sparse file stays sparse.
        let start = match rustix::fs::seek(from, SeekFrom::Data(at)) {
            Ok(start) => start,
            Err(Errno::NXIO) => break,
            Err(Errno::INVAL) => at,
            Err(e) => return Err(e).reading(path),
        };
        let end = rustix::fs::seek(from, SeekFrom::Hole(start)).unwrap_or(size).min(size);
        let mut done = start;
        while done < end {
            let length = piece(from, to, done, end).writing(path)?;
            if length == 0 {
                break;
            }
            done += length;
            progress.advance(length)?;
        }
        at = end.max(start + 1);
    }
    Ok(())
}

/// A piece small enough for progress to be seen, large enough to be fast.
const PIECE: u64 = 16 * 1024 * 1024;

/// Copies a piece of what is from `start` to `end`; returns its length, 0 at the end of the file.
fn piece(from: &File, to: &File, start: u64, end: u64) -> rustix::io::Result<u64> {
    let wish = usize::try_from((end - start).min(PIECE)).unwrap_or(usize::MAX);
    let (mut read_at, mut write_at) = (start, start);
    match rustix::fs::copy_file_range(from, Some(&mut read_at), to, Some(&mut write_at), wish) {
        Err(Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::XDEV) => by_hand(from, to, start, wish),
        other => other.map(|length| length as u64),
    }
}

fn by_hand(from: &File, to: &File, start: u64, wish: usize) -> rustix::io::Result<u64> {
    let mut buffer = vec![0_u8; wish.min(256 * 1024)];
    let length = rustix::io::pread(from, &mut buffer[..], start)?;
    let mut written = 0;
    while written < length {
        written += rustix::io::pwrite(to, &buffer[written..length], start + written as u64)?;
    }
    Ok(length as u64)
}

/// How many bytes a tree takes on its file system. A handle a level is open at a time, whatever the width.
pub fn size_of(dir: &Dir) -> Result<u64> {
    let mut sum = 0_u64;
    // A file with several names is copied once.
    let mut seen = HashSet::new();
    let mut levels = vec![(dir.again()?, dir.names()?)];
    while let Some((dir, left)) = levels.last_mut() {
        let Some(name) = left.pop() else {
            levels.pop();
            continue;
        };
        let Some(stat) = dir.stat(&name)? else { continue };
        let kind = Kind::of(&stat);
        if kind == Kind::File && stat.st_nlink > 1 && !seen.insert(stat.st_ino) {
            continue;
        }
        let blocks = u64::try_from(stat.st_blocks).unwrap_or(0);
        sum = sum.saturating_add(blocks.saturating_mul(512));
        if kind == Kind::Directory {
            let next = dir.sub(&name)?;
            check_depth(&next, levels.len())?;
            let names = next.names()?;
            levels.push((next, names));
        }
    }
    Ok(sum)
}

/// True if files next to each other in `dir` can share blocks, tried with a file of a few bytes.
pub fn can_reflink(dir: &Dir) -> Result<bool> {
    use std::io::Write as _;
    let (one, two) = (c".reflink-a", c".reflink-b");
    dir.remove_file(one)?;
    dir.remove_file(two)?;
    let mut from = dir.create(one, 0o600)?;
    from.write_all(&[0; 4096]).writing(dir.path_of(one))?;
    let from = dir.file(one)?;
    let to = dir.create(two, 0o600)?;
    let answer = rustix::fs::ioctl_ficlone(&to, &from).is_ok();
    dir.remove_file(one)?;
    dir.remove_file(two)?;
    Ok(answer)
}

/// Gives `name` a second name in another directory of the same tree.
pub(super) fn link(from: &Dir, name: &CStr, to: &Dir, new: &CStr) -> Result<()> {
    rustix::fs::linkat(from, name, to, new, AtFlags::empty()).writing(to.path_of(new))
}
