//! The directory of dpkg's database, of a base or of a layer: what its packages list, with diversions in force.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::path::Path;

use super::diversions::Diversions;
use super::status::{Status, native};
use crate::error::{Error, Result};
use crate::order;
use crate::packages::{Aliases, Database, Digest, Listed, Package, See, below_usr, parts};
use crate::tree::{Dir, Kind, is_opaque};

/// Three thousand packages are about 4 MiB.
const STATUS_LIMIT: u64 = 8 * 1024 * 1024;
/// A list or md5sums file; the largest package of Debian has 2 MiB.
pub(super) const LIST_LIMIT: u64 = 4 * 1024 * 1024;
/// All of a layer's: three thousand packages have about 350 000 paths, in 60 MiB of lists and sums.
pub(super) const LISTS_LIMIT: u64 = 96 * 1024 * 1024;
/// Diversions, overrides, alternatives and triggers have a few lines for each: a large desktop has some hundred.
const LINES_LIMIT: usize = 10_000;
const LINES_BYTES_LIMIT: u64 = 1024 * 1024;
/// dpkg itself merges them into the status file after 250.
const UPDATES_LIMIT: usize = 10_000;

/// An open database directory.
#[derive(Debug)]
pub(super) struct Admin {
    /// The directory itself.
    pub(super) dir: Dir,
    /// `info`, with a few files for each package.
    pub(super) info: Option<Dir>,
    diversions: Diversions,
    aliases: Aliases,
    /// Bytes of lists that may still be read.
    left: Cell<u64>,
}

impl Admin {
    /// Opens it; `diversions` are those in force there. Of lists at most so many bytes are read.
    pub(super) fn open(dir: Dir, diversions: Diversions, aliases: Aliases, limit: u64) -> Result<Self> {
        let info = dir.sub_if_there(c"info")?;
        Ok(Admin { dir, info, diversions, aliases, left: Cell::new(limit) })
    }

    /// The status file's text, with what `updates/` adds; `None` if it is not there.
    pub(super) fn status(dir: &Dir) -> Result<Option<Vec<u8>>> {
        let Some(mut text) = dir.read(c"status", STATUS_LIMIT)? else { return Ok(None) };
        let Some(updates) = dir.sub_if_there(c"updates")? else { return Ok(Some(text)) };
        let mut names = updates.names()?;
        names.retain(|name| !name.is_empty() && name.to_bytes().iter().all(u8::is_ascii_digit));
        if names.len() > UPDATES_LIMIT {
            let what = format!("it has more than {UPDATES_LIMIT} files");
            return Err(Error::Damaged { path: updates.path().to_path_buf(), what });
        }
        for name in names {
            let Some(more) = updates.read(&name, STATUS_LIMIT)? else { continue };
            text.extend_from_slice(b"\n\n");
            text.extend_from_slice(&more);
            if text.len() as u64 > STATUS_LIMIT {
                let what = format!("larger than {STATUS_LIMIT} bytes with the status");
                return Err(Error::Damaged { path: updates.path().to_path_buf(), what });
            }
        }
        Ok(Some(text))
    }

