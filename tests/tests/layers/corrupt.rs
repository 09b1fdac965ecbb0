//! Damaged state files: an error with a name, no panic, no guess, no wait.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use veneer_tests::edit::{Edits, Special};
use veneer_tests::machine::Machine;
use veneer_tests::scenario::Scenario;
use veneer_tests::store::Store;
use veneer_tests::tree::{Tree, assert_same};

use crate::stories::{refused, settled};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "corrupt_store_file", needs: &[], run: |d| state_file(d, |_| PathBuf::from("store")) },
    Scenario {
        name: "corrupt_layer_file",
        needs: &[],
        run: |d| state_file(d, |m| Path::new("layers").join(&m.layer_names()[0]).join("layer")),
    },
    Scenario { name: "corrupt_trial_file", needs: &[], run: trial_file },
    Scenario { name: "newer_format_is_refused", needs: &[], run: newer_format },
    Scenario { name: "strange_things_among_the_layers", needs: &[], run: strange_layers },
    Scenario { name: "links_do_not_lead_out_of_the_store", needs: &[], run: links },
];

/// What is done to a file, and how.
type Damage = (&'static str, fn(&Path));

/// Every way to spoil a file.
fn damages() -> Vec<Damage> {
    fn rewrite(path: &Path, change: fn(&mut Vec<u8>)) {
        let mut bytes = fs::read(path).expect("read a state file");
        change(&mut bytes);
        fs::write(path, bytes).expect("write a state file");
    }
    fn replace(path: &Path, edits: fn(Edits) -> Edits) {
        fs::remove_file(path).expect("remove a state file");
        edits(Edits::new()).apply(path);
    }
    vec![
        ("emptied", |path| rewrite(path, Vec::clear)),
        ("cut in half", |path| rewrite(path, |bytes| bytes.truncate(bytes.len() / 2))),
        ("cut by a byte", |path| rewrite(path, |bytes| bytes.truncate(bytes.len() - 1))),
        ("one bit at the start", |path| rewrite(path, |bytes| bytes[0] ^= 1)),
        ("one bit in the middle", |path| {
            rewrite(path, |bytes| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 4;
            });
        }),
        ("zeroed, as after a power cut", |path| rewrite(path, |bytes| bytes.fill(0))),
        ("with a tail", |path| rewrite(path, |bytes| bytes.extend([b'x'; 40]))),
        ("not UTF-8", |path| rewrite(path, |bytes| *bytes = vec![0xfe; 600])),
        ("huge", |path| {
            fs::File::options()
                .write(true)
                .open(path)
                .expect("open a state file")
                .set_len(200 << 20)
                .expect("grow it");
        }),
        ("a directory", |path| replace(path, |edits| edits.dir(""))),
        ("a FIFO", |path| {
            fs::remove_file(path).expect("remove a state file");
            let name = path.file_name().expect("a name");
            Edits::new().special(name, Special::Fifo).apply(path.parent().expect("a directory"));
        }),
        ("a link to itself", |path| {
            fs::remove_file(path).expect("remove a state file");
            symlink(path, path).expect("make a link");
        }),
        ("a device", |path| {
            fs::remove_file(path).expect("remove a state file");
            let name = path.file_name().expect("a name");
            // The tty: reading it waits for a person.
            Edits::new().special(name, Special::Char(5, 0)).apply(path.parent().expect("a directory"));
        }),
    ]
}

fn state_file(dir: &Path, which: fn(&Machine) -> PathBuf) {
    let (mut machine, _) = settled(dir, Store::Dir);
    let path = machine.store.join("veneer").join(which(&machine));
    let whole = fs::read(&path).unwrap_or_else(|e| panic!("read {}: {e}", path.display()));
    let name = path.file_name().expect("a name").to_string_lossy();
    let before = machine.kept_tree();
    let mut wrong = Vec::new();
    for (what, damage) in damages() {
        damage(&path);
        let damaged = machine.kept_tree();
        let status = machine.boot().status;
        if status.reason != "store-corrupt" || !status.message.contains(&*name) {
            wrong.push(format!("{what}: {}: {}", status.reason, status.message));
        }
        machine.shutdown();
        assert_same(what, &damaged, &machine.kept_tree());
        remove(&path);
        fs::write(&path, &whole).expect("put the file back");
    }
    assert!(wrong.is_empty(), "not refused as store-corrupt by name:\n  {}", wrong.join("\n  "));
    assert_eq!(before.0.len(), machine.kept_tree().0.len());
    machine.boot_layer("used");
    assert!(machine.usr().join("bin/mine").exists());
}

