//! What becomes of each package.

use std::fs;
use std::path::Path;

use veneer_tests::base::{Base, Form, system};
use veneer_tests::edit::Edits;
use veneer_tests::pacman::{
    DATABASE, Pkg, assert_content, explicit, fill, install, install_as_dependency, installed, pacman, remove,
};
use veneer_tests::run::tool;
use veneer_tests::store::Store;
use veneer_tests::tree::assert_same;

use super::ground::{
    Expected, assert_whole, libfoo_12, machine, machine_of, ollama, ollamas, packages_a, packages_b, part,
    rebase, tells_of,
};

pub(super) fn of_the_user(dir: &Path, form: Form, store: Store) {
    let (mut machine, a, b) = machine_of(dir, form, store, &packages_a(), &packages_b());
    install(&machine.sysroot, &[ollama("0.5-1").build(dir)]);
    assert_content(&machine.sysroot);
    let on_a = (installed(&machine.sysroot), machine.visible());
    let status = rebase(&mut machine, &b);
    assert!(status.problems.is_empty(), "{status:?}");
    let expected =
        || Expected { versions: &[("ollama", Some("0.5-1"))], mine: ollamas(&on_a.1), ..Expected::default() };
    assert_whole(&machine, &expected());
    assert_eq!(explicit(&machine.sysroot), ["editor", "ollama"]);

    // Used again: the same; and package management works on.
    machine.boot_layer("used");
    assert_whole(&machine, &expected());
    let more = Pkg::new("more", "1-1", Edits::new().file("bin/more", "more"));
    install(&machine.sysroot, &[more.build(dir), ollama("0.6-1").build(dir)]);
    assert_content(&machine.sysroot);
    tool(pacman(&machine.sysroot).args(["-Rs", "ollama"]));
    assert_content(&machine.sysroot);
    assert!(!machine.usr().join("bin/ollama").exists());
    assert!(!installed(&machine.sysroot).contains_key("ollama"));

    machine.install(&a);
    machine.boot_layer("used");
    assert_eq!(installed(&machine.sysroot), on_a.0, "back on A");
    assert_same("back on A", &on_a.1, &machine.visible());
    assert_content(&machine.sysroot);
}

/// B has the user's package in a newer version: all of it is B's, once, and somebody asked for it all the same.
pub(super) fn base_ships_it(dir: &Path) {
    let mut packages = packages_b();
    packages.extend([ollama("1.5-1"), Pkg::new("needed", "1-2", Edits::new().file("bin/needed", "2"))]);
    let (mut machine, _, b) = machine(dir, &packages);
    install(&machine.sysroot, &[ollama("0.5-1").build(dir)]);
    let needed = Pkg::new("needed", "1-1", Edits::new().file("bin/needed", "1"));
    install_as_dependency(&machine.sysroot, &[needed.build(dir)]);
    rebase(&mut machine, &b);
    let desc = Path::new(DATABASE).join("local/ollama-1.5-1/desc");
    let mine = machine.visible().only(&desc);
    assert_whole(&machine, &Expected { mine, ..Expected::default() });
    assert_eq!(explicit(&machine.sysroot), ["editor", "ollama"]);
    let text = |usr: &Path| fs::read_to_string(usr.join(&desc)).expect("read a desc");
    let (ours, base) = (text(&machine.usr()), text(&machine.base_point()));
    assert_eq!(ours, base.replace("%REASON%\n1\n\n", ""));
    install(&machine.sysroot, &[ollama("1.6-1").build(dir)]);
    assert_content(&machine.sysroot);
    remove(&machine.sysroot, "ollama");
    assert_content(&machine.sysroot);
}

