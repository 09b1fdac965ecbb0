//! Where the base id comes from, each source made for real where the host has its tools; and what must not change it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use veneer_tests::base::{Base, Form, system};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::run::tool;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::store::Store;
use veneer_tests::tree::Tree;

use crate::stories::{first, second};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "identity_ostree", needs: &[Need::Tool("ostree")], run: ostree },
    Scenario { name: "identity_composefs", needs: &[], run: composefs },
    Scenario { name: "identity_stamp", needs: &[], run: stamp },
    Scenario { name: "identity_words_alone", needs: &[], run: words_alone },
    Scenario {
        name: "identity_on_another_device",
        needs: &[Need::Tool("mkfs.erofs"), Need::Kernel("erofs")],
        run: another_device,
    },
];

fn shell(script: &str) -> String {
    tool(Command::new("sh").args(["-euc", script]))
}

/// The id and its source, as status.json has them.
#[track_caller]
fn identity(machine: &Machine) -> (String, String) {
    let text = fs::read_to_string(machine.runtime.join("status.json")).expect("read status.json");
    let value: serde_json::Value = serde_json::from_str(&text).expect("status.json is JSON");
    let word = |key: &str| value["base"][key].as_str().expect("a word").to_owned();
    (word("id"), word("source"))
}

/// Two deployments of one system, as ostree-prepare-root(1) mounts them.
fn ostree(dir: &Path) {
    let mut machine = Machine::new(dir, Store::Dir);
    let disk = dir.join("disk");
    fs::create_dir(&disk).expect("make the disk");
    shell(&format!(
        "cd {} && ostree admin init-fs disk && ostree admin os-init --sysroot=disk test",
        dir.display()
    ));
    let deploy = |name: &str, edits: Edits| -> (PathBuf, String) {
        let tree = dir.join(name);
        for part in
            ["usr/etc", "usr/lib/modules/6.1.0", "boot", "sysroot", "var", "proc", "sys", "dev", "run", "tmp"]
        {
            fs::create_dir_all(tree.join(part)).expect("make the tree");
        }
        edits.apply(&tree.join("usr"));
        for link in ["bin", "lib", "lib64", "sbin"] {
            std::os::unix::fs::symlink(format!("usr/{link}"), tree.join(link)).expect("link into usr");
        }
        fs::write(tree.join("usr/lib/modules/6.1.0/vmlinuz"), format!("kernel of {name}"))
            .expect("make a kernel");
        fs::write(tree.join("usr/lib/modules/6.1.0/initramfs.img"), name).expect("make an initramfs");
        let commit = tool(
            Command::new("ostree")
                .arg(format!("--repo={}/ostree/repo", disk.display()))
                .args(["commit", "--branch=main"])
                .arg(format!("--tree=dir={}", tree.display())),
        );
        tool(
            Command::new("ostree")
                .args(["admin", "deploy", "--os=test", "--karg=root=x", "main"])
                .arg(format!("--sysroot={}", disk.display())),
        );
        let checksum = commit.lines().last().expect("a checksum").trim().to_owned();
        (disk.join(format!("ostree/deploy/test/deploy/{checksum}.0")), checksum)
    };
    let deployed = [deploy("A", first()), deploy("B", second())];
    let mut seen = Vec::new();
    for (deployment, checksum) in &deployed {
        machine.shutdown();
        shell(&format!(
            "mount --bind {0} {1} && mount --bind {2} {1}/sysroot",
            deployment.display(),
            machine.sysroot.display(),
            disk.display()
        ));
        // Of all boot entries the one whose link leads to this deployment.
        let links = shell(&format!("cd {} && ls -d ostree/boot.[01]/test/*/*", disk.display()));
        let link = links.lines().find(|link| {
            let target = fs::canonicalize(disk.join(link)).expect("a link to a deployment");
            target.ends_with(format!("{checksum}.0"))
        });
        machine.say(&format!("ostree=/{}", link.expect("a boot entry")));
        machine.bare = Tree::read(&machine.usr());
        let action = if seen.is_empty() { "bound" } else { "rebased" };
        machine.boot_layer(action);
        seen.push(identity(&machine));
        assert_eq!(seen.last(), Some(&(checksum.clone(), "ostree".to_owned())));
        machine.shutdown();
        shell(&format!("umount {0}/sysroot && umount {0}", machine.sysroot.display()));
    }
}

/// An overlay whose source names the digest, as bootc's initramfs program mounts it.
fn composefs(dir: &Path) {
    let mut machine = Machine::new(dir, Store::Dir);
    let (lower, data) = (dir.join("lower"), dir.join("data"));
    for path in [&lower, &data] {
        fs::create_dir(path).expect("make a directory");
    }
    first().apply(&lower);
    let mount = |source: &str| {
        let (lower, data, usr) = (lower.display(), data.display(), machine.usr());
        format!("mount -t overlay '{source}' -o ro,lowerdir={lower}:{data} {}", usr.display())
    };
    let digest = "ab".repeat(64);
    let (named, transient, odd) = (
        mount(&format!("composefs:{digest}")),
        mount(&format!("transient:composefs={digest}")),
        mount("composefs:../x"),
    );
    for (line, source) in [(named, "composefs"), (transient, "composefs"), (odd, "fingerprint")] {
        machine.shutdown();
        shell(&line);
        machine.bare = Tree::read(&machine.usr());
        machine.boot();
        let (id, from) = identity(&machine);
        assert_eq!(from, source, "{line}");
        assert_eq!(id == digest, source == "composefs", "{line}: {id}");
        machine.shutdown();
        shell(&format!("umount {}", machine.usr().display()));
    }
}

/// The stamp alone decides, whatever else differs.
fn stamp(dir: &Path) {
    let mut machine = Machine::new(dir, Store::Dir);
    let mut ids = Vec::new();
    for (name, edits) in [
        ("A", first().file("lib/veneer/base", "build 1\n")),
        ("A again", second().file("lib/veneer/base", "build 1")),
        ("B", first().file("lib/veneer/base", "build 2\n")),
    ] {
        machine.install(&Base::build(dir, name, Form::Dir, &edits));
        machine.boot();
        let (id, source) = identity(&machine);
        assert_eq!(source, "stamp");
        ids.push(id);
    }
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}

/// A root hash or a deployment that is only a word on the command line is no identity.
fn words_alone(dir: &Path) {
    let mut machine = Machine::new(dir, Store::Dir);
    machine.install(&Base::build(dir, "A", Form::Dir, &system("1")));
    let hash = "cd".repeat(32);
    machine.boot_layer("bound");
    let plain = identity(&machine);
    assert_eq!(plain.1, "fingerprint");
    for words in
        [format!("usrhash={hash}"), format!("roothash={hash}"), format!("ostree=/ostree/boot.1/x/{hash}/0")]
    {
        machine.say(&words);
        machine.boot_layer("used");
        assert_eq!(identity(&machine), plain, "{words}");
    }
}

/// One image on another loop device, at another time, is one base.
fn another_device(dir: &Path) {
    let mut machine = Machine::new(dir, Store::Dir);
    let base = Base::build(dir, "A", Form::Erofs, &first());
    machine.install(&base);
    machine.boot_layer("bound");
    let before = identity(&machine);
    machine.shutdown();
    let other = Base::build(dir, "B", Form::Erofs, &second());
    machine.install(&other);
    // Takes a loop device in between.
    let spare = dir.join("spare");
    fs::create_dir(&spare).expect("make a mount point");
    other.put(&spare);
    machine.install(&base);
    machine.boot_layer("used");
    assert_eq!(identity(&machine), before);
    machine.shutdown();
    other.take(&spare);
}
