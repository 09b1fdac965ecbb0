//! A machine between the initramfs and the real system: a sysroot with a base in its /usr, a store, a runtime
//! directory and a command line. Every boot is checked against what holds for all boots.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::base::Base;
use crate::mounts::{self, Mount};
use crate::run::{Finished, within};
use crate::scenario::variable;
use crate::status::Status;
use crate::store::Store;
use crate::tree::{Tree, assert_same};

/// Whatever is wrong, a boot is not held up: there is no device to wait for in these trials.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Where a real system has its store.
pub const STORE: &str = "/run/initramfs/veneer/store";

/// The fixture.
pub struct Machine {
    /// Everything is below this directory.
    pub dir: PathBuf,
    /// `--sysroot`.
    pub sysroot: PathBuf,
    /// `--store`.
    pub store: PathBuf,
    /// `--runtime`.
    pub runtime: PathBuf,
    /// `--cmdline`.
    pub cmdline: PathBuf,
    /// Whether a shutdown blesses the layer of the boot that it ends.
    pub blesses: bool,
    base: Option<Base>,
    first: Option<Base>,
    /// What /usr shows without a layer.
    pub bare: Tree,
    before: Vec<Mount>,
    booted: Option<Status>,
}

/// One boot.
#[derive(Debug)]
pub struct Boot {
    /// What it reported.
    pub status: Status,
    /// What the program did.
    pub program: Finished,
}

impl Machine {
    /// A machine with an empty store and no base.
    pub fn new(dir: &Path, store: Store) -> Machine {
        let machine = Machine {
            dir: dir.to_path_buf(),
            sysroot: dir.join("sysroot"),
            store: dir.join("veneer/store"),
            runtime: dir.join("runtime"),
            cmdline: dir.join("cmdline"),
            blesses: true,
            base: None,
            first: None,
            bare: Tree::default(),
            before: Vec::new(),
            booted: None,
        };
        for name in ["usr", "etc", "var/lib", "run", "proc", "sys", "dev", "tmp"] {
            fs::create_dir_all(machine.sysroot.join(name)).expect("make the sysroot");
        }
        for name in ["bin", "sbin", "lib", "lib64"] {
            let link = machine.sysroot.join(name);
            std::os::unix::fs::symlink(format!("usr/{name}"), link).expect("link into usr");
        }
        let release = machine.sysroot.join("etc/os-release");
        std::os::unix::fs::symlink("../usr/lib/os-release", release).expect("link os-release");
        fs::write(&machine.cmdline, "root=/dev/vda2 ro quiet\n").expect("write the command line");
        store.mount(&machine.store);
        machine
    }

    /// The sysroot's /usr.
    pub fn usr(&self) -> PathBuf {
        self.sysroot.join("usr")
    }

    /// Puts a base into the powered-off machine, in place of the one that it had.
    pub fn install(&mut self, base: &Base) {
        self.shutdown();
        if let Some(old) = self.base.take() {
            old.take(&self.usr());
        }
        base.put(&self.usr());
        self.bare = Tree::read(&self.usr());
        self.first.get_or_insert_with(|| base.clone());
        self.base = Some(base.clone());
    }

    /// The base that was installed first.
    pub fn first(&self) -> &Base {
        self.first.as_ref().expect("a base was installed")
    }

    /// The bare base that is installed.
    pub fn bare(&self) -> &Tree {
        &self.bare
    }

    /// veneer-assemble with this machine's arguments.
    pub fn assemble(&self) -> Command {
        self.started_by(&[])
    }

    /// veneer-assemble with the store at the place of a real system's, and all that it reads below the machine's directory.
    pub fn assemble_in_place(&self) -> Command {
        let program = std::env::var_os(variable("veneer-assemble")).expect("the program under test");
        let mut command = Command::new(program);
        command.env("VENEER_ROOT", &self.dir).arg("--sysroot").arg(&self.sysroot);
        command.arg("--runtime").arg(&self.runtime).arg("--cmdline").arg(&self.cmdline);
        command
    }

    /// veneer-assemble, started by another program that takes a command line.
    pub fn started_by(&self, words: &[&str]) -> Command {
        let program = std::env::var_os(variable("veneer-assemble")).expect("the program under test");
        let mut command = match words.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.arg("--sysroot").arg(&self.sysroot).arg("--store").arg(&self.store);
        command.arg("--runtime").arg(&self.runtime).arg("--cmdline").arg(&self.cmdline);
        command
    }