/// A 1.0, user 1.2, B 1.1: 1.2 stays, and nothing of 1.1 shows. C has 1.3: all of it is C's.
pub(super) fn newer(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_b());
    install(&machine.sysroot, &[libfoo_12().build(dir), ollama("0.5-1").build(dir)]);
    assert_content(&machine.sysroot);
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    assert!(!tells_of(&status, "ollama"), "{status:?}");
    let newer = part(&on_a, &["libfoo.so", "doc/libfoo", "lib/foo", "libfoo-1.2"]);
    assert_whole(
        &machine,
        &Expected {
            versions: &[("ollama", Some("0.5-1")), ("libfoo", Some("1.2-1"))],
            hidden: &["lib/foo/only-in-1.1"],
            mine: newer.and(ollamas(&on_a)),
            ..Expected::default()
        },
    );
    machine.boot_layer("used");
    assert_content(&machine.sysroot);

    let mut packages = packages_b();
    packages[2] = Pkg::new("libfoo", "1.3-1", Edits::new().file("lib/libfoo.so.1", "foo 1.3"));
    let c = Base::build_with(dir, "C", Form::Dir, |usr| fill(dir, usr, &packages, &["editor"]));
    rebase(&mut machine, &c);
    let versions = &[("ollama", Some("0.5-1"))];
    assert_whole(&machine, &Expected { versions, mine: ollamas(&on_a), ..Expected::default() });
}

/// What pacman takes for newer stays, and nothing else does.
pub(super) fn order(dir: &Path) {
    // The user's, B's, and whether the user's is the newer one.
    let rows = [
        ("epoch", "1:0.1-1", "2.0-1", true),
        ("noepoch", "9.0-1", "1:0.1-1", false),
        ("release", "1.0-10", "1.0-9", true),
        ("candidate", "1.0rc1-1", "1.0-1", false),
        // Older for dpkg and rpm.
        ("tilde", "1.0~rc1-1", "1.0-1", true),
        ("letter", "1.0.a-1", "1.0.1-1", false),
        ("zeros", "1.001-1", "1.1-1", false),
    ];
    let package = |name: &'static str, version: &'static str| {
        let text = format!("{name} {version}");
        Pkg::new(name, version, Edits::new().file(format!("share/{name}"), text))
    };
    let mut packages = packages_b();
    packages.extend(rows.iter().map(|(name, _, base, _)| package(name, base)));
    let (mut machine, _, b) = machine(dir, &packages);
    let users: Vec<_> = rows.iter().map(|(name, user, _, _)| package(name, user).build(dir)).collect();
    install_as_dependency(&machine.sysroot, &users);
    let on_a = machine.visible();
    rebase(&mut machine, &b);
    let stay: Vec<_> = rows.iter().filter(|row| row.3).collect();
    let versions: Vec<_> = stay.iter().map(|(name, user, ..)| (*name, Some(*user))).collect();
    let mine = on_a.without(|path| {
        let path = path.to_string_lossy();
        let its = |(name, user, ..): &&(&str, &str, &str, bool)| {
            path.ends_with(&format!("share/{name}")) || path.contains(&format!("local/{name}-{user}"))
        };
        !stay.iter().any(its)
    });
    assert_whole(&machine, &Expected { versions: &versions, mine, ..Expected::default() });
}

/// Nothing of a removed base package is visible or listed, whatever B's version has; installing it again works.
pub(super) fn removed(dir: &Path) {
    let (mut machine, a, b) = machine(dir, &packages_b());
    remove(&machine.sysroot, "editor");
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    assert!(status.problems.is_empty(), "{status:?}");
    let expected = Expected {
        versions: &[("editor", None)],
        hidden: &["bin/editor", "share/editor"],
        ..Expected::default()
    };
    assert_whole(&machine, &expected);
    machine.boot_layer("used");
    assert_whole(&machine, &expected);

    let again = packages_b().into_iter().find(|package| package.name() == "editor").expect("B's editor");
    install(&machine.sysroot, &[again.build(dir)]);
    assert_content(&machine.sysroot);
    assert!(machine.usr().join("share/editor/new").exists());
    machine.install(&a);
    machine.boot_layer("used");
    assert_same("back on A", &on_a, &machine.visible());
}

