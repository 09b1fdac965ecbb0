//! Databases that are not as they should be, or not where.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use veneer_tests::base::{Base, Form, system};
use veneer_tests::edit::Edits;
use veneer_tests::rpm::{DATABASE, Flavour, assert_content, installed, rpm};
use veneer_tests::run::{tool, within};
use veneer_tests::tree::Tree;

use crate::world::{World, one, part};

/// Keys of the user's stay, among those of the base.
pub(crate) fn keys(dir: &Path, flavour: &'static Flavour) {
    let mut world = World::on_a(dir, flavour);
    let key = world.machine.usr().join("share/keyrings/debian-archive-trixie-stable.gpg");
    let armored = tool(std::process::Command::new("base64").arg(key));
    let armored =
        format!("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{armored}-----END PGP PUBLIC KEY BLOCK-----\n");
    std::fs::write(world.root().join("mnt/key"), armored).expect("write the key");
    tool(rpm(world.root()).args(["--import", "/mnt/key"]));
    let with_key = installed(world.root());
    let key = with_key.iter().find(|(name, _)| name.starts_with("gpg-pubkey")).expect("a key is there");
    let (key, versions) = (key.0.clone(), key.1.clone());
    world.record();
    world.update("b");
    let expected = world.listed("b", |list| {
        list.insert(key, versions);
    });
    assert_eq!(installed(world.root()), expected);
    assert_content(world.root());
}

/// A transaction is cut off by a power cut: what it had committed is in SQLite's log only, and counts.
pub(crate) fn cut_off(dir: &Path, flavour: &'static Flavour) {
    let mut world = World::on_a(dir, flavour);
    let packages = world.packages("user", &["more", "slow"]);
    let mut command = rpm(world.root());
    command.args(["-U", "--nosignature"]);
    for package in &packages {
        let inside = Path::new("/mnt").join(package.file_name().expect("a name"));
        std::fs::copy(package, world.root().join(inside.strip_prefix("/").expect("absolute"))).expect("copy");
        command.arg(inside);
    }
    // The script that it runs ends with it.
    let mut child = command.stdin(Stdio::null()).process_group(0).spawn().expect("start rpm");
    let sign = world.root().join("tmp/slow");
    let start = Instant::now();
    while !sign.exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "the package's script never ran");
        std::thread::sleep(Duration::from_millis(20));
    }
    let group = Pid::from_child(&child);
    rustix::process::kill_process_group(group, Signal::KILL).expect("kill rpm");
    child.wait().expect("wait for rpm");
    let log = world.machine.usr().join(DATABASE).join("rpmdb.sqlite-wal");
    assert!(log.metadata().expect("a log").len() > 0, "rpm commits elsewhere now: this shows nothing");
    world.record();
    let mine = part(&world.machine.visible(), &["more-of-it"]);
    assert!(!mine.0.is_empty());
    world.update("b");
    let list = installed(world.root());
    assert_eq!(list.get("more.x86_64"), Some(&one("1.0-1")), "{list:?}");
    let log = world.machine.usr().join(DATABASE).join("rpmdb.sqlite-wal");
    assert_eq!(log.metadata().map_or(0, |meta| meta.len()), 0, "nothing is left to be replayed");
}

/// Nothing is known of the old base: files in the layer tell whose a package is.
pub(crate) fn without_record(dir: &Path, flavour: &'static Flavour) {
    let mut world = World::on_a(dir, flavour);
    world.install("user", &["more", "libfoo"]);
    let on_a = world.machine.visible();
    without_it(&mut world);
    world.update("b");
    let expected = world.listed("b", |list| {
        list.insert("more.x86_64".into(), one("1.0-1"));
        list.insert("libfoo.x86_64".into(), one("1.2-1"));
    });
    world.check(&expected, &["lib/foo"], &part(&on_a, &["more-of-it", "libfoo", "only-in-1.2"]));
}