    /// Boots: from the mounted base to switch-root.
    #[track_caller]
    pub fn boot(&mut self) -> Boot {
        let command = self.assemble();
        self.boot_by(command)
    }

    /// Boots with a command made from [`Machine::assemble`] or [`Machine::started_by`].
    #[track_caller]
    pub fn boot_by(&mut self, mut command: Command) -> Boot {
        self.shutdown();
        self.before = mounts::all();
        self.clear_runtime();
        let program = within(LIMIT, &mut command);
        assert_eq!(program.code, Some(0), "veneer-assemble failed: {}{}", program.stdout, program.stderr);
        let status = Status::read(&self.runtime);
        if status.layered {
            self.check_layer();
        } else {
            self.check_pristine();
        }
        self.booted = Some(status.clone());
        Boot { status, program }
    }

    /// /run is new on every boot.
    fn clear_runtime(&self) {
        if self.runtime.exists() {
            fs::remove_dir_all(&self.runtime).expect("empty the runtime directory");
        }
    }

    /// Boots and expects a layer with this action.
    #[track_caller]
    pub fn boot_layer(&mut self, action: &str) -> Boot {
        let boot = self.boot();
        assert_eq!(boot.status.layer.as_ref().map(|l| l.action.as_str()), Some(action), "{:?}", boot.status);
        boot
    }

    /// Boots and expects the bare base for one of these reasons.
    #[track_caller]
    pub fn boot_pristine(&mut self, reasons: &[&str]) -> Boot {
        let boot = self.boot();
        let reason = boot.status.reason.as_str();
        assert!(reasons.contains(&reason), "reason is not one of {reasons:?}: {:?}", boot.status);
        boot
    }

    /// What holds for every boot with a layer.
    #[track_caller]
    fn check_layer(&self) {
        let usr = mounts::at(&self.usr()).expect("a mount on usr");
        assert_eq!(usr.kind, "overlay", "{usr:?}");
        for option in ["rw", "redirect_dir=nofollow", "uuid=null"] {
            assert!(usr.has(option), "usr is mounted without {option}: {usr:?}");
        }
        let bad =
            ["index=on", "metacopy=on", "nfs_export=on", "xino=on", "volatile", "nosuid", "nodev", "noexec"];
        for option in bad {
            assert!(!usr.has(option), "usr is mounted with {option}: {usr:?}");
        }
        let point = self.base_point();
        let base = mounts::at(&point).unwrap_or_else(|| panic!("no mount at {}", point.display()));
        assert!(base.has("ro"), "the bare base can be written: {base:?}");
        assert_same("the bare base beside the store", &self.bare, &Tree::read(&point));
        let extra: Vec<Mount> = mounts::all().into_iter().filter(|m| !self.before.contains(m)).collect();
        assert_eq!(extra.len(), 2, "mounts for the running system: {extra:#?}");
    }

    /// What holds for every boot without one.
    #[track_caller]
    fn check_pristine(&self) {
        assert_eq!(self.before, mounts::all(), "something is left mounted");
        assert_same("a pristine boot shows the bare base", &self.bare, &Tree::read(&self.usr()));
    }

    /// Where the bare base of a boot with a layer is.
    pub fn base_point(&self) -> PathBuf {
        self.store.parent().expect("the store is in a directory").join("base")
    }

    /// Boots without looking at every path: some trees are too deep for that.
    #[track_caller]
    pub fn boot_unread(&mut self) -> Status {
        self.shutdown();
        self.before = mounts::all();
        let program = within(LIMIT, &mut self.assemble());
        assert_eq!(program.code, Some(0), "veneer-assemble failed: {}{}", program.stdout, program.stderr);
        Status::read(&self.runtime)
    }

    /// Starts a boot that a fault is to end, and then unmounts whatever it left, as a power cut would.
    #[track_caller]
    pub fn crash(&mut self, words: &[&str]) -> Finished {
        self.shutdown();
        self.clear_runtime();
        let before = mounts::all();
        let program = within(LIMIT, &mut self.started_by(words));
        for mount in mounts::all().iter().rev().filter(|mount| !before.contains(mount)) {
            rustix::mount::unmount(&mount.point, rustix::mount::UnmountFlags::DETACH)
                .unwrap_or_else(|e| panic!("unmount {}: {e}", mount.point.display()));
        }
        program
    }

