//! Rebases, rule by rule and path by path, against the model.

use std::path::Path;

use veneer_tests::base::{Base, Form};
use veneer_tests::edit::Edits;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::store::Store;
use veneer_tests::tree::{Tree, assert_same};
use veneer_tests::upper::{Entry, Upper};

use crate::rebased::{Rebased, rebased};
use crate::stories::{first, second};

const IMAGES: &[Need] =
    &[Need::Tool("mkfs.erofs"), Need::Kernel("erofs"), Need::Tool("mkfs.ext4"), Need::Kernel("ext4")];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "rebase_new_files_of_the_base_show", needs: &[], run: new_files },
    Scenario { name: "rebase_opaque_directory_opens", needs: &[], run: opaque },
    Scenario { name: "rebase_whiteouts", needs: &[], run: whiteouts },
    Scenario { name: "rebase_types_swap", needs: &[], run: types_swap },
    Scenario { name: "rebase_edited_files", needs: &[], run: edited },
    Scenario { name: "rebase_untouched_copies", needs: &[], run: copied_up },
    Scenario { name: "rebase_base_tightens", needs: &[], run: tightened },
    Scenario { name: "rebase_derived_caches", needs: &[], run: caches },
    Scenario { name: "rebase_names_in_the_way", needs: &[], run: names_in_the_way },
    Scenario { name: "rebase_keeps_quarantine_of_the_parent", needs: &[], run: quarantine_again },
    Scenario { name: "same_uuid_erofs", needs: IMAGES, run: |d| same_uuid(d, Form::Erofs, Store::Ext4(64)) },
    Scenario { name: "same_uuid_ext4", needs: IMAGES, run: |d| same_uuid(d, Form::Ext4, Store::Ext4(64)) },
    Scenario { name: "same_file_system", needs: &[], run: |d| same_uuid(d, Form::Dir, Store::Dir) },
];

fn plain(dir: &Path, a: &Edits, user: &Edits, b: &Edits) -> Rebased {
    rebased(dir, Form::Dir, Store::Dir, a, user, b)
}

fn new_files(dir: &Path) {
    let user = Edits::new()
        .file("lib/plugins/mine.so", "mine")
        .file("share/deep/er/mine", "mine")
        .file("share/doc/tool/mine", "mine")
        .dir("share/empty");
    let b = second()
        .file("lib/plugins/base.so", "base")
        .file("share/deep/er/base", "base")
        .file("share/deep/base", "base")
        .file("share/doc/tool/base", "base")
        .mode("lib/plugins", 0o750)
        .owner("share/deep", 0, 7);
    let rebased = plain(dir, &first(), &user, &b);
    assert!(rebased.outcome.quarantined.is_empty());
}

fn opaque(dir: &Path) {
    let a = first().file("lib/app/a", "a").file("lib/app/sub/b", "b").file("lib/app/c", "c");
    let user = Edits::new()
        .remove("lib/app")
        .file("lib/app/mine", "mine")
        .file("lib/app/sub/mine", "mine")
        .mode("lib/app", 0o700);
    let b = second().file("lib/app/a", "a").file("lib/app/new", "new").file("lib/app/sub/new", "new");
    plain(dir, &a, &user, &b);
    // The base has nothing there any more: all of it is the user's.
    let other = dir.join("other");
    std::fs::create_dir(&other).expect("make a directory");
    plain(&other, &a, &user, &second());
}

fn whiteouts(dir: &Path) {
    let a = first()
        .file("share/same", "same")
        .file("share/changed", "of A")
        .file("share/gone", "gone")
        .file("share/tree/x", "x")
        .file("share/tree/y/z", "z")
        .file("share/gonetree/x", "x")
        .file("share/becomes", "a file");
    let user = Edits::new()
        .remove("share/same")
        .remove("share/changed")
        .remove("share/gone")
        .remove("share/tree")
        .remove("share/gonetree")
        .remove("share/becomes");
    let b = second()
        .file("share/same", "same")
        .file("share/changed", "of B")
        .file("share/tree/x", "x")
        .file("share/tree/new", "new")
        .file("share/becomes/dir", "a directory");
    plain(dir, &a, &user, &b);
}

