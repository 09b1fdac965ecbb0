//! Veneer itself: its Debian packages, for bases that have dpkg, and what its own Makefile installs into a directory.

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;

use crate::cache::{self, Cache};
use crate::command;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::progress;

/// A staged install.
#[derive(Debug)]
pub(crate) struct Stage {
    dir: PathBuf,
    packages: Vec<PathBuf>,
    key: Key,
}

impl Stage {
    /// Builds and installs, or takes what `given` has: an install that somebody else made, maybe an empty one.
    pub(crate) fn prepare(cache: &Cache, given: Option<&Path>) -> Result<Self> {
        match given {
            Some(dir) => {
                let dir = fs::canonicalize(dir).map_err(Error::io("looking for the staged install"))?;
                Self::of(dir, Vec::new())
            }
            None => progress::step("veneer: make build, make install, make deb", || make(cache)),
        }
    }

    fn of(dir: PathBuf, packages: Vec<PathBuf>) -> Result<Self> {
        let mut key = Key::new("stage 2").with_tree(&dir)?;
        for package in &packages {
            let content = fs::read(package).map_err(Error::io("reading a package"))?;
            key = key.with("package", &content);
        }
        Ok(Self { dir, packages, key })
    }

    /// Where it is.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The Debian packages, which have the same files; none if somebody else made the install.
    pub(crate) fn packages(&self) -> &[PathBuf] {
        &self.packages
    }

    /// The digest of every file in it.
    pub(crate) fn key(&self) -> String {
        self.key.short()
    }

    /// Whether Veneer is in it at all.
    pub(crate) fn has_veneer(&self) -> bool {
        self.dir.join("usr/lib/dracut/modules.d/59veneer").exists()
    }
}

fn make(cache: &Cache) -> Result<Stage> {
    let dir = cache.path("stage");
    cache::remove_tree(&dir)?;
    fs::create_dir_all(&dir).map_err(Error::io("making the stage"))?;
    let packages = cache.path("packages");
    let log = |step: &str| cache.log(&format!("make-{step}"));
    command::run("make build", Command::new("make").args(WORKSPACE).arg("build"), &log("build"))?;
    let mut install = Command::new("make");
    install.args(WORKSPACE).args(["install", "PREFIX=/usr"]).arg(format!("DESTDIR={}", dir.display()));
    command::run("make install", &mut install, &log("install"))?;
    let mut deb = Command::new("make");
    deb.args(WORKSPACE).arg("deb").arg(format!("PACKAGES={}", packages.display()));
    command::run("make deb", &mut deb, &log("deb"))?;
    let stage = Stage::of(dir, debs(&packages.join("deb")).map_err(Error::io("looking for packages"))?)?;
    if stage.has_veneer() && !stage.packages.is_empty() {
        Ok(stage)
    } else {
        Err(Error::EmptyStage(stage.dir))
    }
}

const WORKSPACE: [&str; 2] = ["-C", concat!(env!("CARGO_MANIFEST_DIR"), "/..")];

fn debs(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<std::io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "deb"));
    paths.sort();
    Ok(paths)
}
