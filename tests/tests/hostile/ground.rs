//! A machine whose store an attacker had in hand, and what must hold whatever the attacker did: the boot goes on at
//! once, with exit status 0 and a report, within 64 MiB, and nothing outside of the store is written or read.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use veneer_tests::base::{Base, Form, system};
use veneer_tests::deb::{DATABASE, Deb, fill, install, link_database};
use veneer_tests::edit::{Edits, set_time};
use veneer_tests::machine::Machine;
use veneer_tests::run::tool;
use veneer_tests::status::Status;
use veneer_tests::store::Store;
use veneer_tests::tree::{Tree, assert_same};

/// The address space that the program gets, in bytes: its peak memory is below that.
const MEMORY: u64 = 64 << 20;

/// Long before anything that happens here, so that a kernel notes the next access (mount(8), relatime).
const OLD: i64 = 1_000_000_000;

/// Enough for any store that is not large.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(5);

pub(crate) struct Ground {
    pub(crate) machine: Machine,
    /// A directory beside the store, on the same file system.
    pub(crate) outside: PathBuf,
    /// The layer that there is.
    pub(crate) layer: PathBuf,
    dir: PathBuf,
    /// Whether /usr is what it would be without an attack; not if the attack is on what it shows.
    pub(crate) compares: bool,
    /// How many layers were taken out of the store.
    away: Cell<u32>,
    /// What /usr shows if the layer is mounted, or derived, without an attack.
    shown: Tree,
}

impl Ground {
    /// A machine with a layer of its base.
    pub(crate) fn with_layer(dir: &Path) -> Ground {
        Ground::new(dir, false)
    }

    /// A machine with a layer of another base, which the next boot derives one from.
    pub(crate) fn before_rebase(dir: &Path) -> Ground {
        Ground::new(dir, true)
    }

