//! What `veneer check` says beforehand is what the boot then does, whatever the base is named by.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use veneer_tests::base::{Base, Form};
use veneer_tests::deb::{Deb, install, purge};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::mounts;
use veneer_tests::run::tool;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::store::Store;

use crate::dpkg::{machine, machine_of, packages_a, packages_b};
use crate::stories::{first, fresh, mine, second};

const DEBS: &[Need] = &[Need::Tool("dpkg"), Need::Tool("dpkg-deb")];
const IMAGES: &[Need] = &[
    Need::Tool("mkfs.erofs"),
    Need::Kernel("erofs"),
    Need::Tool("mksquashfs"),
    Need::Kernel("squashfs"),
    Need::Kernel("ext4"),
    Need::Tool("mkfs.xfs"),
    Need::Kernel("xfs"),
    Need::Tool("mkfs.btrfs"),
    Need::Kernel("btrfs"),
];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "foretold_is_what_the_boot_does", needs: DEBS, run: as_the_boot_does },
    Scenario { name: "foretold_with_the_old_base_at_hand", needs: DEBS, run: at_hand },
    Scenario { name: "foretold_of_images", needs: IMAGES, run: images },
    Scenario { name: "foretold_of_an_image_is_derived_ahead", needs: IMAGES, run: ahead },
    Scenario { name: "foretold_what_is_done_after_a_layer_was_derived_ahead", needs: IMAGES, run: outrun },
    Scenario { name: "foretold_of_what_is_staged", needs: &[], run: staged },
    Scenario { name: "foretold_of_no_base", needs: &[Need::Kernel("ext4")], run: no_base },
];

/// The answer to `check --json` with these words more.
#[track_caller]
fn check(machine: &Machine, base: &Path, words: &[&str]) -> (Option<i32>, Value) {
    let mut all = vec!["check", "--json", "--base", base.to_str().expect("UTF-8")];
    all.extend(words);
    let done = machine.veneer(&all);
    let answer = serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{e}: {done:?}"));
    (done.code, answer)
}

/// A list as a set of its rows.
#[track_caller]
fn rows(list: &Value) -> BTreeSet<String> {
    list.as_array().expect("a list").iter().map(Value::to_string).collect()
}

/// Packages of every sort, edited files, removed ones, and what both changed: both lists, row by row.
fn as_the_boot_does(dir: &Path) {
    let mut a = packages_a();
    a.push(Deb::new("shell", "1", Edits::new().file("bin/shell", "1").file("share/shell/rc", "1")));
    let mut b = packages_b();
    b.push(Deb::new("shell", "2", Edits::new().file("bin/shell", "2").file("share/shell/rc", "2")));
    b.push(Deb::new("rival", "2", Edits::new().file("bin/theirs", "r")).with("Breaks: mine (<< 2)\n"));
    let (mut machine, _, b) = machine(dir, &a, &b);
    let mine = Deb::new("mine", "1", Edits::new().file("bin/mine", "m").file("share/mine/x", "x"));
    let mine = mine.with("Depends: libfoo (<< 1.1), leftover\n");
    let newer = Deb::new("editor", "1:9", Edits::new().file("bin/editor", "editor 9"));
    install(&machine.sysroot, &[mine.build(dir), newer.build(dir)]);
    purge(&machine.sysroot, &["shell"]);
    Edits::new()
        .file("share/doc/libfoo/NEWS", "mine")
        .mode("lib/libfoo.so.1", 0o600)
        .file("bin/theirs", "mine")
        .file("share/mine/y", "y")
        .remove("bin/leftover")
        .file("lib/systemd/systemd", "mine")
        .apply(&machine.usr());

    let (code, told) = check(&machine, &b.path, &["--verbose"]);
    assert_eq!(code, Some(1), "{told}");
    machine.record();
    machine.install(&b);
    let layer = machine.boot_layer("rebased").status.layer().id.clone();
    let written = fs::read_to_string(machine.runtime.join("status.json")).expect("read status.json");
    let status: Value = serde_json::from_str(&written).expect("JSON");
    assert!(status["problems"].as_array().expect("a list").len() >= 6, "{status}");
    assert_eq!(rows(&told["problems"]), rows(&status["problems"]));

    let verdicts = fs::read_to_string(machine.layer(&layer).join("verdicts")).expect("read the verdicts");
    let verdicts: Vec<Value> =
        verdicts.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(verdicts.len() >= 10, "{verdicts:#?}");
    assert_eq!(rows(&told["entries"]), rows(&Value::Array(verdicts)));
}

/// What a boot cannot do, since the old base is gone then, is told with the way to do it now.
fn at_hand(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_a(), &packages_b());
    let needy = Deb::new("needy", "1", Edits::new().file("bin/needy", "n")).with("Depends: leftover\n");
    install(&machine.sysroot, &[needy.build(dir)]);
    let (code, told) = check(&machine, &b.path, &[]);
    assert_eq!((code, &told["problems_if_done_now"]), (Some(1), &Value::from(0)), "{told}");
    let done = machine.veneer(&["check", "--base", b.path.to_str().expect("UTF-8")]);
    assert!(done.stdout.contains("`veneer rebase` with this base, now"), "{done:?}");
    machine.install(&b);
    let status = machine.boot_layer("rebased").status;
    assert_eq!(status.problems.len(), told["problems"].as_array().expect("a list").len(), "{status:?}");
}

