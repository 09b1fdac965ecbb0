//! Runs scenarios, some at a time, and counts what came of them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use fs_err as fs;

use crate::cache::{self, Cache};
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::firmware::Firmware;
use crate::guest;
use crate::image::Image;
use crate::loader;
use crate::machine::{Accel, Cut, End, Machine};
use crate::outcome::Outcome;
use crate::progress;
use crate::recipe::Recipe;
use crate::scenario::{Boot, Ends, Scenario};
use crate::tap::Report;
use crate::timing::Timing;
use crate::tools::Tools;
use crate::tpm::Tpm;

/// Everything that boots need.
#[derive(Debug)]
pub(crate) struct Lab<'a> {
    /// Where runs are kept.
    pub(crate) cache: &'a Cache,
    /// QEMU and friends.
    pub(crate) tools: &'a Tools,
    /// What machines run on.
    pub(crate) accel: Accel,
    /// Every image that the scenarios name.
    pub(crate) images: &'a [Image],
    /// More words for every command line.
    pub(crate) append: &'a str,
    /// Keep the disks of runs that went well, too.
    pub(crate) keep: bool,
    /// Print what the guests say as it comes.
    pub(crate) live: bool,
}

/// Points that went well, and points that did not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Passed.
    pub(crate) passed: usize,
    /// Failed.
    pub(crate) failed: usize,
    /// The systems that were booted, each once.
    pub(crate) systems: Vec<String>,
    /// Lines for people, said when the boot is over, so that those of machines side by side do not mix.
    told: String,
}

impl Tally {
    /// Counts one point; of a failed one is told what is known about it.
    fn count(&mut self, ok: bool, text: &str, notes: &[String]) {
        if ok {
            self.passed += 1;
            return;
        }
        self.failed += 1;
        self.tell("  FAILED: ", text);
        for note in notes {
            self.tell("    ", note);
        }
    }

    fn tell(&mut self, indent: &str, line: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.told, "{indent}{line}");
    }

    /// Adds another tally.
    pub(crate) fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        for system in &other.systems {
            self.booted(system);
        }
        self.told.push_str(&other.told);
    }

    fn booted(&mut self, system: &str) {
        if !self.systems.iter().any(|known| known == system) {
            self.systems.push(system.to_owned());
        }
    }
}