/// The removed package owned a directory alone; in B another package has a file there.
pub(super) fn shared_directory(dir: &Path) {
    let mut packages = packages_b();
    packages.push(Pkg::new("plugin", "1-1", Edits::new().file("share/editor/runtime/plugin", "p")));
    let (mut machine, _, b) = machine(dir, &packages);
    remove(&machine.sysroot, "editor");
    assert!(!machine.usr().join("share/editor").exists());
    rebase(&mut machine, &b);
    let hidden = &["bin/editor", "share/editor/new", "share/editor/runtime/a"];
    assert_whole(&machine, &Expected { versions: &[("editor", None)], hidden, ..Expected::default() });
}

/// libc newer in the layer than in either base: it is the base's, and that is said.
pub(super) fn critical(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_b());
    let files = Edits::new().file("lib/libtest.so.6", "libc 2.42").file("lib/libnew.so", "new");
    install(&machine.sysroot, &[Pkg::new("glibc", "2.42-1", files).build(dir)]);
    let status = rebase(&mut machine, &b);
    assert!(tells_of(&status, "glibc"), "{status:?}");
    assert_whole(&machine, &Expected::default());
    // And a removed one is back.
    remove(&machine.sysroot, "glibc");
    let c = Base::build_with(dir, "C", Form::Dir, |usr| {
        let mut packages = packages_b();
        packages[0] = Pkg::new("base-system", "3-1", system("3"));
        fill(dir, usr, &packages, &["editor"]);
    });
    rebase(&mut machine, &c);
    assert_whole(&machine, &Expected::default());
}

/// `pacman -D` on base packages.
pub(super) fn marks(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_b());
    tool(pacman(&machine.sysroot).args(["-D", "--asexplicit", "libfoo", "leftover"]));
    tool(pacman(&machine.sysroot).args(["-D", "--asdeps", "editor"]));
    assert_eq!(explicit(&machine.sysroot), ["leftover", "libfoo"]);
    let status = rebase(&mut machine, &b);
    assert!(!tells_of(&status, "libfoo") && !tells_of(&status, "editor"), "{status:?}");
    let mine = machine.visible();
    let mine = mine.without(|path| {
        let changed = ["libfoo-1.1-1/desc", "editor-1:3.1-1/desc"];
        !changed.iter().any(|end| path.ends_with(end))
    });
    assert_whole(&machine, &Expected { mine, ..Expected::default() });
    assert_eq!(explicit(&machine.sysroot), ["libfoo"]);
}

pub(super) fn untouched(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_b());
    Edits::new().file("share/mine", "mine").apply(&machine.usr());
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    assert!(status.problems.is_empty(), "{status:?}");
    assert_whole(&machine, &Expected { mine: part(&on_a, &["share/mine"]), ..Expected::default() });
}

/// A reinstall of what the base has anyway: files and database are the layer's, but nothing of it is the user's.
pub(super) fn reinstalled(dir: &Path, name: &str) {
    let (mut machine, _, b) = machine(dir, &packages_b());
    let package = packages_a().into_iter().find(|package| package.name() == name).expect("a package of A");
    install(&machine.sysroot, &[package.build(dir)]);
    assert_content(&machine.sysroot);
    let status = rebase(&mut machine, &b);
    assert!(!tells_of(&status, "libfoo"), "{status:?}");
    assert_whole(&machine, &Expected::default());
}

/// The base's version of a package takes over: what the user had edited of it is in quarantine, all else is simply gone.
pub(super) fn edited(dir: &Path) {
    let mut packages = packages_b();
    packages.push(ollama("1.5-1"));
    let (mut machine, _, b) = machine(dir, &packages);
    install_as_dependency(&machine.sysroot, &[ollama("0.5-1").build(dir)]);
    Edits::new().file("lib/systemd/system/ollama.service", "[Service]\nNice=5\n").apply(&machine.usr());
    let status = rebase(&mut machine, &b);
    let quarantined: Vec<_> = status.problems.iter().filter(|p| p.kind == "quarantined").collect();
    let path = quarantined.iter().map(|problem| problem.path.as_deref()).collect::<Vec<_>>();
    assert_eq!(path, [Some("/usr/lib/systemd/system/ollama.service")], "{status:?}");
    assert_whole(&machine, &Expected::default());
}
