//! Stores without room: refused by the bytes that are needed, with the old layer untouched.

use std::fs;
use std::path::Path;

use veneer_tests::base::{Base, Form};
use veneer_tests::edit::Edits;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::store::{Store, fill};
use veneer_tests::tree::{Tree, assert_same};

use crate::stories::{fresh, second, settled};

const EXT4: &[Need] = &[Need::Tool("mkfs.ext4"), Need::Kernel("ext4")];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "no_space_to_bind", needs: EXT4, run: to_bind },
    Scenario { name: "no_space_to_bind_on_tmpfs", needs: &[], run: to_bind_on_tmpfs },
    Scenario { name: "store_too_small", needs: &[], run: too_small },
    Scenario { name: "no_space_to_rebase", needs: EXT4, run: |d| to_rebase(d, Store::Ext4(32)) },
    Scenario { name: "no_space_to_rebase_on_tmpfs", needs: &[], run: |d| to_rebase(d, Store::Tmpfs(32)) },
    Scenario { name: "no_inodes_to_rebase", needs: &[], run: no_inodes },
    Scenario { name: "full_store_with_a_layer_still_boots", needs: EXT4, run: full_but_bound },
];

fn to_bind(dir: &Path) {
    let mut machine = fresh(dir, Store::Ext4(16));
    fill(&machine.store, 0);
    let status = machine.boot_pristine(&["no-space"]).status;
    names_bytes(&status.message);
    assert!(machine.layer_names().is_empty(), "{:?}", machine.layer_names());
    fs::remove_file(machine.store.join("fill")).expect("make room");
    machine.boot_layer("bound");
}

fn to_bind_on_tmpfs(dir: &Path) {
    let mut machine = fresh(dir, Store::Tmpfs(4));
    fill(&machine.store, 0);
    names_bytes(&machine.boot_pristine(&["no-space"]).status.message);
    fs::remove_file(machine.store.join("fill")).expect("make room");
    machine.boot_layer("bound");
}

/// Even empty it has no room for a layer.
fn too_small(dir: &Path) {
    let mut machine = fresh(dir, Store::Tmpfs(1));
    names_bytes(&machine.boot_pristine(&["no-space"]).status.message);
    assert!(machine.layer_names().is_empty(), "{:?}", machine.layer_names());
}

/// The user reads how much is missing.
#[track_caller]
fn names_bytes(message: &str) {
    let number = message.split(|c: char| !c.is_ascii_digit()).any(|word| word.len() >= 4);
    assert!(number && message.to_lowercase().contains("byte"), "the bytes needed are named: {message:?}");
}

fn to_rebase(dir: &Path, store: Store) {
    let (mut machine, boot) = settled(dir, store);
    machine.boot_layer("used");
    // Not a run of zeros, which a clever copy would leave out.
    let noise: Vec<u8> = (0..6u32 << 20).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    Edits::new().file("lib/mine/big", noise).apply(&machine.usr());
    machine.shutdown();
    fill(&machine.store, 4 << 20);
    machine.install(&Base::build(dir, "B", Form::Dir, &second()));
    let layer = machine.layer(&boot.status.layer().id);
    let before = Tree::read(&layer);
    for _ in 0..2 {
        let status = machine.boot_pristine(&["no-space"]).status;
        names_bytes(&status.message);
        assert_same("the old layer", &before, &Tree::read(&layer));
        assert_eq!(machine.layer_names(), [boot.status.layer().id.clone()], "nothing half-made is left");
    }
    fs::remove_file(machine.store.join("fill")).expect("make room");
    machine.boot_layer("rebased");
    assert_eq!(fs::metadata(machine.usr().join("lib/mine/big")).expect("the big file").len(), 6 << 20);
}

/// Bytes there are, but no inodes.
fn no_inodes(dir: &Path) {
    let (mut machine, boot) = settled(dir, Store::Tmpfs(64));
    machine.boot_layer("used");
    let many = (0..300).fold(Edits::new(), |edits, n| edits.file(format!("share/many/{n}"), "x"));
    many.apply(&machine.usr());
    machine.shutdown();
    let used = rustix::fs::statvfs(&machine.store).expect("statvfs");
    let limit = used.f_files - used.f_ffree + 100;
    veneer_tests::run::sh(&format!("mount -o remount,nr_inodes={limit} {}", machine.store.display()));
    machine.install(&Base::build(dir, "B", Form::Dir, &second()));
    let layer = machine.layer(&boot.status.layer().id);
    let before = Tree::read(&layer);
    machine.boot_pristine(&["no-space"]);
    assert_same("the old layer", &before, &Tree::read(&layer));
    assert_eq!(machine.layer_names(), [boot.status.layer().id.clone()], "nothing half-made is left");
    veneer_tests::run::sh(&format!(
        "mount -o remount,nr_inodes={} {}",
        limit + 1000,
        machine.store.display()
    ));
    machine.boot_layer("rebased");
    assert_eq!(machine.usr().join("share/many").read_dir().expect("many files").count(), 300);
}

/// A full store is no reason to lose the layer that is there: either it is mounted, or the boot says why not.
fn full_but_bound(dir: &Path) {
    let (mut machine, boot) = settled(dir, Store::Ext4(16));
    fill(&machine.store, 0);
    let upper = machine.layer(&boot.status.layer().id).join("upper");
    let before = Tree::read(&upper);
    let status = machine.boot().status;
    assert!(["ok", "no-space"].contains(&status.reason.as_str()), "{status:?}");
    machine.shutdown();
    assert_same("the layer in a full store", &before, &Tree::read(&upper));
    fs::remove_file(machine.store.join("fill")).expect("make room");
    machine.boot_layer("used");
}
