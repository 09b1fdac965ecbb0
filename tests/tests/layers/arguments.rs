//! The command line's own edges: unusable arguments, a dry run, noise.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use veneer_tests::base::{Base, Form};
use veneer_tests::dice::Dice;
use veneer_tests::machine::{LIMIT, Machine};
use veneer_tests::mounts;
use veneer_tests::run::within;
use veneer_tests::scenario::Scenario;
use veneer_tests::store::Store;
use veneer_tests::tree::{Tree, assert_same};

use crate::stories::{fresh, second, settled};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "unusable_arguments", needs: &[], run: unusable },
    Scenario { name: "dry_run", needs: &[], run: dry_run },
    Scenario { name: "noise_on_the_command_line", needs: &[], run: noise },
    Scenario { name: "command_line_missing", needs: &[], run: no_command_line },
    Scenario { name: "sysroot_without_a_base", needs: &[], run: no_base },
    Scenario { name: "runtime_not_writable", needs: &[], run: no_runtime },
    Scenario { name: "odd_os_release", needs: &[], run: odd_os_release },
];

/// Exit code 2, one clear line that names the word, and nothing done.
fn unusable(dir: &Path) {
    let (machine, _) = settled(dir, Store::Dir);
    let (store, mounts) = (machine.store_tree(), mounts::all());
    fs::remove_dir_all(&machine.runtime).expect("empty the runtime directory");
    let cases: [(&[&str], &str); 6] = [
        (&["--frobnicate"], "frobnicate"),
        (&["-x"], "x"),
        (&["stray"], "stray"),
        (&["--dry-run=yes"], "dry-run"),
        (&["--store"], "store"),
        (&["--sysroot"], "sysroot"),
    ];
    for (words, named) in cases {
        let done = within(LIMIT, machine.assemble().args(words));
        assert_eq!(done.code, Some(2), "{words:?}: {done:?}");
        let lines: Vec<&str> = done.stderr.lines().filter(|line| !line.trim().is_empty()).collect();
        assert!(!lines.is_empty() && lines.len() <= 3 && lines[0].contains(named), "{words:?}: {done:?}");
        assert!(!machine.runtime.join("status.json").exists(), "{words:?}: a boot was reported");
        assert_eq!(mounts, mounts::all(), "{words:?}");
    }
    assert_same("the store", &store, &machine.store_tree());
}

/// For each verdict: the plan is printed, nothing is changed, and the boot then does what was printed.
fn dry_run(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    let mut plans = BTreeSet::new();
    plans.insert(planned(&mut machine));
    machine.boot_layer("bound");
    plans.insert(planned(&mut machine));
    machine.boot_layer("used");
    machine.install(&Base::build(dir, "B", Form::Dir, &second()));
    plans.insert(planned(&mut machine));
    machine.boot_layer("rebased");
    machine.say("rd.veneer.mode=pristine");
    plans.insert(planned(&mut machine));
    machine.say("");
    fs::rename(&machine.store, dir.join("away")).expect("take the store away");
    plans.insert(planned(&mut machine));
    assert_eq!(plans.len(), 5, "each verdict has its own plan: {plans:#?}");
}

#[track_caller]
fn planned(machine: &mut Machine) -> String {
    machine.shutdown();
    if machine.runtime.exists() {
        fs::remove_dir_all(&machine.runtime).expect("empty the runtime directory");
    }
    let (store, mounts, usr) = (machine.store_tree(), mounts::all(), machine.visible());
    let done = within(LIMIT, machine.assemble().arg("--dry-run"));
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(!done.stdout.trim().is_empty(), "no plan: {done:?}");
    assert_same("the store after a dry run", &store, &machine.store_tree());
    assert_eq!(mounts, mounts::all());
    assert_same("usr after a dry run", &usr, &machine.visible());
    assert_same("the runtime directory", &Tree::default(), &Tree::read(&machine.runtime.join("status.json")));
    done.stdout
}

