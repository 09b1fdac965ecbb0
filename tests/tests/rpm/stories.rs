//! What becomes of packages when the base is another one.

use std::path::Path;

use veneer_tests::rpm::{Flavour, assert_content, dnf, installed, rpm};
use veneer_tests::run::tool;
use veneer_tests::tree::{Tree, assert_same};

use crate::world::{Versions, World, of_package, one, part};

fn with(name: &'static str, version: &'static str) -> impl FnOnce(&mut Versions) {
    move |versions| {
        versions.insert(format!("{name}.x86_64"), one(version));
    }
}

/// A package of the user's stays, once, and package management goes on; the old base has its old layer.
pub(crate) fn of_the_user(dir: &Path, flavour: &'static Flavour) {
    let mut world = World::on_a(dir, flavour);
    let package = world.flavour.package("user", "ollama");
    let inside = world.root().join("mnt/ollama.rpm");
    std::fs::copy(package, &inside).expect("copy the package");
    tool(dnf(world.root()).args(["install", "/mnt/ollama.rpm"]));
    assert_content(world.root());
    std::fs::write(world.machine.usr().join("share/ollama/cache"), "made later").expect("write the ghost");
    world.record();
    let on_a = (installed(world.root()), world.machine.visible());

    let status = world.update("b");
    assert!(status.problems.is_empty(), "{status:?}");
    // The directory of units came with the package.
    let mine = part(&on_a.1, &["ollama"]);
    let expected = world.listed("b", with("ollama", "0.5-1"));
    world.check(&expected, &[], &mine);
    tool(dnf(world.root()).arg("check"));
    asked_for(&world, "ollama");

    // Used again: the same.
    world.machine.boot_layer("used");
    world.check(&expected, &[], &mine);

    // And package management works on.
    tool(rpm(world.root()).arg("--rebuilddb"));
    world.check(&expected, &[], &mine);
    world.install("user", &["more", "libfoo"]);
    assert_content(world.root());
    tool(rpm(world.root()).args(["-e", "ollama"]));
    assert_content(world.root());
    assert!(!world.machine.usr().join("bin/ollama").exists());
    let mut expected = world.listed("b", with("more", "1.0-1"));
    expected.insert("libfoo.x86_64".into(), one("1.2-1"));
    assert_eq!(installed(world.root()), expected);

    world.machine.install(&flavour.base("a"));
    world.machine.boot_layer("used");
    assert_same("back on A", &on_a.1, &world.machine.visible());
    assert_eq!(installed(world.root()), on_a.0, "back on A");
    assert_content(world.root());
}

/// dnf5 remembers that the user asked for a package; dnf 4 keeps that in /var.
#[track_caller]
fn asked_for(world: &World, name: &str) {
    let file = world.machine.usr().join("lib/sysimage/libdnf5/packages.toml");
    if world.root().join("usr/bin/dnf5").exists() {
        let text = std::fs::read_to_string(&file).expect("read packages.toml");
        assert!(text.contains(&format!("\"{name}.x86_64\" = {{reason = \"User\"}}")), "{text}");
        let list = tool(dnf(world.root()).args(["repoquery", "--userinstalled", name]));
        assert!(list.contains(name), "{list}");
        // Its history is the layer's, and whole; the builder of the base did something else.
        let history = tool(dnf(world.root()).args(["history", "info"]));
        assert!(history.contains(&format!("/mnt/{name}.rpm")), "{history}");
    }
}

/// B has the user's package in a newer version: all of it is B's, and it is still the user's wish.
pub(crate) fn base_ships_it(dir: &Path, flavour: &'static Flavour) {
    let mut world = World::on_a(dir, flavour);
    let inside = world.root().join("mnt/helper.rpm");
    std::fs::copy(world.flavour.package("user", "helper"), &inside).expect("copy the package");
    tool(dnf(world.root()).args(["install", "/mnt/helper.rpm"]));
    world.record();
    let status = world.update("b");
    assert!(status.problems.is_empty(), "{status:?}");
    let left = part(&world.upper(&status), &["helper", "sysimage/rpm"]);
    assert!(left.0.is_empty(), "in the layer: {left:?}");
    world.check(&world.listed("b", |_| {}), &[], &Tree::default());
    asked_for(&world, "helper");
}

/// A 1.0, user 1.2, B 1.1, C 1.3.
pub(crate) fn newer(dir: &Path, flavour: &'static Flavour) {
    let mut world = World::on_a(dir, flavour);
    world.install("user", &["libfoo"]);
    world.record();
    let on_a = world.machine.visible();
    let status = world.update("b");
    assert!(status.problems.is_empty(), "{status:?}");
    let mine = part(&on_a, &["libfoo", "only-in-1.2"]);
    world.check(&world.listed("b", with("libfoo", "1.2-1")), &["lib/foo"], &mine);

    world.record();
    let status = world.update("c");
    assert!(status.problems.is_empty(), "{status:?}");
    world.check(&world.listed("c", |_| {}), &[], &Tree::default());
}

/// rpm's own order decides, in every corner of it.
pub(crate) fn orders(dir: &Path, flavour: &'static Flavour) {
    let mut world = World::on_a(dir, flavour);
    let names = ["v-epoch", "v-tilde", "v-final", "v-caret", "v-snapshot", "v-revision"];
    world.install("user", &names);
    world.record();
    let on_a = world.machine.visible();
    world.update("b");
    let mine =
        part(&on_a, &["lib/v/epoch", "lib/v/tilde", "lib/v/caret", "lib/v/snapshot", "lib/v/revision"]);
    let expected = world.listed("b", |versions| {
        for (name, version) in [
            ("v-epoch", "1:0.1-1"),
            ("v-tilde", "1.0-1"),
            ("v-caret", "1.0^git1-1"),
            ("v-revision", "1.0-10"),
        ] {
            with(name, version)(versions);
        }
    });
    let mine = mine.without(|path| path.ends_with("snapshot"));
    world.check(&expected, &[], &mine);
}

