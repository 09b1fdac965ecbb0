//! What a person can get wrong, and what can be wrong with a machine: one clear line each, and its exit code.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use veneer_tests::base::{Base, Form};
use veneer_tests::machine::{LIMIT, Machine};
use veneer_tests::run::{Finished, within};
use veneer_tests::scenario::{Scenario, variable};
use veneer_tests::store::Store;

use crate::stories::{fresh, mine, second};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "bad_input_of_people", needs: &[], run: people },
    Scenario { name: "bad_input_of_a_machine", needs: &[], run: broken },
    Scenario { name: "bad_input_not_root", needs: &[], run: not_root },
    Scenario { name: "bad_input_unwritable_output", needs: &[], run: output },
];

/// The command ends with this code, and says why in one line with these words in it.
#[track_caller]
fn says(done: &Finished, code: i32, words: &str) {
    assert_eq!(done.code, Some(code), "{words}: {done:?}");
    let lines: Vec<&str> = done.stderr.lines().collect();
    // Of unusable words there is a second line, with the way to help.
    assert_eq!(lines.len(), if code == 2 { 2 } else { 1 }, "{done:?}");
    assert!(lines[0].starts_with("veneer: ") && lines[0].contains(words), "{words}: {done:?}");
    assert!(!done.stderr.contains("panicked"), "{done:?}");
}

fn layered(dir: &Path) -> Machine {
    let mut machine = fresh(dir, Store::Dir);
    machine.boot_layer("bound");
    mine().apply(&machine.usr());
    machine
}

fn people(dir: &Path) {
    let machine = layered(dir);
    for (words, code, told) in [
        (&["frobnicate"][..], 2, "there is no command frobnicate"),
        (&[], 2, "a command is missing"),
        (&["status", "more"], 2, "more"),
        (&["status", "--frobnicate"], 2, "frobnicate"),
        (&["check"], 2, "--base BASE is missing"),
        (&["rebase"], 2, "--base BASE is missing"),
        (&["check", "--base"], 2, "--base"),
        (&["status", "--base", "/"], 2, "--base goes with"),
        (&["status", "--verbose"], 2, "--verbose goes with check"),
        (&["gc", "--soft"], 2, "--soft goes with reset"),
        (&["why"], 2, "why what?"),
        (&["use"], 2, "which layer"),
        (&["use", "0099-abcabcabcabc"], 1, "there is no layer 0099-abcabcabcabc; `veneer layers` lists them"),
        (&["use", "../../etc"], 1, "there is no layer"),
        (&["why", "/etc/passwd"], 1, "not below /usr"),
        (&["retry"], 1, "no layer of this base was set aside"),
        (&["check", "--base", "/nowhere"], 3, "cannot look at the base /nowhere"),
        (&["check", "--base", "/proc/self"], 3, "no usr/lib and usr/bin"),
        (&["check", "--base", "/proc/version"], 3, "none of erofs"),
        (&["check", "--base", "staged"], 3, "no deployment of ostree or bootc is staged"),
        (&["status", "--runtime", "/nowhere"], 3, "Veneer did not run in this boot"),
        (&["layers", "--store", "/nowhere"], 3, "there is no store at /nowhere"),
        (&["diff", "--store", "/nowhere"], 3, "there is no store at /nowhere"),
    ] {
        says(&machine.veneer(words), code, told);
    }
    // Without a yes, nothing of the running layer goes, and the question is shown.
    let before = machine.kept_tree();
    says(&machine.veneer(&["reset", "--soft", "--yes"]), 1, "no package database");
    for command in [&["reset"][..], &["reset", "--json"]] {
        let done = machine.veneer(command);
        assert_eq!(done.code, Some(1), "{command:?}: {done:?}");
        assert!(done.stderr.contains("nothing was changed; --yes does it"), "{done:?}");
        assert!(!command.contains(&"--json") || done.stdout.is_empty(), "JSON or nothing: {done:?}");
    }
    let gc = machine.veneer(&["gc", "--yes"]);
    assert!(gc.code == Some(0) && gc.stdout.contains("nothing that nobody needs"), "the running one: {gc:?}");
    veneer_tests::tree::assert_same("the store", &before, &machine.kept_tree());
}

