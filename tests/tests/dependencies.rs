//! The library's dependency check finds what the package managers' own checks find: in worlds of packages that are put
//! together by chance, requirement by requirement.
//!
//! `VENEER_WORLDS=20` tries that many.

#[path = "dependencies/dpkg.rs"]
mod dpkg;
#[path = "dependencies/pacman.rs"]
mod pacman;
#[path = "dependencies/rpm.rs"]
mod rpm;
#[path = "dependencies/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use veneer_tests::dice::Dice;
use veneer_tests::scenario::in_path;

/// What is unmet, a line each, as the library and as the tool has it; and how many requirements there were.
struct Found {
    ours: BTreeSet<String>,
    theirs: BTreeSet<String>,
    asked: usize,
}

#[derive(Clone, Copy)]
struct Manager {
    name: &'static str,
    tools: &'static [&'static str],
    find: fn(&Path, &mut Dice) -> Found,
}

const MANAGERS: [Manager; 3] = [
    Manager { name: "dpkg", tools: &["apt-get"], find: dpkg::find },
    Manager { name: "rpm", tools: &["rpm", "rpmbuild"], find: rpm::find },
    Manager { name: "pacman", tools: &["pacman"], find: pacman::find },
];

fn main() {
    let trials = MANAGERS.map(|manager| Trial::ignorable_test(manager.name, move || agrees(manager)));
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit();
}

fn agrees(manager: Manager) -> Result<Completion, Failed> {
    if let Some(tool) = manager.tools.iter().find(|tool| !in_path(tool)) {
        let lack = format!("needs the program {tool}");
        return match std::env::var_os("CI") {
            Some(_) => Err(format!("cannot run, and in CI it must: {lack}").into()),
            None => Ok(Completion::ignored_with(lack)),
        };
    }
    let worlds = std::env::var("VENEER_WORLDS").map_or(1, |n| n.parse().expect("VENEER_WORLDS is a number"));
    for seed in 1..=worlds {
        let scratch = Scratch::new(manager.name);
        let found = (manager.find)(&scratch.0, &mut Dice::new(seed));
        let more = |a: &BTreeSet<String>, b| {
            let lines: Vec<&str> = a.difference(b).take(20).map(String::as_str).collect();
            lines.join("\n  ")
        };
        if found.ours != found.theirs {
            let (ours, theirs) = (more(&found.ours, &found.theirs), more(&found.theirs, &found.ours));
            return Err(format!(
                "world {seed}: only we say\n  {ours}\nonly {} says\n  {theirs}",
                manager.name
            )
            .into());
        }
        // All met or none would show nothing.
        let (unmet, asked) = (found.theirs.len(), found.asked);
        assert!(unmet * 10 > asked && unmet * 10 < asked * 9, "world {seed}: {unmet} of {asked} unmet");
    }
    Ok(Completion::Completed)
}

/// A directory that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let dir = std::env::temp_dir().join(format!("veneer-dependencies-{name}-{}", std::process::id()));
        fs::create_dir(&dir).expect("make a directory");
        Scratch(dir)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("remove the directory");
    }
}