fn types_swap(dir: &Path) {
    let a = first();
    let tree =
        |edits: Edits, p: &str| edits.file(format!("{p}/one"), "1").file(format!("{p}/two/three"), "3");
    let user = Edits::new()
        .file("share/x/file-dir", "user's file")
        .file("share/x/file-link", "user's file")
        .symlink("share/x/link-file", "user")
        .symlink("share/x/link-dir", "/etc")
        .symlink("share/x/link-link", "user")
        .special("share/x/fifo-file", veneer_tests::edit::Special::Fifo)
        .special("share/x/file-node", veneer_tests::edit::Special::Char(1, 3));
    let user = tree(tree(user, "share/x/dir-file"), "share/x/dir-link").mode("share/x/dir-file/one", 0o4711);
    let b = second()
        .file("share/x/link-file", "base")
        .file("share/x/dir-file", "base")
        .file("share/x/fifo-file", "base")
        .symlink("share/x/file-link", "base")
        .symlink("share/x/dir-link", "base")
        .symlink("share/x/link-link", "base")
        .special("share/x/file-node", veneer_tests::edit::Special::Char(1, 5));
    let b = tree(tree(b, "share/x/file-dir"), "share/x/link-dir");
    let rebased = plain(dir, &a, &user, &b);
    // Nine names; the two directories have three entries each below them.
    assert_eq!(rebased.outcome.quarantined.len(), 9 + 2 * 3, "{:?}", rebased.outcome.quarantined.keys());
}

fn edited(dir: &Path) {
    let a = first()
        .file("share/conf", "default = 1\n")
        .file("share/other", "default = 2\n")
        .file("share/sized", "of A")
        .symlink("share/target", "of-A");
    let user = Edits::new()
        // As long as B's, and no other.
        .file("share/sized", "mine")
        .remove("share/target")
        .symlink("share/target", "mine")
        .file("share/conf", "default = user\n")
        .file("share/other", "user\n")
        .mode("share/other", 0o600)
        .owner("share/other", 12, 34)
        .xattr("share/other", "trusted.note", "mine")
        .file("share/doc/tool/NEWS", "edited\n")
        .file("lib/tool/old.so", "edited; B lacks it\n");
    let b = second()
        .file("share/conf", "default = 1\n")
        .file("share/other", "default = 3\n")
        .file("share/sized", "of B")
        .symlink("share/target", "of-B");
    let rebased = plain(dir, &a, &user, &b);
    let aside: Vec<_> = rebased.outcome.quarantined.keys().collect();
    let expected =
        ["share/conf", "share/doc/tool/NEWS", "share/other", "share/sized", "share/target"].map(Path::new);
    assert_eq!(aside, expected.iter().collect::<Vec<_>>());
}

/// Copied up and the same as B's: no trace of it is left, and nobody is told.
fn copied_up(dir: &Path) {
    let user = Edits::new()
        .time("share/doc/tool/README", 1_000_000_000)
        .time("bin/dash", 1_000_000_000)
        .mode("share/doc/tool/README", 0o644)
        .time("share/doc/tool", 1_000_000_000)
        .mode("share/doc", 0o755);
    let rebased = plain(dir, &first(), &user, &second());
    assert!(rebased.outcome.quarantined.is_empty(), "{:?}", rebased.outcome.quarantined);
    let upper = Upper::read(&rebased.machine.layer(&rebased.status.layer().id).join("upper"));
    assert!(!upper.0.values().any(|entry| *entry == Entry::Leaf), "{upper:?}");
}