fn broken(dir: &Path) {
    let mut machine = layered(dir);
    let id = machine.boot_layer("used").status.layer().id.clone();
    let state = machine.layer(&id).join("layer");
    let whole = fs::read(&state).expect("read the layer's state");
    let base = Base::build(dir, "B", Form::Dir, &second()).path.display().to_string();
    fs::write(&state, b"noise").expect("damage it");
    for (words, code, told) in [
        (&["gc", "--yes"][..], 1, "is damaged"),
        (&["diff"], 1, "is damaged"),
        (&["check", "--base", &base], 1, "is damaged"),
        (&["use", &id], 1, "damaged"),
        (&["reset", "--yes"], 1, "damaged"),
    ] {
        says(&machine.veneer(words), code, told);
    }
    let layers = machine.veneer(&["layers"]);
    assert!(layers.code == Some(0) && layers.stdout.contains("damaged"), "{layers:?}");
    // What this boot did is known all the same.
    let status = machine.veneer(&["status"]);
    assert!(status.code == Some(0) && status.stdout.contains("is not told"), "{status:?}");
    fs::write(&state, whole).expect("mend it");

    let file = machine.runtime.join("status.json");
    let good = fs::read(&file).expect("read status.json");
    for bad in [&b"noise"[..], b"", b"{\"format\":1}", b"[]"] {
        fs::write(&file, bad).expect("spoil status.json");
        for words in [&["status"][..], &["bless"], &["record"], &["reset", "--yes"], &["retry"]] {
            says(&machine.veneer(words), 3, "status.json");
        }
    }
    fs::remove_file(&file).expect("remove it");
    fs::create_dir(&file).expect("a directory in its place");
    says(&machine.veneer(&["status"]), 3, "status.json");
    fs::remove_dir(&file).expect("remove it");
    fs::write(&file, good).expect("mend it");
    assert_eq!(machine.veneer(&["status"]).code, Some(0));
}

/// Somebody who is not root is told what a layer is only as far as anybody may know it.
fn not_root(dir: &Path) {
    let machine = layered(dir);
    let base = Base::build(dir, "B", Form::Dir, &second()).path.display().to_string();
    // The program itself may be where only root goes.
    let program = dir.join("veneer-program");
    fs::copy(std::env::var_os(variable("veneer")).expect("the command"), &program).expect("copy it");
    let run = |words: &[&str]| {
        let mut command = Command::new(&program);
        command.arg("--root").arg(&machine.sysroot).arg("--store").arg(&machine.store);
        within(LIMIT, command.arg("--runtime").arg(&machine.runtime).args(words).uid(65_534).gid(65_534))
    };
    for words in [
        &["layers"][..],
        &["diff"],
        &["check", "--base", &base],
        &["use", "0001-abcabcabcabc"],
        &["reset", "--yes"],
        &["gc", "--yes"],
        &["bless"],
        &["record"],
    ] {
        says(&run(words), 3, "try `sudo veneer`");
    }
    let status = run(&["status"]);
    assert!(status.code == Some(0) && status.stdout.contains("is not told"), "{status:?}");
}

/// A reader that goes away is no failure; a disk that is full is one.
fn output(dir: &Path) {
    let machine = layered(dir);
    let base = Base::build(dir, "B", Form::Dir, &second()).path.display().to_string();
    let program = std::env::var_os(variable("veneer")).expect("the command");
    for (words, code) in [
        (&["layers"][..], 0),
        (&["status"], 0),
        (&["status", "--json"], 0),
        (&["diff"], 0),
        (&["why", "/usr/bin/mine"], 0),
        (&["rebase", "--dry-run", "--base", &base], 0),
        (&["check", "--verbose", "--base", &base], 0),
        (&["--help"], 0),
    ] {
        let run = |out: Stdio| {
            let mut command = Command::new(&program);
            command.arg("--root").arg(&machine.sysroot).arg("--store").arg(&machine.store);
            command.arg("--runtime").arg(&machine.runtime).args(words);
            let child = command.stdout(out).stderr(Stdio::piped()).spawn().expect("start the command");
            let done = child.wait_with_output().expect("wait for the command");
            (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
        };
        let (reader, writer) = UnixStream::pair().expect("make a pair of sockets");
        drop(reader);
        assert_eq!(run(OwnedFd::from(writer).into()), (Some(code), String::new()), "{words:?}");
        let full = fs::File::options().write(true).open("/dev/full").expect("open /dev/full");
        let (code, said) = run(full.into());
        assert_eq!(code, Some(3), "{words:?}: {said}");
        assert!(said.contains("cannot write the output") && said.lines().count() == 1, "{words:?}: {said}");
    }
}
