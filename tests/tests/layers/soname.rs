//! Programs and libraries that do not fit each other any more are told of before the reboot and after it, and the loader
//! itself agrees.

use std::path::Path;

use veneer_tests::base::{Base, Form, system};
use veneer_tests::edit::Edits;
use veneer_tests::elf::{libraries_of_the_shell, library, loader_says, program};
use veneer_tests::machine::Machine;
use veneer_tests::pacman::{Pkg, configure, fill, install};
use veneer_tests::run::Finished;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::status::Status;
use veneer_tests::store::Store;

const NEEDS: &[Need] = &[Need::Tool("pacman"), Need::Tool("bsdtar"), Need::Tool("gzip"), Need::Tool("gcc")];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "soname_that_the_base_still_has", needs: NEEDS, run: fits },
    Scenario { name: "soname_bumped_by_the_base", needs: NEEDS, run: bumped },
    Scenario { name: "soname_without_a_version_of_its_symbols", needs: NEEDS, run: older },
    Scenario { name: "soname_of_the_layer_is_too_weak_for_the_base", needs: NEEDS, run: weaker },
    Scenario { name: "soname_of_the_layer_takes_that_of_the_base_away", needs: NEEDS, run: renamed },
];

const V10: &[&str] = &["FOO_1.0"];
const V11: &[&str] = &["FOO_1.0", "FOO_1.1"];

fn libfoo(version: &'static str, soname: &str, content: Vec<u8>) -> Pkg {
    Pkg::new("libfoo", version, Edits::new().file(format!("lib/{soname}"), content))
}

fn runs(name: &'static str, content: Vec<u8>) -> Pkg {
    let path = format!("bin/{name}");
    Pkg::new(name, "1-1", Edits::new().file(&path, content).mode(&path, 0o755)).with(&[("depend", "libfoo")])
}

/// A machine on A, which has `a` besides the system, and B, which has `b`.
fn machine(dir: &Path, a: Vec<Pkg>, b: Vec<Pkg>) -> (Machine, Base) {
    let mut machine = Machine::new(dir, Store::Dir);
    configure(&machine.sysroot);
    let build = |name, version: &'static str, packages: Vec<Pkg>| {
        let system = system(version).then(libraries_of_the_shell());
        let system = Pkg::new("base-system", version, system);
        let packages = [vec![system], packages].concat();
        Base::build_with(dir, name, Form::Dir, |usr| fill(dir, usr, &packages, &[]))
    };
    let (a, b) = (build("A", "1-1", a), build("B", "2-1", b));
    machine.install(&a);
    machine.boot_layer("bound");
    (machine, b)
}

/// `veneer check`, and then the boot of B.
fn go(machine: &mut Machine, b: &Base) -> (Finished, Status) {
    let check = machine.veneer(&["check", "--base", &b.path.display().to_string()]);
    machine.install(b);
    (check, machine.boot_layer("rebased").status)
}

/// Fails unless both tell of a package, or of a path without one, with these words; and of as many things.
#[track_caller]
fn assert_told(told: &(Finished, Status), about: &[(Option<&str>, &[&str])]) {
    let (check, status) = told;
    assert_eq!(check.code, Some(i32::from(!about.is_empty())), "{check:?}");
    assert_eq!(status.problems.len(), about.len(), "{status:?}");
    for (package, words) in about {
        let is_it = |message: &str| words.iter().all(|word| message.contains(word));
        let problem = status.problems.iter().find(|problem| is_it(&problem.message));
        let problem = problem.unwrap_or_else(|| panic!("nobody says {words:?}: {status:?}"));
        assert_eq!((problem.kind.as_str(), problem.package.as_deref()), ("dependency", *package));
        assert!(check.stdout.lines().any(is_it), "{words:?}: {check:?}");
    }
}

fn fits(dir: &Path) {
    let old = library(dir, "libfoo.so.1", V10);
    let player = program(dir, "libfoo.so.1", V10);
    let new = library(dir, "libfoo.so.1", V11);
    let (mut machine, b) =
        machine(dir, vec![libfoo("1.0-1", "libfoo.so.1", old)], vec![libfoo("1.1-1", "libfoo.so.1", new)]);
    install(&machine.sysroot, &[runs("player", player).build(dir)]);
    assert_told(&go(&mut machine, &b), &[]);
    assert_eq!(loader_says(&machine.sysroot, "usr/bin/player"), "");
}

