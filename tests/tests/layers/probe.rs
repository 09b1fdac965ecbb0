//! Layers that would not come up: found before anything is attached.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use veneer_tests::base::{Base, Form, loader, system};
use veneer_tests::edit::{Edit, Edits};
use veneer_tests::run::sh;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::store::Store;
use veneer_tests::tree::{Tree, assert_same};

use crate::stories::{second, settled};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "probe_pid1", needs: &[], run: |d| hidden(d, Path::new("lib/systemd/systemd")) },
    Scenario { name: "probe_loader", needs: &[], run: |d| hidden(d, &loader()) },
    Scenario { name: "probe_shell", needs: &[], run: |d| hidden(d, Path::new("bin/dash")) },
    Scenario { name: "probe_shell_link", needs: &[], run: shell_link },
    Scenario { name: "probe_directories_of_the_path", needs: &[], run: directories },
    Scenario { name: "probe_after_rebase", needs: &[], run: after_rebase },
    Scenario { name: "probe_allows_other_links", needs: &[], run: harmless },
    Scenario { name: "junk_in_the_work_directory", needs: &[], run: junk_in_work },
    Scenario { name: "incompatible_work_directory", needs: &[], run: incompatible_work },
    Scenario {
        name: "immutable_work_directory",
        needs: &[Need::Tool("chattr"), Need::Kernel("ext4")],
        run: immutable_work,
    },
    Scenario { name: "work_directory_missing", needs: &[], run: missing_work },
];

/// Each way to spoil one file, on a layer of its own.
fn hidden(dir: &Path, path: &Path) {
    let foreign = |path: &Path| {
        let mut bytes = elf(path);
        // e_machine: RISC-V, or x86-64 on RISC-V.
        bytes[18] = if bytes[18] == 243 { 62 } else { 243 };
        bytes
    };
    let ways: [(&str, Edits); 10] = [
        ("removed", Edits::new().remove(path)),
        ("not executable", Edits::new().mode(path, 0o644)),
        ("a directory", Edits::new().remove(path).dir(path)),
        ("garbage", Edits::new().file(path, "garbage\n".repeat(4000)).mode(path, 0o755)),
        ("empty", Edits::new().file(path, "").mode(path, 0o755)),
        ("cut off", Edits::new().file(path, b"\x7fELF\x02\x01\x01".to_vec()).mode(path, 0o755)),
        ("half of it", Edits::new().file(path, &elf(path)[..5000]).mode(path, 0o755)),
        ("a script for nobody", Edits::new().file(path, "#!/usr/bin/nowhere\n").mode(path, 0o755)),
        ("for another processor", Edits::new().file(path, foreign(path)).mode(path, 0o755)),
        ("a link to nothing", Edits::new().remove(path).symlink(path, "/usr/lib/nowhere")),
    ];
    refused(dir, ways);
}

