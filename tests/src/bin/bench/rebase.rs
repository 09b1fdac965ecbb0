//! What judging a large layer costs, beside find(1) that lists the same upper directory: with a record and without one.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Result;
use super::cost::median;
use super::place::quiet;

/// Files of the base, and entries of the layer over it.
const BASE: usize = 100_000;
const ENTRIES: usize = 50_000;

/// Judging may take so many times what find takes.
const LIMIT: f64 = 2.5;
/// And so much memory at its peak.
const MEMORY_KIB: f64 = 48.0 * 1024.0;
/// For four times as many entries it may be so many times as much.
const GROWTH: f64 = 1.2;

/// Pairs of runs; the median of their ratios is what counts.
const PAIRS: usize = 21;

pub(crate) fn print(programs: &Path) -> Result<()> {
    let root = std::env::temp_dir().join(format!("veneer-bench-rebase-{}", std::process::id()));
    fs::create_dir(&root)?;
    let large = Large { programs: programs.canonicalize()?, root };
    let done = large.measure();
    large.remove();
    done
}

struct Large {
    programs: PathBuf,
    root: PathBuf,
}

/// Both bases as erofs images, the store on ext4 as a distribution would make it.
const MAKE: &str = r#"
set -eu
mount -t tmpfs bench "$T"
cd "$T"
mkdir -p v/store v/base s/usr b/usr run tree/bin tree/lib/systemd tree/lib64 tree/share
cp /bin/sh tree/bin/sh
cp /lib/systemd/systemd tree/lib/systemd/systemd
cp /lib64/ld-linux-x86-64.so.2 tree/lib64/
for root in s b; do ln -s usr/bin usr/lib usr/lib64 $root/; done
echo quiet > cmdline
truncate --size 4G store.img
mkfs.ext4 -q -m 0 -N 400000 store.img
mount -o loop,nosuid,nodev,noexec,noatime,nodelalloc store.img v/store
"#;

impl Large {
    fn measure(&self) -> Result<()> {
        self.shell(MAKE)?;
        let tree = self.root.join("tree");
        for n in 0..BASE {
            write(&tree.join(place(n)), format!("file {n} of the base\n").as_bytes())?;
        }
        for (name, point, version) in [("a", "s/usr", "1"), ("b", "b/usr", "2")] {
            fs::write(tree.join("lib/os-release"), format!("ID=debian\nVERSION_ID={version}\n"))?;
            // What the new base changed: every tenth file.
            for n in (0..BASE).step_by(10).filter(|_| version == "2") {
                write(&tree.join(place(n)), format!("file {n} of the new base\n").as_bytes())?;
            }
            self.shell(&format!(
                "mkfs.erofs {name}.erofs tree > mkfs.log 2>&1; mount -o loop,ro {name}.erofs {point}"
            ))?;
        }
        self.shell("rm -r tree")?;
        self.boot()?;
        let upper = self.upper()?;
        fill(&upper, 0..ENTRIES)?;
        let without = self.compare(&upper, "without a record")?;
        self.boot_on()?;
        self.record()?;
        // The record is looked through once more each time.
        let running = self.compare(&upper, "on the running system")?;
        self.off()?;
        let with = self.compare(&upper, "with a record")?.max(running);
        fill(&upper, ENTRIES..ENTRIES * 4)?;
        self.boot_on()?;
        self.record()?;
        let grown = self.peak()?;
        let growth = grown / with;
        println!(
            "judging {} entries: {grown} KiB peak memory, {growth:.2} times (limit {GROWTH})",
            ENTRIES * 4
        );
        if without.max(with) > MEMORY_KIB || growth > GROWTH {
            return Err("judging takes too much memory".into());
        }
        Ok(())
    }