impl Lab<'_> {
    /// The image of a base.
    pub(crate) fn image(&self, recipe: &'static Recipe) -> &Image {
        let found = self.images.iter().find(|image| image.recipe.name == recipe.name);
        found.expect("images are made for every base that the scenarios name")
    }

    /// Runs the scenarios, `jobs` at a time, those with most boots first.
    pub(crate) fn run_all(&self, scenarios: &[Scenario], jobs: usize) -> Result<Tally> {
        let mut queue: Vec<&Scenario> = scenarios.iter().collect();
        queue.sort_by_key(|scenario| std::cmp::Reverse(scenario.boots.len()));
        let queue = Mutex::new(queue.into_iter());
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work = || {
            let mut tally = Tally::default();
            while let Some(scenario) = next() {
                tally.add(&self.run(scenario)?);
            }
            Ok(tally)
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
            let mut tally = Tally::default();
            for worker in workers {
                let part: Result<Tally> =
                    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                tally.add(&part?);
            }
            Ok(tally)
        })
    }

    /// Runs one scenario.
    fn run(&self, scenario: &Scenario) -> Result<Tally> {
        let mut tally = Tally::default();
        let dir = self.cache.path("runs").join(scenario.name);
        cache::remove_tree(&dir)?;
        fs::create_dir_all(&dir).map_err(Error::io("making a run's directory"))?;
        let Some(first) = scenario.boots.first() else { return Ok(tally) };
        let image = self.image(first.base);
        let disk = Disk::create(self.cache, self.tools, dir.join("disk.raw"), image, scenario.store)?;
        let mut installed = first.base;
        let mut kept = String::new();
        for (number, boot) in scenario.boots.iter().enumerate() {
            if installed.name != boot.base.name {
                disk.write_base(self.image(boot.base))?;
                installed = boot.base;
            }
            let title = format!("{} {}/{}: {}", scenario.name, number + 1, scenario.boots.len(), boot.title);
            progress::say(&format!("{title} …"));
            let start = Instant::now();
            let (result, whole) =
                self.boot(&disk, boot, &dir.join(format!("boot-{}", number + 1)), &mut kept)?;
            let seconds = start.elapsed().as_secs_f64();
            let line = format!("{title}: {} ok, {} failed in {seconds:.0} s", result.passed, result.failed);
            progress::say(format!("{line}\n{}", result.told).trim_end());
            tally.add(&result);
            let rest = scenario.boots.len() - number - 1;
            if !whole && rest > 0 {
                tally.failed += rest;
                progress::say(&format!(
                    "{}: not run, because they build on this boot: {rest} more, counted as failed",
                    scenario.name
                ));
                break;
            }
        }
        Outcome::of(scenario, &tally).write(&dir)?;
        if tally.failed == 0 && !self.keep {
            for path in [disk.path()].into_iter().chain(disk.other()) {
                fs::remove_file(path).map_err(Error::io("removing a disk"))?;
            }
        }
        Ok(tally)
    }

    /// Boots once and judges; also says whether the boot came to its proper end.
    fn boot(&self, disk: &Disk, boot: &Boot, dir: &Path, kept: &mut String) -> Result<(Tally, bool)> {
        let mut tally = Tally::default();
        let what = "running a boot";
        let image = self.image(boot.base);
        let machine = self.machine(disk, boot, image, dir, kept)?;
        let (cut, wanted) = match boot.ends {
            Ends::PowerOff | Ends::Reboot | Ends::Refused => (None, End::Off),
            Ends::PowerCut(text) => (Some(Cut::Report(text)), End::Cut),
            Ends::EarlyPowerCut(text) => (Some(Cut::Console(text)), End::Cut),
        };
        let mut whole = true;
        let end = machine.run(boot.deadline, cut, self.live)?;
        let text = fs::read(machine.report()).map_err(Error::io(what))?;
        let report = Report::parse(&String::from_utf8_lossy(&text));
        if let Some(system) = &report.system {
            tally.booted(system);
        }
        if let Some(text) = &report.kept {
            kept.clone_from(text);
        }
        for point in &report.points {
            tally.count(point.ok, &point.text, &point.notes);
        }
        if !self.live {
            for line in &report.said {
                tally.tell("    ", line);
            }
            // A boot that was cut off has no journal to read, which is no failure of the boot.
            let journal = fs::read(machine.journal()).unwrap_or_default();
            if let Some(line) = Timing::parse(&String::from_utf8_lossy(&journal)).line() {
                tally.tell("    ", &line);
            }
        }
        if end != wanted {
            let text = match end {
                End::Deadline => format!("not over after {} s", boot.deadline.as_secs()),
                End::Off => "off before the power was cut".to_owned(),
                End::Cut => "the power was cut too early".to_owned(),
                End::Crashed => "QEMU died".to_owned(),
            };
            tally.count(false, &text, &[]);
            whole = false;
        } else if boot.ends == Ends::Refused {
            tally.count(report.bail.is_some(), "the system refuses to boot, and says so", &[]);
        } else if let (End::Off, Some(defect)) = (end, report.defect()) {
            tally.count(false, &defect, &[]);
            whole = false;
        }
        tally.count(disk.has_base(image)?, "the base on the disk is as it was made", &[]);
        // After a power cut the journal is there to be replayed: that is the next boot's business.
        if end == End::Off {
            let damage = disk.store_damage()?;
            let notes: Vec<String> = damage.iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
            tally.count(damage.is_none(), "the store's file system is clean after the shutdown", &notes);
        }
        if !whole {
            tally.told.push_str(&machine.post_mortem());
        } else if tally.failed > 0 {
            tally.tell("  console and journal of this boot: ", &dir.display().to_string());
        }
        Ok((tally, whole))
    }

    /// Prepares a machine: its directory and its test disk.
    fn machine<'m>(
        &'m self,
        disk: &'m Disk,
        boot: &Boot,
        image: &Image,
        dir: &Path,
        kept: &str,
    ) -> Result<Machine<'m>> {
        fs::create_dir_all(dir).map_err(Error::io("making a boot's directory"))?;
        let end = match boot.ends {
            Ends::PowerOff | Ends::PowerCut(_) | Ends::EarlyPowerCut(_) | Ends::Refused => "poweroff",
            Ends::Reboot => "reboot",
        };
        let test_disk = self.test_disk(image, boot.script, end, dir)?;
        // Without mitigations an emulated boot takes an eighth less of the processor. And it is so slow that on a
        // busy host ten seconds for the store may be too few, or even systemd's 90 for the other disks; the kernel, too,
        // may find that its timer does not tick, and panic. The boot's own words come later, so they win.
        let entry = if image.recipe.form.is_ostree() { loader::choose(disk, dir)? } else { image.boots()? };
        let cmdline = format!(
            "console=ttyS0 panic=-1 mitigations=off no_timer_check rd.veneer.timeout=60 printk.devkmsg=on systemd.show_status=1 \
             systemd.default_device_timeout_sec=300 {} {}",
            boot.cmdline.replace("{kept}", kept),
            self.append
        );
        let (accel, disk_speed) = (self.accel, boot.disk_speed);
        let next = boot.next.map(|recipe| self.image(recipe).next());
        let tpm = dir.parent().filter(|_| image.recipe.form.has_tpm()).map(Tpm::of);
        let firmware =
            image.recipe.form.has_firmware().then(|| Firmware::new(self.tools, dir)).transpose()?;
        let credential = boot.credential;
        let (tools, disk, other, dir) = (self.tools, disk.path(), disk.other(), dir.to_owned());
        Ok(Machine {
            tools,
            accel,
            entry,
            firmware,
            disk,
            other,
            test_disk,
            next,
            cmdline,
            dir,
            tpm,
            credential,
            disk_speed,
        })
    }

    /// Makes the read-only disk with the script and the repository.
    fn test_disk(&self, image: &Image, script: &str, end: &str, dir: &Path) -> Result<PathBuf> {
        let what = "making the test disk";
        let tree = dir.join("test");
        fs::create_dir_all(&tree).map_err(Error::io(what))?;
        let recipe = image.recipe;
        let environment = format!(
            "export END={end} BASE_NAME={} BASE_VERSION={} BASE_TYPE={}\n",
            recipe.name,
            recipe.version,
            recipe.form.usr_type()
        );
        let files = [("environment", environment.as_str()), ("lib.sh", guest::LIBRARY), ("boot.sh", script)];
        for (name, text) in files {
            fs::write(tree.join(name), text).map_err(Error::io(what))?;
        }
        // As cp has it: a repository may have directories.
        let mut copy = std::process::Command::new("cp");
        copy.arg("-R").args(image.facts()).arg(image.repository()).arg(&tree);
        crate::command::run("copying to the test disk", &mut copy, &dir.join("test-disk.log"))?;
        let path = dir.join("test.ext4");
        let args = ["-q", "-F", "-t", "ext4", "-O", "^has_journal", "-d"];
        let mut ext4 = self.tools.command("mke2fs");
        ext4.args(args).arg(&tree).arg(&path).arg("64M");
        crate::command::run("mke2fs of the test disk", &mut ext4, &dir.join("test-disk.log"))?;
        cache::remove_tree(&tree)?;
        Ok(path)
    }

    /// Gives the last boot's machine of a scenario to the person at the terminal.
    pub(crate) fn shell(&self, scenario: &Scenario) -> Result<()> {
        let dir = self.cache.path("runs").join(scenario.name);
        fs::create_dir_all(&dir).map_err(Error::io("making a run's directory"))?;
        let Some(boot) = scenario.boots.first() else { return Ok(()) };
        let image = self.image(boot.base);
        let disk = Disk::create(self.cache, self.tools, dir.join("disk.raw"), image, scenario.store)?;
        let mut machine = self.machine(&disk, boot, image, &dir.join("shell"), "")?;
        machine.test_disk = self.test_disk(image, boot.script, "shell", &machine.dir)?;
        machine.interact()
    }
}
