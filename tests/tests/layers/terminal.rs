//! What a person at a terminal gets and a pipe does not, on a terminal made by script(1).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use veneer_tests::base::{Base, Form};
use veneer_tests::edit::Edits;
use veneer_tests::machine::{LIMIT, Machine};
use veneer_tests::run::{Finished, within};
use veneer_tests::scenario::{Need, Scenario, variable};
use veneer_tests::store::Store;

use crate::stories::{first, fresh, mine, second};

const SCRIPT: Need = Need::Tool("script");

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "terminal_colours", needs: &[SCRIPT], run: colours },
    Scenario { name: "terminal_pager", needs: &[SCRIPT, Need::Tool("less")], run: pager },
    Scenario { name: "terminal_reader_gone", needs: &[], run: reader_gone },
    Scenario { name: "terminal_bar", needs: &[SCRIPT, Need::Tool("strace")], run: bar },
];

/// The command, with this machine's places, as a line for a shell.
fn line(machine: &Machine, words: &str) -> String {
    let program = std::env::var(variable("veneer")).expect("the command under test");
    let (root, store, runtime) =
        (machine.sysroot.display(), machine.store.display(), machine.runtime.display());
    format!("{program} --root {root} --store {store} --runtime {runtime} {words}")
}

/// What a line of the shell does on a terminal with these variables. Its standard output and error are one there.
fn on_terminal(line: &str, variables: &[(&str, &str)]) -> Finished {
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", line, "/dev/null"]);
    command.env("TERM", "xterm").env_remove("NO_COLOR").env_remove("PAGER");
    within(LIMIT, command.envs(variables.iter().copied()))
}

/// Without what only a terminal gets: colours, and the carriage return at each line's end.
fn plain(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').expect("a colour").1);
    }
    plain.replace("\r\n", "\n")
}

fn changed(dir: &Path) -> Machine {
    let mut machine = fresh(dir, Store::Dir);
    machine.boot_layer("bound");
    mine().file("bin/tool", "edited").remove("share/doc/tool/NEWS").apply(&machine.usr());
    machine
}

fn colours(dir: &Path) {
    let machine = changed(dir);
    for words in ["diff", "status", "layers", "why /usr/bin/tool"] {
        let piped = machine.veneer(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(piped.code, Some(0), "{piped:?}");
        assert!(!piped.stdout.contains('\x1b'), "{piped:?}");
        let command = line(&machine, words);
        let shown = on_terminal(&command, &[("VENEER_PAGER", "")]);
        assert_eq!(shown.code, Some(0), "{shown:?}");
        assert!(shown.stdout.contains("\x1b["), "{shown:?}");
        assert_eq!(plain(&shown.stdout), piped.stdout, "{words}");
        for refusal in [("NO_COLOR", "1"), ("TERM", "dumb"), ("SYSTEMD_COLORS", "0")] {
            let shown = on_terminal(&command, &[("VENEER_PAGER", ""), refusal]);
            assert_eq!(shown.stdout.replace("\r\n", "\n"), piped.stdout, "{words} {refusal:?}");
        }
    }
    // What is for programs has none.
    let json = on_terminal(&line(&machine, "--json status"), &[]);
    assert!(json.stdout.starts_with('{') && !json.stdout.contains('\x1b'), "{json:?}");
}

fn pager(dir: &Path) {
    let mut machine = changed(dir);
    let program = dir.join("pager");
    fs::write(&program, "#!/bin/sh\necho \"paged with LESS=$LESS\"\ncat\n").expect("write a pager");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("make it a program");
    let program = program.to_str().expect("UTF-8");
    let piped = machine.veneer(&["diff"]).stdout;
    let diff = line(&machine, "diff");
    for name in ["VENEER_PAGER", "PAGER"] {
        let shown = on_terminal(&diff, &[(name, program)]);
        assert_eq!(plain(&shown.stdout), format!("paged with LESS=FRSXMK\n{piped}"), "{shown:?}");
    }
    let none: [(&str, &[(&str, &str)]); 4] = [
        // Not for a pipe, not if it is not wanted, not for what fits a screen by design.
        ("diff | cat", &[("PAGER", program)]),
        ("diff --no-pager", &[("PAGER", program)]),
        ("diff", &[("PAGER", program), ("VENEER_PAGER", "cat")]),
        ("status", &[("PAGER", program)]),
    ];
    for (words, variables) in none {
        let shown = on_terminal(&line(&machine, words), variables);
        assert!(shown.code == Some(0) && !shown.stdout.contains("paged"), "{words}: {shown:?}");
    }
    // less goes by itself where all fits the screen; and without any pager the text is there all the same.
    for variables in [&[][..], &[("PAGER", "/nowhere/pager")]] {
        let shown = on_terminal(&diff, variables);
        assert!(plain_of_less(&shown.stdout).contains(&piped), "{variables:?}: {shown:?}");
    }
    fs::create_dir(dir.join("empty")).expect("make a path");
    let empty = dir.join("empty");
    let script = format!("PATH={}; {diff}", empty.display());
    assert_eq!(plain(&on_terminal(&script, &[]).stdout), piped);
    // Somebody else's rights are not lent to a pager of one's own.
    let lent = on_terminal(&diff, &[("PAGER", program), ("SUDO_UID", "1000")]);
    assert!(!lent.stdout.contains("paged"), "{lent:?}");

    // The answer counts, not what became of the pager.
    machine.record();
    let next = Base::build(dir, "B", Form::Dir, &second());
    let usr = dir.join("next/usr");
    fs::create_dir_all(&usr).expect("make a mount point");
    next.put(&usr);
    let check = line(&machine, &format!("check --base {}", usr.display()));
    for pager in [program, "true", "false", "head -n 1"] {
        let shown = on_terminal(&check, &[("PAGER", pager)]);
        assert_eq!(shown.code, Some(1), "{pager}: {shown:?}");
        assert!(shown.stdout.contains("to look at before the reboot"), "{pager}: {shown:?}");
    }
    next.take(&usr);
    machine.shutdown();
}

/// less asks the terminal for more than colours.
fn plain_of_less(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\x1b' => {
                while characters.next().is_some_and(|c| !c.is_ascii_alphabetic() && c != '=' && c != '>') {}
            }
            '\r' => {}
            _ => plain.push(character),
        }
    }
    plain
}

