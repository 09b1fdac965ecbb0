//! Databases and records that are damaged, elsewhere, or not there; and a base that has nothing in common with the old one.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use veneer_tests::base::{Base, Form, system};
use veneer_tests::deb::{DATABASE, Deb, assert_content, fill, install, listed, purge};
use veneer_tests::edit::Edits;
use veneer_tests::tree::{Tree, assert_same};

use super::ground::{
    Expected, assert_whole, libfoo, machine, ollama, ollamas, packages_a, packages_b, part, rebase, tells_of,
};

/// The layer's own copy of the database cannot be read: the bare base, nothing is lost, and it is said.
pub(super) fn damaged(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_a(), &packages_b());
    install(&machine.sysroot, &[ollama("0.5").build(dir)]);
    let garbage: Vec<u8> = (0..5000u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    Edits::new().file(Path::new(DATABASE).join("status"), garbage).apply(&machine.usr());
    machine.install(&b);
    let boot = machine.boot_pristine(&["rebase-failed"]);
    assert!(boot.status.message.contains("dpkg/status is damaged"), "{boot:?}");
}

/// A status file that lacks packages which nobody removed: they are there, nothing of them is hidden, and it is said.
pub(super) fn cut_short(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_a(), &packages_b());
    install(&machine.sysroot, &[ollama("0.5").build(dir)]);
    let path = machine.usr().join(DATABASE).join("status");
    let text = fs::read_to_string(&path).expect("read the status");
    let kept: Vec<&str> =
        text.split("\n\n").filter(|stanza| stanza.starts_with("Package: ollama\n")).collect();
    fs::write(&path, format!("{}\n\n", kept.join("\n\n"))).expect("write the status");
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    for name in ["base-system", "editor", "libfoo"] {
        assert!(tells_of(&status, name), "{name}: {status:?}");
    }
    assert_whole(
        &machine,
        &Expected { listed: &[("ollama", "0.5 ii")], mine: ollamas(&on_a), ..Expected::default() },
    );
}

fn changes(
    dir: &Path,
    spoil: impl Fn(&Path),
) -> (super::ground::Expected<'static>, veneer_tests::machine::Machine, veneer_tests::status::Status) {
    let mut packages = packages_b();
    packages.push(Deb::new("helper", "1.5", Edits::new().file("bin/helper", "helper 1.5")));
    let (mut machine, _, b) = machine(dir, &packages_a(), &packages);
    let helper = Deb::new("helper", "1.0", Edits::new().file("bin/helper", "helper 1.0"));
    install(&machine.sysroot, &[ollama("0.5").build(dir), libfoo("1.2").build(dir), helper.build(dir)]);
    purge(&machine.sysroot, &["editor"]);
    let on_a = machine.visible();
    machine.shutdown();
    let name = machine.layer_names().pop().expect("a layer");
    spoil(&machine.layer(&name).join("record"));
    let status = rebase(&mut machine, &b);
    let expected = Expected {
        listed: &[("libfoo", "1.2 ii"), ("ollama", "0.5 ii"), ("editor", "")],
        hidden: &["lib/foo/only-in-1.1", "bin/editor", "share/editor"],
        mine: ollamas(&on_a).and(part(&on_a, &["libfoo", "lib/foo"])),
        ..Expected::default()
    };
    (expected, machine, status)
}

/// A layer that never had a record: what it shows by itself is enough for the verdicts.
pub(super) fn no_record(dir: &Path) {
    let (expected, machine, status) =
        changes(dir, |record| fs::remove_dir_all(record).expect("remove the record"));
    assert!(status.problems.is_empty(), "{status:?}");
    assert_whole(&machine, &expected);
}

/// A damaged record is none, and that is said.
pub(super) fn damaged_record(dir: &Path) {
    let (expected, machine, status) = changes(dir, |record| {
        let path = record.join("packages");
        let mut bytes = fs::read(&path).expect("read the record");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x20;
        fs::write(&path, bytes).expect("write the record");
    });
    assert_eq!(
        status.problems.iter().map(|p| p.kind.as_str()).collect::<Vec<_>>(),
        ["limited"],
        "{status:?}"
    );
    assert_whole(&machine, &expected);
}