/// Four KiB of anything at all is a warning at most.
fn noise(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    let mut dice = Dice::new(7);
    for round in 0..24 {
        let mut bytes: Vec<u8> = (0..4096).map(|_| dice.byte()).collect();
        match round % 4 {
            0 => {}
            1 => bytes.iter_mut().for_each(|b| *b = b' ' + *b % 95),
            2 => {
                // Veneer's own words, cut and mixed.
                let words = [
                    "rd.veneer",
                    ".layer=",
                    ".timeout=",
                    "=\"",
                    "\"",
                    " ",
                    ".store=dir:",
                    "99999999999999",
                    "\0",
                ];
                bytes = (0..900).flat_map(|_| words[dice.below(words.len())].bytes()).take(4096).collect();
            }
            _ => bytes.fill(b'"'),
        }
        fs::write(&machine.cmdline, &bytes).expect("write the command line");
        let boot = machine.boot();
        assert!(!boot.program.stderr.contains("panicked"), "{boot:?}");
        // A word for Veneer that means something can be among its own ones.
        assert!(round % 4 == 2 || boot.status.layered, "round {round}: {:?}", boot.status);
    }
    machine.say("");
    machine.boot_layer("used");
}

fn no_command_line(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    fs::remove_file(&machine.cmdline).expect("remove the command line");
    machine.boot();
    fs::create_dir(&machine.cmdline).expect("make a directory of it");
    machine.boot();
    fs::remove_dir(&machine.cmdline).expect("remove the directory");
    machine.say("");
    machine.boot_layer("used");
}

/// No /usr to put a layer on: not this program's to mend, and no reason to fail.
fn no_base(dir: &Path) {
    let mut machine = Machine::new(dir, Store::Dir);
    machine.bare = Tree::read(&machine.usr());
    machine.boot_pristine(&["internal", "probe-failed", "mount-failed", "incompatible"]);
    fs::remove_dir(machine.usr()).expect("remove usr");
    machine.bare = Tree::read(&machine.usr());
    machine.boot_pristine(&["internal", "probe-failed", "mount-failed", "incompatible"]);
}

/// A report that cannot be written fails no boot.
fn no_runtime(dir: &Path) {
    let (machine, _) = settled(dir, Store::Dir);
    fs::remove_dir_all(&machine.runtime).expect("empty the runtime directory");
    fs::write(&machine.runtime, "a file").expect("spoil the runtime directory");
    let done = within(LIMIT, &mut machine.assemble());
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(!done.stderr.contains("panicked"), "{done:?}");
}

/// os-release that is missing, a mebibyte, not UTF-8, a FIFO or a link that leads out of the sysroot.
fn odd_os_release(dir: &Path) {
    let mut machine = Machine::new(dir, Store::Dir);
    let path = "lib/os-release";
    let bases = [
        second().remove(path),
        second().file(path, vec![b'A'; 1 << 20]),
        second().file(path, vec![0xff; 4000]),
        second().file(path, "ID=\"unended\nVERSION_ID='\n\0\n=\n===\n"),
        second().remove(path).special(path, veneer_tests::edit::Special::Fifo),
        second().remove(path).symlink(path, "../../../../../../../../etc/hostname"),
        second().remove(path).symlink(path, "os-release"),
        second().remove(path).dir(path),
    ];
    for (number, edits) in bases.iter().enumerate() {
        machine.install(&Base::build(dir, &number.to_string(), Form::Dir, edits));
        let boot = machine.boot();
        println!("{number}: {:?}", boot.status);
        assert!(!boot.program.stderr.contains("panicked"), "{boot:?}");
    }
    // None of them made a store that the next good base cannot use.
    machine.install(&Base::build(dir, "good", Form::Dir, &second()));
    let status = machine.boot().status;
    assert!(status.layered || status.reason == "incompatible", "{status:?}");
}