fn without_it(world: &mut World) {
    world.machine.shutdown();
    for name in world.machine.layer_names() {
        std::fs::remove_dir_all(world.machine.layer(&name).join("record")).expect("remove the record");
    }
}

/// As [`without_record`], and the layer has only what readers of the database made.
pub(crate) fn only_read(dir: &Path, flavour: &'static Flavour) {
    let mut world = World::on_a(dir, flavour);
    tool(rpm(world.root()).arg("-qa"));
    // Overlayfs does not let it rename what is merged: it fails, and leaves what it has made.
    let rebuild = within(Duration::from_secs(60), rpm(world.root()).arg("--rebuilddb"));
    let left = part(&world.machine.visible(), &["rpmrebuilddb"]);
    assert!(
        rebuild.code != Some(0) && !left.0.is_empty(),
        "it works now, and docs say that it does not: {rebuild:?}"
    );
    without_it(&mut world);
    let status = world.update("b");
    assert!(status.problems.is_empty(), "{status:?}");
    assert!(part(&world.upper(&status), &["sysimage"]).0.is_empty(), "{status:?}");
    world.check(&world.listed("b", |_| {}), &[], &Tree::default());
}

/// The layer's database cannot be read: said, and nothing lost.
pub(crate) fn damaged(dir: &Path, flavour: &'static Flavour) {
    let mut world = World::on_a(dir, flavour);
    world.install("user", &["more"]);
    world.record();
    let garbage: Vec<u8> = (0..50_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let database = Path::new(DATABASE);
    Edits::new().file(database.join("rpmdb.sqlite"), garbage).apply(&world.machine.usr());
    world.machine.shutdown();
    let before = world.machine.kept_tree();
    world.machine.install(&flavour.base("b"));
    let boot = world.machine.boot();
    assert!(!boot.program.stderr.contains("panicked"), "{boot:?}");
    assert_eq!(boot.status.reason, "rebase-failed", "{:?}", boot.status);
    assert!(boot.status.message.contains("rpmdb.sqlite"), "{:?}", boot.status);
    let after = world.machine.kept_tree();
    veneer_tests::tree::assert_same("the store", &before, &after);
}

/// B has its database in another place, or in another format.
pub(crate) fn elsewhere(dir: &Path, flavour: &'static Flavour, base: &str) {
    let mut world = World::on_a(dir, flavour);
    world.install("user", &["more"]);
    world.record();
    let mine = part(&world.machine.visible(), &["more-of-it"]);
    let status = world.update(base);
    assert!(status.problems.is_empty(), "{status:?}");
    let expected = world.listed(base, |list| {
        list.insert("more.x86_64".into(), one("1.0-1"));
    });
    world.check(&expected, &[], &mine);
    let old = world.machine.usr().join(DATABASE).join("rpmdb.sqlite");
    assert!(!old.exists(), "the old database is still there");
    // From there, too, it goes on.
    world.record();
    world.update("c");
    let expected = world.listed("c", |list| {
        list.insert("more.x86_64".into(), one("1.0-1"));
    });
    world.check(&expected, &[], &mine);
}

/// B has no database: the user's files are there, and it is said.
pub(crate) fn gone(dir: &Path, flavour: &'static Flavour) {
    let mut world = World::on_a(dir, flavour);
    world.install("user", &["more"]);
    world.record();
    let release =
        std::fs::read_to_string(world.machine.usr().join("lib/os-release")).expect("read os-release");
    let base = Base::build(dir, "bare", Form::Dir, &system("3").file("lib/os-release", release));
    world.machine.install(&base);
    let status = world.machine.boot_layer("rebased").status;
    assert!(world.machine.usr().join("bin/more-of-it").exists(), "{status:?}");
    assert!(!world.machine.usr().join(DATABASE).join("rpmdb.sqlite").exists(), "{status:?}");
    assert!(!status.problems.is_empty(), "nobody is told: {status:?}");
}
