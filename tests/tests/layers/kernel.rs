//! Kernels that lack something, and system calls that fail: strace makes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::store::Store;
use veneer_tests::tree::{Tree, assert_same};

use crate::stories::{second, settled};

const STRACE: &[Need] = &[Need::Tool("strace")];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "kernel_without_fsopen", needs: STRACE, run: |d| lacking(d, &["fsopen"]) },
    Scenario { name: "kernel_without_open_tree", needs: STRACE, run: |d| lacking(d, &["open_tree"]) },
    Scenario { name: "kernel_without_move_mount", needs: STRACE, run: |d| lacking(d, &["move_mount"]) },
    Scenario {
        name: "kernel_without_the_new_mount_api",
        needs: STRACE,
        run: |d| {
            lacking(d, &["fsopen", "fsconfig", "fsmount", "open_tree", "move_mount", "mount_setattr"]);
        },
    },
    Scenario { name: "kernel_without_overlayfs", needs: STRACE, run: no_overlayfs },
    Scenario { name: "each_mount_call_fails_once", needs: STRACE, run: each_fails },
    Scenario { name: "each_write_to_the_store_fails_once", needs: STRACE, run: each_write_fails },
    Scenario { name: "killed_at_each_change", needs: STRACE, run: killed },
];

/// The layer is mounted all the same, by mount(2).
fn lacking(dir: &Path, calls: &[&str]) {
    let (mut machine, _) = settled(dir, Store::Dir);
    let inject: Vec<String> = calls.iter().map(|call| format!("--inject={call}:error=ENOSYS")).collect();
    let expected = {
        machine.boot_layer("used");
        machine.visible()
    };
    for _ in 0..2 {
        let log = dir.join("strace");
        let mut words = vec!["strace", "-f", "-qq", "-o", log.to_str().expect("a plain path")];
        words.extend(inject.iter().map(String::as_str));
        let boot = machine.boot_by(machine.started_by(&words));
        assert!(boot.status.layered, "{calls:?}: {:?}", boot.status);
        assert_same("the layer without the new calls", &expected, &machine.visible());
        Edits::new().file("share/probe", "writable").remove("share/probe").apply(&machine.usr());
    }
}

/// Neither way to mount knows overlay.
fn no_overlayfs(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    let before = machine.kept_tree();
    let log = dir.join("strace");
    let log = log.to_str().expect("a plain path");
    let words =
        ["strace", "-f", "-qq", "-o", log, "--inject=fsopen:error=ENODEV", "--inject=mount:error=ENODEV"];
    let boot = machine.boot_by(machine.started_by(&words));
    assert!(!boot.status.layered, "{:?}", boot.status);
    assert!(["mount-failed", "store-unusable"].contains(&boot.status.reason.as_str()), "{:?}", boot.status);
    assert_same("the store", &before, &machine.kept_tree());
    machine.boot_layer("used");
}

/// How often each call is made in one boot.
fn count(machine: &mut Machine, calls: &[&str]) -> BTreeMap<String, usize> {
    let log = machine.dir.join("strace");
    let trace = format!("--trace={}", calls.join(","));
    let words = ["strace", "-f", "-qq", "-o", log.to_str().expect("a plain path"), &trace];
    machine.boot_by(machine.started_by(&words));
    machine.shutdown();
    let mut counts = BTreeMap::new();
    for line in fs::read_to_string(&log).expect("read the trace").lines() {
        let call = line.split_whitespace().nth(1).and_then(|word| word.split('(').next());
        if let Some(call) = call.filter(|call| calls.contains(call)) {
            *counts.entry(call.to_owned()).or_insert(0) += 1;
        }
    }
    counts
}

