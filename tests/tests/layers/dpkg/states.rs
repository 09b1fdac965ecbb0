//! Packages in other states than installed, and of other architectures than the machine's.

use std::fs;
use std::path::Path;

use veneer_tests::deb::{DATABASE, Deb, assert_content, dpkg, foreign, install, listed, native};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::run::tool;

use super::ground::{
    Expected, assert_whole, libfoo, machine, ollama, ollamas, packages_a, packages_b, part, rebase, record,
    tells_of,
};

/// Replaces a text in the layer's status file.
fn edit_status(machine: &Machine, from: &str, to: &str) {
    let path = machine.usr().join(DATABASE).join("status");
    let text = fs::read_to_string(&path).expect("read the status");
    assert!(text.contains(from), "{from:?} in {text}");
    fs::write(&path, text.replacen(from, to, 1)).expect("write the status");
}

/// `hold` stays with a base package at B's version, with the user's own, and with one that is not installed at all.
pub(super) fn held(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_a(), &packages_b());
    install(&machine.sysroot, &[ollama("0.5").build(dir)]);
    let wishes = "editor hold\nollama hold\nfuture hold\n";
    let file = dir.join("wishes");
    fs::write(&file, wishes).expect("write the wishes");
    // dpkg takes wishes only for packages that it has heard of.
    let available = "Package: future\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n";
    Edits::new().file(Path::new(DATABASE).join("available"), available).apply(&machine.usr());
    let line = format!("dpkg --root={} --set-selections < {}", machine.sysroot.display(), file.display());
    tool(std::process::Command::new("sh").args(["-c", &line]));
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    assert!(status.problems.is_empty(), "{status:?}");
    // The descriptions of a package that is only held are the base's.
    let editors = part(machine.bare(), &["info/editor."]);
    let listed = &[("editor", "1:3.1-1 hi"), ("ollama", "0.5 hi")];
    let mine = ollamas(&on_a).and(editors);
    assert_whole(&machine, &Expected { listed, mine, ..Expected::default() });
    let selections = tool(dpkg(&machine.sysroot).args(["--get-selections", "future"]));
    assert!(selections.lines().any(|line| line.split_whitespace().eq(["future", "hold"])), "{selections}");
    // What is held can be released, and is B's then.
    fs::write(&file, "editor install\n").expect("write the wishes");
    tool(std::process::Command::new("sh").args(["-c", &line]));
    assert_content(&machine.sysroot);
}

/// What was cut off on A stays so, and dpkg can go on; but half of a newer version does not stand over B's whole one.
pub(super) fn unfinished(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_a(), &packages_b());
    let deb = |name| Deb::new(name, "1", Edits::new().file(format!("bin/{name}"), name));
    let unpacked = deb("unpacked").build(dir);
    tool(dpkg(&machine.sysroot).arg("--unpack").arg(&unpacked));
    install(&machine.sysroot, &[deb("half").build(dir), libfoo("1.2").build(dir)]);
    for (name, version) in [("half", "1"), ("libfoo", "1.2")] {
        let stanza = format!("Package: {name}\nStatus: install ok installed\n");
        edit_status(
            &machine,
            &stanza,
            &format!("Package: {name}\nStatus: install reinstreq half-installed\n"),
        );
        assert!(listed(&machine.sysroot)[name][0].starts_with(version));
    }
    record(&machine);
    let status = rebase(&mut machine, &b);
    for name in ["unpacked", "half", "libfoo"] {
        assert!(tells_of(&status, name), "{name}: {status:?}");
    }
    let states = listed(&machine.sysroot);
    assert_eq!(
        (&*states["unpacked"], &*states["libfoo"]),
        (&["1 iU".to_owned()][..], &["1.1 ii".to_owned()][..])
    );
    assert_eq!(states["half"], ["1 iHR"]);
    assert!(!machine.usr().join("lib/foo/only-in-the-users").exists());
    tool(dpkg(&machine.sysroot).args(["--configure", "unpacked"]));
    install(&machine.sysroot, &[deb("half").build(dir)]);
    assert_content(&machine.sysroot);
    assert_eq!(listed(&machine.sysroot)["unpacked"], ["1 ii"]);
}