/// A removed package stays removed, with the files that only B's version has; what another package has in its directory
/// is there.
pub(crate) fn removed(dir: &Path, flavour: &'static Flavour) {
    let mut world = World::on_a(dir, flavour);
    tool(rpm(world.root()).args(["-e", "editor"]));
    world.record();
    let status = world.update("b");
    assert!(status.problems.is_empty(), "{status:?}");
    let without = world.listed("b", |versions| {
        versions.remove("editor.x86_64").expect("B has it");
    });
    let hidden = ["bin/editor", "bin/editor-tool", "share/editor/new", "share/editor/syntax"];
    world.check(&without, &hidden, &Tree::default());
    assert!(world.machine.usr().join("share/editor/plugin").exists());

    world.install("b", &["editor"]);
    assert_content(world.root());
    assert_eq!(installed(world.root()), world.listed("b", |_| {}));
}

/// What B drops goes; what the user's package needs of it is missed, or taken along if the old base is at hand.
pub(crate) fn dropped(dir: &Path, flavour: &'static Flavour) {
    let mut world = World::on_a(dir, flavour);
    world.install("user", &["needer"]);
    world.record();
    let on_a = world.machine.visible();
    let check = world.with_base("check", "b");
    assert_eq!(check.code, Some(1), "the boot could not do it: {check:?}");
    assert!(check.stdout.contains("`veneer rebase` with this base, now"), "{check:?}");
    let done = world.with_base("rebase", "b");
    assert_eq!(done.code, Some(0), "veneer rebase: {done:?}");
    world.machine.install(&flavour.base("b"));
    let status = world.machine.boot_layer("used").status;
    assert!(of_package(&status, "needer").is_empty(), "{status:?}");
    let expected = world.listed("b", |versions| {
        with("needer", "1.0-1")(versions);
        with("libneeded", "1.0-1")(versions);
    });
    world.check(&expected, &[], &part(&on_a, &["bin/needer", "lib/libneeded", "lib/needed"]));
    tool(rpm(world.root()).args(["-e", "needer", "libneeded"]));
    world.check(&world.listed("b", |_| {}), &[], &Tree::default());
}

/// As [`dropped`], in the initramfs, which has no old base.
pub(crate) fn missed(dir: &Path, flavour: &'static Flavour) {
    let mut world = World::on_a(dir, flavour);
    world.install("user", &["needer", "sonauser"]);
    world.record();
    let status = world.update("b");
    let needs = |name| of_package(&status, name).join("\n");
    assert!(needs("needer").contains("needed-capability"), "{status:?}");
    assert!(needs("sonauser").contains("libsona.so.1()(64bit)"), "{status:?}");
    // The package says what it needs, and its file does, which knows what there is instead.
    assert!(needs("sonauser").contains("/usr/bin/sonauser") && needs("sonauser").contains("libsona.so.2"));
    assert_eq!(status.problems.len(), 3, "{status:?}");
    let found = installed(world.root());
    let expected = world.listed("b", |versions| {
        with("needer", "1.0-1")(versions);
        with("sonauser", "1.0-1")(versions);
    });
    assert_eq!(found, expected);
    // rpm says the same.
    let unmet = veneer_tests::run::within(
        std::time::Duration::from_secs(60),
        rpm(world.root()).args(["-Va", "--nofiles"]),
    );
    assert!(unmet.stdout.contains("needed-capability is needed by"), "{unmet:?}");
    assert!(unmet.stdout.contains("libsona.so.1()(64bit) is needed by"), "{unmet:?}");
}

/// A bump of a soname is told before the boot, and `veneer check` says so by its exit code.
pub(crate) fn told_before(dir: &Path, flavour: &'static Flavour) {
    let world = World::on_a(dir, flavour);
    world.install("user", &["sonauser", "pam_site"]);
    world.record();
    let check = world.with_base("check", "b");
    assert_eq!(check.code, Some(1), "{check:?}");
    // A newer version of what is critical goes, whatever else can be had.
    assert!(check.stdout.contains("pam_site"), "{check:?}");
}

/// What the system is made of is the base's, whatever the user has.
pub(crate) fn critical(dir: &Path, flavour: &'static Flavour) {
    let mut world = World::on_a(dir, flavour);
    world.install("user", &["pam_site"]);
    world.record();
    let status = world.update("b");
    assert!(of_package(&status, "pam_site").join(" ").contains("1.2-1"), "{status:?}");
    world.check(&world.listed("b", |_| {}), &[], &Tree::default());
}

/// A layer whose packages nobody touched has no database.
pub(crate) fn untouched(dir: &Path, flavour: &'static Flavour) {
    let mut world = World::on_a(dir, flavour);
    std::fs::write(world.machine.usr().join("share/mine"), "mine").expect("write");
    // A reader, too, makes a log and its index, and nothing may be made of that.
    tool(rpm(world.root()).arg("-qa"));
    world.record();
    let mine = part(&world.machine.visible(), &["share/mine"]);
    let status = world.update("b");
    assert!(status.problems.is_empty(), "{status:?}");
    let left = part(&world.upper(&status), &["sysimage"]);
    assert!(left.0.is_empty(), "{left:?}");
    world.check(&world.listed("b", |_| {}), &[], &mine);
}
