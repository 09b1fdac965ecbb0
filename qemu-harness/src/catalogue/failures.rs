//! Power that is cut, and layers that do not come up.

use crate::disk::Store;
use crate::recipe::{DEBIAN13_A, DEBIAN13_B};
use crate::scenario::{Boot, Ends, Scenario};

pub(super) fn all() -> Vec<Scenario> {
    vec![cut(), cut_rebase(), late_failure(), kept_layers(), hidden()]
}

fn cut() -> Scenario {
    let about = "the power is cut while packages are unpacked";
    let boots = vec![
        Boot { ends: Ends::PowerCut("now"), ..Boot::new(about, &DEBIAN13_A, script!["power-cut"]) },
        Boot::new("the next boot is sound", &DEBIAN13_A, script!["power-back"]),
    ];
    Scenario { name: "power-cut", about, store: Store::Ext4, boots }
}

/// The power is cut while a layer is made, at three moments, on a store that is grown in between.
fn cut_rebase() -> Scenario {
    // On a fast disk the rebase would be over before anything is shown of it.
    let cut = |title, base, text| Boot {
        ends: Ends::EarlyPowerCut(text),
        disk_speed: Some(40),
        ..Boot::new(title, base, script!["unreached"])
    };
    let boots = vec![
        cut("the power is cut while a layer is bound", &DEBIAN13_A, "Starting veneer-assemble.service"),
        Boot::new("the next boot is sound; the store is grown", &DEBIAN13_A, script!["cut-rebase-start"]),
        cut("the power is cut while a layer is derived", &DEBIAN13_B, "]: deriving layer"),
        // The last word on the copy, which is to reach the disk now.
        cut("the power is cut when it is nearly done", &DEBIAN13_B, " MiB/s)"),
        Boot::new("the next boot is sound, with all that was there", &DEBIAN13_B, script!["cut-rebase-end"]),
    ];
    let about = "the power is cut while layers are bound and derived";
    Scenario { name: "power-cut-rebase", about, store: Store::Short, boots }
}

/// A layer that never comes up well, however often it is booted.
fn late_failure() -> Scenario {
    let boots = vec![
        Boot::new("a check that fails is installed", &DEBIAN13_A, script!["late-start"]),
        Boot::new("the first boot that is not blessed", &DEBIAN13_A, script!["late-failure"]),
        Boot::new("the second", &DEBIAN13_A, script!["late-failure"]),
        Boot::new("the layer is set aside", &DEBIAN13_A, script!["late-aside"]),
    ];
    let about = "a layer that never comes up well is set aside";
    Scenario { name: "late-failure", about, store: Store::Ext4, boots }
}

/// The same, and what one can do then.
fn kept_layers() -> Scenario {
    let mut scenario = late_failure();
    scenario.boots.extend([
        Boot::new("an older layer of the base is better than none", &DEBIAN13_A, script!["late-older"]),
        Boot::new("after veneer retry the newest is used again", &DEBIAN13_A, script!["late-again"]),
        Boot {
            cmdline: "rd.veneer.layer={kept}",
            ..Boot::new("a layer named on the command line", &DEBIAN13_A, script!["late-named"])
        },
    ]);
    Scenario { name: "kept-layers", about: "a layer that was set aside, an older one, and back", ..scenario }
}

fn hidden() -> Scenario {
    let boots = vec![
        Boot::new("pid 1's program is removed", &DEBIAN13_A, script!["hidden-start"]),
        Boot::new("the bare base is booted", &DEBIAN13_A, script!["hidden"]),
    ];
    let about = "a layer without pid 1 is refused by the probe";
    Scenario { name: "hidden", about, store: Store::Ext4, boots }
}
