//! The scenarios. To add one: write its guest script, add an entry here.

use crate::disk::Store;
use crate::recipe::{DEBIAN13_A, DEBIAN13_B, Recipe, UNSTABLE_A, UNSTABLE_B};
use crate::scenario::{Boot, Ends, Scenario};

const INSTALL: &str = include_str!("../scenarios/install.sh");
const REBOOT: &str = include_str!("../scenarios/reboot.sh");
const UPDATE: &str = include_str!("../scenarios/update.sh");
const ROLLBACK: &str = include_str!("../scenarios/rollback.sh");
const POWER_CUT: &str = include_str!("../scenarios/power-cut.sh");
const POWER_BACK: &str = include_str!("../scenarios/power-back.sh");
const STORE_MISSING: &str = include_str!("../scenarios/store-missing.sh");
const STORE_UNFORMATTED: &str = include_str!("../scenarios/store-unformatted.sh");
const STORE_TWICE: &str = include_str!("../scenarios/store-twice.sh");
const DISABLED: &str = include_str!("../scenarios/disabled.sh");
const PRISTINE: &str = include_str!("../scenarios/pristine.sh");
const NOISE: &str = include_str!("../scenarios/noise.sh");
const LATE_START: &str = include_str!("../scenarios/late-start.sh");
const LATE_FAILURE: &str = include_str!("../scenarios/late-failure.sh");
const LATE_ASIDE: &str = include_str!("../scenarios/late-aside.sh");
const LATE_AGAIN: &str = include_str!("../scenarios/late-again.sh");
const HIDDEN_START: &str = include_str!("../scenarios/hidden-start.sh");
const HIDDEN: &str = include_str!("../scenarios/hidden.sh");
const OTHER_STORE: &str = include_str!("../scenarios/other-store.sh");
const DIR_STORE: &str = include_str!("../scenarios/dir-store.sh");
const SOFT_REBOOT: &str = include_str!("../scenarios/soft-reboot.sh");

/// Words that mean nothing, or are wrong: each must be warned about at most.
const NOISY: &str = "rd.veneer.nonsense=1 rd.veneer.timeout=soon rd.veneer.mode= rd.veneer.=x rd.veneer \
                     rd.veneer.layer=../../etc \"rd.veneer.store=LABEL=a b\" rd.veneer.store=auto";

/// All scenarios.
pub(crate) fn all() -> Vec<Scenario> {
    let mut all = vec![
        story("debian13", "Debian 13: install, reboot, update, roll back", &DEBIAN13_A, &DEBIAN13_B),
        story(
            "unstable",
            "testing to unstable: install, reboot, update, roll back",
            &UNSTABLE_A,
            &UNSTABLE_B,
        ),
    ];
    all.push(Scenario {
        name: "power-cut",
        about: "the power is cut while packages are unpacked",
        store: Store::Ext4,
        boots: vec![
            Boot {
                ends: Ends::PowerCut("now"),
                ..Boot::new("the power is cut while packages are unpacked", &DEBIAN13_A, POWER_CUT)
            },
            Boot::new("the next boot is sound", &DEBIAN13_A, POWER_BACK),
        ],
    });
    all.push(Scenario {
        name: "late-failure",
        about: "a layer that never comes up well is set aside, and comes back",
        store: Store::Ext4,
        boots: vec![
            Boot::new("a check that fails is installed", &DEBIAN13_A, LATE_START),
            Boot::new("the first boot that is not blessed", &DEBIAN13_A, LATE_FAILURE),
            Boot::new("the second", &DEBIAN13_A, LATE_FAILURE),
            Boot::new("the layer is set aside", &DEBIAN13_A, LATE_ASIDE),
            Boot::new("after veneer retry it is used again", &DEBIAN13_A, LATE_AGAIN),
        ],
    });
    all.push(Scenario {
        name: "hidden",
        about: "a layer without pid 1 is refused by the probe",
        store: Store::Ext4,
        boots: vec![
            Boot::new("pid 1's program is removed", &DEBIAN13_A, HIDDEN_START),
            Boot::new("the bare base is booted", &DEBIAN13_A, HIDDEN),
        ],
    });
    for (name, about, store, cmdline, script) in [
        ("xfs", "a store on xfs", Store::Xfs, "", OTHER_STORE),
        ("btrfs", "a store on btrfs", Store::Btrfs, "", OTHER_STORE),
        (
            "dir-store",
            "a directory of a read-only root for a store",
            Store::Absent,
            "ro rd.veneer.store=dir:/var/lib/veneer",
            DIR_STORE,
        ),
        ("soft-reboot", "systemctl soft-reboot keeps the layer", Store::Ext4, "", SOFT_REBOOT),
        (
            "store-missing",
            "no store partition: pristine",
            Store::Absent,
            "rd.veneer.timeout=10",
            STORE_MISSING,
        ),
        (
            "store-unformatted",
            "a store without file system: pristine",
            Store::Unformatted,
            "",
            STORE_UNFORMATTED,
        ),
        ("store-twice", "two partitions claim to be the store", Store::Twice, "", STORE_TWICE),
        ("disabled", "rd.veneer=0: as if Veneer were not there", Store::Ext4, "rd.veneer=0", DISABLED),
        (
            "pristine",
            "rd.veneer.mode=pristine: the bare base",
            Store::Ext4,
            "rd.veneer.mode=pristine",
            PRISTINE,
        ),
        ("noise", "wrong words on the command line are no reason to fail", Store::Ext4, NOISY, NOISE),
    ] {
        let boots = vec![Boot { cmdline, ..Boot::new(about, &DEBIAN13_A, script) }];
        all.push(Scenario { name, about, store, boots });
    }
    all
}

/// What every change must pass, within the time that a check may take: all but these.
pub(crate) fn check() -> Vec<Scenario> {
    const SELDOM: [&str; 2] = ["xfs", "btrfs"];
    all().into_iter().filter(|scenario| !SELDOM.contains(&scenario.name)).collect()
}

/// What Veneer is for, on a pair of bases.
fn story(name: &'static str, about: &'static str, a: &'static Recipe, b: &'static Recipe) -> Scenario {
    let boots = vec![
        Boot::new("first boot: a layer is bound, a package installed", a, INSTALL),
        Boot { ends: Ends::Reboot, ..Boot::new("reboot: the layer is used, the daemon runs", a, REBOOT) },
        Boot::new("base updated: the layer is rebased, the daemon still runs", b, UPDATE),
        Boot::new("base rolled back: the old layer as it was", a, ROLLBACK),
    ];
    Scenario { name, about, store: Store::Ext4, boots }
}

#[cfg(test)]
mod tests {
    use super::all;

    #[test]
    fn names_are_unique_and_every_scenario_boots() {
        let all = all();
        for (i, one) in all.iter().enumerate() {
            assert!(!one.boots.is_empty());
            assert!(all[i + 1..].iter().all(|other| other.name != one.name));
        }
    }
}