/// One after the other, each call that mounts is answered by an error: the layer whole or the bare base whole,
/// nothing between. (The machine's own checks look at every mount and every path.)
fn each_fails(dir: &Path) {
    let calls = [
        "fsopen",
        "fsconfig",
        "fsmount",
        "open_tree",
        "move_mount",
        "mount_setattr",
        "mount",
        "umount2",
        "fchdir",
        "statx",
        "statfs",
        "fstatfs",
        "flock",
        "execve",
    ];
    let (mut machine, boot) = settled(dir, Store::Dir);
    machine.boot_layer("used");
    let expected = machine.visible();
    let upper = machine.layer(&boot.status.layer().id).join("upper");
    let before = Tree::read(&upper);
    for (call, times) in count(&mut machine, &calls) {
        // The first execve is the program's own.
        for n in (1 + usize::from(call == "execve"))..=times {
            for error in ["EPERM", "EINVAL", "ENOMEM"] {
                let what = format!("{call}:error={error}:when={n}");
                println!("{what}");
                let log = dir.join("strace");
                let inject = format!("--inject={what}");
                let words = ["strace", "-f", "-qq", "-o", log.to_str().expect("a plain path"), &inject];
                let boot = machine.boot_by(machine.started_by(&words));
                if boot.status.layered {
                    assert_same(&what, &expected, &machine.visible());
                }
                machine.shutdown();
                assert_same(&what, &before, &Tree::read(&upper));
                machine.boot_layer("used");
                machine.shutdown();
            }
        }
    }
}

/// Calls that change the store.
const CHANGES: [&str; 24] = [
    "write",
    "pwrite64",
    "writev",
    "rename",
    "renameat",
    "renameat2",
    "mkdir",
    "mkdirat",
    "unlink",
    "unlinkat",
    "rmdir",
    "fsync",
    "fdatasync",
    "syncfs",
    "openat",
    "mknodat",
    "symlinkat",
    "linkat",
    "fchmodat",
    "fchownat",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "lremovexattr",
];

/// A rebase with an I/O error at every place: the old layer stays, and the next boot makes the new one.
fn each_write_fails(dir: &Path) {
    at_each_change(dir, "error=EIO", |machine, words| {
        let done = machine.crash(words);
        assert_eq!(done.code, Some(0), "{words:?}: {done:?}");
        // The fault may have hit the report itself.
        if machine.runtime.join("status.json").exists() {
            veneer_tests::status::Status::read(&machine.runtime);
        }
    });
}

/// A rebase that is cut off at every place: the next boot is as if there had been none.
fn killed(dir: &Path) {
    at_each_change(dir, "signal=SIGKILL", |machine, words| {
        machine.crash(words);
    });
}

fn at_each_change(dir: &Path, fault: &str, boot: fn(&mut Machine, &[&str])) {
    let (mut machine, _) = settled(dir, Store::Tmpfs(64));
    machine.boot_layer("used");
    let tricky = Edits::new().remove("bin/tool").dir("share/new").hardlink("share/new/link", "bin/mine");
    tricky.apply(&machine.usr());
    machine.install(&veneer_tests::base::Base::build(dir, "B", veneer_tests::base::Form::Dir, &second()));
    let saved = dir.join("saved");
    let copy = |from: &Path, to: &Path| {
        veneer_tests::run::sh(&format!("find {} -mindepth 1 -delete", to.display()));
        veneer_tests::run::sh(&format!("cp -a {}/. {}", from.display(), to.display()));
    };
    fs::create_dir(&saved).expect("make a directory");
    copy(&machine.store, &saved);
    let counts = count(&mut machine, &CHANGES);
    machine.boot_layer("used");
    let (expected, source) = (machine.visible(), Tree::read(&saved.join("veneer/layers")));
    machine.shutdown();
    let total: usize = counts.values().sum();
    let all = std::env::var_os("VENEER_ALL_FAULTS").is_some();
    let step = if all { 1 } else { (total / 60).max(1) };
    println!("{total} calls that may change something, every {step}. is hit");
    let each = counts.iter().flat_map(|(call, times)| (1..=*times).map(move |n| (call, n)));
    for (call, n) in each.step_by(step) {
        let what = format!("{call}:{fault}:when={n}");
        println!("{what}");
        copy(&saved, &machine.store);
        let log = dir.join("strace");
        let inject = format!("--inject={what}");
        boot(&mut machine, &["strace", "-f", "-qq", "-o", log.to_str().expect("a plain path"), &inject]);
        machine.shutdown();
        let source_after = Tree::read(&machine.layers()).without(|path| {
            path.components()
                .next()
                .is_some_and(|first| !first.as_os_str().to_string_lossy().starts_with("0001"))
        });
        let source = source.without(|path| path.as_os_str().is_empty());
        assert_same(&what, &source, &source_after.without(|path| path.as_os_str().is_empty()));
        let next = machine.boot();
        assert!(next.status.layered, "{what}: {:?}", next.status);
        assert_same(&what, &expected, &machine.visible());
        machine.shutdown();
        assert_eq!(machine.layer_names().len(), 2, "{what}: {:?}", machine.layer_names());
    }
}