    fn new(dir: &Path, rebase: bool) -> Ground {
        let mut machine = Machine::new(dir, Store::Dir);
        link_database(&machine.sysroot);
        let base = |version: &'static str| {
            let files = Edits::new().file("share/swap", "a file").file("share/doc/NEWS", version);
            let packages = [Deb::new("base", version, system(version)), Deb::new("doc", version, files)];
            Base::build_with(dir, version, Form::Dir, |usr| fill(dir, usr, &packages))
        };
        machine.install(&base("1"));
        let layer = machine.boot_layer("bound").status.layer().id.clone();
        let layer = machine.layer(&layer);
        install(&machine.sysroot, &[Deb::new("mine", "1", Edits::new().file("bin/mine", "mine")).build(dir)]);
        Edits::new().file("share/own", "own").apply(&machine.usr());
        machine.boot_layer("used");
        if rebase {
            machine.install(&base("2"));
        }
        machine.shutdown();
        // So that there is a count to be attacked.
        if !rebase {
            machine.blesses = false;
            machine.boot_layer("used");
            machine.shutdown();
        }
        machine.blesses = true;
        let outside = dir.join("outside");
        fs::create_dir(&outside).expect("make the outside");
        let mut ground = Ground {
            machine,
            outside,
            layer,
            dir: dir.to_path_buf(),
            compares: true,
            away: Cell::new(0),
            shown: Tree::default(),
        };
        ground.copy_store("start");
        ground.machine.boot_layer(if rebase { "rebased" } else { "used" });
        ground.shown = timeless(&ground.machine.visible());
        ground.machine.shutdown();
        ground
    }

    fn copy_store(&self, name: &str) {
        tool(Command::new("cp").arg("-a").arg(&self.machine.store).arg(self.dir.join(name)));
    }

    /// The store as it was before any attack, and things outside of it that nobody may touch.
    pub(crate) fn reset(&self) {
        for path in [&self.machine.store, &self.outside] {
            fs::remove_dir_all(path).unwrap_or_else(|e| panic!("remove {}: {e}", path.display()));
        }
        tool(Command::new("cp").arg("-a").arg(self.dir.join("start")).arg(&self.machine.store));
        Edits::new()
            .file("secret", "secret\n")
            .mode("secret", 0o600)
            .file("directory/file", "file\n")
            .file("state", "not Veneer's\n")
            .apply(&self.outside);
    }

    /// Takes the layer of the installed base out of the store, so that the next boot makes another one.
    pub(crate) fn forget_layer_of_this_base(&self) {
        for name in self.machine.layer_names() {
            let layer = self.machine.layer(&name);
            if layer != self.layer {
                self.away.set(self.away.get() + 1);
                let away = self.dir.join(format!("away-{}", self.away.get()));
                fs::rename(&layer, away).expect("move a layer out of the store");
            }
        }
    }

    /// Gives the new base so many more files.
    pub(crate) fn grow_base(&mut self, place: &str, number: u32) {
        let dir = self.dir.join("grown").join(place);
        fs::create_dir_all(&dir).expect("make a directory");
        for n in 0..number {
            fs::write(dir.join(format!("entry-{n}")), "base").expect("make a file");
        }
        self.machine.shutdown();
        let grown = self.dir.join("grown");
        let files = grown.clone();
        let base = Base::build_with(&self.dir, "3", Form::Dir, |usr| {
            system("3").apply(usr);
            tool(Command::new("cp").arg("-a").arg(files.join("share")).arg(usr));
        });
        self.machine.install(&base);
    }

    /// A path of the store.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        let layer = self.layer.file_name().expect("a layer has a name").to_string_lossy();
        self.machine.store.join(below.replace("LAYER", &layer))
    }

    /// One attack on a fresh store: /usr is bare, or what it would be without the attack.
    #[track_caller]
    pub(crate) fn attack(&mut self, what: &str, change: impl FnOnce(&Ground)) -> Status {
        self.reset();
        change(self);
        let status = self.boot(what, AT_ONCE, true);
        if status.layered && self.compares {
            let visible = timeless(&self.machine.visible());
            let bare = timeless(self.machine.bare());
            // An attacker may as well have emptied the store, or the layer.
            if !bare.differences(&visible).is_empty() {
                assert_same(&format!("{what}: {status:?}"), &self.shown, &visible);
            }
        }
        self.machine.shutdown();
        status
    }

    /// A boot on the attacked store. With `traced`, every file that is opened is looked at; that takes time.
    #[track_caller]
    pub(crate) fn boot(&mut self, what: &str, limit: Duration, traced: bool) -> Status {
        println!("{what}");
        let outside = Tree::read(&self.outside);
        for path in outside.0.keys() {
            set_time(&self.outside.join(path), OLD).expect("set the time of what is outside");
        }
        let log = self.dir.join("opened");
        let (log_text, memory) = (log.display().to_string(), format!("--as={MEMORY}"));
        let mut words = vec!["prlimit", &memory, "--nofile=1024"];
        if traced {
            words.extend(["strace", "-f", "-yy", "-qq", "-o", &log_text, "-e", "trace=?open,openat,openat2"]);
        }
        let boot = self.machine.boot_by(self.machine.started_by(&words));
        let took = boot.program.took;
        println!("    {took:?}");
        assert!(took <= limit, "{what}: took {took:?}: {:?}", boot.status);
        let said = format!("{}{}", boot.program.stdout, boot.program.stderr);
        assert!(!said.contains("panicked"), "{what}: {said}");
        for path in outside.0.keys() {
            let meta = self.outside.join(path).symlink_metadata();
            let meta = meta.unwrap_or_else(|e| panic!("{what}: outside, {}: {e}", path.display()));
            // A file with another name in the store is in the store: to be read as any, but not to be written.
            let shared = meta.nlink() > 1 && !meta.is_dir();
            assert!(
                shared || meta.atime() == OLD,
                "{what}: {} outside was read: {:?}",
                path.display(),
                boot.status
            );
            assert_eq!(meta.mtime(), OLD, "{what}: {} outside was written", path.display());
        }
        let essence = |tree: &Tree| Tree(tree.0.iter().map(|(p, n)| (p.clone(), n.essence())).collect());
        assert_same(
            &format!("{what}: outside of the store"),
            &essence(&outside),
            &essence(&Tree::read(&self.outside)),
        );
        if traced {
            self.check_opened(what, &fs::read_to_string(&log).expect("read the list of opened files"));
        }
        boot.status
    }

    /// What was opened, by the kernel's own name for it: nothing outside, for writing only what is meant to be
    /// written, and no device that a store or a layer brought along.
    #[track_caller]
    fn check_opened(&self, what: &str, log: &str) {
        let store = self.machine.store.display().to_string();
        let runtime = self.machine.runtime.display().to_string();
        let outside = self.outside.display().to_string();
        for line in log.lines() {
            let Some((call, result)) = line.rsplit_once(" = ") else { continue };
            let Some((_, opened)) = result.split_once('<') else { continue };
            assert!(!opened.starts_with(&outside), "{what}: opened outside: {line}");
            let system = ["/dev/", "/proc/", "/sys/"].iter().any(|start| opened.starts_with(start));
            let path_only = call.contains("O_PATH");
            let device = opened.contains("<char ") || opened.contains("<block ");
            assert!(system || path_only || !device, "{what}: opened a device: {line}");
            let written = ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| call.contains(flag));
            // A nameless file in the assembled overlay is how it is seen to be writable.
            let meant = [&*store, &*runtime, "/dev/kmsg"].iter().any(|start| opened.starts_with(start))
                || call.contains("O_TMPFILE")
                // The kernel log's stand-in.
                || opened.contains("/kmsg");
            assert!(!written || meant, "{what}: opened for writing: {line}");
        }
    }
}

/// Without the times of what every rebase writes anew.
fn timeless(tree: &Tree) -> Tree {
    let nodes = tree.0.iter().map(|(path, node)| {
        let node = if path.starts_with(DATABASE) { node.essence() } else { node.clone() };
        (path.clone(), node)
    });
    Tree(nodes.collect())
}
