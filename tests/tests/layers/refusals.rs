//! Refusals by their reason: each boots the bare base, says why, leaves nothing mounted and loses nothing.

use std::fs;
use std::path::Path;

use veneer_tests::base::{Base, Form, os_release};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::run::sh;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::store::Store;
use veneer_tests::tree::{Tree, assert_same};

use crate::stories::{first, fresh, refused, second, settled};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "refuse_disabled_by_mode", needs: &[], run: |d| disabled(d, "rd.veneer.mode=pristine") },
    Scenario { name: "refuse_disabled_by_switch", needs: &[], run: |d| disabled(d, "rd.veneer=0") },
    Scenario { name: "refuse_last_word_wins", needs: &[], run: last_word },
    Scenario { name: "refuse_store_missing", needs: &[], run: missing },
    Scenario { name: "refuse_store_is_a_file", needs: &[], run: a_file },
    Scenario { name: "refuse_store_is_a_link_to_nothing", needs: &[], run: dangling },
    Scenario { name: "refuse_store_read_only", needs: &[Need::Kernel("ext4")], run: read_only },
    Scenario {
        name: "refuse_store_read_only_with_layer",
        needs: &[Need::Kernel("ext4")],
        run: read_only_with_layer,
    },
    Scenario { name: "refuse_store_without_xattrs", needs: &[], run: |d| unusable(d, Store::Ramfs) },
    Scenario { name: "refuse_store_on_overlay", needs: &[], run: on_overlay },
    Scenario {
        name: "refuse_store_on_erofs",
        needs: &[Need::Tool("mkfs.erofs"), Need::Kernel("erofs")],
        run: on_erofs,
    },
    Scenario { name: "refuse_store_busy", needs: &[], run: busy },
    Scenario { name: "stale_lock_is_taken_over", needs: &[], run: stale_lock },
    Scenario { name: "refuse_other_id", needs: &[], run: other_id },
    Scenario { name: "id_like_is_compatible", needs: &[], run: id_like },
    Scenario { name: "refuse_other_level", needs: &[], run: other_level },
    Scenario { name: "refuse_other_architecture", needs: &[Need::Tool("setarch")], run: other_architecture },
    Scenario { name: "awkward_store_path", needs: &[], run: awkward_path },
];

fn disabled(dir: &Path, word: &str) {
    let (mut machine, _) = settled(dir, Store::Dir);
    machine.say(word);
    refused(&mut machine, &["disabled"]);
    machine.say("");
    machine.boot_layer("used");
}

fn last_word(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    machine.say("rd.veneer=0 rd.veneer=1");
    machine.boot_layer("used");
    machine.say("rd.veneer.mode=normal \"rd.veneer.mode=pristine\"");
    refused(&mut machine, &["disabled"]);
    machine.say("rd.veneer.nonsense=1 rd.veneer.timeout=never rd.veneer.mode=sideways xrd.veneer=0");
    machine.boot_layer("used");
}

fn missing(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    fs::remove_dir(&machine.store).expect("remove the store");
    refused(&mut machine, &["store-missing"]);
    assert!(!machine.store.exists(), "a store that is missing is not made");
}

fn a_file(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    fs::remove_dir(&machine.store).expect("remove the store");
    fs::write(&machine.store, "not a directory").expect("write a file");
    refused(&mut machine, &["store-unusable"]);
}

fn dangling(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    fs::remove_dir(&machine.store).expect("remove the store");
    std::os::unix::fs::symlink("/nowhere", &machine.store).expect("make a link");
    refused(&mut machine, &["store-missing", "store-unusable"]);
}

fn read_only(dir: &Path) {
    let mut machine = fresh(dir, Store::Ext4(32));
    sh(&format!("mount -o remount,ro {}", machine.store.display()));
    refused(&mut machine, &["store-unusable"]);
}

fn read_only_with_layer(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Ext4(32));
    sh(&format!("mount -o remount,ro {}", machine.store.display()));
    refused(&mut machine, &["store-unusable"]);
    sh(&format!("mount -o remount,rw {}", machine.store.display()));
    machine.boot_layer("used");
}

fn unusable(dir: &Path, store: Store) {
    let mut machine = fresh(dir, store);
    refused(&mut machine, &["store-unusable"]);
}

fn on_overlay(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    for name in ["low", "up", "work"] {
        fs::create_dir(dir.join(name)).expect("make a directory");
    }
    let options = format!("lowerdir={0}/low,upperdir={0}/up,workdir={0}/work", dir.display());
    sh(&format!("mount -t overlay -o {options} overlay {}", machine.store.display()));
    refused(&mut machine, &["store-unusable"]);
}

