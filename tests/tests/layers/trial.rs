//! Boots on trial: counted before the mount, cleared by a blessing, set aside after two.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use veneer_tests::base::{Base, Form};
use veneer_tests::scenario::Scenario;
use veneer_tests::store::Store;
use veneer_tests::tree::assert_same;

use crate::stories::{second, settled};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "trial_failed_after_two_boots", needs: &[], run: two_boots },
    Scenario { name: "trial_of_a_new_layer_counts", needs: &[], run: rebased },
    Scenario { name: "trial_ends_though_the_store_is_in_use", needs: &[], run: in_use },
];

fn two_boots(dir: &Path) {
    let (mut machine, boot) = settled(dir, Store::Dir);
    machine.blesses = false;
    let id = boot.status.layer().id.clone();
    machine.boot_layer("used");
    machine.boot_layer("used");
    machine.shutdown();
    let upper = machine.store_tree().below(format!("veneer/layers/{id}/upper"));
    for _ in 0..3 {
        let status = machine.boot_pristine(&["trial-failed"]).status;
        assert!(status.message.contains("veneer retry"), "the way on is named: {:?}", status.message);
    }
    let after = machine.store_tree().below(format!("veneer/layers/{id}/upper"));
    assert_same("the set-aside layer", &upper, &after);
    assert_eq!(machine.layer_names(), std::slice::from_ref(&id), "no other layer is made for this base");

    let retry = machine.veneer(&["retry"]);
    assert_eq!(retry.code, Some(0), "{retry:?}");
    assert_eq!(machine.boot_layer("used").status.layer().id, id);
    assert!(machine.usr().join("bin/mine").exists());
    machine.bless();
    machine.boot_layer("used");
    machine.boot_layer("used");
    machine.boot_pristine(&["trial-failed"]);
}

/// A layer made by a rebase is on trial from its first boot; its source is not set aside with it.
fn rebased(dir: &Path) {
    let (mut machine, boot) = settled(dir, Store::Dir);
    machine.blesses = false;
    machine.bless();
    let a = Base { form: Form::Dir, path: dir.join("bases/A") };
    machine.install(&Base::build(dir, "B", Form::Dir, &second()));
    machine.boot_layer("rebased");
    machine.boot_layer("used");
    machine.boot_pristine(&["trial-failed"]);
    machine.install(&a);
    assert_eq!(machine.boot_layer("used").status.layer().id, boot.status.layer().id);
}

/// The units that follow a boot come at one moment, and each takes the store.
fn in_use(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    machine.blesses = false;
    machine.boot_layer("used");
    let lock =
        fs::File::options().write(true).open(machine.store.join("veneer/lock")).expect("open the lock");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("hold the lock");
    let holder = thread::spawn(move || {
        thread::sleep(Duration::from_millis(1500));
        drop(lock);
    });
    let started = Instant::now();
    machine.bless();
    assert!(started.elapsed() > Duration::from_secs(1), "it waited");
    holder.join().expect("let go of the lock");
    machine.boot_layer("used");
    machine.boot_layer("used");
}
