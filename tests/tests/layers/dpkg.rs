//! The dpkg database after a rebase describes exactly what is visible.

use std::path::Path;

use veneer_tests::base::{Base, Form, system};
use veneer_tests::deb::{DATABASE, Deb, assert_content, dpkg, fill, install, installed, link_database};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::run::tool;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::status::Status;
use veneer_tests::store::Store;
use veneer_tests::tree::{Tree, assert_same};

const DPKG: &[Need] = &[Need::Tool("dpkg"), Need::Tool("dpkg-deb")];
const IMAGES: &[Need] = &[
    Need::Tool("dpkg"),
    Need::Tool("dpkg-deb"),
    Need::Tool("mkfs.erofs"),
    Need::Kernel("erofs"),
    Need::Kernel("ext4"),
];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "dpkg_package_of_the_user",
        needs: DPKG,
        run: |d| of_the_user(d, Form::Dir, Store::Dir),
    },
    Scenario {
        name: "dpkg_package_of_the_user_on_images",
        needs: IMAGES,
        run: |d| of_the_user(d, Form::Erofs, Store::Ext4(64)),
    },
    Scenario { name: "dpkg_base_ships_the_users_package", needs: DPKG, run: base_ships_it },
    Scenario { name: "dpkg_upgrade_of_a_base_package", needs: DPKG, run: upgraded },
    Scenario { name: "dpkg_base_package_removed", needs: DPKG, run: removed },
    Scenario { name: "dpkg_layer_without_changes", needs: DPKG, run: untouched },
    Scenario { name: "dpkg_reinstalled_base_package", needs: DPKG, run: |d| reinstalled(d, "editor") },
    Scenario {
        name: "dpkg_reinstalled_package_that_b_drops",
        needs: DPKG,
        run: |d| reinstalled(d, "leftover"),
    },
    Scenario { name: "dpkg_database_damaged_in_the_layer", needs: DPKG, run: damaged },
    Scenario { name: "dpkg_base_without_a_database", needs: DPKG, run: gone },
];

fn packages_a() -> Vec<Deb> {
    vec![
        Deb::new("base-system", "1", system("1")),
        Deb::new(
            "libfoo",
            "1.0",
            Edits::new().file("lib/libfoo.so.1", "foo 1.0").file("share/doc/libfoo/NEWS", "1.0"),
        ),
        Deb::new("editor", "1:3.0-1", Edits::new().file("bin/editor", "editor 3.0")),
        Deb::new("leftover", "1.0", Edits::new().file("bin/leftover", "leftover")),
    ]
}

fn packages_b() -> Vec<Deb> {
    vec![
        Deb::new("base-system", "2", system("2")),
        Deb::new(
            "libfoo",
            "1.1",
            Edits::new()
                .file("lib/libfoo.so.1", "foo 1.1")
                .file("share/doc/libfoo/NEWS", "1.1")
                .file("lib/foo/x", "x"),
        ),
        Deb::new(
            "editor",
            "1:3.1-1",
            Edits::new().file("bin/editor", "editor 3.1").file("share/editor/new", "new"),
        ),
        Deb::new("newcomer", "1.0", Edits::new().file("bin/newcomer", "newcomer")),
    ]
}

fn ollama(version: &'static str) -> Deb {
    let files = Edits::new()
        .file("bin/ollama", format!("ollama {version}"))
        .mode("bin/ollama", 0o755)
        .file("lib/systemd/system/ollama.service", "[Service]\nExecStart=/usr/bin/ollama\n")
        .file("share/doc/ollama/copyright", "free");
    Deb::new("ollama", version, files).with("Depends: libfoo (>= 1.0)\n")
}

/// A machine on A that has booted a layer, and B ready.
fn machine(dir: &Path, form: Form, store: Store, b: &[Deb]) -> (Machine, Base, Base) {
    let mut machine = Machine::new(dir, store);
    link_database(&machine.sysroot);
    let a = Base::build_with(dir, "A", form, |usr| fill(dir, usr, &packages_a()));
    let b = Base::build_with(dir, "B", form, |usr| fill(dir, usr, b));
    machine.install(&a);
    assert_content(&machine.sysroot);
    machine.boot_layer("bound");
    (machine, a, b)
}

/// What holds after each rebase: dpkg is content, lists what the base and the user have and each once, and
/// outside of the database /usr is the base's and `mine`.
#[track_caller]
fn check(machine: &Machine, versions: &[(&str, &str)], mine: &Tree) {
    check_without(machine, versions, mine, &[]);
}

