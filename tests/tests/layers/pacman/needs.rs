//! Packages that need each other, or are in each other's way.

use std::path::Path;

use veneer_tests::edit::Edits;
use veneer_tests::pacman::{Pkg, assert_content, database_check, install, remove};
use veneer_tests::tree::assert_same;

use super::ground::{Expected, assert_whole, machine, ollama, ollamas, packages_b, part, rebase, tells_of};

/// A package that B drops is gone, with whatever the layer had copied of it, and a package that needs it is told of.
pub(super) fn dropped(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_b());
    let needs = Pkg::new("needy", "1-1", Edits::new().file("bin/needy", "needy"))
        .with(&[("depend", "leftover"), ("depend", "libfoo")]);
    install(&machine.sysroot, &[needs.build(dir)]);
    // Copied up without a change.
    Edits::new().mode("bin/leftover", 0o644).apply(&machine.usr());
    assert_content(&machine.sysroot);
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    assert!(tells_of(&status, "needy"), "a dependency is gone and nobody is told: {status:?}");
    let mine = part(&on_a, &["needy"]);
    let versions = &[("needy", Some("1-1"))];
    assert_whole(&machine, &Expected { versions, mine, broken: true, ..Expected::default() });
    let broken = database_check(&machine.sysroot);
    assert!(format!("{}{}", broken.stdout, broken.stderr).contains("leftover"), "{broken:?}");
}

/// The same while A is still running: what is needed of it is copied, files and entry, and can be removed later.
pub(super) fn adopted(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_b());
    let needy = Pkg::new("needy", "1-1", Edits::new().file("bin/needy", "needy"));
    install(&machine.sysroot, &[needy.with(&[("depend", "leftover")]).build(dir)]);
    let on_a = machine.visible();
    let base = b.path.display().to_string();
    let check = machine.veneer(&["check", "--base", &base]);
    // The boot could not do it: A is gone then.
    assert_eq!(check.code, Some(1), "{check:?}");
    assert!(check.stdout.contains("`veneer rebase` with this base, now"), "{check:?}");
    let done = machine.veneer(&["rebase", "--base", &base]);
    assert_eq!(done.code, Some(0), "{done:?}");
    machine.install(&b);
    let status = machine.boot_layer("used").status;
    assert!(status.problems.is_empty(), "{status:?}");
    let versions = &[("needy", Some("1-1")), ("leftover", Some("1.0-1"))];
    let mine = part(&on_a, &["needy", "leftover"]);
    assert_whole(&machine, &Expected { versions, mine, ..Expected::default() });
    remove(&machine.sysroot, "needy");
    remove(&machine.sysroot, "leftover");
    assert_whole(&machine, &Expected::default());
}

/// Another package of B has a file that the user's package brought: it is B's, the user's is set aside, and pacman and the
/// user are told that both list it.
pub(super) fn file_of_both(dir: &Path) {
    let mut packages = packages_b();
    packages.push(Pkg::new("helper", "1-1", Edits::new().file("bin/helper", "of the base")));
    let (mut machine, _, b) = machine(dir, &packages);
    let files = Edits::new().file("bin/helper", "of the user").file("bin/tool", "tool");
    install(&machine.sysroot, &[Pkg::new("tool", "1-1", files).build(dir)]);
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    let told = status.problems.iter().any(|problem| problem.path.as_deref() == Some("/usr/bin/helper"));
    assert!(told, "{status:?}");
    let wanted = machine.bare().clone().and(part(&on_a, &["bin/tool", "local/tool"]));
    assert_same("all of /usr", &wanted, &machine.visible());
    let conflict = database_check(&machine.sysroot);
    assert!(conflict.stderr.contains("bin/helper"), "{conflict:?}");
}

/// B brings packages that conflict with what the user has, or say that they replace it.
pub(super) fn conflicts(dir: &Path) {
    let mut packages = packages_b();
    packages.extend([
        Pkg::new("rival", "2-1", Edits::new().file("bin/rival", "r")).with(&[("conflict", "ollama<1")]),
        Pkg::new("heir", "1-1", Edits::new().file("bin/heir", "h")).with(&[("replaces", "old-tool")]),
    ]);
    let (mut machine, _, b) = machine(dir, &packages);
    let old_tool = Pkg::new("old-tool", "1-1", Edits::new().file("bin/old-tool", "o"));
    install(&machine.sysroot, &[ollama("0.5-1").build(dir), old_tool.build(dir)]);
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    assert!(tells_of(&status, "rival") && tells_of(&status, "old-tool"), "{status:?}");
    let versions = &[("ollama", Some("0.5-1")), ("old-tool", Some("1-1"))];
    let mine = ollamas(&on_a).and(part(&on_a, &["old-tool"]));
    assert_whole(&machine, &Expected { versions, mine, broken: true, ..Expected::default() });
}