/// `veneer diff | head`: more than a pipe holds, and nobody to read it.
fn reader_gone(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    machine.boot_layer("bound");
    let many = (0..4000).fold(Edits::new(), |edits, number| {
        edits.file(format!("share/many/a-name-that-takes-some-room-in-a-pipe-{number}"), "x")
    });
    many.apply(&machine.usr());
    let usr = dir.join("next/usr");
    fs::create_dir_all(&usr).expect("make a mount point");
    let next = Base::build(dir, "B", Form::Dir, &first().file("share/news", "x"));
    next.put(&usr);
    let usr = usr.to_str().expect("UTF-8");
    let all: [&[&str]; 4] = [&["diff"], &["layers"], &["rebase", "--dry-run", "--base", usr], &["--help"]];
    for words in all {
        let program = std::env::var_os(variable("veneer")).expect("the command under test");
        let mut command = Command::new(program);
        command.arg("--root").arg(&machine.sysroot).arg("--store").arg(&machine.store);
        command.arg("--runtime").arg(&machine.runtime).args(words);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start the command");
        drop(child.stdout.take());
        let done = child.wait_with_output().expect("wait for the command");
        assert_eq!(done.status.code(), Some(0), "{words:?}: {done:?}");
        assert!(done.stderr.is_empty(), "{words:?}: {done:?}");
    }
    next.take(Path::new(usr));
}

/// Work of more than a second says how far it is, on a terminal and nowhere else, and leaves nothing of that.
fn bar(dir: &Path) {
    let machine = changed(dir);
    let slow = |words: &str| {
        let slowly =
            "strace -f -o /dev/null -e trace=getdents64 -e inject=getdents64:delay_enter=1800000:when=1";
        format!("{slowly} {}", line(&machine, words))
    };
    let shown = on_terminal(&slow("record"), &[]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let (bar, rest) = shown.stdout.rsplit_once("\r\x1b[K").expect("a bar that is taken away");
    assert!(bar.contains("recording the base of layer 0001-") && bar.contains(": 1 s"), "{shown:?}");
    assert!(rest.starts_with("the record of layer") && !rest.contains('\x1b'), "{shown:?}");
    for line in [format!("{} 2>&1 | cat", slow("record")), line(&machine, "record")] {
        let shown = on_terminal(&line, &[]);
        assert!(!shown.stdout.contains("recording") && !shown.stdout.contains('\x1b'), "{line}: {shown:?}");
    }
}
