//! A store made by an attacker cannot make veneer-assemble read or write outside of it, wait, take much memory, or
//! fail to boot. The attacker may do to the store what root may do, as with a disk that was in other hands.
#![allow(missing_docs)]

#[path = "hostile/forged.rs"]
mod forged;
#[path = "hostile/ground.rs"]
mod ground;
#[path = "hostile/replaced.rs"]
mod replaced;
#[path = "hostile/upper.rs"]
mod upper;

use std::process::ExitCode;

use veneer_tests::scenario::{self, Need, Scenario};

use ground::Ground;

const NEEDS: &[Need] =
    &[Need::Tool("strace"), Need::Tool("prlimit"), Need::Tool("dpkg"), Need::Tool("dpkg-deb")];

const SCENARIOS: &[Scenario] = &[
    Scenario { name: "replaced", needs: NEEDS, run: |d| replaced::run(Ground::with_layer(d)) },
    Scenario {
        name: "replaced_before_rebase",
        needs: NEEDS,
        run: |d| replaced::run(Ground::before_rebase(d)),
    },
    Scenario { name: "devices", needs: NEEDS, run: |d| replaced::devices(Ground::with_layer(d)) },
    Scenario {
        name: "devices_before_rebase",
        needs: NEEDS,
        run: |d| replaced::devices(Ground::before_rebase(d)),
    },
    Scenario { name: "forged", needs: NEEDS, run: |d| forged::run(Ground::with_layer(d)) },
    Scenario { name: "forged_before_rebase", needs: NEEDS, run: |d| forged::run(Ground::before_rebase(d)) },
    Scenario { name: "crowd", needs: NEEDS, run: |d| forged::crowd(Ground::with_layer(d)) },
    Scenario { name: "deep", needs: NEEDS, run: |d| upper::depth(Ground::before_rebase(d)) },
    Scenario { name: "wide", needs: NEEDS, run: |d| upper::width(Ground::before_rebase(d)) },
    Scenario { name: "wide_quarantine", needs: NEEDS, run: |d| upper::quarantined(Ground::before_rebase(d)) },
    Scenario { name: "odd_names_and_files", needs: NEEDS, run: |d| upper::names(Ground::before_rebase(d)) },
    Scenario { name: "dpkg_database", needs: NEEDS, run: |d| upper::database(Ground::before_rebase(d)) },
];

fn main() -> ExitCode {
    scenario::main(SCENARIOS, &[("veneer-assemble", "veneer-assemble"), ("veneer-cli", "veneer")])
}