/// B has no database: the user's files are there, and it is said.
pub(super) fn gone(dir: &Path) {
    let (mut machine, _, _) = machine(dir, &packages_a(), &packages_b());
    install(&machine.sysroot, &[ollama("0.5").build(dir)]);
    let b = Base::build(dir, "C", Form::Dir, &system("3"));
    machine.install(&b);
    let status = machine.boot_layer("rebased").status;
    assert!(!status.problems.is_empty(), "nobody is told: {status:?}");
    assert!(machine.usr().join("bin/ollama").exists(), "the user's files");
    assert!(!machine.usr().join(DATABASE).exists(), "a database that describes A");
}

/// B has its database elsewhere below /usr: the new one is there, and there is one.
pub(super) fn elsewhere(dir: &Path) {
    const ELSEWHERE: &str = "share/dpkg/database";
    let (mut machine, _, _) = machine(dir, &packages_a(), &packages_b());
    install(&machine.sysroot, &[ollama("0.5").build(dir), libfoo("1.2").build(dir)]);
    purge(&machine.sysroot, &["editor"]);
    let on_a = machine.visible();
    let c = Base::build_with(dir, "C", Form::Dir, |usr| {
        fill(dir, usr, &packages_b());
        fs::create_dir_all(usr.join("share/dpkg")).expect("make the place");
        fs::rename(usr.join(DATABASE), usr.join(ELSEWHERE)).expect("move the database");
    });
    machine.install(&c);
    let link = machine.sysroot.join("var/lib/dpkg");
    fs::remove_file(&link).expect("remove the link");
    symlink(format!("../../usr/{ELSEWHERE}"), &link).expect("link the database");
    let status = machine.boot_layer("rebased").status;
    assert!(status.problems.is_empty(), "{status:?}");
    let states = listed(&machine.sysroot);
    assert_eq!((&states["ollama"][0][..], &states["libfoo"][0][..]), ("0.5 ii", "1.2 ii"));
    assert!(!states.contains_key("editor") && states.len() == 4, "{states:?}");
    assert_content(&machine.sysroot);
    assert!(!machine.usr().join(DATABASE).exists(), "two databases");
    let files =
        |tree: &Tree| tree.without(|path| path.starts_with("lib/sysimage") || path.starts_with(ELSEWHERE));
    let wanted = machine.bare().without(|path| {
        ["lib/foo/only-in-1.1", "bin/editor", "share/editor"].iter().any(|gone| path.starts_with(gone))
    });
    let wanted = wanted.and(ollamas(&on_a)).and(part(&on_a, &["libfoo", "lib/foo"]));
    assert_same("all but the database", &files(&wanted), &files(&machine.visible()));
    purge(&machine.sysroot, &["ollama"]);
    assert_content(&machine.sysroot);
}

/// A major version, without a network: nothing of the user's is lost, the base is whole, and what does not hold is told.
pub(super) fn major(dir: &Path) {
    let (mut machine, _, _) = machine(dir, &packages_a(), &packages_b());
    install(&machine.sysroot, &[ollama("0.5").build(dir), libfoo("1.2").build(dir)]);
    purge(&machine.sysroot, &["editor"]);
    let on_a = machine.visible();
    let c = Base::build_with(dir, "C", Form::Dir, |usr| {
        let lib = Edits::new().file("lib/libfoo.so.2", "foo 2").file("share/doc/libfoo2/NEWS", "2");
        let packages = [
            Deb::new("base-system", "9", system("9")),
            Deb::new("libfoo2", "2.0", lib),
            Deb::new("editor", "1:9", Edits::new().file("bin/editor", "editor 9")),
        ];
        fill(dir, usr, &packages);
    });
    let status = rebase(&mut machine, &c);
    assert_eq!(
        status.problems.iter().map(|p| p.kind.as_str()).collect::<Vec<_>>(),
        ["orphaned"],
        "{status:?}"
    );
    let listed = &[("ollama", "0.5 ii"), ("libfoo", "1.2 ii"), ("editor", "")];
    let mine = ollamas(&on_a).and(part(&on_a, &["libfoo.so.1", "doc/libfoo/", "info/libfoo.", "lib/foo"]));
    let mine = mine.and(on_a.only("share/doc/libfoo"));
    assert_whole(&machine, &Expected { listed, hidden: &["bin/editor"], mine, ..Expected::default() });
}
