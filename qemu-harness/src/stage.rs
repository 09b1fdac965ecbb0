//! Veneer itself, installed by its own Makefile into a directory, as a distribution's package would do it.

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
    key: Key,
}

impl Stage {
    /// Builds and installs, or takes what `given` has: an install that somebody else made, maybe an empty one.
    pub(crate) fn prepare(cache: &Cache, given: Option<&Path>) -> Result<Self> {
        let dir = match given {
            Some(dir) => fs::canonicalize(dir).map_err(Error::io("looking for the staged install"))?,
            None => progress::step("veneer: make build, make install", || make(cache))?,
        };
        let key = Key::new("stage 1").with_tree(&dir)?;
        Ok(Self { dir, key })
    }

    /// Where it is.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
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

fn make(cache: &Cache) -> Result<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let dir = cache.path("stage");
    cache::remove_tree(&dir)?;
    fs::create_dir_all(&dir).map_err(Error::io("making the stage"))?;
    let mut build = Command::new("make");
    build.arg("-C").arg(&workspace).arg("build");
    command::run("make build", &mut build, &cache.log("make-build"))?;
    let mut install = Command::new("make");
    install.arg("-C").arg(&workspace).args(["install", "PREFIX=/usr"]);
    install.arg(format!("DESTDIR={}", dir.display()));
    command::run("make install", &mut install, &cache.log("make-install"))?;
    let stage = Stage { dir, key: Key::default() };
    if stage.has_veneer() { Ok(stage.dir) } else { Err(Error::EmptyStage(stage.dir)) }
}
