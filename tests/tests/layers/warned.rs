//! `veneer status` of a real layer: what it changes, what is dangerous, and that it fits a screen.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use veneer_tests::deb::{Deb, install, purge};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::run::tool;
use veneer_tests::scenario::{Need, Scenario};

use crate::dpkg::{machine, packages_a, packages_b};

const DEBS: &[Need] = &[Need::Tool("dpkg"), Need::Tool("dpkg-deb"), Need::Tool("setcap")];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "warned_of_what_is_dangerous", needs: DEBS, run: dangers },
    Scenario { name: "warned_reset_keeps_the_wanted", needs: DEBS, run: wanted },
];

#[track_caller]
fn status(machine: &Machine) -> (Value, String) {
    let done = machine.veneer(&["status", "--json"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let text = machine.veneer(&["status"]);
    assert_eq!(text.code, Some(0), "{text:?}");
    let lines: Vec<&str> = text.stdout.lines().collect();
    assert!(lines.len() <= 24 && lines.iter().all(|line| line.chars().count() <= 80), "{}", text.stdout);
    (serde_json::from_str(&done.stdout).expect("JSON"), text.stdout)
}

/// Kind, and package or path, of each warning.
fn told(status: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let warnings = status["now"]["warnings"].as_array().expect("a list");
    let about = |one: &Value| if one["path"].is_null() { text(&one["package"]) } else { text(&one["path"]) };
    warnings.iter().map(|one| (text(&one["kind"]), about(one))).collect()
}

fn dangers(dir: &Path) {
    let mut a = packages_a();
    a.push(Deb::new("mount", "2", Edits::new().file("bin/mount", "mount").mode("bin/mount", 0o4755)));
    let (mut machine, _, b) = machine(dir, &a, &packages_b());
    let (nothing, text) = status(&machine);
    assert!(told(&nothing).is_empty(), "{nothing}");
    assert!(text.contains("Packages: the base's, unchanged"), "{text}");

    // An older libfoo than the base's, a newer editor, a setuid file of a package, and files of nobody.
    let old = Deb::new("libfoo", "0.9", Edits::new().file("lib/libfoo.so.1", "foo 0.9"));
    let new = Deb::new("editor", "1:4.0", Edits::new().file("bin/editor", "editor 4"));
    let tool_of = Edits::new().file("bin/ping", "ping").mode("bin/ping", 0o4755);
    let owned = Deb::new("ping", "1", tool_of);
    install(&machine.sysroot, &[old.build(dir), new.build(dir), owned.build(dir)]);
    purge(&machine.sysroot, &["leftover"]);
    Edits::new()
        .file("bin/su2", "mine")
        .mode("bin/su2", 0o4755)
        .file("bin/write2", "mine")
        .mode("bin/write2", 0o2755)
        .file("bin/plain", "mine")
        .mode("bin/plain", 0o755)
        .file("bin/caps", "mine")
        .mode("bin/caps", 0o755)
        // Of the base and copied up: its package owns it.
        .append("bin/mount", "more")
        .mode("bin/mount", 0o4755)
        .file("lib/systemd/systemd", "mine")
        .mode("lib/systemd/systemd", 0o755)
        .apply(&machine.usr());
    tool(Command::new("setcap").arg("cap_net_raw+ep").arg(machine.usr().join("bin/caps")));
    let (all, text) = status(&machine);
    let expected = [
        ("outdated-package", "libfoo"),
        ("unowned-privilege", "/usr/bin/caps"),
        ("unowned-privilege", "/usr/bin/su2"),
        ("unowned-privilege", "/usr/bin/write2"),
        ("protected-shadowed", "/usr/lib/systemd/systemd"),
    ];
    assert_eq!(told(&all), expected.map(|(kind, about)| (kind.to_owned(), about.to_owned())));
    let packages = &all["now"]["packages"];
    assert_eq!(packages["added"][0]["name"], "ping");
    assert_eq!(packages["removed"][0]["name"], "leftover");
    let overridden = packages["overridden"].as_array().expect("a list");
    let overridden: Vec<_> =
        overridden.iter().map(|one| (one["name"].as_str(), one["is_older"].as_bool())).collect();
    assert_eq!(overridden, [(Some("editor"), Some(false)), (Some("libfoo"), Some(true))]);
    for words in
        ["5 things to know", "1 added: ping", "2 overridden: editor 1:4.0 (base 1:3.0-1)", "1 removed"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }

    // The next base's libfoo is used, and its systemd: what is left is what goes along.
    let done = machine.veneer(&["check", "--json", "--base", b.path.to_str().expect("UTF-8")]);
    let check: Value = serde_json::from_str(&done.stdout).expect("JSON");
    let beforehand = told(&serde_json::json!({ "now": { "warnings": check["warnings"] } }));
    machine.record();
    machine.install(&b);
    machine.boot_layer("rebased");
    let (after, _) = status(&machine);
    assert_eq!(beforehand, told(&after), "{check}");
    assert_eq!(told(&after).len(), 3, "{after}");
}

/// What was wanted is kept with the command for it; what came for its sake is not.
fn wanted(dir: &Path) {
    let (mut machine, ..) = machine(dir, &packages_a(), &packages_b());
    let part = Deb::new("part", "1", Edits::new().file("bin/part", "p"));
    let whole = Deb::new("whole", "1", Edits::new().file("bin/whole", "w")).with("Depends: part\n");
    let other = Deb::new("another", "1", Edits::new().file("bin/another", "a"));
    install(&machine.sysroot, &[part.build(dir), whole.build(dir), other.build(dir)]);
    let states = machine.sysroot.join("var/lib/apt/extended_states");
    std::fs::create_dir_all(states.parent().expect("a directory")).expect("make apt's directory");
    std::fs::write(&states, "Package: part\nArchitecture: amd64\nAuto-Installed: 1\n\n").expect("write it");
    let done = machine.veneer(&["reset", "--soft", "--yes"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(done.stdout.lines().last(), Some("apt-get install another whole"), "{done:?}");
    let kept = std::fs::read_to_string(machine.sysroot.join("var/lib/veneer/wanted.json")).expect("the list");
    let kept: Value = serde_json::from_str(&kept).expect("JSON");
    assert_eq!(kept, serde_json::json!({ "manager": "dpkg", "names": ["another", "whole"] }));
    machine.boot_layer("used");
    assert!(!machine.usr().join("bin/whole").exists());
    // Nothing was added to this one: the list stays what it is about, and nothing is to be installed.
    let done = machine.veneer(&["reset", "--soft", "--yes"]);
    assert!(done.stdout.contains("nothing to install again"), "{done:?}");
}
