//! The library's one error voice: a variant per operation, the path in it, the kernel's reason behind it.

use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong in the library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Opening a file or directory failed.
    #[error("cannot open {path}: {source}")]
    Open {
        /// What was to be opened.
        path: PathBuf,
        /// The kernel's reason.
        source: io::Error,
    },
    /// Reading a file, directory, link or attribute failed.
    #[error("cannot read {path}: {source}")]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// The kernel's reason.
        source: io::Error,
    },
    /// Creating or writing something failed.
    #[error("cannot write {path}: {source}")]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// The kernel's reason.
        source: io::Error,
    },
    /// Removing something failed.
    #[error("cannot remove {path}: {source}")]
    Remove {
        /// What was to be removed.
        path: PathBuf,
        /// The kernel's reason.
        source: io::Error,
    },
    /// A step of the mount failed.
    #[error("cannot {what} {path}: {source}{}", kernel_note(.kernel))]
    Mount {
        /// The step, in words that fit after "cannot".
        what: &'static str,
        /// What the step was about.
        path: PathBuf,
        /// The kernel's reason.
        source: io::Error,
        /// What the kernel wrote into the file-system context, empty if nothing.
        kernel: String,
    },
    /// A state file is not what Veneer wrote: the text says which rule it breaks.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A package database in a format that Veneer does not read.
    #[error("cannot use the package database {path}: {what}")]
    Foreign {
        /// The database.
        path: PathBuf,
        /// The format, and what it means.
        what: String,
    },
    /// A program that the work needs could not be run, or failed.
    #[error("{program} failed: {what}")]
    Tool {
        /// The program.
        program: String,
        /// Why, in its own words or the kernel's.
        what: String,
    },
    /// The store was written by a later Veneer.
    #[error("{path} has format {found}, this Veneer knows up to {known}")]
    Format {
        /// The file.
        path: PathBuf,
        /// The format that it says.
        found: u32,
        /// The latest format that this program reads.
        known: u32,
    },
    /// Another process holds the store, or its layer is mounted already.
    #[error("the store {path} is in use: {by}")]
    Busy {
        /// The store.
        path: PathBuf,
        /// Who uses it.
        by: String,
    },
    /// The store cannot carry an upper directory.
    #[error("the store {path} cannot hold a layer: {what}")]
    Unfit {
        /// The store.
        path: PathBuf,
        /// The property that is missing.
        what: String,
    },
    /// Too little room: refused before anything was written.
    #[error("the store {path} has {have} bytes free, {need} are needed")]
    Room {
        /// The store.
        path: PathBuf,
        /// Free bytes.
        have: u64,
        /// Needed bytes.
        need: u64,
    },
    /// The kernel mounted the overlay read-only, as it does without an error when it cannot use the work directory.
    #[error("the kernel cannot use the work directory {path}, so /usr would be read-only")]
    ReadOnly {
        /// The work directory.
        path: PathBuf,
    },
    /// Work that a boot waits for takes too long.
    #[error("{what} takes longer than {seconds} s")]
    Slow {
        /// The work.
        what: String,
        /// The time that it had, in seconds.
        seconds: u64,
    },
    /// The kernel gave no thread to walk the layer with.
    #[error("cannot start a thread to read the layer: {source}")]
    Walk {
        /// The kernel's reason.
        source: io::Error,
    },
    /// The base's overlay is not, or not provably, made of parts that the layer can be put upon.
    #[error("{what}")]
    Apart {
        /// Why.
        what: String,
    },
    /// The assembled /usr could not run the system.
    #[error("the layer would break the system: {what}")]
    Probe {
        /// What was missing or wrong.
        what: String,
    },
}

/// The library's result.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// True if the reason is that the store's file system is full: the remedy then is room, whatever was tried.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        match self {
            Error::Room { .. } => true,
            Error::Open { source, .. }
            | Error::Read { source, .. }
            | Error::Write { source, .. }
            | Error::Remove { source, .. }
            | Error::Mount { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            _ => false,
        }
    }
}

/// Gives an errno its operation and path. One short call per operation keeps the effects readable.
pub(crate) trait At<T> {
    fn opening(self, path: impl AsRef<Path>) -> Result<T>;
    fn reading(self, path: impl AsRef<Path>) -> Result<T>;
    fn writing(self, path: impl AsRef<Path>) -> Result<T>;
    fn removing(self, path: impl AsRef<Path>) -> Result<T>;
}

impl<T, E: Into<io::Error>> At<T> for std::result::Result<T, E> {
    fn opening(self, path: impl AsRef<Path>) -> Result<T> {
        self.map_err(|e| opening_failed(path.as_ref(), e.into()))
    }
    fn reading(self, path: impl AsRef<Path>) -> Result<T> {
        self.map_err(|e| reading_failed(path.as_ref(), e.into()))
    }
    fn writing(self, path: impl AsRef<Path>) -> Result<T> {
        self.map_err(|e| writing_failed(path.as_ref(), e.into()))
    }
    fn removing(self, path: impl AsRef<Path>) -> Result<T> {
        self.map_err(|e| removing_failed(path.as_ref(), e.into()))
    }
}

// Made in one place each: there are hundreds of callers, of many types.

#[cold]
#[inline(never)]
fn opening_failed(path: &Path, source: io::Error) -> Error {
    Error::Open { path: path.into(), source }
}

#[cold]
#[inline(never)]
fn reading_failed(path: &Path, source: io::Error) -> Error {
    Error::Read { path: path.into(), source }
}

#[cold]
#[inline(never)]
fn writing_failed(path: &Path, source: io::Error) -> Error {
    Error::Write { path: path.into(), source }
}

#[cold]
#[inline(never)]
fn removing_failed(path: &Path, source: io::Error) -> Error {
    Error::Remove { path: path.into(), source }
}

fn kernel_note(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}
