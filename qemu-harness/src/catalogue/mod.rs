//! The scenarios. To add one: write its guest script, add an entry to one of the lists here.

use crate::disk::Store;
use crate::recipe::Recipe;
use crate::scenario::{Boot, Ends, Scenario};

/// What the guest runs: scripts of `scenarios/` by name, one after the other in one shell.
macro_rules! script {
    ($($name:literal),+) => {
        concat!($(include_str!(concat!("../../scenarios/", $name, ".sh"))),+)
    };
}

mod command_line;
mod failures;
mod managers;
mod stores;
mod topologies;

/// All scenarios.
pub(crate) fn all() -> Vec<Scenario> {
    let lists = [topologies::all(), managers::all(), stores::all(), command_line::all(), failures::all()];
    lists.into_iter().flatten().collect()
}

/// What every change must pass, within the time that a check may take. Of what the others show, the most is also shown by one
/// of these, or without a machine: what debian13 does, ostree does with apt, and dnf5 with such an image; what comes of a power
/// cut at any moment of a rebase, the tests of crashes show with every write of it; how boots that are not blessed are counted,
/// those of layers show.
const CHECKED: [&str; 9] = [
    "dnf5",
    "ostree",
    "sealed",
    "guarded",
    "power-cut",
    "store-missing",
    "store-damaged",
    "disabled",
    "soft-reboot",
];

/// The scenarios of `make check`.
pub(crate) fn check() -> Vec<Scenario> {
    all().into_iter().filter(|scenario| CHECKED.contains(&scenario.name)).collect()
}

/// What Veneer is for, on a pair of bases.
fn story(name: &'static str, about: &'static str, bases: [&'static Recipe; 2]) -> Scenario {
    let boots = there_and_back(
        bases,
        [
            ("first boot: a layer is bound, a package installed", script!["install"]),
            ("reboot: the layer is used, the daemon runs", script!["reboot"]),
            ("base updated: the layer is rebased, the daemon still runs", script!["update"]),
            ("base rolled back: the old layer as it was", script!["rollback"]),
        ],
    );
    Scenario { name, about, store: Store::Ext4, boots }
}

/// The boots of a machine that is updated and rolled back, each with its title and script: the first on a base, a reboot with
/// the other base at hand, that base, and the first one again.
fn there_and_back([a, b]: [&'static Recipe; 2], told: [(&'static str, &'static str); 4]) -> Vec<Boot> {
    let mut boots: Vec<Boot> = told
        .into_iter()
        .zip([a, a, b, a])
        .map(|((title, script), base)| Boot::new(title, base, script))
        .collect();
    (boots[1].ends, boots[1].next) = (Ends::Reboot, Some(b));
    boots
}

/// What one boot of a base shows.
fn of_one_boot(
    base: &'static Recipe,
    (name, about, store, cmdline, script): (&'static str, &'static str, Store, &'static str, &'static str),
) -> Scenario {
    let boots = vec![Boot { cmdline, ..Boot::new(about, base, script) }];
    Scenario { name, about, store, boots }
}

#[cfg(test)]
mod tests {
    use super::{CHECKED, all, check};

    #[test]
    fn names_are_unique_and_every_scenario_boots() {
        let all = all();
        for (i, one) in all.iter().enumerate() {
            assert!(!one.boots.is_empty());
            assert!(all[i + 1..].iter().all(|other| other.name != one.name));
        }
        assert_eq!(check().len(), CHECKED.len());
    }
}