fn remove(path: &Path) {
    let is_dir = path.symlink_metadata().expect("look at the damaged file").is_dir();
    if is_dir { fs::remove_dir(path) } else { fs::remove_file(path) }.expect("remove the damaged file");
}

/// A count that cannot be read must not stop the layer for ever, nor be taken for none without a word: pristine
/// with a name or a layer, but never a panic or a hang, and the user's files stay.
fn trial_file(dir: &Path) {
    let (mut machine, boot) = settled(dir, Store::Dir);
    machine.blesses = false;
    machine.boot_layer("used");
    machine.shutdown();
    let layer = machine.layer(&boot.status.layer().id);
    let trial = layer.join("trial");
    let whole = fs::read(&trial).expect("the boot was counted");
    let upper = Tree::read(&layer.join("upper"));
    for (what, damage) in damages() {
        damage(&trial);
        println!("{what}");
        let boot = machine.boot();
        let expected = ["ok", "store-corrupt", "trial-failed"];
        assert!(expected.contains(&boot.status.reason.as_str()), "{what}: {:?}", boot.status);
        machine.shutdown();
        assert_same(what, &upper, &Tree::read(&layer.join("upper")));
        remove(&trial);
        fs::write(&trial, &whole).expect("put the file back");
    }
    machine.boot_layer("used");
}

/// A store of a later Veneer is not guessed at.
fn newer_format(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    let path = machine.store.join("veneer/store");
    let text = fs::read_to_string(&path).expect("read the store's file");
    let changed = text.replacen('1', "9", 1);
    assert_ne!(text, changed, "the format's number is in the file: {text}");
    fs::write(&path, changed).expect("write the store's file");
    refused(&mut machine, &["store-corrupt", "incompatible", "store-unusable"]);
}

/// Leftovers and junk in `layers` neither stop the boot nor are taken for layers; a rebase that was cut off
/// goes away.
fn strange_layers(dir: &Path) {
    let (mut machine, boot) = settled(dir, Store::Dir);
    let junk = Edits::new()
        .file("0002-aaaaaaaaaaaa.tmp/upper/bin/half", "half a copy")
        .special("0002-aaaaaaaaaaaa.tmp/upper/bin/gone", Special::Char(0, 0))
        .file("README", "junk")
        .dir("lost+found")
        .symlink("0009-bbbbbbbbbbbb", "/")
        .special("0007-cccccccccccc", Special::Fifo);
    junk.apply(&machine.layers());
    let status = machine.boot().status;
    if status.layered {
        assert_eq!(status.layer().id, boot.status.layer().id);
        assert!(!machine.layers().join("0002-aaaaaaaaaaaa.tmp").exists(), "a cut-off rebase goes away");
    } else {
        assert_eq!(status.reason, "store-corrupt", "{status:?}");
    }
    assert!(machine.layers().join("README").exists(), "what is not Veneer's is not removed");
}

/// A store made by somebody with bad intentions: links in place of its directories lead nowhere.
fn links(dir: &Path) {
    for name in ["veneer", "veneer/layers", "upper", "work", "layer-directory"] {
        let within = dir.join(name.replace('/', "-"));
        fs::create_dir(&within).expect("make a directory");
        let (mut machine, boot) = settled(&within, Store::Dir);
        let layer = machine.layer(&boot.status.layer().id);
        let path = match name {
            "upper" | "work" => layer.join(name),
            "layer-directory" => layer,
            _ => machine.store.join(name),
        };
        let outside = within.join("outside");
        fs::rename(&path, &outside).expect("move the directory out of the store");
        symlink(&outside, &path).expect("leave a link");
        let before = Tree::read(&outside);
        let status = machine.boot().status;
        machine.shutdown();
        println!("{name}: {status:?}");
        assert_same(name, &before, &Tree::read(&outside));
        assert!(!status.layered || !machine.layers().starts_with(&outside), "{name}: {status:?}");
        if name != "layer-directory" {
            assert!(!status.layered, "{name}: a layer from outside the store is used: {status:?}");
        }
    }
}