/// pacman's dependencies hold: it is the files that do not fit.
fn bumped(dir: &Path) {
    let old = library(dir, "libfoo.so.1", V10);
    let player = program(dir, "libfoo.so.1", V10);
    let new = library(dir, "libfoo.so.2", V10);
    let (mut machine, b) =
        machine(dir, vec![libfoo("1.0-1", "libfoo.so.1", old)], vec![libfoo("2.0-1", "libfoo.so.2", new)]);
    install(&machine.sysroot, &[runs("player", player.clone()).build(dir)]);
    Edits::new().file("local/bin/own", player).mode("local/bin/own", 0o755).apply(&machine.usr());
    let told = go(&mut machine, &b);
    let words = &["/usr/bin/player of player", "libfoo.so.1", "(there is libfoo.so.2)"];
    assert_told(&told, &[(Some("player"), words), (None, &["/usr/local/bin/own needs libfoo.so.1"])]);
    assert!(loader_says(&machine.sysroot, "usr/bin/player").contains("libfoo.so.1"));
    // Said at the rebase, and not forgotten.
    let again = machine.boot_layer("used").status;
    assert_eq!(again.problems.len(), 2, "{again:?}");
}

/// The library is there by name, and older than what the program was linked with.
fn older(dir: &Path) {
    let new = library(dir, "libfoo.so.1", V10);
    let old = library(dir, "libfoo.so.1", V11);
    let player = program(dir, "libfoo.so.1", V11);
    let (mut machine, b) =
        machine(dir, vec![libfoo("1.1-1", "libfoo.so.1", old)], vec![libfoo("1.0-1", "libfoo.so.1", new)]);
    install(&machine.sysroot, &[runs("player", player).build(dir)]);
    let told = go(&mut machine, &b);
    let words = &["needs FOO_1.1 of libfoo.so.1", "(it goes up to FOO_1.0)"][..];
    assert_told(&told, &[(Some("player"), words)]);
    assert!(loader_says(&machine.sysroot, "usr/bin/player").contains("FOO_1.1"));
}

/// The user's libfoo has the higher version, and less in it than the base's.
fn weaker(dir: &Path) {
    let users = library(dir, "libfoo.so.1", V10);
    let bases = library(dir, "libfoo.so.1", V11);
    let strict = program(dir, "libfoo.so.1", V11);
    let (mut machine, b) = machine(
        dir,
        vec![libfoo("1.0-1", "libfoo.so.1", users.clone())],
        vec![libfoo("1.1-1", "libfoo.so.1", bases), runs("strict", strict)],
    );
    install(&machine.sysroot, &[libfoo("1.2-1", "libfoo.so.1", users).build(dir)]);
    let told = go(&mut machine, &b);
    let words = &["/usr/lib/libfoo.so.1 of libfoo stands before the base's", "lacks FOO_1.1"];
    assert_told(&told, &[(Some("libfoo"), words)]);
    assert!(told.0.stdout.contains("/usr/bin/strict cannot start"), "{told:?}");
    assert!(loader_says(&machine.sysroot, "usr/bin/strict").contains("FOO_1.1"));
}

/// The user's libfoo is a new generation, under another name.
fn renamed(dir: &Path) {
    let bases = library(dir, "libfoo.so.1", V10);
    let app = program(dir, "libfoo.so.1", V10);
    let users = library(dir, "libfoo.so.2", V10);
    let (mut machine, b) = machine(
        dir,
        vec![libfoo("1.0-1", "libfoo.so.1", bases.clone())],
        vec![libfoo("1.1-1", "libfoo.so.1", bases), runs("app", app)],
    );
    install(&machine.sysroot, &[libfoo("2.0-1", "libfoo.so.2", users).build(dir)]);
    let told = go(&mut machine, &b);
    let words =
        &["your version of libfoo hides the base's, and with it libfoo.so.1 (there is libfoo.so.2)"][..];
    assert_told(&told, &[(Some("libfoo"), words)]);
    assert!(told.0.stdout.contains("/usr/bin/app cannot start"), "{told:?}");
    assert!(loader_says(&machine.sysroot, "usr/bin/app").contains("libfoo.so.1"));
}