/// As [`check`], less what the base has at paths that begin so.
#[track_caller]
fn check_without(machine: &Machine, versions: &[(&str, &str)], mine: &Tree, hidden: &[&str]) {
    let is_hidden = |path: &Path| hidden.iter().any(|start| path.to_string_lossy().starts_with(start));
    let expected: Vec<(String, Vec<String>)> =
        versions.iter().map(|(name, version)| (name.to_string(), vec![version.to_string()])).collect();
    assert_eq!(installed(&machine.sysroot).into_iter().collect::<Vec<_>>(), expected);
    assert_content(&machine.sysroot);
    let files = |tree: &Tree| tree.without(|path| path.starts_with(DATABASE));
    let mut wanted = files(machine.bare()).without(is_hidden);
    wanted.0.extend(files(mine).0);
    assert_same("files outside of the database", &wanted, &files(&machine.visible()));
    let info =
        |tree: &Tree| tree.below(Path::new(DATABASE).join("info")).without(|p| p.as_os_str().is_empty());
    let mut wanted = info(machine.bare()).without(|path| is_hidden(&Path::new("info").join(path)));
    wanted.0.extend(info(mine).0);
    assert_same("the database's info files", &wanted, &info(&machine.visible()));
}

/// The part of a tree that a package of the user's brought.
fn part(tree: &Tree, words: &[&str]) -> Tree {
    tree.without(|path| !words.iter().any(|word| path.to_string_lossy().contains(word)))
}

const VERSIONS_B: [(&str, &str); 4] =
    [("base-system", "2"), ("editor", "1:3.1-1"), ("libfoo", "1.1"), ("newcomer", "1.0")];

fn with_ollama(version: &'static str) -> Vec<(&'static str, &'static str)> {
    [&VERSIONS_B[..], &[("ollama", version)]].concat()
}

fn of_the_user(dir: &Path, form: Form, store: Store) {
    let (mut machine, a, b) = machine(dir, form, store, &packages_b());
    install(&machine.sysroot, &[ollama("0.5").build(dir)]);
    assert_content(&machine.sysroot);
    let on_a = (installed(&machine.sysroot), machine.visible());
    machine.install(&b);
    let status = machine.boot_layer("rebased").status;
    assert!(status.problems.is_empty(), "{status:?}");
    // The directory of units came with the package.
    let mine = part(&on_a.1, &["ollama", "systemd/system/"]).and(on_a.1.only("lib/systemd/system"));
    check(&machine, &with_ollama("0.5"), &mine);

    // Used again: the same; and package management works on.
    machine.boot_layer("used");
    check(&machine, &with_ollama("0.5"), &mine);
    install(&machine.sysroot, &[Deb::new("more", "1", Edits::new().file("bin/more", "more")).build(dir)]);
    tool(dpkg(&machine.sysroot).args(["--purge", "ollama"]));
    assert_content(&machine.sysroot);
    assert!(
        !machine.usr().join("bin/ollama").exists() && !installed(&machine.sysroot).contains_key("ollama")
    );

    machine.install(&a);
    machine.boot_layer("used");
    assert_eq!(installed(&machine.sysroot), on_a.0, "back on A");
    assert_same("back on A", &on_a.1, &machine.visible());
    assert_content(&machine.sysroot);
}

/// B has the user's package in a newer version: all of it is B's, once.
fn base_ships_it(dir: &Path) {
    let mut packages = packages_b();
    packages.push(ollama("1.5"));
    let (mut machine, _, b) = machine(dir, Form::Dir, Store::Dir, &packages);
    install(&machine.sysroot, &[ollama("0.5").build(dir)]);
    machine.install(&b);
    machine.boot_layer("rebased");
    check(&machine, &with_ollama("1.5"), &Tree::default());
}

