//! rpm's database as a directory: which format it has, and its headers one by one.

use std::ffi::CStr;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::header::{Header, SIZE_LIMIT};
use super::sqlite::Fault;
use super::wal::Log;
use super::{ndb, sqlite};
use crate::error::{Error, Result};
use crate::tree::Dir;

/// The whole Fedora archive has three times as many.
const PACKAGE_LIMIT: usize = 20_000;

/// A header and the eight bytes that say how long it is.
const BLOB_LIMIT: usize = SIZE_LIMIT + 8;

/// How rpm keeps its headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `rpmdb.sqlite`, the default since 4.16.
    Sqlite,
    /// `Packages.db`, openSUSE's.
    Ndb,
}

impl Format {
    /// The value of `%_db_backend` for it.
    #[must_use]
    pub fn backend(self) -> &'static str {
        match self {
            Format::Sqlite => "sqlite",
            Format::Ndb => "ndb",
        }
    }

    /// The file that has the headers.
    #[must_use]
    pub fn file(self) -> &'static CStr {
        match self {
            Format::Sqlite => c"rpmdb.sqlite",
            Format::Ndb => c"Packages.db",
        }
    }
}

/// True for a file of a database directory that rpm makes itself: the headers in any of its formats, what it finds
/// them by, logs and locks.
#[must_use]
pub fn is_own_file(name: &CStr) -> bool {
    let name = name.to_bytes();
    [&b"rpmdb.sqlite"[..], b"Packages", b"Index.db", b"__db.", b".rpm.lock", b".keyring.lock", b".dbenv.lock"]
        .iter()
        .any(|own| name.starts_with(own))
}

/// An open database.
#[derive(Debug)]
pub struct Database {
    open: Open,
    path: PathBuf,
}

#[derive(Debug)]
enum Open {
    Sqlite(sqlite::Database),
    Ndb(ndb::Database),
}

/// Where a header is in its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(At);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Sqlite(sqlite::Place),
    Ndb(ndb::Place),
}

/// A fault of a database that is being read, or the reader's own error.
enum Stop {
    Fault(Fault),
    Reader(Error),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Fault(fault)
    }
}

impl Database {
    /// Opens the database in the directory `dir`; `None` if there is none. One in a format that is no longer written
    /// is an error.
    pub fn open(dir: &Dir) -> Result<Option<Self>> {
        for format in [Format::Sqlite, Format::Ndb] {
            let name = format.file();
            let path = dir.path_of(name);
            let open = match (if_there(dir, name)?, format) {
                (None, _) => continue,
                (Some(file), Format::Sqlite) => {
                    refuse_journal(dir)?;
                    let log = match if_there(dir, c"rpmdb.sqlite-wal")? {
                        Some(log) => Log::read_from(log).map_err(|fault| said(&path, fault))?,
                        None => None,
                    };
                    sqlite::Database::new(file, log).map(Open::Sqlite)
                }
                (Some(file), Format::Ndb) => ndb::Database::new(file).map(Open::Ndb),
            };
            let open = open.map_err(|fault| said(&path, fault))?;
            return Ok(Some(Database { open, path }));
        }
        if if_there(dir, c"Packages")?.is_some() {
            let what = "it is in the format of Berkeley DB, which rpm gave up in 4.16".into();
            return Err(Error::Foreign { path: dir.path_of(c"Packages"), what });
        }
        Ok(None)
    }

    /// How it keeps its headers.
    #[must_use]
    pub fn format(&self) -> Format {
        match self.open {
            Open::Sqlite(_) => Format::Sqlite,
            Open::Ndb(_) => Format::Ndb,
        }
    }

    /// The file, for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Shows `see` every header with its place, as it stands and parsed, until it returns an error.
    pub fn each(&self, mut see: impl FnMut(Place, &[u8], Header<'_>) -> Result<()>) -> Result<()> {
        let mut count = 0;
        let mut one = |at: At, blob: &[u8]| {
            count += 1;
            if count > PACKAGE_LIMIT {
                return Err(Stop::Fault(Fault::Form("it lists more packages than any distribution has")));
            }
            let header = Header::parse(blob).ok_or(Fault::Form("a package of it has no whole header"))?;
            see(Place(at), blob, header).map_err(Stop::Reader)
        };
        let done = match &self.open {
            Open::Sqlite(database) => {
                database.each("Packages", BLOB_LIMIT, |at, blob| one(At::Sqlite(at), blob))
            }
            Open::Ndb(database) => database.each(BLOB_LIMIT, |at, blob| one(At::Ndb(at), blob)),
        };
        done.map_err(|stop| match stop {
            Stop::Fault(fault) => said(&self.path, fault),
            Stop::Reader(error) => error,
        })
    }

    /// The header at a place that [`Database::each`] of this database showed.
    pub fn at(&self, place: Place) -> Result<Vec<u8>> {
        let blob = match (&self.open, place.0) {
            (Open::Sqlite(database), At::Sqlite(at)) => database.at(at, BLOB_LIMIT),
            (Open::Ndb(database), At::Ndb(at)) => database.at(at, BLOB_LIMIT),
            _ => Err(Fault::Form("it has another format now")),
        };
        blob.map_err(|fault| said(&self.path, fault))
    }
}

/// A transaction that was cut off where rpm does not use the write-ahead log: only SQLite itself can undo it.
fn refuse_journal(dir: &Dir) -> Result<()> {
    let name = c"rpmdb.sqlite-journal";
    match dir.stat(name)? {
        Some(stat) if stat.st_size > 0 => {
            let what =
                "a transaction was cut off; `rpm --rebuilddb` on the system that it belongs to mends it";
            Err(Error::Damaged { path: dir.path_of(name), what: what.into() })
        }
        _ => Ok(()),
    }
}

fn if_there(dir: &Dir, name: &CStr) -> Result<Option<File>> {
    // What hides the base's database (a whiteout) is no database.
    match dir.stat(name)? {
        Some(stat) if !crate::tree::is_whiteout(&stat) => dir.file(name).map(Some),
        _ => Ok(None),
    }
}

fn said(path: &Path, fault: Fault) -> Error {
    match fault {
        Fault::Form(what) => Error::Damaged { path: path.into(), what: what.into() },
        Fault::Read(source) => Error::Read { path: path.into(), source },
    }
}
