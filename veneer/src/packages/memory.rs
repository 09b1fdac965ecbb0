//! A database in memory, for tests.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::database::{Database, Listed, See};
use super::{Digest, Package};
use crate::error::Result;

/// Packages with their paths.
pub(super) struct Memory {
    packages: Vec<Package>,
    files: Vec<Vec<(PathBuf, Option<Digest>)>>,
}

/// A name, a version, and paths with a byte that stands for the content; 0 for a path without a digest.
pub(super) type Row<'a> = (&'a str, &'a str, &'a [(&'a str, u8)]);

impl Memory {
    /// Rows, sorted by name.
    pub(super) fn new(rows: &[Row<'_>]) -> Self {
        let package = |(name, version, _): &Row<'_>| Package {
            name: (*name).into(),
            version: (*version).into(),
            ..Package::default()
        };
        let digest = |byte: u8| (byte != 0).then_some(Digest::Md5([byte; 16]));
        let files = |(_, _, files): &Row<'_>| {
            files.iter().map(|(path, byte)| (PathBuf::from(path), digest(*byte))).collect()
        };
        Memory { packages: rows.iter().map(package).collect(), files: rows.iter().map(files).collect() }
    }
}

impl Database for Memory {
    fn packages(&self) -> &[Package] {
        &self.packages
    }

    fn each_file(&self, number: usize, see: &mut See<'_>) -> Result<()> {
        for (path, digest) in self.files.get(number).into_iter().flatten() {
            see(Listed::Path(path), *digest);
        }
        Ok(())
    }
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A directory that goes with the test.
pub(super) struct TempDir(pub(super) PathBuf);

impl TempDir {
    pub(super) fn new() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("veneer-packages-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).expect("temporary directory");
        TempDir(path)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // Left behind it is in nobody's way.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
