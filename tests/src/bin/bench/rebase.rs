//! What judging a large layer costs, beside find(1) that lists the same upper directory: with a record and without one.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Result;
use super::cost::median;
use super::ground::{Ground, TREE};
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
    Ground::with("rebase", programs, |ground| Large { ground }.measure())
}

struct Large<'a> {
    ground: &'a Ground,
}

impl Large<'_> {
    fn measure(&self) -> Result<()> {
        let ground = self.ground;
        ground.shell(TREE)?;
        let tree = ground.root.join("tree");
        for n in 0..BASE {
            write(&tree.join(place(n)), format!("file {n} of the base\n").as_bytes())?;
        }
        for (name, point, version) in [("a", "s/usr", "1"), ("b", "b/usr", "2")] {
            fs::write(tree.join("lib/os-release"), format!("ID=debian\nVERSION_ID={version}\n"))?;
            // What the new base changed: every tenth file.
            for n in (0..BASE).step_by(10).filter(|_| version == "2") {
                write(&tree.join(place(n)), format!("file {n} of the new base\n").as_bytes())?;
            }
            ground.shell(&format!(
                "mkfs.erofs {name}.erofs tree > mkfs.log 2>&1; mount -o loop,ro {name}.erofs {point}"
            ))?;
        }
        ground.shell("rm -r tree")?;
        self.boot()?;
        let upper = ground.upper()?;
        fill(&upper, 0..ENTRIES)?;
        let without = self.compare(&upper, "without a record")?;
        ground.boot()?;
        self.record()?;
        // The record is looked through once more each time.
        let running = self.compare(&upper, "on the running system")?;
        ground.undo()?;
        let with = self.compare(&upper, "with a record")?.max(running);
        fill(&upper, ENTRIES..ENTRIES * 4)?;
        ground.boot()?;
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
            let judge = time(&mut self.ground.judge())?;
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

    /// Brings the record of the running layer up to date.
    fn record(&self) -> Result<()> {
        let start = Instant::now();
        quiet(self.ground.veneer().arg("record"))?;
        println!("veneer record: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
        Ok(())
    }

    /// A first boot, blessed and switched off.
    fn boot(&self) -> Result<()> {
        self.ground.boot()?;
        quiet(self.ground.veneer().arg("bless"))?;
        self.ground.undo()
    }

    fn peak(&self) -> Result<f64> {
        let judge = self.ground.judge();
        let mut command = Command::new("/usr/bin/time");
        command.arg("--format=%M").arg(judge.get_program()).args(judge.get_args()).stdout(Stdio::null());
        let output = command.output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        Ok(text.lines().last().unwrap_or_default().trim().parse()?)
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
