//! Each row of the table of verdicts.

use std::path::Path;

use veneer_tests::base::{Base, Form, system};
use veneer_tests::deb::{DATABASE, Deb, assert_content, dpkg, fill, install, installed, purge};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::run::tool;
use veneer_tests::store::Store;
use veneer_tests::tree::{Kind, Tree, assert_same};

use super::ground::{
    Expected, assert_whole, boot, libfoo, machine, machine_of, ollama, ollamas, packages_a, packages_b, part,
    rebase, record, tells_of,
};

/// KEEP: it is there, once; package management works on; back on A everything is as it was.
pub(super) fn of_the_user(dir: &Path, form: Form, store: Store) {
    let (mut machine, a, b) = machine_of(dir, form, store, &packages_a(), &packages_b());
    install(&machine.sysroot, &[ollama("0.5").build(dir)]);
    assert_content(&machine.sysroot);
    let on_a = (installed(&machine.sysroot), machine.visible());
    let status = rebase(&mut machine, &b);
    assert!(status.problems.is_empty(), "{status:?}");
    let expected =
        Expected { listed: &[("ollama", "0.5 ii")], mine: ollamas(&on_a.1), ..Expected::default() };
    assert_whole(&machine, &expected);

    install(&machine.sysroot, &[Deb::new("more", "1", Edits::new().file("bin/more", "more")).build(dir)]);
    install(&machine.sysroot, &[ollama("0.6").build(dir)]);
    purge(&machine.sysroot, &["ollama"]);
    assert_content(&machine.sysroot);
    assert!(
        !machine.usr().join("bin/ollama").exists() && !installed(&machine.sysroot).contains_key("ollama")
    );

    machine.install(&a);
    machine.boot_layer("used");
    assert_eq!(installed(&machine.sysroot), on_a.0, "back on A");
    assert_same("back on A", &on_a.1, &machine.visible());
    assert_content(&machine.sysroot);
    machine.install(&b);
    machine.boot_layer("used");
    assert!(installed(&machine.sysroot).contains_key("more"), "B's layer as it was left");
}

/// HANDBACK: B has the user's package as new or newer: all of it is B's, once, and nothing of it is in the upper.
pub(super) fn base_ships_it(dir: &Path) {
    for (number, version) in ["1.5", "0.5"].into_iter().enumerate() {
        let dir = dir.join(number.to_string());
        std::fs::create_dir(&dir).expect("make a directory");
        let mut packages = packages_b();
        packages.push(ollama(version));
        let (mut machine, _, b) = machine(&dir, &packages_a(), &packages);
        install(&machine.sysroot, &[ollama("0.5").build(&dir)]);
        record(&machine);
        let status = rebase(&mut machine, &b);
        assert!(status.problems.is_empty(), "{status:?}");
        assert_whole(&machine, &Expected::default());
        let upper = Tree::read(&machine.layer(&status.layer().id).join("upper"));
        let left: Vec<_> = part(&upper, &["ollama", "systemd"]).0.into_keys().collect();
        assert!(left.is_empty(), "{left:?}");
        machine.shutdown();
    }
}

/// OVERRIDE: A 1.0, user 1.2, B 1.1: 1.2 stays, what only B's has is hidden. C has 1.3: handed back.
pub(super) fn newer(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_a(), &packages_b());
    install(&machine.sysroot, &[libfoo("1.2").build(dir), ollama("0.5").build(dir)]);
    record(&machine);
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    assert!(status.problems.is_empty(), "{status:?}");
    let users = part(&on_a, &["libfoo", "lib/foo"]);
    let listed = &[("libfoo", "1.2 ii"), ("ollama", "0.5 ii")];
    let mine = users.clone().and(ollamas(&on_a));
    let hidden = &["lib/foo/only-in-1.1"];
    assert_whole(&machine, &Expected { listed, hidden, mine, ..Expected::default() });

    let mut packages = packages_b();
    packages.retain(|package| !["libfoo", "base-system"].contains(&package.name()));
    packages.push(Deb::new("base-system", "3", system("3")));
    packages.push(Deb::new("libfoo", "1.3", Edits::new().file("lib/libfoo.so.1", "foo 1.3")));
    let c = Base::build_with(dir, "C", Form::Dir, |usr| fill(dir, usr, &packages));
    let status = rebase(&mut machine, &c);
    assert!(status.problems.is_empty(), "{status:?}");
    // C has no documents of its own.
    let mine = ollamas(&on_a).and(on_a.only("share/doc"));
    assert_whole(&machine, &Expected { listed: &[("ollama", "0.5 ii")], mine, ..Expected::default() });
}

