//! Stores of other kinds, in other places, and those that are none.

use super::of_one_boot;
use crate::disk::Store;
use crate::recipe::{DEBIAN13_A, FOUND_A, SEALED_A};
use crate::scenario::{Boot, Scenario};

pub(super) fn all() -> Vec<Scenario> {
    let mut all = vec![
        of_one_boot(
            &SEALED_A,
            (
                "sealed-full",
                "a store is to be made on first boot, and there is no room: pristine",
                Store::Absent,
                "rd.veneer.timeout=10",
                script!["sealed-full"],
            ),
        ),
        other_disk(),
    ];
    let of_debian = [
        ("xfs", "a store on xfs", Store::Xfs, "", script!["other-store"]),
        ("btrfs", "a store on btrfs", Store::Btrfs, "", script!["other-store"]),
        (
            "dir-store",
            "a directory of a read-only root for a store",
            Store::Absent,
            "ro rd.veneer.store=dir:/var/lib/veneer",
            script!["dir-store"],
        ),
        (
            "store-missing",
            "no store partition: pristine",
            Store::Absent,
            "rd.veneer.timeout=10",
            script!["store-missing"],
        ),
        (
            "store-unformatted",
            "a store without file system: pristine",
            Store::Unformatted,
            "",
            script!["store-unformatted"],
        ),
        (
            "store-damaged",
            "a store that its check cannot repair: pristine",
            Store::Damaged,
            "",
            script!["store-damaged"],
        ),
        ("store-twice", "two partitions claim to be the store", Store::Twice, "", script!["store-twice"]),
    ];
    all.extend(of_debian.map(|one| of_one_boot(&DEBIAN13_A, one)));
    all
}

/// Only a boot loader that names its disk makes a difference between disks.
fn other_disk() -> Scenario {
    let boots = vec![
        Boot {
            cmdline: "rd.veneer.timeout=10",
            ..Boot::new("it is left alone", &FOUND_A, script!["store-missing"])
        },
        Boot {
            cmdline: "rd.veneer.store=PARTLABEL=veneer",
            ..Boot::new("it is used, if it is named", &FOUND_A, script!["other-store", "other-disk"])
        },
    ];
    let about = "a store on another disk than the boot loader's";
    Scenario { name: "other-disk", about, store: Store::Elsewhere, boots }
}
