//! A directory of the root for a store, in the places of a real boot: where it is made, and what may be written to then.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use veneer_tests::base::{Base, Form};
use veneer_tests::machine::{LIMIT, Machine, STORE};
use veneer_tests::mounts;
use veneer_tests::run::{sh, within};
use veneer_tests::scenario::Scenario;
use veneer_tests::status::Status;
use veneer_tests::store::Store;

use crate::stories::first;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "a_directory_is_made_for_the_store", needs: &[], run: made },
    Scenario { name: "a_read_only_root_stays_read_only", needs: &[], run: read_only },
    Scenario { name: "on_ostree_var_is_the_state_roots", needs: &[], run: ostree },
    Scenario { name: "on_ostree_a_read_only_disk_stays_so", needs: &[], run: ostree_read_only },
    Scenario { name: "on_ostree_a_state_root_is_not_made", needs: &[], run: ostree_that_is_none },
];

const OSTREE: &str = "ostree=/ostree/boot.1/os/3f9c2a1b7d04/0";

/// A machine whose root is a file system of its own, with a /run for this trial alone.
fn machine(dir: &Path, words: &str) -> Machine {
    let sysroot = dir.join("sysroot");
    fs::create_dir(&sysroot).expect("make the sysroot");
    sh(&format!("mount -t tmpfs root {}", sysroot.display()));
    sh("mount -t tmpfs run /run");
    let mut machine = Machine::new(dir, Store::Dir);
    // On the same file system, since a base is moved into its place.
    machine.install(&Base::build(&sysroot, "A", Form::Dir, &first()));
    machine.say(&format!("rd.veneer.store=dir:/var/lib/veneer {words}"));
    machine
}

/// A boot with the store's place of a real one.
#[track_caller]
fn boot(machine: &Machine) -> Status {
    let done = within(LIMIT, &mut machine.assemble_in_place());
    assert_eq!(done.code, Some(0), "{done:?}");
    Status::read(&machine.runtime)
}

/// What holds if the layer is in the store that is at `place`.
#[track_caller]
fn check(machine: &Machine, place: &Path) {
    let status = boot(machine);
    assert!(status.layered, "{status:?}\n{}", machine.kernel_log());
    let id = |path: &Path| fs::read_to_string(path.join("veneer/store")).expect("read the store's state");
    assert_eq!(id(Path::new(STORE)), id(place), "the store is elsewhere");
    let store = mounts::at(Path::new(STORE)).expect("the store is mounted");
    for option in ["rw", "nosuid", "nodev", "noexec", "noatime"] {
        assert!(store.options.split(',').any(|word| word == option), "{option}: {store:?}");
    }
    fs::write(machine.usr().join("bin/mine"), "mine").expect("write into the layer");
    let staging = Path::new(STORE).with_file_name("staging");
    assert!(mounts::at(&staging).is_none(), "a view of the root is left");
}

#[track_caller]
fn assert_read_only(dir: &Path) {
    let written = fs::write(dir.join("written"), "x").map_err(|error| error.raw_os_error());
    assert_eq!(written, Err(Some(Errno::ROFS.raw_os_error())), "{} can be written to", dir.display());
}

fn made(dir: &Path) {
    let machine = machine(dir, "");
    check(&machine, &machine.sysroot.join("var/lib/veneer"));
}

fn read_only(dir: &Path) {
    let machine = machine(dir, "");
    sh(&format!("mount -o remount,ro {}", machine.sysroot.display()));
    check(&machine, &machine.sysroot.join("var/lib/veneer"));
    assert_read_only(&machine.sysroot);
    assert_read_only(&machine.sysroot.join("var/lib/veneer"));
}

/// What ostree-prepare-root leaves: the disk's root at `sysroot` in the deployment; read-only but for `var`, if it is told
/// so (sysroot.readonly).
fn deploy(machine: &Machine, read_only: bool) -> PathBuf {
    let disk = machine.sysroot.join("sysroot");
    let var = disk.join("ostree/deploy/os/var");
    fs::create_dir_all(&disk).expect("make a directory");
    sh(&format!("mount -t tmpfs disk {}", disk.display()));
    fs::create_dir_all(var.join("lib")).expect("make a directory");
    if read_only {
        sh(&format!("mount --bind {0} {0}", var.display()));
        sh(&format!("mount -o remount,bind,ro {}", disk.display()));
    }
    var
}

fn ostree(dir: &Path) {
    let machine = machine(dir, OSTREE);
    let var = deploy(&machine, false);
    check(&machine, &var.join("lib/veneer"));
    assert!(!machine.sysroot.join("var/lib/veneer").exists(), "the deployment's own /var is used");
}

fn ostree_read_only(dir: &Path) {
    let machine = machine(dir, OSTREE);
    let var = deploy(&machine, true);
    let disk = machine.sysroot.join("sysroot");
    // With `ro` on the command line the file system is, too.
    sh(&format!("mount -o remount,ro {}", disk.display()));
    sh(&format!("mount -o remount,ro {}", machine.sysroot.display()));
    check(&machine, &var.join("lib/veneer"));
    assert_read_only(&disk);
    assert_read_only(&machine.sysroot);
}

fn ostree_that_is_none(dir: &Path) {
    let machine = machine(dir, OSTREE);
    let status = boot(&machine);
    assert_eq!(status.reason, "store-unusable", "{status:?}");
    assert!(status.message.contains("ostree/deploy/os/var"), "{status:?}");
    assert!(!machine.sysroot.join("sysroot").exists(), "a state root is made");
}
