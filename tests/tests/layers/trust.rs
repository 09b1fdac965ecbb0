//! What the configuration and the command line ask of a store: one that is not so is refused, as it is.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use veneer_tests::machine::{Boot, Machine};
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::store::Store;
use veneer_tests::tree::assert_same;

use crate::stories::{fresh, settled};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "trust_in_an_encrypted_store", needs: &[Need::Kernel("ext4")], run: encrypted },
    Scenario { name: "trust_in_no_memory", needs: &[], run: memory },
    Scenario { name: "trust_in_one_store", needs: &[], run: one_store },
    Scenario { name: "trust_of_a_new_store", needs: &[], run: new_store },
    Scenario { name: "trust_asked_for_in_vain", needs: &[], run: in_vain },
    Scenario { name: "trust_is_not_taken_back", needs: &[Need::Kernel("ext4")], run: not_taken_back },
];

/// A boot whose /sys, /dev and configuration are below the machine's directory.
#[track_caller]
fn boot(machine: &mut Machine) -> Boot {
    let mut command = machine.assemble();
    command.env("VENEER_ROOT", &machine.dir);
    machine.boot_by(command)
}

/// Refused, with these words, and with the store as it was.
#[track_caller]
fn refused(machine: &mut Machine, words: &[&str]) {
    machine.shutdown();
    let before = machine.store_tree();
    let status = boot(machine).status;
    assert_eq!(status.reason, "store-unusable", "{status:?}");
    for word in words {
        assert!(status.message.contains(word), "{word}: {}", status.message);
    }
    assert_same("the store after a refusal", &before, &machine.store_tree());
    let dry = veneer_tests::run::within(
        veneer_tests::machine::LIMIT,
        machine.assemble().env("VENEER_ROOT", &machine.dir).arg("--dry-run"),
    );
    assert!(dry.stdout.starts_with("pristine (store-unusable)"), "{dry:?}");
}

#[track_caller]
fn used(machine: &mut Machine, action: &str) {
    let status = boot(machine).status;
    assert_eq!(status.layer.as_ref().map(|layer| layer.action.as_str()), Some(action), "{status:?}");
}

/// A /sys below `root` in which the device of the store's file system is dm-7, with this dm uuid, upon vda3.
fn sysfs(root: &Path, machine: &Machine, uuid: &str) {
    let dev = fs::metadata(&machine.store).expect("look at the store").dev();
    let sys = root.join("sys");
    let (device, disk) = (sys.join("devices/virtual/block/dm-7"), sys.join("devices/pci/block/vda"));
    let part = disk.join("vda3");
    for dir in [device.join("dm"), device.join("slaves"), part.clone(), disk.join("slaves")] {
        fs::create_dir_all(&dir).expect("make a directory");
    }
    fs::create_dir_all(sys.join("dev/block")).expect("make a directory");
    fs::write(part.join("partition"), "3\n").expect("write");
    fs::write(device.join("dm/uuid"), format!("{uuid}\n")).expect("write");
    let name = format!("{}:{}", rustix::fs::major(dev), rustix::fs::minor(dev));
    for (link, to) in [
        (sys.join("dev/block").join(name), "../../devices/virtual/block/dm-7"),
        (device.join("slaves/vda3"), "../../../../pci/block/vda/vda3"),
    ] {
        if !link.is_symlink() {
            symlink(to, link).expect("make a link");
        }
    }
}

/// What the running system says of its store.
#[track_caller]
fn told(machine: &Machine) -> serde_json::Value {
    let done = machine.veneer(&["status", "--json"]);
    let value: serde_json::Value =
        serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{e}: {done:?}"));
    value["now"]["store"].clone()
}