/// The base's binary at this path.
fn elf(path: &Path) -> Vec<u8> {
    let base = system("1");
    let found = base.0.iter().find_map(|edit| match edit {
        Edit::File(p, content) if p == path => Some(content.clone()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{} is no file of the base", path.display()))
}

/// Layers with these edits are refused by the probe, and are still there afterwards, as they were. All of them are
/// tried before the scenario fails.
#[track_caller]
fn refused<N: Display>(dir: &Path, ways: impl IntoIterator<Item = (N, Edits)>) {
    let mut accepted = Vec::new();
    for (number, (what, edits)) in ways.into_iter().enumerate() {
        let within = dir.join(number.to_string());
        fs::create_dir(&within).expect("make a directory");
        let (mut machine, boot) = settled(&within, Store::Dir);
        machine.boot_layer("used");
        edits.apply(&machine.usr());
        machine.shutdown();
        let upper = machine.layer(&boot.status.layer().id).join("upper");
        let before = Tree::read(&upper);
        // More often than the trial allows: a layer that was never attached is a failed probe, or set aside.
        for _ in 0..3 {
            let status = machine.boot().status;
            if !["probe-failed", "trial-failed"].contains(&status.reason.as_str()) {
                accepted.push(format!("{what}: {}", status.message));
                break;
            }
            assert_same("the layer that was refused", &before, &Tree::read(&upper));
        }
        machine.shutdown();
    }
    assert!(accepted.is_empty(), "layers that cannot boot are used:\n  {}", accepted.join("\n  "));
}

fn shell_link(dir: &Path) {
    let targets = ["nowhere", "sh", "/etc/os-release", "../../outside/sh"];
    refused(dir, targets.map(|target| (target, Edits::new().remove("bin/sh").symlink("bin/sh", target))));
}

/// A whole directory on the way is gone, or hidden by an empty one.
fn directories(dir: &Path) {
    let removed = |path: &'static str| Edits::new().remove(path);
    let paths = ["bin", "lib", "lib64", "lib/systemd"];
    refused(dir, paths.iter().flat_map(|path| [(path, removed(path)), (path, removed(path).dir(*path))]));
}

/// The base's own pid 1 comes back when the base changes (the base wins), or the new layer is refused.
fn after_rebase(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    machine.boot_layer("used");
    let systemd = "lib/systemd/systemd";
    Edits::new().file(systemd, "garbage").mode(systemd, 0o644).remove("bin/dash").apply(&machine.usr());
    machine.install(&Base::build(dir, "B", Form::Dir, &second()));
    let status = machine.boot().status;
    if status.layered {
        let found = fs::read(machine.usr().join(systemd)).expect("pid 1");
        assert!(found.starts_with(b"\x7fELF"), "pid 1 is the base's");
        assert!(machine.usr().join("bin/dash").exists(), "the shell is there");
    } else {
        assert_eq!(status.reason, "probe-failed", "{status:?}");
    }
}

/// What works must not be refused: another shell, a wrapper of pid 1's binary by absolute link, a usr-merge loader.
fn harmless(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    machine.boot_layer("used");
    let usr = machine.usr();
    Edits::new().file("bin/ash", fs::read(usr.join("bin/dash")).expect("read the shell")).apply(&usr);
    let edits = Edits::new()
        .mode("bin/ash", 0o755)
        .remove("bin/sh")
        .symlink("bin/sh", "/bin/ash")
        .rename("lib/systemd/systemd", "lib/systemd/systemd.real")
        .symlink("lib/systemd/systemd", "/usr/lib/systemd/systemd.real");
    edits.apply(&usr);
    machine.boot_layer("used");
}

/// A layer whose work directory is spoilt: mounted for good or refused, and never read-only.
#[track_caller]
fn spoilt(dir: &Path, store: Store, spoil: impl Fn(&Path), mend: impl Fn(&Path)) {
    let (mut machine, boot) = settled(dir, store);
    let layer = machine.layer(&boot.status.layer().id);
    let upper = Tree::read(&layer.join("upper"));
    spoil(&layer.join("work"));
    let status = machine.boot().status;
    if status.layered {
        Edits::new().file("share/probe", "writable").remove("bin/tool").apply(&machine.usr());
    } else {
        assert!(["probe-failed", "mount-failed"].contains(&status.reason.as_str()), "{status:?}");
        assert_same("the upper", &upper, &Tree::read(&layer.join("upper")));
    }
    machine.shutdown();
    mend(&layer.join("work"));
    machine.boot_layer("used");
    assert!(machine.usr().join("bin/mine").exists());
}

fn junk_in_work(dir: &Path) {
    let junk = |work: &Path| Edits::new().file("work/a/b/c/d/e", "deep").file("work/#5/x/y", "z").apply(work);
    let mend = |work: &Path| {
        fs::remove_dir_all(work).expect("remove the junk");
        fs::create_dir(work).expect("make the work directory");
    };
    spoilt(dir, Store::Dir, junk, mend);
}

fn incompatible_work(dir: &Path) {
    let mend = |work: &Path| {
        let path: PathBuf = work.join("work/incompat");
        if path.exists() {
            fs::remove_dir_all(path).expect("remove the mark");
        }
    };
    spoilt(dir, Store::Dir, |work| Edits::new().dir("work/incompat/volatile").apply(work), mend);
}

fn immutable_work(dir: &Path) {
    let set = |flag: &'static str| {
        move |work: &Path| {
            Edits::new().dir("work").apply(work);
            sh(&format!("chattr {flag} {}", work.join("work").display()));
        }
    };
    spoilt(dir, Store::Ext4(32), set("+i"), |work| {
        if work.join("work").exists() {
            set("-i")(work);
        }
    });
}

fn missing_work(dir: &Path) {
    let remove = |work: &Path| fs::remove_dir_all(work).expect("remove the work directory");
    let mend = |work: &Path| fs::create_dir_all(work).expect("make the work directory");
    let (mut machine, boot) = settled(dir, Store::Dir);
    let work = machine.layer(&boot.status.layer().id).join("work");
    remove(&work);
    let status = machine.boot().status;
    assert!(
        ["ok", "mount-failed", "store-corrupt", "probe-failed"].contains(&status.reason.as_str()),
        "{status:?}"
    );
    machine.shutdown();
    mend(&work);
    machine.boot_layer("used");
}