    /// Says that the running system came up well, as veneer-bless.service does.
    #[track_caller]
    pub fn bless(&self) {
        self.unit("veneer-bless.service", "bless");
    }

    /// Brings the running layer's record up to date, as veneer-record.service does.
    #[track_caller]
    pub fn record(&self) {
        self.unit("veneer-record.service", "record");
    }

    /// What a unit does, with no more capabilities than it has.
    #[track_caller]
    fn unit(&self, unit: &str, word: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/units").join(unit);
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("read {}: {e}", path.display()));
        let bound = text.lines().find_map(|line| line.strip_prefix("CapabilityBoundingSet="));
        let capabilities =
            bound.unwrap_or_else(|| panic!("{unit} bounds its capabilities")).split_whitespace();
        let capabilities = capabilities.map(|name| name.replacen("CAP_", ",+", 1).to_lowercase());
        let mut command = Command::new("setpriv");
        command.arg(format!("--bounding-set=-all{}", capabilities.collect::<String>())).arg("--no-new-privs");
        let done = self.run(&mut command, &[word]);
        assert_eq!(done.code, Some(0), "veneer {word} as in {unit}: {done:?}");
    }

    /// The command for people, in the running system.
    #[track_caller]
    pub fn veneer(&self, words: &[&str]) -> Finished {
        self.run(&mut Command::new("env"), words)
    }

    /// The same, with these variables (`NAME=VALUE`).
    #[track_caller]
    pub fn veneer_in(&self, variables: &[&str], words: &[&str]) -> Finished {
        self.run(Command::new("env").args(variables), words)
    }

    /// The command, started by a program that takes it as arguments.
    #[track_caller]
    fn run(&self, starter: &mut Command, words: &[&str]) -> Finished {
        starter.arg(std::env::var_os(variable("veneer")).expect("the command under test"));
        starter.arg("--root").arg(&self.sysroot).arg("--store").arg(&self.store);
        within(LIMIT, starter.arg("--runtime").arg(&self.runtime).args(words))
    }

    /// Unmounts what the boot mounted; the bare base stays in its place.
    #[track_caller]
    pub fn shutdown(&mut self) {
        let Some(status) = self.booted.take() else { return };
        if !status.layered {
            return;
        }
        self.booted = Some(status);
        if self.blesses {
            self.bless();
        }
        self.booted = None;
        for point in [self.usr(), self.base_point()] {
            rustix::mount::unmount(&point, rustix::mount::UnmountFlags::empty())
                .unwrap_or_else(|e| panic!("unmount {}: {e}", point.display()));
        }
        assert_eq!(self.before, mounts::all(), "the boot mounted more than the overlay and the base");
        assert_same("the base on disk", &self.bare, &Tree::read(&self.usr()));
    }

    /// What /usr shows.
    pub fn visible(&self) -> Tree {
        Tree::read(&self.usr())
    }

    /// A layer's directory.
    pub fn layer(&self, id: &str) -> PathBuf {
        self.layers().join(id)
    }

    /// The directory of the layers.
    pub fn layers(&self) -> PathBuf {
        self.store.join("veneer/layers")
    }

    /// The names below `layers`, in order.
    pub fn layer_names(&self) -> Vec<String> {
        let Ok(entries) = self.layers().read_dir() else { return Vec::new() };
        let name = |e: std::io::Result<fs::DirEntry>| e.expect("list layers").file_name();
        let mut names: Vec<_> = entries.map(|e| name(e).to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The store as it is on disk.
    pub fn store_tree(&self) -> Tree {
        Tree::read(&self.store)
    }

    /// The store less what a boot may change without changing a layer: the lock, trial counts and overlayfs's
    /// work directories.
    pub fn kept_tree(&self) -> Tree {
        self.store_tree().without(|path| {
            let lock = path == Path::new("veneer/lock");
            let mut inside = path.components().skip(3).map(|c| c.as_os_str().to_owned());
            lock || (path.starts_with("veneer/layers")
                && inside.next().is_some_and(|n| n == "trial" || n == "work"))
        })
    }

    /// Adds words to the command line.
    pub fn say(&self, words: &str) {
        let text = format!("root=/dev/vda2 ro quiet {words}\n");
        fs::write(&self.cmdline, text).expect("write the command line");
    }

    /// What was written into the kernel's log in this trial.
    pub fn kernel_log(&self) -> String {
        fs::read_to_string(self.dir.join("kmsg")).expect("read the kernel log's stand-in")
    }
}
