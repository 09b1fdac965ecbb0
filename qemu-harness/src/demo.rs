//! The story of the README, told by a real machine: what is printed is what the commands in it print.

use crate::disk::Store;
use crate::recipe::{DEBIAN13_A, DEBIAN13_B};
use crate::scenario::{Boot, Scenario};

/// The story's boots.
pub(crate) fn story() -> Scenario {
    let boots = vec![
        Boot::new(
            "a fresh image, and a package that is not in it",
            &DEBIAN13_A,
            include_str!("../demo/1.sh"),
        ),
        Boot::new("reboot", &DEBIAN13_A, include_str!("../demo/2.sh")),
        Boot::new(
            "the image is updated: another /usr, another kernel",
            &DEBIAN13_B,
            include_str!("../demo/3.sh"),
        ),
        Boot {
            cmdline: "rd.veneer=0",
            ..Boot::new("turned off: rd.veneer=0", &DEBIAN13_B, include_str!("../demo/4.sh"))
        },
        Boot::new("turned on again", &DEBIAN13_B, include_str!("../demo/5.sh")),
    ];
    Scenario { name: "demo", about: "the story", store: Store::Ext4, boots }
}
