//! One run of QEMU, from power-on to the end of its process, never longer than its deadline.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fs_err as fs;

use crate::cache::Cache;
use crate::command;
use crate::console;
use crate::error::{Error, Result};
use crate::firmware::Firmware;
use crate::image::Image;
use crate::loader::Entry;
use crate::progress;
use crate::tools::Tools;
use crate::tpm::Tpm;

/// How often a running machine is looked at.
const TICK: Duration = Duration::from_millis(50);

/// How long one look takes at most, on a busy host.
const LOOK: Duration = Duration::from_secs(5);

/// Controllers that nothing hangs on, and that a kernel looks at for a while.
const MACHINE: &str = "q35,sata=off,usb=off,smbus=off,vmport=off";

/// How often a machine is started at most.
const STARTS: usize = 5;

/// What the machine runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accel {
    /// The host's processor.
    Kvm,
    /// Emulation, on two cores about ten times slower.
    Tcg,
}

impl Accel {
    /// Tries KVM by running a kernel under it until it finds no root: /dev/kvm may be there and unusable.
    pub(crate) fn probe(cache: &Cache, tools: &Tools, image: &Image) -> Result<Self> {
        if !Path::new("/dev/kvm").exists() {
            return Ok(Self::Tcg);
        }
        let probe = cache.path("tmp").join("kvm-probe");
        let mut qemu = tools.command("timeout");
        qemu.args([
            "-k",
            "1",
            "20",
            "qemu-system-x86_64",
            "-accel",
            "kvm",
            "-cpu",
            "host",
            "-M",
            "q35",
            "-m",
            "256",
        ]);
        qemu.args(["-nodefaults", "-display", "none", "-no-reboot", "-append", "console=ttyS0 panic=-1"]);
        qemu.arg("-kernel").arg(image.kernel()).arg("-serial").arg(format!("file:{}", probe.display()));
        let (ended, _) = command::output("probing KVM", &mut qemu)?;
        let panicked = console::tail(&probe, 200).contains("Kernel panic");
        Ok(if ended && panicked { Self::Kvm } else { Self::Tcg })
    }

    /// How many processors a machine has. Emulated ones wait for each other longer than they work: two machines of one
    /// each on two cores do twice what one machine of two does.
    fn processors(self) -> &'static str {
        match self {
            Self::Kvm => "2",
            Self::Tcg => "1",
        }
    }

    fn args(self) -> &'static [&'static str] {
        match self {
            Self::Kvm => &["-accel", "kvm", "-cpu", "host"],
            // No fifth level of page tables to walk, and no modules for machines in machines.
            Self::Tcg => &["-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max,la57=off,svm=off"],
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The machine powered off, rebooted or panicked: the report tells which.
    Off,
    /// The power was cut, as asked for.
    Cut,
    /// The deadline passed.
    Deadline,
    /// QEMU itself died.
    Crashed,
}

/// A machine to be run.
#[derive(Debug)]
pub(crate) struct Machine<'a> {
    /// Where QEMU comes from.
    pub(crate) tools: &'a Tools,
    /// What it runs on.
    pub(crate) accel: Accel,
    /// Kernel, initramfs, and the words that lead to the base.
    pub(crate) entry: Entry,
    /// What finds them on the system disk, instead of QEMU.
    pub(crate) firmware: Option<Firmware>,
    /// The system disk.
    pub(crate) disk: &'a Path,
    /// Another disk of the machine, with a store.
    pub(crate) other: Option<&'a Path>,
    /// The read-only disk with the script.
    pub(crate) test_disk: PathBuf,
    /// Another read-only disk, with a base to look at.
    pub(crate) next: Option<PathBuf>,
    /// What follows on the kernel's command line.
    pub(crate) cmdline: String,
    /// Where console, report and journal go.
    pub(crate) dir: PathBuf,
    /// Where the state of its TPM is, if it has one.
    pub(crate) tpm: Option<Tpm>,
    /// A credential that its firmware passes on.
    pub(crate) credential: Option<&'static str>,
    /// MiB a second that the system disk does at most.
    pub(crate) disk_speed: Option<u32>,
}

