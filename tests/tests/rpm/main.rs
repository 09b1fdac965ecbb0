//! The shipped programs on bases of real rpm systems, each scenario in a mount namespace of its own, with rpm 4.20 and
//! with rpm 6.
#![allow(missing_docs)]

mod oddities;
mod program;
mod stories;
mod world;

use std::process::ExitCode;

use veneer_tests::rpm::{RPM4, RPM6};
use veneer_tests::scenario::{self, Need, Scenario};

const NEEDS4: &[Need] = &[
    Need::Tool("mmdebstrap"),
    Need::Tool("gcc"),
    Need::Tool("mkfs.erofs"),
    Need::Kernel("erofs"),
    Need::Made(|| RPM4.ready()),
];
const NEEDS6: &[Need] = &[
    Need::Tool("mmdebstrap"),
    Need::Tool("gcc"),
    Need::Tool("mkfs.erofs"),
    Need::Kernel("erofs"),
    Need::Made(|| RPM6.ready()),
];

/// The scenario of each function, for both generations.
macro_rules! scenarios {
    ($($name:literal $function:path;)*) => {
        &[$(
            Scenario { name: concat!("rpm4_", $name), needs: NEEDS4, run: |dir| $function(dir, &RPM4) },
            Scenario { name: concat!("rpm6_", $name), needs: NEEDS6, run: |dir| $function(dir, &RPM6) },
        )*]
    };
}

const SCENARIOS: &[Scenario] = scenarios! {
    "package_of_the_user" stories::of_the_user;
    "base_ships_the_users_package" stories::base_ships_it;
    "newer_than_the_base" stories::newer;
    "order_of_versions" stories::orders;
    "removed_by_the_user" stories::removed;
    "dropped_and_adopted" stories::dropped;
    "dropped_and_missed" stories::missed;
    "told_before_the_boot" stories::told_before;
    "critical" stories::critical;
    "untouched" stories::untouched;
    "keys" oddities::keys;
    "cut_off_transaction" oddities::cut_off;
    "without_record" oddities::without_record;
    "only_read" oddities::only_read;
    "damaged" oddities::damaged;
    "base_without_database" oddities::gone;
};

/// Those in which the generation makes no difference.
const ODD: &[Scenario] = &[
    Scenario {
        name: "rpm4_database_elsewhere",
        needs: NEEDS4,
        run: |dir| oddities::elsewhere(dir, &RPM4, "elsewhere"),
    },
    Scenario {
        name: "rpm4_database_in_another_format",
        needs: NEEDS4,
        run: |dir| oddities::elsewhere(dir, &RPM4, "ndb"),
    },
];

fn main() -> ExitCode {
    let all = [SCENARIOS, ODD, program::SCENARIOS].concat();
    scenario::main(&all, &[("veneer-assemble", "veneer-assemble"), ("veneer-cli", "veneer")])
}
