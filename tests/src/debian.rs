//! Real Debian bases of some hundred packages: made once, with mmdebstrap, into the cache that the virtual machines use
//! too. Nothing of them is in the repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use rustix::fs::FlockOperation;
use sha2::{Digest, Sha256};

use crate::base::{Base, Form};

/// What a base is made of.
pub struct Recipe {
    /// Its name in the cache.
    pub name: &'static str,
    /// Lines of sources.list, parted by semicolons.
    pub sources: &'static str,
    /// Packages beyond those of priority `important`, parted by commas.
    pub include: &'static str,
    /// What a user installs there, parted by blanks; fetched with what it needs that the base lacks.
    pub user: &'static str,
}

const SCRIPT: &str = include_str!("../debian-base.sh");

/// A base that is made.
pub struct Debian {
    dir: PathBuf,
}

impl Recipe {
    /// The base, if it is in the cache; else it is made, which takes some minutes and a network. The error says why that
    /// did not work.
    pub fn prepare(&self) -> Result<Debian, String> {
        static ONE: Mutex<()> = Mutex::new(());
        // A panic of another trial has nothing to do with the cache.
        let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let cache = cache().ok_or("no VENEER_CACHE, XDG_CACHE_HOME or HOME")?;
        let mut key = Sha256::new();
        for part in [self.sources, self.include, self.user, SCRIPT] {
            key.update(part);
            key.update([0]);
        }
        let key: [u8; 32] = key.finalize().into();
        let name =
            format!("packages-{}-{:08x}", self.name, u32::from_le_bytes([key[0], key[1], key[2], key[3]]));
        let dir = cache.join(&name);
        if dir.exists() {
            return Ok(Debian { dir });
        }
        let failed = |what: &str, e: &dyn std::fmt::Display| format!("{what} {}: {e}", dir.display());
        fs::create_dir_all(cache.join("tmp")).map_err(|e| failed("make", &e))?;
        let lock = fs::File::create(cache.join("packages.lock")).map_err(|e| failed("lock", &e))?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive).map_err(|e| failed("lock", &e))?;
        if dir.exists() {
            return Ok(Debian { dir });
        }
        let made = cache.join("tmp").join(&name);
        make(self, &made).map_err(|e| failed("make", &e))?;
        fs::rename(&made, &dir).map_err(|e| failed("finish", &e))?;
        Ok(Debian { dir })
    }
}

fn make(recipe: &Recipe, dir: &Path) -> Result<(), String> {
    eprintln!("making the Debian base {} (some minutes, once)", recipe.name);
    let run = |command: &mut Command| match command.output() {
        Ok(done) if done.status.success() => Ok(()),
        Ok(done) => Err(format!("{command:?}: {}", String::from_utf8_lossy(&done.stderr).trim())),
        Err(e) => Err(format!("{command:?}: {e}")),
    };
    run(Command::new("rm").args(["-rf", "--one-file-system"]).arg(dir))?;
    fs::create_dir_all(dir).map_err(|e| e.to_string())?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/debian-base.sh");
    // Mounts of its own, so that a cut-off run leaves none.
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    run(unshare.arg(script).arg(dir).args([recipe.sources, recipe.include, recipe.user]))
}

/// The cache of the virtual machines.
fn cache() -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    var("VENEER_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|d| d.join("veneer")))
        .or_else(|| var("HOME").map(|d| d.join(".cache/veneer")))
}

impl Debian {
    /// Its /usr, as an image.
    pub fn base(&self) -> Base {
        Base { form: Form::Erofs, path: self.dir.join("usr.erofs") }
    }

    /// All but /usr: /etc, /var.
    pub fn root(&self) -> PathBuf {
        self.dir.join("root")
    }

    /// How many packages it has.
    pub fn count(&self) -> usize {
        let text = fs::read_to_string(self.dir.join("count")).expect("read the number of packages");
        text.trim().parse().expect("a number of packages")
    }

    /// A directory for each package that the user installs, with its file and those of what it needs.
    pub fn debs(&self) -> PathBuf {
        self.dir.join("debs")
    }
}
