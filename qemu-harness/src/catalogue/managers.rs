//! What package managers other than apt do, and what they do in a guarded /usr.

use super::there_and_back;
use crate::disk::Store;
use crate::recipe::{DEBIAN13_A, DEBIAN13_B, DNF_A, DNF_B};
use crate::scenario::{Boot, Scenario};

pub(super) fn all() -> Vec<Scenario> {
    vec![dnf5(), guarded(), guarded_dnf5()]
}

/// What Veneer is for, with rpm.
fn dnf5() -> Scenario {
    let boots = there_and_back(
        [&DNF_A, &DNF_B],
        [
            ("first boot: dnf5 installs a daemon and more", script!["dnf-install"]),
            ("reboot: all is there", script!["dnf-reboot"]),
            ("base updated: its rpm composes the database", script!["dnf-update"]),
            ("base rolled back: the old layer as it was", script!["dnf-rollback"]),
        ],
    );
    let about = "rpm 6 and dnf5: install, reboot, update, roll back";
    Scenario { name: "dnf5", about, store: Store::Ext4, boots }
}

/// /usr is read-only, and apt works.
fn guarded() -> Scenario {
    let boots = vec![
        guard(Boot::new(
            "apt installs, others are refused, also after a kill",
            &DEBIAN13_A,
            script!["install", "guarded"],
        )),
        guard(Boot::new(
            "base updated: the layer is rebased and refreshed",
            &DEBIAN13_B,
            script!["guarded-update"],
        )),
    ];
    let about = "mode=guarded: /usr is read-only, and apt works";
    Scenario { name: "guarded", about, store: Store::Ext4, boots }
}

fn guarded_dnf5() -> Scenario {
    let script = script!["dnf-install", "guarded-dnf"];
    let boots = vec![guard(Boot::new("dnf5 installs, others are refused", &DNF_A, script))];
    let about = "mode=guarded: /usr is read-only, and dnf5 works";
    Scenario { name: "guarded-dnf5", about, store: Store::Ext4, boots }
}

fn guard(boot: Boot) -> Boot {
    Boot { cmdline: "rd.veneer.mode=guarded", ..boot }
}