/// When the power is to be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// As soon as the report has this text.
    Report(&'static str),
    /// As soon as the console shows it.
    Console(&'static str),
}

impl Machine<'_> {
    /// What the guest wrote to the console.
    pub(crate) fn console(&self) -> PathBuf {
        self.dir.join("console.log")
    }

    /// What the guest reported.
    pub(crate) fn report(&self) -> PathBuf {
        self.dir.join("report.tap")
    }

    /// The guest's journal of this boot.
    pub(crate) fn journal(&self) -> PathBuf {
        self.dir.join("journal.log")
    }

    fn qemu(&self, console: &str) -> Command {
        let mut qemu = self.tools.command("qemu-system-x86_64");
        qemu.args(self.accel.args()).args([
            "-M",
            MACHINE,
            "-smp",
            self.accel.processors(),
            "-m",
            "1024",
            "-nodefaults",
            "-no-reboot",
        ]);
        qemu.args(["-display", "none", "-nic", "none", "-device", "virtio-rng-pci", "-serial", console]);
        if let Some(firmware) = &self.firmware {
            qemu.args(firmware.devices(&self.cmdline));
        } else {
            qemu.arg("-kernel").arg(&self.entry.kernel).arg("-initrd").arg(&self.entry.initrd);
            qemu.args(["-append", &format!("{} {}", self.entry.words, self.cmdline)]);
        }
        // The host's page cache outlives QEMU, so a killed machine loses nothing that it was told is written.
        let speed = self
            .disk_speed
            .map_or(String::new(), |mib| format!(",throttling.bps-total={}", u64::from(mib) << 20));
        let test = ("veneer-test", self.test_disk.as_path(), ",readonly=on");
        let next = self.next.as_deref().map(|path| ("veneer-next", path, ",readonly=on"));
        let other = self.other.map(|path| ("veneer-other", path, ""));
        let disks = [("system", self.disk, speed.as_str()), test].into_iter();
        for (id, path, more) in disks.chain(next).chain(other) {
            let path = path.display();
            qemu.args(["-drive", &format!("file={path},format=raw,if=none,cache=unsafe,id={id}{more}")]);
            qemu.args(["-device", &format!("virtio-blk-pci,drive={id},serial={id}")]);
        }
        if let Some(tpm) = &self.tpm {
            qemu.args(tpm.devices());
        }
        if let Some(credential) = self.credential {
            qemu.args(["-smbios", &format!("type=11,value=io.systemd.credential:{credential}")]);
        }
        qemu.args(["-device", "virtio-serial-pci"]);
        for (name, path) in [("veneer", self.report()), ("journal", self.journal())] {
            qemu.args(["-chardev", &format!("file,id={name},path={}", path.display())]);
            qemu.args(["-device", &format!("virtserialport,chardev={name},name={name}")]);
        }
        qemu
    }

    /// Runs the machine until it is off, the deadline passes, or, if a `cut` is given, until it is time for that. With
    /// `live`, what the guest says is printed as it comes.
    ///
    /// Emulating two processors, QEMU 10 now and then dies of a failed assertion (`iotlb_to_section`) while the
    /// kernel sizes the PCI bars, on a busy host the more. No program of the guest has run by then, so nothing is
    /// hidden by starting anew.
    pub(crate) fn run(&self, deadline: Duration, cut: Option<Cut>, live: bool) -> Result<End> {
        for _ in 0..STARTS {
            let end = self.run_once(deadline, cut, live)?;
            if end != End::Crashed || self.reached_userspace() {
                return Ok(end);
            }
            progress::say("QEMU died before the guest's first program; starting it anew");
        }
        Ok(End::Crashed)
    }

    fn reached_userspace(&self) -> bool {
        // The kernel's last word before it hands over. A console that cannot be read proves nothing.
        fs::read(self.console()).map_or(true, |text| String::from_utf8_lossy(&text).contains("Run /init"))
    }

    fn run_once(&self, deadline: Duration, cut: Option<Cut>, live: bool) -> Result<End> {
        let what = "running a machine";
        let console = format!("file:{}", self.console().display());
        let mut command = self.qemu(&console);
        let log = fs::File::create(self.dir.join("qemu.log")).map_err(Error::io(what))?;
        let err = log.try_clone().map_err(Error::io(what))?;
        command.stdin(Stdio::null()).stdout(log.into_parts().0).stderr(err.into_parts().0);
        // Ends with this process, however it ends.
        let _tpm = self.tpm.as_ref().map(|tpm| tpm.start(self.tools)).transpose()?;
        let mut child = command.spawn().map_err(Error::io(what))?;
        let (mut looked, mut spent) = (Instant::now(), Duration::ZERO);
        let mut shown = 0;
        let end = loop {
            let status = child.try_wait().map_err(Error::io(what))?;
            // The file appears with QEMU; until then there is nothing to read.
            let report = fs::read(self.report()).unwrap_or_default();
            if live {
                shown = show(&report, shown);
            }
            if let Some(status) = status {
                break if status.success() { End::Off } else { End::Crashed };
            }
            let is_time = |cut| match cut {
                Cut::Report(text) => String::from_utf8_lossy(&report).contains(text),
                Cut::Console(text) => console::shows(&self.console(), text),
            };
            if cut.is_some_and(is_time) {
                break End::Cut;
            }
            // A stop of this process stopped the machine, too, and is no time of its own.
            spent += looked.elapsed().min(LOOK);
            looked = Instant::now();
            if spent > deadline {
                break End::Deadline;
            }
            std::thread::sleep(TICK);
        };
        if matches!(end, End::Cut | End::Deadline) {
            child.kill().map_err(Error::io(what))?;
            child.wait().map_err(Error::io(what))?;
        }
        Ok(end)
    }

    /// Hands the machine's console to the person who asked for it.
    pub(crate) fn interact(&self) -> Result<()> {
        progress::say("the console is yours (root, no password; Ctrl-A X ends the machine)");
        let _tpm = self.tpm.as_ref().map(|tpm| tpm.start(self.tools)).transpose()?;
        let mut command = self.qemu("mon:stdio");
        command.status().map_err(Error::io("running a machine"))?;
        Ok(())
    }

    /// What is known of a run that went wrong, for people.
    pub(crate) fn post_mortem(&self) -> String {
        let mut text = String::new();
        let parts = [("QEMU", self.dir.join("qemu.log"), 10), ("console", self.console(), 30)];
        for (name, path, lines) in parts {
            let tail = console::tail(&path, lines);
            if !tail.is_empty() {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "  end of the {name} ({}):", path.display());
                for line in tail.lines() {
                    let _ = writeln!(text, "    {line}");
                }
            }
        }
        if fs::metadata(self.journal()).is_ok_and(|meta| meta.len() > 0) {
            let _ = writeln!(text, "  the journal: {}", self.journal().display());
        }
        text
    }
}

/// Prints the lines for people that came since `from`; returns how far it got.
fn show(report: &[u8], from: usize) -> usize {
    let new = report.get(from..).unwrap_or_default();
    let whole = new.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    for line in String::from_utf8_lossy(&new[..whole]).lines() {
        if let Some(said) = line.strip_prefix("> ") {
            println!("          {said}");
        }
    }
    from + whole
}