/// What dpkg had done when the power went, and not yet written into the status file.
pub(super) fn journal(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_a(), &packages_b());
    let path = machine.usr().join(DATABASE).join("status");
    let before = fs::read_to_string(&path).expect("read the status");
    install(&machine.sysroot, &[ollama("0.5").build(dir), libfoo("1.2").build(dir)]);
    let after = fs::read_to_string(&path).expect("read the status");
    let stanza = |name: &str| {
        let start = after.find(&format!("Package: {name}\n")).expect("a stanza");
        let end = after[start..].find("\n\n").map_or(after.len(), |end| start + end + 1);
        after[start..end].to_owned()
    };
    fs::write(&path, before).expect("write the status");
    let updates = path.with_file_name("updates");
    fs::write(updates.join("0000"), stanza("ollama").replace("ok installed", "ok half-installed"))
        .expect("write");
    fs::write(updates.join("0001"), stanza("ollama")).expect("write");
    fs::write(updates.join("0002"), stanza("libfoo")).expect("write");
    fs::write(updates.join("tmp.i"), "not whole").expect("write");
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    assert!(status.problems.is_empty(), "{status:?}");
    let listed = &[("libfoo", "1.2 ii"), ("ollama", "0.5 ii")];
    let mine = ollamas(&on_a).and(part(&on_a, &["libfoo", "lib/foo"]));
    let hidden = &["lib/foo/only-in-1.1"];
    assert_whole(&machine, &Expected { listed, hidden, mine, ..Expected::default() });
}

/// A library of the base, installed by the user for another architecture too: it stays, what both share is the base's, and
/// that they are of two versions is told.
pub(super) fn multi_arch(dir: &Path) {
    let lib = |version: &'static str, arch: &'static str, doc: &str| {
        let files = Edits::new()
            .file(format!("lib/{arch}/libbar.so.1"), format!("{arch} {version}"))
            .file("share/doc/libbar/copyright", doc);
        Deb::new("libbar", version, files).arch(arch).with("Multi-Arch: same\n")
    };
    let (mut a, mut b) = (packages_a(), packages_b());
    a.push(lib("1", native(), "of 1"));
    b.push(lib("2", native(), "of 2"));
    let (mut machine, _, b) = machine(dir, &a, &b);
    tool(dpkg(&machine.sysroot).args(["--add-architecture", foreign()]));
    install(&machine.sysroot, &[lib("1", foreign(), "of 1").build(dir)]);
    record(&machine);
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    let name = format!("libbar:{}", foreign());
    assert!(tells_of(&status, &name), "{status:?}");
    assert_eq!(status.problems.len(), 1, "nothing is set aside: {status:?}");
    let visible = machine.visible();
    let shared = "share/doc/libbar/copyright";
    assert_eq!(visible.get(shared), machine.bare().get(shared));
    for path in [format!("lib/{}/libbar.so.1", foreign()), format!("{DATABASE}/info/{name}.list")] {
        assert_eq!(visible.get(&path), on_a.get(&path), "{path}");
    }
    let states = listed(&machine.sysroot);
    assert_eq!((&states[&name][0][..], &states[&format!("libbar:{}", native())][0][..]), ("1 ii", "2 ii"));
    let architectures = tool(dpkg(&machine.sysroot).arg("--print-foreign-architectures"));
    assert_eq!(architectures.trim(), foreign());
    // Brought together again.
    install(&machine.sysroot, &[lib("2", foreign(), "of 2").build(dir)]);
    assert_content(&machine.sysroot);
}

/// A package that goes from `all` to the machine's architecture is the same package.
pub(super) fn arch_changes(dir: &Path) {
    let deb = |name, version: &'static str, arch| {
        Deb::new(name, version, Edits::new().file(format!("share/{name}/file"), version)).arch(arch)
    };
    let (mut a, mut b) = (packages_a(), packages_b());
    a.extend([deb("base-tool", "1", "all"), deb("newer", "1", native()), deb("removed", "1", "all")]);
    b.extend([deb("base-tool", "2", native()), deb("newer", "2", "all"), deb("removed", "2", native())]);
    b.push(deb("back", "2", native()));
    let (mut machine, _, b) = machine(dir, &a, &b);
    install(&machine.sysroot, &[deb("newer", "3", native()).build(dir), deb("back", "1", "all").build(dir)]);
    tool(dpkg(&machine.sysroot).args(["--purge", "removed"]));
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    assert!(status.problems.is_empty(), "{status:?}");
    let listed = &[("newer", "3 ii"), ("removed", "")];
    let mine = part(&on_a, &["share/newer", "info/newer."]);
    let hidden = &["share/removed"];
    assert_whole(&machine, &Expected { listed, hidden, mine, ..Expected::default() });
}