    /// Prints times, and returns the peak memory in KiB.
    fn compare(&self, upper: &Path, what: &str) -> Result<f64> {
        let (mut ratios, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        // The first of each warms the cache.
        for pair in 0..=PAIRS {
            let find = time(Command::new("find").arg(upper).args(["-printf", r"%p %m %u %g %s %T@\n"]))?;
            let judge = time(&mut self.judge())?;
            if pair > 0 {
                ratios.push(judge.as_secs_f64() / find.as_secs_f64());
                ours.push(judge.as_secs_f64() * 1e3);
                theirs.push(find.as_secs_f64() * 1e3);
            }
        }
        let (ratio, peak) = (median(&mut ratios), self.peak()?);
        println!(
            "judging {ENTRIES} entries over {BASE} {what}: {:.0} ms, find {:.0} ms, ratio {ratio:.2} (limit {LIMIT}), {peak} KiB peak memory",
            median(&mut ours),
            median(&mut theirs),
        );
        if ratio > LIMIT { Err("judging takes too long".into()) } else { Ok(peak) }
    }

    fn judge(&self) -> Command {
        let mut command = self.veneer();
        command.args(["rebase", "--dry-run", "--base"]).arg(self.root.join("b"));
        command
    }

    fn veneer(&self) -> Command {
        let at = |name: &str| self.root.join(name);
        let mut command = Command::new(self.programs.join("veneer"));
        command.arg("--root").arg(at("s")).arg("--store").arg(at("v/store")).arg("--runtime").arg(at("run"));
        command
    }

    /// Brings the record of the running layer up to date.
    fn record(&self) -> Result<()> {
        let start = Instant::now();
        quiet(self.veneer().arg("record"))?;
        println!("veneer record: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
        Ok(())
    }

    /// A first boot, blessed and switched off.
    fn boot(&self) -> Result<()> {
        self.boot_on()?;
        quiet(self.veneer().arg("bless"))?;
        self.off()
    }

    fn boot_on(&self) -> Result<()> {
        let at = |name: &str| self.root.join(name);
        let mut command = Command::new(self.programs.join("veneer-assemble"));
        command.arg("--sysroot").arg(at("s")).arg("--store").arg(at("v/store"));
        quiet(command.arg("--runtime").arg(at("run")).arg("--cmdline").arg(at("cmdline")))
    }

    fn off(&self) -> Result<()> {
        self.shell("umount s/usr; umount v/base")
    }

    fn upper(&self) -> Result<PathBuf> {
        let layers = self.root.join("v/store/veneer/layers");
        let layer = fs::read_dir(layers)?.next().ok_or("no layer was made")??;
        Ok(layer.path().join("upper"))
    }

    fn peak(&self) -> Result<f64> {
        let judge = self.judge();
        let mut command = Command::new("/usr/bin/time");
        command.arg("--format=%M").arg(judge.get_program()).args(judge.get_args()).stdout(Stdio::null());
        let output = command.output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        Ok(text.lines().last().unwrap_or_default().trim().parse()?)
    }

    fn shell(&self, script: &str) -> Result<()> {
        let script = format!("set -eu\nT={}\ncd \"$T\"\n{script}", self.root.display());
        let status = Command::new("sh").arg("-c").arg(&script).status()?;
        if status.success() { Ok(()) } else { Err(format!("failed: {script}").into()) }
    }

    /// The mounts end with the namespace; only the empty directory would outlive it.
    fn remove(&self) {
        for path in ["b/usr", "s/usr", "s/usr", "v/base", "v/store", ""] {
            if let Err(error) = quiet(Command::new("umount").arg("--lazy").arg(self.root.join(path))) {
                eprintln!("bench: {error}");
            }
        }
        if let Err(error) = fs::remove_dir(&self.root) {
            eprintln!("bench: {}: {error}", self.root.display());
        }
    }
}

/// Of the base's file `n`: forty in a directory, as in a real /usr.
fn place(n: usize) -> PathBuf {
    PathBuf::from(format!("share/{}/{}/file-{n}", n / 4000, n / 40 % 100))
}

/// Of each ten entries five are the user's own, two edited, one touched, one removed, one a link.
fn fill(upper: &Path, entries: std::ops::Range<usize>) -> Result<()> {
    for n in entries {
        // Each its own, up to five entries for two files of the base.
        let shadowed = n / 10 * 4 + (n % 10).saturating_sub(5);
        let of_base = upper.join(place(shadowed));
        let own = upper.join(format!("lib/mine-{}/{}/file-{n}", n / 4000, n / 40 % 100));
        match n % 10 {
            0..=4 => write(&own, format!("{n} of the user").as_bytes())?,
            5 | 6 => write(&of_base, format!("edited: {n}\n").as_bytes())?,
            7 => write(&of_base, format!("file {shadowed} of the base\n").as_bytes())?,
            8 => {
                parents(&of_base)?;
                let device = rustix::fs::makedev(0, 0);
                let kind = rustix::fs::FileType::CharacterDevice;
                rustix::fs::mknodat(rustix::fs::CWD, &of_base, kind, rustix::fs::Mode::empty(), device)?;
            }
            _ => {
                parents(&own)?;
                symlink("file-1", &own)?;
            }
        }
    }
    Ok(())
}

fn parents(path: &Path) -> Result<()> {
    Ok(fs::create_dir_all(path.parent().ok_or("a path without a directory")?)?)
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    parents(path)?;
    Ok(fs::write(path, content)?)
}

fn time(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).status()?;
    let took = start.elapsed();
    if status.success() { Ok(took) } else { Err(format!("{command:?} failed").into()) }
}