/// Epoch, `~` and revisions: dpkg's own order decides.
pub(super) fn order(dir: &Path) {
    let rows: [(&'static str, &'static str, &'static str, bool); 6] = [
        ("epoch", "1:1.0", "2.0", true),
        ("rc", "2.0~rc1", "2.0", false),
        ("numbers", "1.10", "1.9", true),
        ("revision", "1.0-1", "1.0-1+b1", false),
        ("backport", "1.2-1~bpo13+1", "1.2-1", false),
        ("later", "1.2-1.1", "1.2-1", true),
    ];
    let deb = |name, version: &'static str, whose: &str| {
        Deb::new(name, version, Edits::new().file(format!("share/{name}/file"), format!("{version} {whose}")))
    };
    let (mut a, mut b) = (packages_a(), packages_b());
    a.extend(rows.map(|(name, ..)| deb(name, "0.1", "of A")));
    b.extend(rows.map(|(name, _, base, _)| deb(name, base, "of B")));
    let (mut machine, _, b) = machine(dir, &a, &b);
    let debs = rows.map(|(name, user, ..)| deb(name, user, "the user's").build(dir));
    install(&machine.sysroot, &debs);
    let on_a = machine.visible();
    rebase(&mut machine, &b);
    let stay: Vec<_> = rows.iter().filter(|row| row.3).collect();
    let states: Vec<_> = stay.iter().map(|row| (row.0, format!("{} ii", row.1))).collect();
    let listed: Vec<_> = states.iter().map(|(name, state)| (*name, state.as_str())).collect();
    let words: Vec<String> =
        stay.iter().flat_map(|row| [format!("share/{}/", row.0), format!("info/{}.", row.0)]).collect();
    let mine = part(&on_a, &words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_whole(&machine, &Expected { listed: &listed, mine, ..Expected::default() });
}

/// REMOVED: nothing of B's version is visible or listed but what is left in /etc, and it can be installed again.
pub(super) fn removed(dir: &Path, purged: bool) {
    let editor = |version: &'static str, files: Edits| {
        let control = Edits::new().file("conffiles", "/etc/editor.conf\n");
        Deb::new("editor", version, files).control(control).etc(Edits::new().file("editor.conf", "conf\n"))
    };
    let old = Edits::new().file("bin/editor", "editor 3.0").file("share/editor/runtime/a", "a");
    let new = Edits::new().file("bin/editor", "editor 3.1").file("share/editor/new", "new");
    let (mut a, mut b) = (packages_a(), packages_b());
    for (packages, editor) in [(&mut a, editor("1:3.0-1", old)), (&mut b, editor("1:3.1-1", new.clone()))] {
        packages.retain(|package| package.name() != "editor");
        packages.push(editor);
    }
    let mut machine = Machine::new(dir, Store::Dir);
    Edits::new().file("etc/editor.conf", "conf\n").apply(&machine.sysroot);
    let b = boot(dir, &mut machine, &a, &b).1;
    let word = if purged { "--purge" } else { "--remove" };
    tool(dpkg(&machine.sysroot).args([word, "editor"]));
    record(&machine);
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    assert!(status.problems.is_empty(), "{status:?}");
    let hidden = &["bin/editor", "share/editor"];
    let expected = if purged {
        Expected { listed: &[("editor", "")], hidden, ..Expected::default() }
    } else {
        let mine = part(&on_a, &["info/editor."]);
        Expected { listed: &[("editor", "1:3.0-1 rc")], hidden, mine, ..Expected::default() }
    };
    assert_whole(&machine, &expected);
    install(&machine.sysroot, &[editor("1:3.1-1", new).build(dir)]);
    assert_content(&machine.sysroot);
    assert_eq!(installed(&machine.sysroot)["editor"], ["1:3.1-1"]);
    purge(&machine.sysroot, &["editor"]);
    assert!(!machine.usr().join("bin/editor").exists());
}

