//! Layers that the user puts away, goes back to, and removes.

use std::path::Path;

use veneer_tests::base::{Base, Form};
use veneer_tests::machine::Machine;
use veneer_tests::run::Finished;
use veneer_tests::scenario::Scenario;
use veneer_tests::store::Store;
use veneer_tests::tree::assert_same;

use crate::stories::{mine, second as edits_of_b, settled};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "keeping_reset_and_use", needs: &[], run: reset_and_use },
    Scenario { name: "keeping_gc", needs: &[], run: gc },
    Scenario { name: "keeping_refuses", needs: &[], run: refuses },
];

#[track_caller]
fn done(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{finished:?}");
}

/// The answer is no, with these words in it, and the store is as it was.
#[track_caller]
fn refused(machine: &Machine, command: &[&str], words: &[&str]) {
    let before = machine.kept_tree();
    let finished = machine.veneer(command);
    assert_eq!(finished.code, Some(1), "veneer {command:?}: {finished:?}");
    let said = format!("{}{}", finished.stdout, finished.stderr);
    for word in words {
        assert!(said.contains(word), "veneer {command:?} says {word}: {said}");
    }
    assert_same("the store", &before, &machine.kept_tree());
}

fn reset_and_use(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    let first = machine.boot_layer("used").status.layer().id.clone();
    let upper = |machine: &Machine| machine.store_tree().below(format!("veneer/layers/{first}/upper"));
    let before = upper(&machine);
    refused(&machine, &["reset"], &["--yes", &first]);
    done(&machine.veneer(&["reset", "--yes"]));
    assert!(machine.usr().join("bin/mine").exists(), "this boot goes on as it is");

    let second = machine.boot_layer("used").status.layer().id.clone();
    assert_ne!(second, first);
    assert_same("an empty layer over the base", machine.bare(), &machine.visible());
    mine().apply(&machine.usr());
    assert_same("the layer that was put away", &before, &upper(&machine));
    machine.boot_layer("used");

    done(&machine.veneer(&["use", &first]));
    assert_eq!(machine.boot_layer("used").status.layer().id, first);
    assert_same("the layer that was brought back", &before, &upper(&machine));
    // Not for one boot only.
    assert_eq!(machine.boot_layer("used").status.layer().id, first);
    done(&machine.veneer(&["use", &second]));
    assert_eq!(machine.boot_layer("used").status.layer().id, second);
}

fn gc(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    let first = machine.boot_layer("used").status.layer().id.clone();
    let nothing = machine.veneer(&["gc"]);
    done(&nothing);
    assert!(nothing.stdout.contains("nothing"), "{nothing:?}");
    done(&machine.veneer(&["reset", "--yes"]));
    // While it runs, it is needed.
    let running = machine.veneer(&["gc", "--dry-run"]);
    done(&running);
    assert!(!running.stdout.contains(&first), "{running:?}");

    let second = machine.boot_layer("used").status.layer().id.clone();
    refused(&machine, &["gc"], &["--yes", &first]);
    done(&machine.veneer(&["gc", "--yes"]));
    assert_eq!(machine.layer_names(), std::slice::from_ref(&second));
    assert_eq!(machine.boot_layer("used").status.layer().id, second);

    // Another base: the layer of this one stays for going back.
    machine.install(&Base::build(dir, "B", Form::Dir, &edits_of_b()));
    machine.boot_layer("rebased");
    let kept = machine.veneer(&["gc", "--yes"]);
    done(&kept);
    assert_eq!(machine.layer_names().len(), 2, "{kept:?}");
    // Work that was cut off goes.
    std::fs::create_dir(machine.layers().join("0009-aaaa.tmp")).expect("make a directory");
    done(&machine.veneer(&["gc", "--yes"]));
    assert!(!machine.layers().join("0009-aaaa.tmp").exists());
}

fn refuses(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    let first = machine.boot_layer("used").status.layer().id.clone();
    refused(&machine, &["use", "0009-aaaa"], &["veneer layers"]);
    refused(&machine, &["use", "../0001"], &["no layer"]);
    machine.install(&Base::build(dir, "B", Form::Dir, &edits_of_b()));
    machine.boot_layer("rebased");
    refused(&machine, &["use", &first], &["another base"]);
    for (words, code) in [
        (&["use"][..], 2),
        (&["use", "a", "b"], 2),
        (&["gc", "--force"], 2),
        (&["status", "--yes"], 2),
        (&["reset", "--dry-run"], 2),
    ] {
        let finished = machine.veneer(words);
        assert_eq!(finished.code, Some(code), "veneer {words:?}: {finished:?}");
    }
}
