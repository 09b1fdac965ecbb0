//! Things that take long to make and are the same for every run, outside of the repository: each is there whole or not
//! at all, and its name says what went into it.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The directory, locked for this process while something is made.
pub(crate) struct Cache {
    root: PathBuf,
    _lock: File,
}

impl Cache {
    /// Opens `$VENEER_TEST_CACHE`, `$XDG_CACHE_HOME/veneer-tests` or `~/.cache/veneer-tests`. Of several that make
    /// things of one `name` one works, and the others wait.
    pub(crate) fn open(name: &str) -> Result<Cache, String> {
        let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let root = var("VENEER_TEST_CACHE")
            .or_else(|| var("XDG_CACHE_HOME").map(|dir| dir.join("veneer-tests")))
            .or_else(|| var("HOME").map(|dir| dir.join(".cache/veneer-tests")))
            .ok_or("no place for what is made once: HOME is not set")?;
        let made = || -> std::io::Result<(PathBuf, File)> {
            fs::create_dir_all(root.join("tmp"))?;
            let lock = File::create(root.join(format!("{name}.lock")))?;
            rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive)?;
            Ok((root.canonicalize()?, lock))
        };
        let (root, lock) = made().map_err(|e| format!("open the cache {}: {e}", root.display()))?;
        Ok(Cache { root, _lock: lock })
    }

    /// The directory `kind` made of `inputs`, which `make` fills if there is none yet. Others of this kind are of other
    /// inputs, and removed.
    pub(crate) fn get(
        &self,
        kind: &str,
        inputs: &[&str],
        make: impl FnOnce(&Path) -> Result<(), String>,
    ) -> Result<PathBuf, String> {
        let mut hasher = DefaultHasher::new();
        inputs.hash(&mut hasher);
        let name = format!("{kind}-{:016x}", hasher.finish());
        let path = self.root.join(&name);
        if path.exists() {
            return Ok(path);
        }
        let said = |e: std::io::Error| format!("make {}: {e}", path.display());
        for entry in fs::read_dir(&self.root).map_err(said)? {
            let entry = entry.map_err(said)?;
            let is_kind = |name: &str| name.rsplit_once('-').is_some_and(|(before, _)| before == kind);
            if entry.file_name().to_str().is_some_and(is_kind) {
                remove(&entry.path())?;
            }
        }
        let tmp = self.root.join("tmp").join(kind);
        remove(&tmp)?;
        fs::create_dir_all(&tmp).map_err(said)?;
        make(&tmp)?;
        fs::rename(&tmp, &path).map_err(said)?;
        Ok(path)
    }
}

/// Removes a tree that may be missing. Should ever a mount be left in it, it stops there.
fn remove(path: &Path) -> Result<(), String> {
    let done = Command::new("rm").args(["-rf", "--one-file-system", "--"]).arg(path).status();
    match done {
        Ok(status) if status.success() => Ok(()),
        other => Err(format!("remove {}: {other:?}", path.display())),
    }
}

/// Runs a shell script with arguments in a mount and a pid namespace, so that nothing stays mounted or running. What it
/// said is in the error.
pub(crate) fn script(text: &str, arguments: &[&Path]) -> Result<(), String> {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command.args(["sh", "-euc", text, "sh"]).args(arguments).env("LC_ALL", "C.UTF-8");
    let done = command.stdin(std::process::Stdio::null()).output();
    let done = done.map_err(|e| format!("start unshare: {e}"))?;
    if done.status.success() {
        return Ok(());
    }
    let words = [done.stdout, done.stderr].concat();
    let words = String::from_utf8_lossy(&words);
    let lines: Vec<&str> = words.lines().collect();
    let last = lines[lines.len().saturating_sub(25)..].join("\n");
    Err(format!("ended with {}:\n{last}", done.status))
}
