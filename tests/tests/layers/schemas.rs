//! What the command prints for programs is as docs/schemas says, for every command and every form of its answer.

use std::path::Path;

use serde_json::Value;
use veneer_tests::base::{Base, Form};
use veneer_tests::deb::{Deb, install, purge};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::schema::Schema;
use veneer_tests::store::Store;

use crate::dpkg::{machine, packages_a, packages_b};
use crate::stories::{fresh, second};

const DEBS: &[Need] = &[Need::Tool("dpkg"), Need::Tool("dpkg-deb")];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "schemas_hold_for_every_command", needs: DEBS, run: every_command },
    Scenario { name: "schemas_hold_on_a_pristine_boot", needs: &[], run: pristine },
];

/// Runs a command, checks each value that it prints, and returns them.
#[track_caller]
fn asked(machine: &Machine, schema: &str, code: i32, words: &[&str]) -> Vec<Value> {
    let done = machine.veneer(&[&["--json"], words].concat());
    assert_eq!(done.code, Some(code), "{words:?}: {done:?}");
    let values: Vec<Value> = serde_json::Deserializer::from_str(&done.stdout)
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap_or_else(|e| panic!("{words:?}: {e}: {done:?}"));
    assert!(!values.is_empty(), "{words:?} answers nothing");
    let schema = Schema::read(schema);
    for value in &values {
        schema.assert(value);
    }
    values
}

fn every_command(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_a(), &packages_b());
    let base = b.path.display().to_string();
    let base = base.as_str();
    // Of an empty layer.
    asked(&machine, "status", 0, &["status"]);
    asked(&machine, "check", 0, &["check", "--base", base]);
    let mine = Deb::new("mine", "1", Edits::new().file("bin/mine", "m")).with("Depends: leftover\n");
    install(&machine.sysroot, &[mine.build(dir)]);
    purge(&machine.sysroot, &["editor"]);
    let edits = Edits::new().file("bin/own", "own").mode("bin/own", 0o4755).file("lib/libfoo.so.1", "mine");
    edits.apply(&machine.usr());
    machine.record();
    let status = asked(&machine, "status", 0, &["status"]);
    assert_eq!(status[0]["now"]["packages"]["added"][0]["name"], "mine", "{status:?}");
    assert_eq!(status[0]["now"]["packages"]["removed"][0]["name"], "editor", "{status:?}");
    assert_eq!(status[0]["now"]["warnings"][0]["path"], "/usr/bin/own", "{status:?}");
    asked(&machine, "record", 0, &["record"]);
    asked(&machine, "bless", 0, &["bless"]);
    asked(&machine, "layers", 0, &["layers"]);
    asked(&machine, "diff", 0, &["diff"]);
    asked(&machine, "diff", 0, &["diff", "--base", base]);
    let told = asked(&machine, "check", 1, &["check", "--base", base, "--verbose"]);
    assert_eq!(told[0]["warnings"][0]["path"], "/usr/bin/own", "{told:?}");
    asked(&machine, "rebase-dry-run", 0, &["rebase", "--dry-run", "--base", base]);
    for path in ["/usr/bin/mine", "/usr/bin/editor", "/usr/lib/os-release", "/usr/nothing"] {
        asked(&machine, "why", 0, &["why", path]);
    }
    asked(&machine, "refresh", 0, &["refresh", "--dry-run"]);
    asked(&machine, "rebase", 0, &["rebase", "--base", base]);

    machine.install(&b);
    let first = machine.boot_layer("used").status.layer().id.clone();
    asked(&machine, "status", 0, &["status"]);
    let why = asked(&machine, "why", 0, &["why", "/usr/lib/libfoo.so.1"]);
    assert!(!why[0]["decisions"].as_array().expect("a list").is_empty(), "{why:?}");
    asked(&machine, "refresh", 0, &["refresh"]);
    let reset = asked(&machine, "reset", 0, &["reset", "--yes", "--soft"]);
    // What was carried over for its sake is one that apt knows no reason of.
    assert_eq!(reset[0]["command"], "apt-get install leftover mine", "{reset:?}");
    let second = machine.boot_layer("used").status.layer().id.clone();
    assert_ne!(first, second);
    asked(&machine, "use", 0, &["use", &first]);
    asked(&machine, "layers", 0, &["layers"]);
    machine.boot_layer("used");
    asked(&machine, "retry", 0, &["retry"]);
    asked(&machine, "use", 0, &["use", &second]);
    asked(&machine, "gc", 0, &["gc", "--dry-run"]);
    asked(&machine, "gc", 0, &["gc", "--yes"]);
    asked(&machine, "gc", 0, &["gc", "--yes"]);
    asked(&machine, "reset", 0, &["reset", "--yes"]);
    // A damaged one is in the list, too.
    std::fs::write(machine.layer(&second).join("layer"), "noise").expect("damage a layer");
    let layers = asked(&machine, "layers", 0, &["layers"]);
    assert!(layers[0].to_string().contains("damaged"), "{layers:?}");
    let file = std::fs::read_to_string(machine.runtime.join("status.json")).expect("read status.json");
    Schema::read("status").assert(&serde_json::from_str(&file).expect("JSON"));
}

/// The commands that have nothing to do then say so in JSON.
fn pristine(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    machine.boot_layer("bound");
    machine.install(&Base::build(dir, "B", Form::Dir, &second()));
    machine.say("rd.veneer.mode=pristine");
    machine.boot_pristine(&["disabled"]);
    let status = asked(&machine, "status", 0, &["status"]);
    assert!(status[0]["now"].is_null(), "{status:?}");
    asked(&machine, "guard", 0, &["guard", "prepare"]);
    // The tests' bases are no whole images.
    for command in ["doctor", "lint"] {
        let told = asked(&machine, command, 1, &[command]);
        assert!(told[0]["errors"].as_u64() > Some(0), "{told:?}");
    }
    for command in ["bless", "record", "refresh"] {
        let said = asked(&machine, command, 0, &[command]);
        assert!(said[0]["layer"].is_null(), "{said:?}");
    }
}
