//! Whatever interrupts veneer-assemble, and wherever: the next boot has the old state or the new one, or is pristine,
//! and nothing of the user's is lost. It is killed before each system call that changes something, and its
//! disk loses the power after each write.
//!
//! `cargo test` takes a sample, `VENEER_CRASH=all` all of it; `make crash` does that.
#![allow(missing_docs)]

#[path = "crash/disk.rs"]
mod disk;
#[path = "crash/image.rs"]
mod image;
#[path = "crash/kill.rs"]
mod kill;
#[path = "crash/numbers.rs"]
mod numbers;
#[path = "crash/power.rs"]
mod power;
#[path = "crash/story.rs"]
mod story;

use std::process::ExitCode;

use veneer_tests::scenario::{self, Need, Scenario};

use power::System::{Ext4, Xfs};
use story::STORIES;

const KILL: &[Need] = &[Need::Tool("strace"), Need::Tool("dpkg"), Need::Tool("dpkg-deb")];

const EXT4: &[Need] = &[
    Need::Kernel("fuse"),
    Need::Kernel("ext4"),
    Need::Tool("mkfs.ext4"),
    Need::Tool("dpkg"),
    Need::Tool("dpkg-deb"),
];
const XFS: &[Need] = &[
    Need::Kernel("fuse"),
    Need::Kernel("xfs"),
    Need::Tool("mkfs.xfs"),
    Need::Tool("dpkg"),
    Need::Tool("dpkg-deb"),
];

const SCENARIOS: &[Scenario] = &[
    Scenario { name: "bind_killed", needs: KILL, run: |d| kill::run(d, STORIES[0], 0, 1) },
    Scenario { name: "use_killed", needs: KILL, run: |d| kill::run(d, STORIES[1], 0, 1) },
    Scenario { name: "rebase_killed_1", needs: KILL, run: |d| kill::run(d, STORIES[2], 0, 3) },
    Scenario { name: "rebase_killed_2", needs: KILL, run: |d| kill::run(d, STORIES[2], 1, 3) },
    Scenario { name: "rebase_killed_3", needs: KILL, run: |d| kill::run(d, STORIES[2], 2, 3) },
    Scenario { name: "bind_power_cut_ext4", needs: EXT4, run: |d| power::run(d, Ext4, STORIES[0], 0, 1) },
    Scenario { name: "use_power_cut_ext4", needs: EXT4, run: |d| power::run(d, Ext4, STORIES[1], 0, 1) },
    Scenario { name: "rebase_power_cut_ext4_1", needs: EXT4, run: |d| power::run(d, Ext4, STORIES[2], 0, 2) },
    Scenario { name: "rebase_power_cut_ext4_2", needs: EXT4, run: |d| power::run(d, Ext4, STORIES[2], 1, 2) },
    Scenario { name: "bind_power_cut_xfs", needs: XFS, run: |d| power::run(d, Xfs, STORIES[0], 0, 1) },
    Scenario { name: "use_power_cut_xfs", needs: XFS, run: |d| power::run(d, Xfs, STORIES[1], 0, 1) },
    Scenario { name: "rebase_power_cut_xfs", needs: XFS, run: |d| power::run(d, Xfs, STORIES[2], 0, 1) },
];

fn main() -> ExitCode {
    // A trial is this program again.
    let outermost = std::env::var_os("VENEER_SCENARIO").is_none();
    if outermost {
        numbers::forget();
    }
    let code = scenario::main(SCENARIOS, &[("veneer-assemble", "veneer-assemble"), ("veneer-cli", "veneer")]);
    if outermost {
        numbers::print();
    }
    code
}