    /// What this package's `info` file with this ending is called here; `None` if there is none.
    pub(super) fn info_name(&self, package: &Package, native: &str, ending: &str) -> Result<Option<CString>> {
        let Some(info) = &self.info else { return Ok(None) };
        for name in info_names(package, native, ending) {
            if info.stat(&name)?.is_some_and(|stat| Kind::of(&stat) != Kind::Whiteout) {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// The lists that this upper has: true for one of its own, false where it hides the base's.
    pub(super) fn lists(&self) -> Result<BTreeMap<CString, bool>> {
        let mut lists = BTreeMap::new();
        if let Some(info) = &self.info {
            for name in info.names()?.into_iter().filter(|name| name.to_bytes().ends_with(b".list")) {
                if let Some(stat) = info.stat(&name)? {
                    lists.insert(name, Kind::of(&stat) != Kind::Whiteout);
                }
            }
        }
        Ok(lists)
    }

    /// True if the directory of this upper hides whatever the base has there.
    pub(super) fn is_opaque(&self) -> Result<bool> {
        Ok(is_opaque(&self.dir, c".")?
            || self.info.as_ref().map_or(Ok(false), |info| is_opaque(info, c"."))?)
    }

    fn read(&self, name: &CStr) -> Result<Option<Vec<u8>>> {
        let Some(info) = &self.info else { return Ok(None) };
        let bytes = info.read(name, LIST_LIMIT)?;
        let length = bytes.as_ref().map_or(0, Vec::len) as u64;
        let Some(left) = self.left.get().checked_sub(length) else {
            let what = format!("its packages' lists are larger than {LISTS_LIMIT} bytes together");
            return Err(Error::Damaged { path: info.path().to_path_buf(), what });
        };
        self.left.set(left);
        Ok(bytes)
    }

    /// Shows the lines of a package's list.
    pub(super) fn each_line(
        &self,
        package: &Package,
        native: &str,
        see: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        let Some(name) = self.info_name(package, native, "list")? else { return Ok(()) };
        let list = self.read(&name)?.unwrap_or_default();
        parts(&list, b'\n').for_each(see);
        Ok(())
    }

    /// Shows what a package lists, where it really is.
    fn each_file(&self, package: &Package, native: &str, see: &mut See<'_>) -> Result<()> {
        let Some(name) = self.info_name(package, native, "list")? else { return Ok(()) };
        let Some(list) = self.read(&name)? else { return Ok(()) };
        let sums = match self.info_name(package, native, "md5sums")? {
            Some(name) => self.read(&name)?.unwrap_or_default(),
            None => Vec::new(),
        };
        let mut sums: Vec<(&[u8], Digest)> = parts(&sums, b'\n').filter_map(sum).collect();
        order::sort_by(&mut sums, |(a, _), (b, _)| a.cmp(b));
        for line in parts(&list, b'\n') {
            let place = self.diversions.place(line, &package.name);
            let Some(path) = below_usr(place) else { continue };
            let line = line.strip_prefix(b"/").unwrap_or(line);
            let digest = sums.binary_search_by_key(&line, |(path, _)| path).ok().map(|at| sums[at].1);
            see(Listed::Path(&self.aliases.resolve(path)), digest);
        }
        Ok(())
    }
}

/// The names that a package's `info` file may have: with the architecture if several may be installed side by side.
pub(super) fn info_names(package: &Package, native: &str, ending: &str) -> impl Iterator<Item = CString> {
    let Package { name, arch, .. } = package;
    let arch = if arch.is_empty() { native } else { arch };
    let names = [format!("{name}:{arch}.{ending}"), format!("{name}.{ending}")];
    // A name from a status file may be anything.
    names.into_iter().filter(|name| !name.contains('/')).filter_map(|name| CString::new(name).ok())
}

/// A line of an md5sums file: 32 digits, two blanks (or a blank and a star), a path without a slash at the beginning.
fn sum(line: &[u8]) -> Option<(&[u8], Digest)> {
    let (digits, rest) = line.split_first_chunk::<32>()?;
    let mut sum = [0; 16];
    for (byte, pair) in sum.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    let path = rest.strip_prefix(b"  ").or_else(|| rest.strip_prefix(b" *"))?;
    Some((path.strip_prefix(b"./").unwrap_or(path), Digest::Md5(sum)))
}

/// A database that packages and their lists can be read of.
#[derive(Debug)]
pub(super) struct Listing {
    /// The packages.
    pub(super) status: Status,
    /// Their lists; `None` if there are none here.
    pub(super) admin: Option<Admin>,
    /// The machine's architecture.
    pub(super) native: String,
}

impl Listing {
    /// The database of a base at `usr`, in `dir` below it. `native` is worked out from the packages if it is empty.
    pub(super) fn of_base(usr: &Dir, dir: &Path, native_arch: &str) -> Result<Self> {
        let admin = usr.down(dir)?.ok_or_else(|| Error::Damaged {
            path: usr.path().join(dir),
            what: "the base's package database is gone".into(),
        })?;
        let text = Admin::status(&admin)?.unwrap_or_default();
        let native = if native_arch.is_empty() { native(&text) } else { native_arch.to_owned() };
        let status = parse(&admin, text, &native)?;
        let diversions = Diversions::parse(read_lines(&admin, c"diversions")?.unwrap_or_default());
        let admin = Admin::open(admin, diversions, Aliases::of(usr)?, u64::MAX)?;
        Ok(Listing { status, admin: Some(admin), native })
    }
}

/// Reads a small file of lines; `None` if it is not there.
pub(super) fn read_lines(dir: &Dir, name: &CStr) -> Result<Option<Vec<u8>>> {
    let Some(bytes) = dir.read(name, LINES_BYTES_LIMIT)? else { return Ok(None) };
    check_lines(&bytes, &dir.path_of(name))?;
    Ok(Some(bytes))
}

/// Refuses a file of more lines than any has: each is some hundred bytes in memory.
pub(super) fn check_lines(bytes: &[u8], path: &Path) -> Result<()> {
    if bytes.split(|b| *b == b'\n').count() > LINES_LIMIT {
        let what = format!("it has more than {LINES_LIMIT} lines");
        return Err(Error::Damaged { path: path.to_path_buf(), what });
    }
    Ok(())
}

/// Parses a status file of a directory.
pub(super) fn parse(dir: &Dir, text: Vec<u8>, native: &str) -> Result<Status> {
    let damaged = |what| Error::Damaged { path: dir.path_of(c"status"), what };
    Status::parse(text, native).map_err(damaged)
}

impl Database for Listing {
    fn packages(&self) -> &[Package] {
        self.status.packages()
    }

    fn each_file(&self, number: usize, see: &mut See<'_>) -> Result<()> {
        let package = self.status.packages().get(number).filter(|package| package.is_installed());
        match (&self.admin, package) {
            (Some(admin), Some(package)) => admin.each_file(package, &self.native, see),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read() {
        let text = b"0123456789abcdefFEDCBA9876543210  usr/bin/a b\n";
        let (path, digest) = sum(&text[..text.len() - 1]).expect("a sum");
        assert_eq!(path, b"usr/bin/a b");
        let bytes =
            [1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10];
        assert_eq!(digest, Digest::Md5(bytes));
        for bad in
            [&b""[..], b"0123", b"g123456789abcdeffedcba9876543210  x", b"0123456789abcdeffedcba9876543210 x"]
        {
            assert_eq!(sum(bad), None);
        }
    }

    #[test]
    fn names_of_packages_do_not_lead_out() {
        let names = |name: &str, arch: &str| -> Vec<CString> {
            info_names(
                &Package { name: name.into(), arch: arch.into(), ..Package::default() },
                "amd64",
                "list",
            )
            .collect()
        };
        assert_eq!(names("a", ""), [c"a:amd64.list".to_owned(), c"a.list".to_owned()]);
        assert_eq!(names("a", "i386"), [c"a:i386.list".to_owned(), c"a.list".to_owned()]);
        assert!(names("../a", "").is_empty() && names("a\0b", "").is_empty());
    }
}