/// The removed package owned a directory where another package of B adds a file: that is visible.
pub(super) fn shared_directory(dir: &Path) {
    let mut packages = packages_b();
    packages.push(Deb::new("plugin", "1", Edits::new().file("share/editor/runtime/plugin", "plugin")));
    let (mut machine, _, b) = machine(dir, &packages_a(), &packages);
    purge(&machine.sysroot, &["editor"]);
    record(&machine);
    rebase(&mut machine, &b);
    let hidden = &["bin/editor", "share/editor/new", "share/editor/runtime/a"];
    assert_whole(&machine, &Expected { listed: &[("editor", "")], hidden, ..Expected::default() });
    assert!(machine.usr().join("share/editor/runtime/plugin").exists());
}

/// A file of the removed package belongs to another package in B: it is visible.
pub(super) fn moved(dir: &Path) {
    let mut packages = packages_b();
    packages.retain(|package| package.name() != "editor");
    packages.push(Deb::new("editor", "1:3.1-1", Edits::new().file("bin/editor", "editor 3.1")));
    packages.push(Deb::new(
        "editor-common",
        "1:3.1-1",
        Edits::new().file("share/editor/runtime/a", "a, moved"),
    ));
    for recorded in [true, false] {
        let dir = dir.join(recorded.to_string());
        std::fs::create_dir(&dir).expect("make a directory");
        let (mut machine, _, b) = machine(&dir, &packages_a(), &packages);
        purge(&machine.sysroot, &["editor"]);
        if recorded {
            record(&machine);
        }
        rebase(&mut machine, &b);
        let hidden = &["bin/editor"];
        if recorded {
            assert_whole(&machine, &Expected { listed: &[("editor", "")], hidden, ..Expected::default() });
        } else {
            // What A's package had is not known: what was hidden stays so, and is listed for the user to see.
            assert!(!machine.usr().join("bin/editor").exists());
        }
        machine.shutdown();
    }
}

/// Something of the user's own, without a package, where a package was that the user removed: it stays.
pub(super) fn own_instead(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_a(), &packages_b());
    purge(&machine.sysroot, &["editor"]);
    Edits::new().file("bin/editor", "my own editor").mode("bin/editor", 0o755).apply(&machine.usr());
    record(&machine);
    let on_a = machine.visible();
    rebase(&mut machine, &b);
    let mine = on_a.only("bin/editor");
    let hidden = &["bin/editor", "share/editor"];
    assert_whole(&machine, &Expected { listed: &[("editor", "")], hidden, mine, ..Expected::default() });
}

/// libc upgraded in the layer, B's newer or older: B's, and if older that is said.
pub(super) fn critical(dir: &Path) {
    let libc = |version: &'static str| {
        Deb::new("libc6", version, Edits::new().file("lib/libtest.so.6", format!("libc {version}")))
    };
    for (number, users) in ["2.40", "2.42"].into_iter().enumerate() {
        let dir = dir.join(number.to_string());
        std::fs::create_dir(&dir).expect("make a directory");
        let (mut a, mut b) = (packages_a(), packages_b());
        a.push(libc("2.39"));
        b.push(libc("2.41"));
        let (mut machine, _, b) = machine(&dir, &a, &b);
        let needs = Deb::new("needs-libc", "1", Edits::new().file("bin/needs-libc", "x"));
        let needs = needs.with(if users == "2.42" {
            "Depends: libc6 (>= 2.42)\n"
        } else {
            "Depends: libc6 (>= 2.40)\n"
        });
        install(&machine.sysroot, &[libc(users).build(&dir), needs.build(&dir)]);
        let on_a = machine.visible();
        let status = rebase(&mut machine, &b);
        let older = users == "2.42";
        assert_eq!(tells_of(&status, "libc6"), older, "{status:?}");
        assert_eq!(tells_of(&status, "needs-libc"), older, "what then breaks: {status:?}");
        let mine = part(&on_a, &["needs-libc"]);
        let listed = &[("needs-libc", "1 ii")];
        assert_whole(&machine, &Expected { listed, mine, broken: older, ..Expected::default() });
        machine.shutdown();
    }
}

