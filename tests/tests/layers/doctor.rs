//! What `veneer doctor` finds of a running system: of a good one nothing, and each trouble by its name.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use veneer_tests::base::{Base, Form};
use veneer_tests::machine::Machine;
use veneer_tests::scenario::Scenario;
use veneer_tests::store::{Store, fill};

use crate::stories::{fresh, mine, second};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "doctor_of_a_layer", needs: &[], run: of_a_layer },
    Scenario { name: "doctor_of_a_store", needs: &[], run: of_a_store },
    Scenario { name: "doctor_of_a_pristine_boot", needs: &[], run: of_a_pristine_boot },
];

/// What the test's bases, which have no units and no initramfs, always lack, and what is told of every store.
const ALWAYS: [&str; 7] = [
    "command-missing",
    "database-none",
    "initramfs-not-found",
    "store-identity",
    "tmpfiles-missing",
    "motd-missing",
    "unit-missing",
];

/// The names of what is found.
#[track_caller]
fn found(machine: &Machine) -> BTreeSet<String> {
    let done = machine.veneer(&["doctor", "--json"]);
    // No unit is there, which is an error each time.
    assert_eq!(done.code, Some(1), "{done:?}");
    let told: serde_json::Value = serde_json::from_str(&done.stdout).expect("JSON");
    let all = told["findings"].as_array().expect("findings");
    let names = all.iter().map(|finding| finding["name"].as_str().expect("a name").to_owned());
    names.filter(|name| !ALWAYS.contains(&name.as_str())).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

fn of_a_layer(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    machine.boot_layer("bound");
    assert_eq!(found(&machine), set(&["boot-not-blessed", "record-missing"]));
    machine.bless();
    machine.record();
    assert_eq!(found(&machine), set(&[]));

    let text = machine.veneer(&["doctor"]);
    assert!(text.stdout.contains("error [unit-missing]: ") && text.stderr.contains("2 errors"), "{text:?}");

    rustix::mount::unmount(machine.base_point(), rustix::mount::UnmountFlags::empty())
        .expect("unmount the base");
    assert_eq!(found(&machine), set(&["base-not-mounted"]));
    rustix::mount::unmount(machine.usr(), rustix::mount::UnmountFlags::empty()).expect("unmount the layer");
    assert_eq!(found(&machine), set(&["base-not-mounted", "layer-not-mounted"]));
}

fn of_a_store(dir: &Path) {
    let mut machine = fresh(dir, Store::Ext4(64));
    let first = machine.boot_layer("bound").status.layer().id.clone();
    mine().apply(&machine.usr());
    machine.record();
    machine.install(&Base::build(dir, "B", Form::Dir, &second()));
    machine.boot_layer("rebased");
    machine.bless();
    machine.record();
    assert_eq!(found(&machine), set(&["refresh-due"]));
    assert_eq!(machine.veneer(&["refresh"]).code, Some(0));
    assert_eq!(found(&machine), set(&[]));

    fs::create_dir(machine.layers().join("0009-abcdef012345.tmp")).expect("make a leftover");
    assert_eq!(found(&machine), set(&["leftovers"]));
    fs::remove_dir(machine.layers().join("0009-abcdef012345.tmp")).expect("remove it");

    fill(&machine.store, 2 << 20);
    assert_eq!(found(&machine), set(&["store-nearly-full"]));
    fs::remove_file(machine.store.join("fill")).expect("make room");
    assert_eq!(found(&machine), set(&[]));

    let state = machine.layer(&first).join("layer");
    let whole = fs::read(&state).expect("read a layer's state");
    fs::write(&state, b"spoilt").expect("spoil it");
    assert_eq!(found(&machine), set(&["layer-damaged"]));
    fs::write(&state, whole).expect("mend it");
    assert_eq!(found(&machine), set(&[]));
}

fn of_a_pristine_boot(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    assert_eq!(found(&machine), set(&["not-run"]));
    machine.blesses = false;
    machine.boot_layer("bound");
    machine.boot_layer("used");
    machine.boot_pristine(&["trial-failed"]);
    assert_eq!(found(&machine), set(&["layer-set-aside", "pristine"]));
    machine.say("rd.veneer.mode=pristine");
    machine.boot_pristine(&["disabled"]);
    let done = machine.veneer(&["doctor"]);
    assert!(done.stdout.contains("note [pristine]"), "{done:?}");
}