fn tightened(dir: &Path) {
    let a = first()
        .file("bin/su", "su")
        .mode("bin/su", 0o4755)
        .file("bin/ping", "ping")
        .mode("bin/ping", 0o755)
        .file("share/private/x", "x")
        .mode("share/private", 0o777);
    let user = Edits::new()
        .time("bin/su", 1_000_000_000)
        .time("bin/ping", 1_000_000_000)
        .file("share/private/mine", "mine")
        .mode("share/private", 0o777);
    // cap_net_raw+ep, as a version 2 xattr.
    let capability = [1u8, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let b = second()
        .file("bin/su", "su")
        .mode("bin/su", 0o755)
        .file("bin/ping", "ping")
        .mode("bin/ping", 0o755)
        .xattr("bin/ping", "security.capability", capability)
        .file("share/private/x", "x")
        .mode("share/private", 0o700)
        .owner("share/private", 5, 5);
    plain(dir, &a, &user, &b);
}

fn caches(dir: &Path) {
    let cached = |edits: Edits, whose: &str| {
        edits
            .file("share/glib-2.0/schemas/gschemas.compiled", format!("schemas {whose}"))
            .file("share/icons/hicolor/icon-theme.cache", format!("icons {whose}"))
            .file("share/applications/mimeinfo.cache", format!("desktop {whose}"))
            .file("lib/udev/hwdb.bin", format!("hwdb {whose}"))
            .file("lib/python3/base.py", "code")
            .file("lib/python3/__pycache__/base.cpython-313.pyc", format!("bytecode {whose}"))
    };
    let user = cached(Edits::new().file("share/applications/mine.desktop", "mine"), "of the user")
        .file("lib/python3/mine.py", "mine")
        .file("lib/python3/__pycache__/mine.cpython-313.pyc", "bytecode of mine")
        .remove("share/icons/hicolor/icon-theme.cache");
    let rebased = plain(dir, &cached(first(), "of A"), &user, &cached(second(), "of B"));
    assert!(rebased.outcome.quarantined.is_empty(), "{:?}", rebased.outcome.quarantined);
}

/// The user's directories where B has nothing but a path through them, and the user's own `.wh.` and `#` names,
/// which are names like any other.
fn names_in_the_way(dir: &Path) {
    let user = Edits::new()
        .file("share/.wh.README", "not a whiteout")
        .file("share/.wh..wh..opq", "not a mark")
        .file("share/#12", "not a work file")
        .file("share/quarantine/upper/x", "x")
        .file("share/record", "x")
        .file("share/tmp.tmp/x", "x")
        .symlink("share/up", "../../..")
        .symlink("share/loop", "loop")
        .special("share/null", veneer_tests::edit::Special::Char(1, 3));
    plain(dir, &first(), &user, &second());
}

/// What A's layer has set aside is not lost by the next rebase.
fn quarantine_again(dir: &Path) {
    let user = Edits::new().file("share/doc/tool/NEWS", "edited on A\n");
    let first_step = plain(dir, &first(), &user, &second());
    let mut machine = first_step.machine;
    let third = second()
        .file("lib/os-release", veneer_tests::base::os_release(&[("VERSION_ID", "3")]))
        .file("share/doc/tool/NEWS", "news of C\n");
    machine.boot_layer("used");
    Edits::new().file("share/doc/tool/NEWS", "edited on B\n").apply(&machine.usr());
    machine.install(&Base::build(dir, "C", Form::Dir, &third));
    let status = machine.boot_layer("rebased").status;
    assert!(status.speaks_of(Path::new("share/doc/tool/NEWS")), "{status:?}");
    assert_same("on C", machine.bare(), &machine.visible());
    let texts = ["edited on A\n", "edited on B\n"];
    let store = Tree::read(&machine.store);
    for text in texts {
        let kept = store.0.iter().filter(|(path, _)| path.ends_with("share/doc/tool/NEWS"));
        let found = kept
            .filter(|(path, _)| std::fs::read(machine.store.join(path)).is_ok_and(|b| b == text.as_bytes()));
        assert!(found.count() > 0, "{text:?} is nowhere in the store");
    }
}

/// Two images that differ in nothing but their content and the order of it, so that a file handle of the one
/// names another file of the other.
fn same_uuid(dir: &Path, form: Form, store: Store) {
    let many = |mut edits: Edits, from: usize, step: usize, whose: &str| {
        for n in 0..60 {
            let name = (from + n * step) % 60;
            edits = edits.file(format!("lib/many/{name:02}"), format!("{name} {whose}"));
        }
        edits
    };
    let a = many(first(), 0, 1, "of A");
    let mut user = Edits::new();
    for n in (0..60).step_by(3) {
        let path = format!("lib/many/{n:02}");
        user = match n % 4 {
            0 => user.mode(path, 0o600),
            1 => user.rename(path, format!("lib/mine/{n:02}")),
            2 => user.remove(path),
            _ => user.file(path, "user"),
        };
    }
    // New names first: everything after them has another inode number and another place.
    let b = (0..25).fold(Edits::new(), |edits, n| edits.file(format!("bin/{n}"), format!("new {n}")));
    let b = many(b.then(second()), 17, 7, "of B").remove("lib/many/09").remove("lib/many/12");
    rebased(dir, form, store, &a, &user, &b);
}
