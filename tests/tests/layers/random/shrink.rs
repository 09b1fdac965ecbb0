//! Runs a case and gives its failure back as a text; finds the least part of a case that fails, too.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::mount::{UnmountFlags, unmount};
use veneer_tests::mounts;

use super::case::Case;

/// Runs a case in a directory that is gone afterwards.
pub(super) fn attempt(dir: &Path, case: &Case) -> Result<(), String> {
    let within = dir.join("case");
    fs::create_dir(&within).expect("make a directory");
    let before = mounts::all();
    let said = Arc::new(Mutex::new(String::new()));
    let hook = take_hook();
    set_hook({
        let said = Arc::clone(&said);
        Box::new(move |panic| *said.lock().expect("one thread") = panic.to_string())
    });
    let done = catch_unwind(AssertUnwindSafe(|| case.run(&within)));
    set_hook(hook);
    for mount in mounts::all().iter().rev().filter(|mount| !before.contains(mount)) {
        unmount(&mount.point, UnmountFlags::DETACH)
            .unwrap_or_else(|e| panic!("unmount {}: {e}", mount.point.display()));
    }
    fs::remove_dir_all(&within).expect("remove the case's directory");
    let said = said.lock().expect("one thread").clone();
    done.map_err(|_| said)
}

/// Leaves edits out, half of an act or single ones, as long as it fails.
pub(super) fn shrink(dir: &Path, mut case: Case, mut message: String, limit: Duration) -> (Case, String) {
    let start = Instant::now();
    let mut step = case.acts.iter().map(Vec::len).max().unwrap_or(0);
    while step > 0 && start.elapsed() < limit {
        let mut less = false;
        for act in (0..case.acts.len()).rev() {
            let mut at = 0;
            while at < case.acts[act].len() && start.elapsed() < limit {
                let mut smaller = case.clone();
                let end = (at + step).min(smaller.acts[act].len());
                smaller.acts[act].drain(at..end);
                match attempt(dir, &smaller) {
                    Err(said) => (case, message, less) = (smaller, said, true),
                    Ok(()) => at = end,
                }
            }
        }
        step = if step == 1 && less { 1 } else { step / 2 };
    }
    (case, message)
}
