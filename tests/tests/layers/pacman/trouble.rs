//! Databases that are damaged, elsewhere, unknown, or not there; and a base that has nothing in common with the old one.

use std::fs;
use std::path::Path;

use veneer_tests::base::{Base, Form, system};
use veneer_tests::edit::Edits;
use veneer_tests::pacman::{DATABASE, Pkg, assert_content, fill, install, leave_lock, lock, pacman};
use veneer_tests::run::tool;
use veneer_tests::tree::{Tree, assert_same};

use super::ground::{
    Expected, assert_whole, libfoo_12, machine, ollama, ollamas, packages_b, part, rebase, tells_of,
};

/// A transaction that a power cut ended on A: no lock and no half of a package is carried on.
pub(super) fn cut_off(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_b());
    install(&machine.sysroot, &[ollama("0.5-1").build(dir)]);
    let on_a = machine.visible();
    leave_lock(&machine.sysroot);
    // pacman writes a package's desc when its files are there, and its list of files after that.
    let local = Path::new(DATABASE).join("local");
    Edits::new()
        .file("bin/half", "half")
        .file(local.join("half-1-1/mtree"), "")
        .file(local.join("part-1-1/desc"), "%NAME%\npart\n\n%VERSION%\n1-1\n\n")
        .apply(&machine.usr());
    let status = rebase(&mut machine, &b);
    assert!(!lock(&machine.sysroot).exists(), "the lock of a transaction on A");
    assert!(tells_of(&status, "half"), "{status:?}");
    let mine = ollamas(&on_a).and(machine.visible().only("bin/half"));
    assert_whole(&machine, &Expected { versions: &[("ollama", Some("0.5-1"))], mine, ..Expected::default() });
    let half = Pkg::new("half", "1-1", Edits::new().file("bin/half", "half"));
    tool(pacman(&machine.sysroot).args(["-U", "--overwrite", "*"]).arg(half.build(dir)));
    assert_content(&machine.sysroot);
}

/// The layer's description of a package cannot be read: the base's are, nothing is lost, and it is said.
pub(super) fn damaged(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_b());
    install(&machine.sysroot, &[ollama("0.5-1").build(dir)]);
    let garbage: Vec<u8> = (0..5000u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let local = Path::new(DATABASE).join("local/ollama-0.5-1");
    Edits::new()
        .file(local.join("desc"), garbage.clone())
        .file(local.join("mtree"), garbage)
        .apply(&machine.usr());
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    assert!(tells_of(&status, "ollama"), "nobody is told: {status:?}");
    let mine = ollamas(&on_a).without(|path| path.starts_with(DATABASE));
    assert_whole(&machine, &Expected { mine, ..Expected::default() });
}

pub(super) fn later_format(usr: &Path) {
    fill_elsewhere(usr, DATABASE);
    fs::write(usr.join(DATABASE).join("local/ALPM_DB_VERSION"), "10\n").expect("write the format");
}

fn fill_elsewhere(usr: &Path, place: &str) {
    let dir = usr.parent().expect("bases are in a directory").to_path_buf();
    fill(&dir, usr, &packages_b(), &["editor"]);
    if place != DATABASE {
        fs::create_dir_all(usr.join(place).parent().expect("a parent")).expect("make the place");
        fs::rename(usr.join(DATABASE), usr.join(place)).expect("move the database");
    }
}

/// B has no database that Veneer knows: the user's files are there, and it is said.
pub(super) fn unusable(dir: &Path, database: fn(&Path)) {
    let (mut machine, _, _) = machine(dir, &packages_b());
    install(&machine.sysroot, &[ollama("0.5-1").build(dir)]);
    let c = Base::build_with(dir, "C", Form::Dir, |usr| {
        database(usr);
        if !usr.join("lib/os-release").exists() {
            system("3").apply(usr);
        }
    });
    machine.install(&c);
    let status = machine.boot().status;
    if status.layered {
        assert!(machine.usr().join("bin/ollama").exists(), "the user's files: {status:?}");
        assert!(!status.problems.is_empty(), "nobody is told: {status:?}");
        let local = |usr: &Path| Tree::read(&usr.join(DATABASE).join("local"));
        assert_same("B's database", &local(&machine.base_point()), &local(&machine.usr()));
    } else {
        assert!(["incompatible", "rebase-failed"].contains(&status.reason.as_str()), "{status:?}");
    }
}

/// B has its database where SteamOS has it: what describes the user's packages goes there.
pub(super) fn elsewhere(dir: &Path) {
    let (mut machine, _, _) = machine(dir, &packages_b());
    install(&machine.sysroot, &[ollama("0.5-1").build(dir)]);
    let on_a = machine.visible();
    let c = Base::build_with(dir, "C", Form::Dir, |usr| fill_elsewhere(usr, "lib/holo/pacmandb"));
    let status = rebase(&mut machine, &c);
    assert!(status.problems.is_empty(), "{status:?}");
    let local = "lib/holo/pacmandb/local";
    let moved = on_a.below(Path::new(DATABASE).join("local/ollama-0.5-1"));
    let moved = moved.0.into_iter().map(|(path, node)| {
        let at = Path::new(local).join("ollama-0.5-1");
        (if path.as_os_str().is_empty() { at } else { at.join(path) }, node)
    });
    let files = ollamas(&on_a).without(|path| path.starts_with(DATABASE));
    let expected = machine.bare().clone().and(files).and(Tree(moved.collect()));
    assert_same("all of /usr", &expected, &machine.visible());
}

/// A release later with everything in it another one, and no network.
pub(super) fn major(dir: &Path) {
    let packages = vec![
        Pkg::new("base-system", "9-1", system("9")),
        Pkg::new("glibc", "3.0-1", Edits::new().file("lib/libtest.so.6", "libc 3.0")),
        Pkg::new("libbar", "1-1", Edits::new().file("lib/libbar.so.9", "bar"))
            .with(&[("provides", "libfoo=9")]),
    ];
    let (mut machine, a, b) = machine(dir, &packages);
    install(&machine.sysroot, &[ollama("0.5-1").build(dir), libfoo_12().build(dir)]);
    Edits::new().file("share/mine", "mine").apply(&machine.usr());
    let on_a = machine.visible();
    rebase(&mut machine, &b);
    let versions = &[("ollama", Some("0.5-1")), ("libfoo", Some("1.2-1"))];
    let orphan = part(&on_a, &["libfoo.so", "doc/libfoo", "lib/foo", "libfoo-1.2", "share/mine"]);
    let mine = ollamas(&on_a).and(orphan).and(on_a.only("share/doc"));
    assert_whole(&machine, &Expected { versions, mine, ..Expected::default() });
    machine.install(&a);
    machine.boot_layer("used");
    assert_same("back on A", &on_a, &machine.visible());
}
