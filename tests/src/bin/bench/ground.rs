//! A machine to measure on, in a tmpfs: an ext4 store, a base, the programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::Result;
use super::place::quiet;

pub(crate) struct Ground {
    programs: PathBuf,
    pub(crate) root: PathBuf,
}

const MAKE: &str = r#"
mount -t tmpfs bench "$T"
cd "$T"
mkdir -p v/store v/base s/usr b/usr run
for root in s b; do ln -s usr/bin usr/lib usr/lib64 $root/; done
echo quiet > cmdline
truncate --size 4G store.img
mkfs.ext4 -q -m 0 -N 400000 store.img
mount -o loop,nosuid,nodev,noexec,noatime,nodelalloc store.img v/store
"#;

/// What every base needs to be one.
pub(crate) const TREE: &str = r"
mkdir -p tree/bin tree/lib/systemd tree/lib64 tree/share
cp /bin/sh tree/bin/sh
cp /lib/systemd/systemd tree/lib/systemd/systemd
cp /lib64/ld-linux-x86-64.so.2 tree/lib64/
ldd /bin/sh | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' | xargs -I{} cp {} tree/lib/
";

impl Ground {
    /// Makes it, and measures on it; it is gone afterwards.
    pub(crate) fn with(
        name: &str,
        programs: &Path,
        measure: impl FnOnce(&Ground) -> Result<()>,
    ) -> Result<()> {
        let root = std::env::temp_dir().join(format!("veneer-bench-{name}-{}", std::process::id()));
        fs::create_dir(&root)?;
        let ground = Ground { programs: programs.canonicalize()?, root };
        let done = ground.shell(MAKE).and_then(|()| measure(&ground));
        ground.remove();
        done
    }

    /// The command for people.
    pub(crate) fn veneer(&self) -> Command {
        let at = |name: &str| self.root.join(name);
        let mut command = Command::new(self.programs.join("veneer"));
        command.arg("--root").arg(at("s")).arg("--store").arg(at("v/store")).arg("--runtime").arg(at("run"));
        command
    }

    /// Judging of the running layer, or the last one, for the base in `b`.
    pub(crate) fn judge(&self) -> Command {
        let mut command = self.veneer();
        command.args(["rebase", "--dry-run", "--base"]).arg(self.root.join("b"));
        command
    }

    /// A boot on the base that is mounted on `s/usr`.
    pub(crate) fn boot(&self) -> Result<()> {
        let at = |name: &str| self.root.join(name);
        let mut command = Command::new(self.programs.join("veneer-assemble"));
        command.arg("--sysroot").arg(at("s")).arg("--store").arg(at("v/store"));
        quiet(command.arg("--runtime").arg(at("run")).arg("--cmdline").arg(at("cmdline")))
    }

    /// Takes the layer away from its base.
    pub(crate) fn undo(&self) -> Result<()> {
        self.shell("umount s/usr v/base")
    }

    /// Back to no base at all.
    pub(crate) fn off(&self) -> Result<()> {
        self.shell("umount s/usr v/base s/usr")
    }

    /// `veneer record` after a small transaction, in milliseconds: what a hook adds to it.
    pub(crate) fn record_again(&self) -> Result<f64> {
        let mut all = Vec::new();
        for number in 0..5 {
            let dir = self.root.join("s/usr/share/one-more");
            fs::create_dir_all(&dir)?;
            fs::write(dir.join(number.to_string()), "one more")?;
            all.push(time(|| quiet(self.veneer().arg("record")))?);
        }
        Ok(super::cost::median(&mut all))
    }

    /// A boot on an image that is to derive a layer: milliseconds, and those of its parts by name. The store is then as it
    /// was `saved`.
    pub(crate) fn rebase(&self, image: &str) -> Result<(f64, Vec<(String, f64)>)> {
        self.shell(&format!("mount -o loop,ro {image} s/usr"))?;
        let took = time(|| self.boot())?;
        let status: serde_json::Value =
            serde_json::from_slice(&fs::read(self.root.join("run/status.json"))?)?;
        if status["layer"]["action"] != "rebased" {
            return Err(format!("no rebase: {status}").into());
        }
        self.off()?;
        let parts = status["timings_us"].as_object().ok_or("no timings")?.iter();
        let parts = parts.filter_map(|(name, micros)| {
            Some((
                name.strip_prefix("rebase-")?.to_owned(),
                f64::from(u32::try_from(micros.as_u64()?).ok()?) / 1e3,
            ))
        });
        Ok((took, parts.collect()))
    }

    /// Keeps the store, for [`Ground::again`].
    pub(crate) fn save(&self) -> Result<()> {
        self.shell("cp -a v/store/veneer saved")
    }

    /// The store as it was kept.
    pub(crate) fn again(&self) -> Result<()> {
        self.shell("rm -r v/store/veneer; cp -a saved v/store/veneer; sync v/store")
    }

    /// The upper directory of the only layer.
    pub(crate) fn upper(&self) -> Result<PathBuf> {
        let layers = self.root.join("v/store/veneer/layers");
        let layer = fs::read_dir(layers)?.next().ok_or("no layer was made")??;
        Ok(layer.path().join("upper"))
    }

    /// Runs a script in the ground's directory, `$T`; any failure in it is one.
    pub(crate) fn shell(&self, script: &str) -> Result<()> {
        let script = format!("set -eu\nT={}\ncd \"$T\"\n{script}", self.root.display());
        let status = Command::new("sh").arg("-c").arg(&script).stdin(Stdio::null()).status()?;
        if status.success() { Ok(()) } else { Err(format!("failed: {script}").into()) }
    }

    /// The mounts end with the namespace; only the empty directory would outlive it.
    fn remove(&self) {
        if let Err(error) = quiet(Command::new("umount").args(["--recursive", "--lazy"]).arg(&self.root)) {
            eprintln!("bench: {error}");
        }
        if let Err(error) = fs::remove_dir(&self.root) {
            eprintln!("bench: {}: {error}", self.root.display());
        }
    }
}

/// In milliseconds.
pub(crate) fn time(run: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

/// Medians by name, in one line.
pub(crate) fn medians(runs: &[Vec<(String, f64)>]) -> String {
    let Some(first) = runs.first() else { return String::new() };
    let words = first.iter().map(|(name, _)| {
        let of_name =
            |run: &Vec<(String, f64)>| run.iter().find(|(other, _)| other == name).map(|(_, ms)| *ms);
        let mut all: Vec<f64> = runs.iter().filter_map(of_name).collect();
        format!("{name} {:.0} ms", super::cost::median(&mut all))
    });
    words.collect::<Vec<_>>().join(", ")
}
