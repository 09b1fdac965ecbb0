//! Packages that need each other, or are in each other's way.

use std::path::Path;

use veneer_tests::deb::{Deb, assert_content, install, purge, unmet};
use veneer_tests::edit::Edits;
use veneer_tests::tree::assert_same;

use super::ground::{
    Expected, assert_whole, machine, packages_a, packages_b, part, rebase, record, tells_of,
};

/// A package that B drops is gone, with whatever the layer had copied of it, and a package that needs it is told of.
pub(super) fn dropped(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_a(), &packages_b());
    let needy =
        Deb::new("needy", "1", Edits::new().file("bin/needy", "needy")).with("Depends: leftover, libfoo\n");
    install(&machine.sysroot, &[needy.build(dir)]);
    // Copied up without a change.
    Edits::new().mode("bin/leftover", 0o644).apply(&machine.usr());
    record(&machine);
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    assert_eq!(status.problems.len(), 1, "{status:?}");
    assert!(tells_of(&status, "needy"), "a dependency is gone and nobody is told: {status:?}");
    let mine = part(&on_a, &["needy"]);
    assert_whole(
        &machine,
        &Expected { listed: &[("needy", "1 ii")], mine, broken: true, ..Expected::default() },
    );
    assert!(unmet(&machine.sysroot).contains("leftover"));
}

/// The same while A is still running: what is needed of it is copied, files and entry, and can be removed later.
pub(super) fn adopted(dir: &Path) {
    let mut a = packages_a();
    a.retain(|package| package.name() != "leftover");
    a.push(
        Deb::new("leftover", "1.0", Edits::new().file("bin/leftover", "leftover")).with("Depends: libleft\n"),
    );
    a.push(Deb::new("libleft", "1", Edits::new().file("lib/libleft.so", "left")));
    a.push(Deb::new("replaced", "1", Edits::new().file("bin/replaced", "of A")));
    let mut b = packages_b();
    b.push(Deb::new("heir", "1", Edits::new().file("bin/replaced", "of B")));
    let (mut machine, _, b) = machine(dir, &a, &b);
    let needy = Deb::new("needy", "1", Edits::new().file("bin/needy", "needy")).with("Depends: leftover\n");
    install(&machine.sysroot, &[needy.build(dir)]);
    let on_a = machine.visible();
    let base = b.path.display().to_string();
    // The boot could not do it: A is gone then.
    let check = machine.veneer(&["check", "--base", &base]);
    assert_eq!(check.code, Some(1), "{check:?}");
    let done = machine.veneer(&["rebase", "--base", &base]);
    assert_eq!(done.code, Some(0), "{done:?}");
    machine.install(&b);
    let status = machine.boot_layer("used").status;
    assert!(status.problems.is_empty(), "{status:?}");
    let listed = &[("needy", "1 ii"), ("leftover", "1.0 ii"), ("libleft", "1 ii")];
    let mine = part(&on_a, &["needy", "leftover", "libleft"]);
    assert_whole(&machine, &Expected { listed, mine, ..Expected::default() });
    purge(&machine.sysroot, &["needy", "leftover", "libleft"]);
    assert_content(&machine.sysroot);
    for path in ["bin/leftover", "lib/libleft.so"] {
        assert!(!machine.usr().join(path).exists(), "{path}");
    }
}

/// All that does not hold is told at once: what the user's packages need, and what the base's break.
pub(super) fn both_ways(dir: &Path) {
    let mut b = packages_b();
    b.push(Deb::new("rival", "2", Edits::new().file("bin/rival", "r")).with("Breaks: mine (<< 2)\n"));
    b.push(Deb::new("shell", "2", Edits::new().file("bin/shell", "s")).with("Depends: editor\n"));
    let mut a = packages_a();
    a.push(Deb::new("shell", "1", Edits::new().file("bin/shell", "s")));
    let (mut machine, _, b) = machine(dir, &a, &b);
    let mine = Deb::new("mine", "1", Edits::new().file("bin/mine", "m"));
    let mine = mine.with("Depends: libfoo (<< 1.1), leftover\nConflicts: newcomer\n");
    install(&machine.sysroot, &[mine.build(dir)]);
    purge(&machine.sysroot, &["editor"]);
    record(&machine);
    let status = rebase(&mut machine, &b);
    let told: Vec<_> =
        status.problems.iter().map(|problem| problem.package.as_deref().unwrap_or_default()).collect();
    assert_eq!(told, ["mine", "mine", "mine", "rival", "shell"], "{status:?}");
    assert!(status.problems.iter().all(|problem| problem.message.contains("`apt")), "{status:?}");
    assert!(!unmet(&machine.sysroot).is_empty());
    assert_content(&machine.sysroot);
}

/// Another package of B has a file that the user's package brought: it is B's, and the user's is set aside.
pub(super) fn file_of_both(dir: &Path) {
    let mut packages = packages_b();
    packages.push(Deb::new("helper", "1", Edits::new().file("bin/helper", "of the base")));
    let (mut machine, _, b) = machine(dir, &packages_a(), &packages);
    let files = Edits::new().file("bin/helper", "of the user").file("bin/tool", "tool");
    install(&machine.sysroot, &[Deb::new("tool", "1", files).build(dir)]);
    let status = rebase(&mut machine, &b);
    assert!(status.speaks_of(Path::new("bin/helper")), "{status:?}");
    let visible = machine.visible();
    assert_same("the file", &machine.bare().only("bin/helper"), &visible.only("bin/helper"));
    assert!(machine.usr().join("bin/tool").exists());
}

/// A package of A that the user has newer and B dropped: it stays, and that is said.
pub(super) fn orphan(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_a(), &packages_b());
    let files = Edits::new().file("bin/leftover", "newer").file("share/leftover/x", "x");
    install(&machine.sysroot, &[Deb::new("leftover", "2.0", files).build(dir)]);
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    assert_eq!(
        status.problems.iter().map(|p| p.kind.as_str()).collect::<Vec<_>>(),
        ["orphaned"],
        "{status:?}"
    );
    let mine = part(&on_a, &["leftover"]);
    assert_whole(&machine, &Expected { listed: &[("leftover", "2.0 ii")], mine, ..Expected::default() });
}