fn encrypted(dir: &Path) {
    let mut machine = fresh(dir, Store::Ext4(32));
    machine.say("rd.veneer.require=encrypted");
    refused(&mut machine, &["require=encrypted", "not encrypted", "LUKS"]);
    assert!(!machine.store.join("veneer").exists(), "something is made in a store that is refused");
    for uuid in ["CRYPT-VERITY-5ca1ab1e-usr", "LVM-5ca1ab1e"] {
        sysfs(dir, &machine, uuid);
        refused(&mut machine, &["vda is not encrypted"]);
    }
    sysfs(dir, &machine, "CRYPT-LUKS2-5ca1ab1e-store");
    used(&mut machine, "bound");
    assert_eq!(
        told(&machine)["encrypted"],
        false,
        "of the running system's /sys, which knows no such device"
    );
    sysfs(&machine.sysroot, &machine, "CRYPT-LUKS2-5ca1ab1e-store");
    assert_eq!(told(&machine)["encrypted"], true);
    let text = machine.veneer(&["status"]).stdout;
    assert!(text.contains(", encrypted\n"), "{text}");
    used(&mut machine, "used");
}

fn memory(dir: &Path) {
    let mut machine = fresh(dir, Store::Tmpfs(32));
    machine.say("rd.veneer.require=encrypted");
    refused(&mut machine, &["tmpfs", "not encrypted"]);
    machine.store = dir.join("nothing");
    let status = boot(&mut machine).status;
    assert_eq!(status.reason, "store-missing", "{status:?}");
}

fn one_store(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    machine.boot_layer("bound");
    let store = told(&machine);
    let id = store["id"].as_str().expect("an id").to_owned();
    let text = machine.veneer(&["status"]).stdout;
    assert!(text.contains(&format!("Store: id {id}, not encrypted\n")), "{text}");
    let layers = machine.veneer(&["layers", "--json"]).stdout;
    assert!(layers.contains(&format!("\"store\":\"{id}\"")), "{layers}");
    let doctor = machine.veneer(&["doctor"]).stdout;
    assert!(doctor.contains(&format!("the store has the id {id} and is not encrypted")), "{doctor}");

    machine.say(&format!("rd.veneer.store-id={}", id.to_uppercase()));
    used(&mut machine, "used");
    machine.say("rd.veneer.store_id=00000000-0000-4000-8000-000000000000");
    refused(&mut machine, &[&id, "00000000-0000-4000-8000-000000000000"]);
    machine.say("");
    used(&mut machine, "used");
    // What the next boot would refuse, doctor says before it.
    let conf = machine.sysroot.join("etc/veneer.conf");
    fs::write(&conf, "[Veneer]\nstore-id=another\nrequire=encrypted\n").expect("write veneer.conf");
    let doctor = machine.veneer(&["doctor"]).stdout;
    assert_eq!(doctor.matches("error [store-not-trusted]").count(), 2, "{doctor}");
}

fn new_store(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    machine.say("rd.veneer.store-id=5ca1ab1e");
    refused(&mut machine, &["new", "5ca1ab1e", "veneer status"]);
    assert!(!machine.store.join("veneer").exists(), "something is made in a store that is refused");
    machine.say("");
    used(&mut machine, "bound");
}

fn in_vain(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    machine.say("rd.veneer.require=signed");
    refused(&mut machine, &["signed", "`encrypted` is known"]);
    machine.say("rd.veneer.store-id=a rd.veneer.store-id=b");
    refused(&mut machine, &["two ids"]);
    machine.say("rd.veneer.require rd.veneer.require=none rd.veneer.store-id=");
    used(&mut machine, "used");
}

/// The configuration is the initramfs's, which may be signed; the words are those of whoever sits at the boot loader.
fn not_taken_back(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Ext4(32));
    fs::create_dir(dir.join("etc")).expect("make an /etc");
    let conf = dir.join("etc/veneer.conf");
    fs::write(&conf, "[Veneer]\nrequire=encrypted\n").expect("write veneer.conf");
    for words in
        ["", "rd.veneer.require=none", "rd.veneer.require= rd.veneer.require", "rd.veneer.mode=normal"]
    {
        machine.say(words);
        refused(&mut machine, &["not encrypted"]);
    }
    fs::write(&conf, "[Veneer]\nstore-id=5ca1ab1e\n").expect("write veneer.conf");
    machine.say("rd.veneer.store-id=");
    refused(&mut machine, &["5ca1ab1e"]);
    machine.say("rd.veneer.store-id=other");
    refused(&mut machine, &["5ca1ab1e", "other", "two ids"]);
    fs::write(&conf, "[Veneer]\nrequire=encrypted\nrequire=none\n").expect("write veneer.conf");
    machine.say("");
    used(&mut machine, "used");
}