/// A 1.0, user 1.2, B 1.1: 1.2 stays, and what only B's has is hidden.
fn upgraded(dir: &Path) {
    let (mut machine, _, b) = machine(dir, Form::Dir, Store::Dir, &packages_b());
    let files = Edits::new()
        .file("lib/libfoo.so.1", "foo 1.2")
        .file("share/doc/libfoo/NEWS", "1.2")
        .file("lib/foo/only-in-1.2", "y");
    install(&machine.sysroot, &[Deb::new("libfoo", "1.2", files).build(dir), ollama("0.5").build(dir)]);
    assert_content(&machine.sysroot);
    let on_a = machine.visible();
    machine.install(&b);
    let status = machine.boot_layer("rebased").status;
    assert!(status.problems.is_empty(), "{status:?}");
    let versions: Vec<_> =
        with_ollama("0.5").iter().map(|(n, v)| (*n, if *n == "libfoo" { "1.2" } else { *v })).collect();
    let mine = part(&on_a, &["ollama", "libfoo", "lib/foo"]).and(on_a.only("lib/systemd/system"));
    check_without(&machine, &versions, &mine, &["lib/foo/x"]);
}

fn tells_of(status: &Status, package: &str) -> bool {
    let named = |name: &str| name.split(':').next() == Some(package);
    status.problems.iter().any(|problem| problem.package.as_deref().is_some_and(named))
}

/// A removed base package stays removed, with all that B's version has.
fn removed(dir: &Path) {
    let (mut machine, _, b) = machine(dir, Form::Dir, Store::Dir, &packages_b());
    tool(dpkg(&machine.sysroot).args(["--purge", "editor"]));
    machine.install(&b);
    machine.boot_layer("rebased");
    let versions: Vec<_> = VERSIONS_B.into_iter().filter(|(name, _)| *name != "editor").collect();
    check_without(&machine, &versions, &Tree::default(), &["bin/editor", "share/editor", "info/editor."]);
}

fn untouched(dir: &Path) {
    let (mut machine, _, b) = machine(dir, Form::Dir, Store::Dir, &packages_b());
    Edits::new().file("share/mine", "mine").apply(&machine.usr());
    let on_a = machine.visible();
    machine.install(&b);
    let status = machine.boot_layer("rebased").status;
    assert!(status.problems.is_empty(), "{status:?}");
    check(&machine, &VERSIONS_B, &part(&on_a, &["share/mine"]));
    let database = |tree: &Tree| tree.below(DATABASE);
    assert_same("the database", &database(machine.bare()), &database(&machine.visible()));
}

/// A reinstall of what the base has anyway: files and database are copied up, but nothing of it is the user's.
fn reinstalled(dir: &Path, name: &str) {
    let (mut machine, _, b) = machine(dir, Form::Dir, Store::Dir, &packages_b());
    let package = packages_a().into_iter().find(|package| package.name() == name).expect("a package of A");
    install(&machine.sysroot, &[package.build(dir)]);
    assert_content(&machine.sysroot);
    machine.install(&b);
    let status = machine.boot_layer("rebased").status;
    assert!(!tells_of(&status, "libfoo"), "{status:?}");
    check(&machine, &VERSIONS_B, &Tree::default());
}

/// The layer's own copy of the database cannot be read: the base's is shown, nothing is lost, and it is said.
fn damaged(dir: &Path) {
    let (mut machine, _, b) = machine(dir, Form::Dir, Store::Dir, &packages_b());
    install(&machine.sysroot, &[ollama("0.5").build(dir)]);
    let garbage: Vec<u8> = (0..5000u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    Edits::new().file(Path::new(DATABASE).join("status"), garbage).apply(&machine.usr());
    machine.install(&b);
    let boot = machine.boot();
    assert!(!boot.program.stderr.contains("panicked"), "{boot:?}");
    if boot.status.layered {
        assert_content(&machine.sysroot);
        assert!(!boot.status.problems.is_empty(), "nobody is told: {:?}", boot.status);
        assert!(machine.usr().join("bin/ollama").exists(), "the user's files");
    } else {
        assert_eq!(boot.status.reason, "rebase-failed", "{:?}", boot.status);
    }
}

/// B has no database: the user's files are there, and it is said or refused.
fn gone(dir: &Path) {
    let (mut machine, _, _) = machine(dir, Form::Dir, Store::Dir, &packages_b());
    install(&machine.sysroot, &[ollama("0.5").build(dir)]);
    let b = Base::build(dir, "C", Form::Dir, &system("3"));
    machine.install(&b);
    let status = machine.boot().status;
    if status.layered {
        assert!(machine.usr().join("bin/ollama").exists(), "the user's files: {status:?}");
        if machine.usr().join(DATABASE).join("status").exists() {
            assert_content(&machine.sysroot);
        }
        assert!(!status.problems.is_empty(), "nobody is told: {status:?}");
    } else {
        assert!(["incompatible", "rebase-failed"].contains(&status.reason.as_str()), "{status:?}");
    }
}
