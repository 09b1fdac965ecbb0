//! The cache directory: images are never in the repository, and a thing is in the cache whole or not at all.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use fs_err as fs;

use crate::error::{Error, Result};
use crate::progress;

/// Where everything that is made lives, locked for this process.
#[derive(Debug)]
pub(crate) struct Cache {
    root: PathBuf,
    /// Held for the life of the process: two runs would write the same disks.
    _lock: fs::File,
    /// One for each thing that is asked for: two threads may want one tree.
    names: Mutex<HashMap<String, Arc<Mutex<()>>>>,
}

impl Cache {
    /// Opens `$VENEER_CACHE`, `$XDG_CACHE_HOME/veneer` or `~/.cache/veneer`, and waits for another run to end.
    pub(crate) fn open() -> Result<Self> {
        let var = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let root = var("VENEER_CACHE")
            .or_else(|| var("XDG_CACHE_HOME").map(|d| d.join("veneer")))
            .or_else(|| var("HOME").map(|d| d.join(".cache/veneer")))
            .ok_or(Error::NoCache)?;
        let what = "opening the cache";
        fs::create_dir_all(&root).map_err(Error::io(what))?;
        // The path is used inside chroots and mount namespaces, so it must not depend on links.
        let root = fs::canonicalize(&root).map_err(Error::io(what))?;
        let lock = fs::File::create(root.join("lock")).map_err(Error::io(what))?;
        let flock = |op| rustix::fs::flock(&lock, op);
        if flock(rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
            progress::say(&format!("waiting for another run that uses {}", root.display()));
            flock(rustix::fs::FlockOperation::LockExclusive).map_err(|e| Error::io(what)(e.into()))?;
        }
        let cache = Self { root, _lock: lock, names: Mutex::default() };
        for dir in ["tmp", "logs", "runs"] {
            fs::create_dir_all(cache.path(dir)).map_err(Error::io(what))?;
        }
        Ok(cache)
    }

    /// The directory itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path in the cache.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The log of a step.
    pub(crate) fn log(&self, step: &str) -> PathBuf {
        self.root.join("logs").join(format!("{step}.log"))
    }

    /// Returns the directory `name`, calling `make` with an empty directory to fill if there is none yet.
    /// What a failed or killed run left is removed first, and nothing half made ever gets the name.
    pub(crate) fn get(&self, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let mine = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = Arc::clone({ mine }.entry(name.to_owned()).or_default());
        let _making = mine.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path(name);
        if path.exists() {
            return Ok(path);
        }
        let what = "adding to the cache";
        let tmp = self.path("tmp").join(name);
        remove_tree(&tmp)?;
        fs::create_dir_all(&tmp).map_err(Error::io(what))?;
        make(&tmp)?;
        fs::rename(&tmp, &path).map_err(Error::io(what))?;
        Ok(path)
    }

    /// Removes every entry whose name `keep` refuses; returns how many there were.
    pub(crate) fn prune(&self, keep: impl Fn(&str) -> bool) -> Result<usize> {
        let what = "pruning the cache";
        let mut removed = 0;
        for entry in fs::read_dir(&self.root).map_err(Error::io(what))? {
            let name = entry.map_err(Error::io(what))?.file_name().to_string_lossy().into_owned();
            if name != "lock" && !keep(&name) {
                remove_tree(&self.path(&name))?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// Removes a directory that may be missing. `rm --one-file-system` rather than our own walk: should a mount
/// ever be left in a chroot, it stops there instead of emptying the host's /dev.
pub(crate) fn remove_tree(path: &Path) -> Result<()> {
    let what = "removing a directory of the cache";
    let mut rm = Command::new("rm");
    let status = rm.args(["-rf", "--one-file-system", "--"]).arg(path).status().map_err(Error::io(what))?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::io(what)(std::io::Error::other(format!("rm of {} ended with {status}", path.display()))))
    }
}
