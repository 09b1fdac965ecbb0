//! What a boot on an unchanged base may cost: counted, since times are no matter for a test.

use std::fs;
use std::path::Path;

use veneer_tests::base::{Base, Form, loader, loader_link};
use veneer_tests::machine::Machine;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::store::Store;

use crate::stories::first;

pub(crate) const SCENARIOS: &[Scenario] = &[Scenario {
    name: "an_unchanged_base_costs_few_calls",
    needs: &[
        Need::Tool("strace"),
        Need::Tool("mkfs.erofs"),
        Need::Kernel("erofs"),
        Need::Tool("/usr/bin/time"),
    ],
    run: unchanged,
}];

/// System calls of the whole process, the loader's and the exit among them.
const CALLS: usize = 130;

/// The count of boots on trial, and its directory.
const SYNCS: usize = 2;

/// Memory that the process has at once, in KiB.
const PEAK: u64 = if cfg!(debug_assertions) { 8 * 1024 } else { 4 * 1024 };

fn unchanged(dir: &Path) {
    let mut machine = Machine::new(dir, Store::Tmpfs(64));
    // The loader's link as on Debian 13 and Fedora. An absolute one, as on Debian 12, takes two calls more to follow.
    let link = loader_link();
    let base = first().remove(&link).symlink(&link, Path::new("..").join(loader()));
    machine.install(&Base::build(dir, "A", Form::Erofs, &base));
    machine.boot_layer("bound");
    // A layer that was used and blessed before: that is what most boots find.
    machine.boot_layer("used");

    let log = dir.join("strace");
    let command = machine.started_by(&["strace", "-f", "-qq", "-o", log.to_str().expect("a plain path")]);
    let boot = machine.boot_by(command);
    assert_eq!(boot.status.layer().action, "used");
    let text = fs::read_to_string(&log).expect("read the trace");
    let calls = |line: &&str| line.contains('(') && !line.contains("F_GETFD");
    // A build with debug assertions asks before each close whether the file is open (F_GETFD).
    let calls: Vec<&str> = text.lines().filter(calls).collect();
    let sync = |line: &&&str| line.split('(').next().is_some_and(|name| name.contains("sync"));
    let syncs = calls.iter().filter(sync).count();
    println!("{} system calls, {syncs} of them sync", calls.len());
    assert!(calls.len() > 60, "that is not a whole boot:\n{text}");
    assert!(calls.len() <= CALLS, "{} system calls, at most {CALLS} are allowed:\n{text}", calls.len());
    assert_eq!(syncs, SYNCS, "calls that wait for a disk:\n{text}");

    let boot = machine.boot_by(machine.started_by(&["/usr/bin/time", "--format=%M"]));
    assert_eq!(boot.status.layer().action, "used");
    let last = boot.program.stderr.lines().last().unwrap_or_default();
    let peak: u64 = last.trim().parse().unwrap_or_else(|e| panic!("{e}: {:?}", boot.program));
    assert!(peak < PEAK, "{peak} KiB at once");
}