/// Asks about a base by an image of it; nothing is left mounted, and no device in use.
#[track_caller]
fn ask_image(machine: &Machine, image: &Path) -> Value {
    // The record is brought up to date, as it is at shutdown.
    let kept = || machine.kept_tree().without(|path| path.ends_with("record/shadowed"));
    let (before, store) = (mounts::all(), kept());
    let (code, told) = check(machine, image, &["--verbose"]);
    assert_eq!(code, Some(1), "{told}");
    assert_eq!(before, mounts::all());
    veneer_tests::tree::assert_same("the store", &store, &kept());
    let used = tool(Command::new("losetup").arg("--associated").arg(image));
    assert_eq!(used.trim(), "", "a loop device is left");
    told
}

/// One base in every form says the same, as /usr and as a root with it.
fn images(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    machine.boot_layer("bound");
    mine().then(Edits::new().file("bin/tool", "mine")).apply(&machine.usr());
    machine.record();
    let plain = Base::build(dir, "plain", Form::Dir, &second());
    let (_, expected) = check(&machine, &plain.path, &["--verbose"]);
    assert_eq!(expected["identity_is_final"], false, "files may be elsewhere at boot: {expected}");
    let mut root = Edits::new();
    for edit in second().0 {
        root.0.push(below_usr(edit));
    }
    let forms = [Form::Erofs, Form::Squashfs, Form::Ext4, Form::Xfs];
    let usr = forms.map(|form| Base::build(dir, &format!("{form:?}"), form, &second()).path);
    let whole = Base::build(dir, "root", Form::Erofs, &root).path;
    for image in usr.iter().chain([&whole, &btrfs(dir)]) {
        let told = ask_image(&machine, image);
        for key in ["problems", "entries", "verdicts", "layer"] {
            assert_eq!(told[key], expected[key], "{key} of {}", image.display());
        }
        assert_eq!(told["identity_is_final"], true, "{}", image.display());
    }
    // The same by a block device.
    let device = tool(Command::new("losetup").args(["--find", "--show", "--read-only"]).arg(&usr[0]));
    let told = check(&machine, Path::new(device.trim()), &["--verbose"]).1;
    tool(Command::new("losetup").arg("--detach").arg(device.trim()));
    assert_eq!(told["entries"], expected["entries"]);
    // diff, and the rows of a rebase that is not done.
    for command in [&["diff"][..], &["rebase", "--dry-run"]] {
        let of = |base: &Path| {
            let done = machine.veneer(&[command, &["--base", base.to_str().expect("UTF-8")]].concat());
            assert_eq!(done.code, Some(0), "{done:?}");
            let mut lines: Vec<String> = done.stdout.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(of(&usr[0]), of(&plain.path), "{command:?}");
    }
}

/// The same edit in a root's usr.
fn below_usr(edit: veneer_tests::edit::Edit) -> veneer_tests::edit::Edit {
    use veneer_tests::edit::Edit;

    let usr = |path: PathBuf| Path::new("usr").join(path);
    match edit {
        Edit::Dir(path) => Edit::Dir(usr(path)),
        Edit::File(path, content) => Edit::File(usr(path), content),
        Edit::Symlink(path, target) => Edit::Symlink(usr(path), target),
        Edit::Mode(path, mode) => Edit::Mode(usr(path), mode),
        other => panic!("the second base has no {other:?}"),
    }
}

fn btrfs(dir: &Path) -> PathBuf {
    let (tree, image) = (dir.join("btrfs"), dir.join("btrfs.img"));
    fs::create_dir(&tree).expect("make the tree");
    second().apply(&tree);
    veneer_tests::base::sparse_file(&image, 160);
    tool(Command::new("mkfs.btrfs").args(["-q", "--rootdir"]).arg(&tree).arg(&image));
    image
}

/// A layer is derived for an image before it is booted, and the boot finds it, by the identity that was told.
fn ahead(dir: &Path) {
    for form in [Form::Erofs, Form::Squashfs, Form::Ext4] {
        let dir = &dir.join(format!("{form:?}"));
        fs::create_dir(dir).expect("make a directory");
        let mut machine = Machine::new(dir, Store::Dir);
        machine.install(&Base::build(dir, "A", form, &first()));
        machine.boot_layer("bound");
        mine().apply(&machine.usr());
        let b = Base::build(dir, "B", form, &second());
        let done = machine.veneer(&["rebase", "--base", b.path.to_str().expect("UTF-8")]);
        assert_eq!(done.code, Some(0), "{done:?}");
        machine.install(&b);
        machine.boot_layer("used");
        assert!(machine.usr().join("bin/mine").exists());
        machine.shutdown();
    }
}

/// What was done to the running layer after that is not left behind: the layer that was made ahead is not used then.
fn outrun(dir: &Path) {
    let mut machine = Machine::new(dir, Store::Dir);
    machine.install(&Base::build(dir, "A", Form::Ext4, &first()));
    machine.boot_layer("bound");
    mine().apply(&machine.usr());
    let b = Base::build(dir, "B", Form::Ext4, &second());
    let rebase = |machine: &Machine, code, says: &str| {
        let done = machine.veneer(&["rebase", "--base", b.path.to_str().expect("UTF-8")]);
        assert!(done.code == Some(code) && format!("{done:?}").contains(says), "{done:?}");
    };
    rebase(&machine, 0, "is ready");
    rebase(&machine, 1, "is bound to that base already");
    fs::write(machine.usr().join("bin/later"), "later").expect("write a file");
    // Asked again, it makes another one; and what changes after that, the boot sees.
    rebase(&machine, 0, "is ready");
    rebase(&machine, 1, "is bound to that base already");
    fs::remove_file(machine.usr().join("bin/mine")).expect("remove a file");
    machine.install(&b);
    let first = machine.boot_layer("rebased").status.layer;
    assert!(machine.usr().join("bin/later").exists() && !machine.usr().join("bin/mine").exists());
    // One that was booted stays, whatever becomes of the other base's.
    let again = machine.boot_layer("used").status.layer;
    assert_eq!(again.map(|layer| layer.id), first.map(|layer| layer.id));
    machine.shutdown();
}

/// A deployment that waits for the reboot, as ostree leaves it, and what is said if none does.
fn staged(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    machine.boot_layer("bound");
    mine().then(Edits::new().file("bin/tool", "mine")).apply(&machine.usr());
    let done = machine.veneer(&["check", "--base", "staged"]);
    assert_eq!(done.code, Some(3), "{done:?}");
    assert!(done.stderr.contains("no deployment of ostree or bootc is staged"), "{done:?}");

    let checksum = "5e".repeat(32);
    let checkout = machine.sysroot.join(format!("sysroot/ostree/deploy/os/deploy/{checksum}.0"));
    fs::create_dir_all(machine.sysroot.join("run/ostree")).expect("make the directory");
    let mut variant = b"target\0\0name\0\0\0\0".to_vec();
    variant.extend(format!("{checksum}.0\0\0s\x05\0\0osname\0\0os\0\0s").bytes());
    fs::write(machine.sysroot.join("run/ostree/staged-deployment"), variant).expect("stage it");
    let done = machine.veneer(&["check", "--base", "staged"]);
    assert!(done.code == Some(3) && done.stderr.contains("is not there"), "{done:?}");
    second().apply(&checkout.join("usr"));
    let (code, told) = check(&machine, Path::new("staged"), &[]);
    assert_eq!(code, Some(1), "{told}");
    assert_eq!(
        (&told["base"]["id"], &told["base"]["source"]),
        (&checksum.into(), &"ostree".into()),
        "{told}"
    );
    // This boot was told by its files: the next one is not by ostree then.
    assert_eq!(told["identity_is_final"], false, "{told}");
    fs::write(machine.sysroot.join("run/ostree/staged-deployment"), "noise").expect("spoil it");
    let done = machine.veneer(&["check", "--base", "staged"]);
    assert!(done.code == Some(3) && done.stderr.contains("ostree admin status"), "{done:?}");
}

/// What is no base: one line that says why.
fn no_base(dir: &Path) {
    let (mut machine, _, _) = machine_of(dir, Form::Dir, Store::Dir, &packages_a(), &packages_b());
    machine.boot_layer("used");
    let before = mounts::all();
    let image = |name: &str, bytes: &[u8]| {
        let path = dir.join(name);
        fs::write(&path, bytes).expect("write an image");
        path
    };
    let mut disk = vec![0; 4096];
    disk[512..520].copy_from_slice(b"EFI PART");
    let mut broken = vec![0; 4096];
    broken[1024..1028].copy_from_slice(b"\xe2\xe1\xf5\xe0");
    let empty = dir.join("empty.img");
    veneer_tests::base::sparse_file(&empty, 16);
    tool(Command::new("mkfs.ext4").arg("-q").arg(&empty));
    let directory = dir.join("nothing");
    fs::create_dir(&directory).expect("make a directory");
    for (path, words) in [
        (image("noise.img", b"noise"), "none of erofs"),
        (image("disk.img", &disk), "whole disk with partitions"),
        (image("broken.img", &broken), "cannot mount the image"),
        (empty, "no usr/lib and usr/bin"),
        (directory, "no usr/lib and usr/bin"),
        (dir.join("missing"), "No such file"),
        (PathBuf::from("/dev/null"), "neither a directory nor an image"),
    ] {
        for command in ["check", "rebase", "diff"] {
            let done = machine.veneer(&[command, "--base", path.to_str().expect("UTF-8")]);
            assert_eq!(done.code, Some(3), "{command} {}: {done:?}", path.display());
            assert_eq!(done.stderr.lines().count(), 1, "{done:?}");
            assert!(done.stderr.contains(words), "{command}: {words}: {done:?}");
            assert_eq!(before, mounts::all(), "{command} {}", path.display());
        }
    }
}
