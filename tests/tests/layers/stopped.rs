//! veneer-assemble is stopped before its end: by systemd, when its time is over, or by the kernel. The boot goes on with
//! the bare base, and whoever asks is told why.

use std::fs;
use std::path::Path;

use veneer_tests::base::{Base, Form};
use veneer_tests::machine::Machine;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::status::Status;
use veneer_tests::store::Store;
use veneer_tests::tree::assert_same;

use crate::stories::{fresh, second, settled};

const STRACE: &[Need] = &[Need::Tool("strace")];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "stopped_rebase_says_so", needs: STRACE, run: rebase },
    Scenario { name: "stopped_bind_says_so", needs: STRACE, run: bind },
    Scenario { name: "stopped_at_its_start_is_explained", needs: STRACE, run: start },
];

/// Kills the boot at its first call of this name.
#[track_caller]
fn kill_at(machine: &mut Machine, call: &str) {
    let (trace, inject) = (format!("trace={call}"), format!("inject={call}:signal=SIGKILL:when=1"));
    let done = machine.crash(&["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject]);
    assert_eq!(done.code, None, "not killed at {call}: {done:?}");
    assert_same("the bare base is what is left", machine.bare(), &machine.visible());
}

/// What is asked in the running system of such a boot.
#[track_caller]
fn told(machine: &Machine, reason: &str, words: &[&str]) {
    let status = Status::read(&machine.runtime);
    assert!(!status.layered, "{status:?}");
    assert_eq!(status.reason, reason, "{status:?}");
    let motd = fs::read_to_string(machine.runtime.join("motd")).expect("a message at login");
    let answer = machine.veneer(&["status"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    // It fits a screen, so its lines are broken.
    let answer = answer.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in [&status.message, &motd, &answer] {
        for word in words.iter().chain(&["stopped", "journalctl"]) {
            assert!(text.contains(word), "no {word:?} in {text:?}");
        }
    }
}

fn rebase(dir: &Path) {
    let (mut machine, boot) = settled(dir, Store::Dir);
    let source = boot.status.layer().id.clone();
    machine.install(&Base::build(dir, "B", Form::Dir, &second()));
    // The copy is made, and is to reach the disk: that may take long.
    kill_at(&mut machine, "syncfs");
    told(&machine, "rebase-failed", &[&source, "tries again"]);
    let status = machine.boot_layer("rebased").status;
    assert_eq!(status.layer().parent.as_deref(), Some(source.as_str()), "{status:?}");
}

fn bind(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    kill_at(&mut machine, "syncfs");
    told(&machine, "internal", &["tries again"]);
    machine.boot_layer("bound");
    assert!(!machine.runtime.join("motd").exists(), "nothing is wrong, and nothing is said at login");
}

/// So early that there was nothing to say yet: no status.json. `veneer status` knows of that, too.
fn start(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    kill_at(&mut machine, "flock");
    assert!(!machine.runtime.join("status.json").exists(), "a boot on an unchanged base foretells nothing");
    let answer = machine.veneer(&["status"]);
    assert_eq!(answer.code, Some(3), "{answer:?}");
    assert!(answer.stderr.contains("journalctl -b -u veneer-assemble.service"), "{answer:?}");
    machine.boot_layer("used");
}
