//! The shipped veneer-assemble on real overlayfs, each scenario in a mount namespace of its own. The scenarios
//! know its interfaces and nothing of its inside.
#![allow(missing_docs)]

mod allocation;
mod arguments;
mod bad_input;
mod boots;
mod composefs;
mod conf;
mod content;
mod corrupt;
mod cost;
mod directory;
mod doctor;
mod dpkg;
mod foretold;
mod fstab;
mod guarded;
mod identity;
mod keeping;
mod kernel;
mod labels;
mod pacman;
mod probe;
mod random;
mod rebase;
mod rebased;
mod refresh;
mod refusals;
mod room;
mod schemas;
mod shown;
mod soname;
mod stopped;
mod stories;
mod terminal;
mod trial;
mod trust;
mod warned;

use std::process::ExitCode;

use veneer_tests::scenario;

fn main() -> ExitCode {
    let scenarios = [
        boots::SCENARIOS,
        rebase::SCENARIOS,
        content::SCENARIOS,
        random::SCENARIOS,
        refusals::SCENARIOS,
        corrupt::SCENARIOS,
        room::SCENARIOS,
        probe::SCENARIOS,
        trial::SCENARIOS,
        trust::SCENARIOS,
        shown::SCENARIOS,
        foretold::SCENARIOS,
        fstab::SCENARIOS,
        directory::SCENARIOS,
        warned::SCENARIOS,
        schemas::SCENARIOS,
        bad_input::SCENARIOS,
        terminal::SCENARIOS,
        doctor::SCENARIOS,
        stopped::SCENARIOS,
        allocation::SCENARIOS,
        arguments::SCENARIOS,
        conf::SCENARIOS,
        kernel::SCENARIOS,
        labels::SCENARIOS,
        dpkg::SCENARIOS,
        pacman::SCENARIOS,
        soname::SCENARIOS,
        refresh::SCENARIOS,
        identity::SCENARIOS,
        composefs::SCENARIOS,
        guarded::SCENARIOS,
        keeping::SCENARIOS,
        cost::SCENARIOS,
    ];
    scenario::main(&scenarios.concat(), &[("veneer-assemble", "veneer-assemble"), ("veneer-cli", "veneer")])
}