/// What no system goes without is there again, and that is said; a newer version of it stays.
pub(super) fn essential(dir: &Path) {
    let deb = |name, version: &'static str| {
        Deb::new(name, version, Edits::new().file(format!("bin/{name}"), version)).with("Essential: yes\n")
    };
    let (mut a, mut b) = (packages_a(), packages_b());
    a.extend([deb("coreutils", "1"), deb("bash", "1")]);
    b.extend([deb("coreutils", "2"), deb("bash", "2")]);
    let (mut machine, _, b) = machine(dir, &a, &b);
    tool(dpkg(&machine.sysroot).args(["--force-remove-essential", "--purge", "coreutils"]));
    install(&machine.sysroot, &[deb("bash", "3").build(dir)]);
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    assert!(tells_of(&status, "coreutils") && !tells_of(&status, "bash"), "{status:?}");
    let mine = part(&on_a, &["bin/bash", "info/bash"]);
    assert_whole(&machine, &Expected { listed: &[("bash", "3 ii")], mine, ..Expected::default() });
}

/// Nothing of packages changed: the database is B's, as it is.
pub(super) fn untouched(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_a(), &packages_b());
    Edits::new().file("share/mine", "mine").apply(&machine.usr());
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    assert!(status.problems.is_empty(), "{status:?}");
    let mine = on_a.only("share/mine");
    assert_whole(&machine, &Expected { mine, ..Expected::default() });
    let database = |tree: &Tree| tree.below(DATABASE);
    assert_same("the database", &database(machine.bare()), &database(&machine.visible()));
}

/// A file of a base package edited by hand: kept if B did not touch it, set aside if B did; told from the digests of A's
/// database alone.
pub(super) fn edited(dir: &Path) {
    let base = |version: &'static str, changes: &str| {
        let files = Edits::new()
            .file("share/tool/same", "as ever")
            .file("share/tool/changes", changes)
            .file("share/tool/copied", "as ever");
        Deb::new("tool", version, files)
    };
    let (mut a, mut b) = (packages_a(), packages_b());
    a.push(base("1", "of A"));
    b.push(base("2", "of B"));
    let (mut machine, _, b) = machine(dir, &a, &b);
    Edits::new()
        .file("share/tool/same", "edited")
        .file("share/tool/changes", "edited")
        .mode("share/tool/copied", 0o644)
        .apply(&machine.usr());
    let on_a = machine.visible();
    record(&machine);
    let status = rebase(&mut machine, &b);
    let aside: Vec<_> = status.problems.iter().filter_map(|problem| problem.path.as_deref()).collect();
    assert!(aside.contains(&"/usr/share/tool/changes"), "{status:?}");
    let visible = machine.visible();
    assert_same("the edited file", &on_a.only("share/tool/same"), &visible.only("share/tool/same"));
    assert_same(
        "all else",
        &machine.bare().without(|p| p.ends_with("tool/same")),
        &visible.without(|p| p.ends_with("tool/same")),
    );
}

/// A reinstall of what the base has anyway: files and database are copied up, but nothing of it is the user's.
pub(super) fn reinstalled(dir: &Path, name: &str) {
    for recorded in [false, true] {
        let dir = dir.join(recorded.to_string());
        std::fs::create_dir(&dir).expect("make a directory");
        let (mut machine, _, b) = machine(&dir, &packages_a(), &packages_b());
        let package =
            packages_a().into_iter().find(|package| package.name() == name).expect("a package of A");
        install(&machine.sysroot, &[package.build(&dir)]);
        if recorded {
            record(&machine);
        }
        let status = rebase(&mut machine, &b);
        assert!(status.problems.is_empty(), "{status:?}");
        assert_whole(&machine, &Expected::default());
        machine.shutdown();
    }
}

/// A file of the user's package edited by hand, and then B has the package: B's is visible, the edit is set aside, and
/// what nobody edited is not.
pub(super) fn edited_then_gone(dir: &Path) {
    let mut packages = packages_b();
    packages.push(ollama("1.5"));
    let (mut machine, _, b) = machine(dir, &packages_a(), &packages);
    install(&machine.sysroot, &[ollama("0.5").build(dir)]);
    Edits::new().file("share/doc/ollama/copyright", "not free").apply(&machine.usr());
    let status = rebase(&mut machine, &b);
    assert_whole(&machine, &Expected::default());
    let paths: Vec<_> = status.problems.iter().filter_map(|problem| problem.path.as_deref()).collect();
    assert_eq!(paths, ["/usr/share/doc/ollama/copyright"], "{status:?}");
    let aside = Tree::read(&machine.layer(&status.layer().id).join("quarantine"));
    let files = aside.0.iter().filter(|(_, node)| matches!(node.kind, Kind::File(..)));
    assert_eq!(files.filter(|(path, _)| path.ends_with("share/doc/ollama/copyright")).count(), 1);
}