fn on_erofs(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    let image = Base::build(dir, "store", Form::Erofs, &Edits::new().file("README", "a foreign file system"));
    image.put(&machine.store);
    refused(&mut machine, &["store-unusable"]);
}

fn busy(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    let path = machine.store.join("veneer/lock");
    let lock = fs::File::options().write(true).open(&path).expect("open the lock");
    // This process is alive and of this boot, as a `veneer rebase` would be.
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("hold the lock");
    for _ in 0..2 {
        refused(&mut machine, &["store-busy"]);
    }
    drop(lock);
    machine.boot_layer("used");
}

/// What an earlier boot wrote into the lock says nothing about this one.
fn stale_lock(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    fs::write(machine.store.join("veneer/lock"), "00000000-0000-4000-8000-000000000000\n")
        .expect("write the lock");
    machine.boot_layer("used");
    fs::write(machine.store.join("veneer/lock"), [0xff; 5000]).expect("write the lock");
    machine.boot_layer("used");
}

fn other_id(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    let edits = second().file("lib/os-release", os_release(&[("ID", "stranger"), ("VERSION_ID", "9")]));
    machine.install(&Base::build(dir, "B", Form::Dir, &edits));
    let status = refused(&mut machine, &["incompatible"]);
    for word in ["veneertest", "stranger"] {
        assert!(status.message.contains(word), "recorded and booted are shown: {:?}", status.message);
    }
}

fn id_like(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    let like = os_release(&[("ID", "child"), ("ID_LIKE", "\"other veneertest\"")]);
    machine.install(&Base::build(dir, "B", Form::Dir, &second().file("lib/os-release", like)));
    machine.boot_layer("rebased");
}

fn other_level(dir: &Path) {
    let mut machine = Machine::new(dir, Store::Dir);
    let level = |edits: Edits, version, level: &[(&str, &str)]| {
        let fields = [&[("VERSION_ID", version)], level].concat();
        edits.file("lib/os-release", os_release(&fields))
    };
    let build = |name, edits: Edits| Base::build(dir, name, Form::Dir, &edits);
    machine.install(&build("A", level(first(), "1", &[("VENEER_LEVEL", "1")])));
    machine.boot_layer("bound");
    machine.install(&build("B", level(second(), "2", &[("VENEER_LEVEL", "2")])));
    refused(&mut machine, &["incompatible"]);
    // Only if both set it.
    machine.install(&build("C", level(second(), "3", &[])));
    machine.boot_layer("rebased");
}

/// The same disk in a machine of another kind: its kernel says so.
fn other_architecture(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    machine.install(&Base::build(dir, "B", Form::Dir, &second()));
    let before = machine.kept_tree();
    let status = machine.boot_by(machine.started_by(&["setarch", "linux32"])).status;
    assert_eq!(status.reason, "incompatible", "{status:?}");
    assert!(
        status.message.contains(std::env::consts::ARCH),
        "recorded and booted are shown: {:?}",
        status.message
    );
    assert_same("the store", &before, &machine.kept_tree());
    machine.boot_layer("rebased");
}

/// Overlayfs's option strings have their own quoting: such a path works or is refused, and nothing is ever
/// written elsewhere (asking for `a\,b` once wrote into `a,b`).
fn awkward_path(dir: &Path) {
    let names = ["with blank", "a,b", "a:b", "a\\,b", "a\\b", "#~é", &"long".repeat(60)];
    for (number, name) in names.iter().enumerate() {
        let within = dir.join(format!("{number}"));
        fs::create_dir(&within).expect("make a directory");
        let mut machine = fresh(&within, Store::Dir);
        machine.store = within.join(name).join("store");
        fs::create_dir_all(&machine.store).expect("make the store");
        let before = Tree::read(&within).without(|p| p.starts_with(name) || p.starts_with("runtime"));
        let boot = machine.boot();
        if boot.status.layered {
            Edits::new().file("bin/mine", "mine").apply(&machine.usr());
            machine.shutdown();
            machine.boot_layer("used");
            assert!(machine.usr().join("bin/mine").exists(), "{name}");
            machine.shutdown();
        } else {
            let reason = boot.status.reason.as_str();
            assert!(["store-unusable", "mount-failed"].contains(&reason), "{name}: {:?}", boot.status);
        }
        let after = Tree::read(&within).without(|p| p.starts_with(name) || p.starts_with("runtime"));
        assert_same(name, &before, &after);
    }
}
