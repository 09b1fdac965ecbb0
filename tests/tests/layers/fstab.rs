//! A /usr that only the real root's /etc/fstab names: it is mounted after the first turn of veneer-assemble, which leaves
//! the work to a second one. Without such a line an empty /usr is told at once, as ever.

use std::fs;
use std::path::Path;

use veneer_tests::base::{Base, Form};
use veneer_tests::machine::{LIMIT, Machine};
use veneer_tests::run::{Finished, within};
use veneer_tests::scenario::Scenario;
use veneer_tests::status::Status;
use veneer_tests::store::Store;
use veneer_tests::tree::{Tree, assert_same};

use crate::stories::first;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "a_usr_of_fstab_is_waited_for", needs: &[], run: waited_for },
    Scenario { name: "a_usr_of_fstab_that_never_comes", needs: &[], run: never_comes },
    Scenario { name: "an_empty_usr_without_fstab_is_told_at_once", needs: &[], run: without_fstab },
];

/// A machine with nothing in /usr.
fn machine(dir: &Path, fstab: &str) -> Machine {
    let machine = Machine::new(dir, Store::Dir);
    fs::write(machine.sysroot.join("etc/fstab"), fstab).expect("write fstab");
    machine
}

#[track_caller]
fn turn(machine: &Machine) -> Finished {
    let done = within(LIMIT, &mut machine.assemble());
    assert_eq!(done.code, Some(0), "{done:?}");
    done
}

/// As many lines of the log as there are in which veneer-assemble says something.
fn said(machine: &Machine) -> usize {
    machine.kernel_log().lines().filter(|line| line.contains("veneer-assemble")).count()
}

fn waited_for(dir: &Path) {
    let machine = machine(dir, "# comment\nUUID=1 / ext4 rw 0 1\nLABEL=usr\t/u\\163r/ erofs ro,noauto 0 0\n");
    let dry = within(LIMIT, machine.assemble().arg("--dry-run"));
    assert_eq!(dry.stdout, "wait for the /usr that /etc/fstab names\n");
    assert!(!machine.runtime.exists(), "a dry run leaves a trace");

    let before = machine.store_tree();
    turn(&machine);
    assert!(!machine.runtime.join("status.json").exists(), "nothing is decided yet");
    assert!(machine.runtime.join("waiting-for-usr").exists(), "what veneer-assemble-fstab.service looks for");
    assert!(machine.kernel_log().contains("waiting for /etc/fstab's /usr"), "{}", machine.kernel_log());
    assert_eq!(said(&machine), 1, "{}", machine.kernel_log());
    assert_same("the store", &before, &machine.store_tree());

    let base = Base::build(dir, "A", Form::Dir, &first());
    base.put(&machine.usr());
    let bare = Tree::read(&machine.usr());
    turn(&machine);
    let status = Status::read(&machine.runtime);
    assert_eq!(status.layer.expect("a layer").action, "bound");
    assert_same("the new layer's /usr", &bare, &machine.visible());
}

fn never_comes(dir: &Path) {
    let machine = machine(dir, "LABEL=usr /usr erofs ro 0 0\n");
    // A mount point that is not there, systemd makes.
    fs::remove_dir(machine.usr()).expect("remove usr");
    turn(&machine);
    assert!(!machine.runtime.join("status.json").exists(), "nothing is decided yet");
    for _ in 0..2 {
        turn(&machine);
        let status = Status::read(&machine.runtime);
        assert_eq!((status.layered, status.reason.as_str()), (false, "internal"), "{status:?}");
    }
}

fn without_fstab(dir: &Path) {
    for (number, fstab) in ["", "LABEL=x /usr/local ext4 rw\n#LABEL=usr /usr erofs ro\n"].iter().enumerate() {
        let within = dir.join(number.to_string());
        fs::create_dir(&within).expect("make a directory");
        let machine = machine(&within, fstab);
        turn(&machine);
        assert!(!machine.runtime.join("waiting-for-usr").exists(), "{fstab:?}");
        let status = Status::read(&machine.runtime);
        assert_eq!(status.reason, "internal", "{status:?}");
        assert!(status.message.contains("there is nothing in it"), "{status:?}");
    }
}
