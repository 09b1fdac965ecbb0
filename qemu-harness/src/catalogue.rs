//! The scenarios. To add one: write its guest script, add an entry here.

use std::time::Duration;

use crate::disk::Store;
use crate::recipe::{
    COMPOSEFS_A, COMPOSEFS_B, DEBIAN13_A, DEBIAN13_B, DNF_A, DNF_B, ENCRYPTED_A, ENCRYPTED_B, FOUND_A,
    FOUND_B, FSTAB_A, FSTAB_B, OSTREE_A, OSTREE_B, Recipe, SEALED_A, SEALED_B, SEALED_WHOLE_A,
    SEALED_WHOLE_B, SELINUX_A, SELINUX_B, UNSTABLE_A, UNSTABLE_B, WHOLE_A, WHOLE_B,
};
use crate::scenario::{Boot, Ends, Scenario};

const INSTALL: &str = include_str!("../scenarios/install.sh");
const REBOOT: &str = include_str!("../scenarios/reboot.sh");
const UPDATE: &str = include_str!("../scenarios/update.sh");
const ROLLBACK: &str = include_str!("../scenarios/rollback.sh");
const POWER_CUT: &str = include_str!("../scenarios/power-cut.sh");
const POWER_BACK: &str = include_str!("../scenarios/power-back.sh");
const UNREACHED: &str = include_str!("../scenarios/unreached.sh");
const CUT_REBASE_START: &str = include_str!("../scenarios/cut-rebase-start.sh");
const CUT_REBASE_END: &str = include_str!("../scenarios/cut-rebase-end.sh");
const SEALED_FIRST: &str = include_str!("../scenarios/sealed-first.sh");
const SEALED_UPDATE: &str = include_str!("../scenarios/sealed-update.sh");
const SEALED_BACK: &str = include_str!("../scenarios/sealed-back.sh");
const SEALED_FULL: &str = include_str!("../scenarios/sealed-full.sh");
const STORE_DAMAGED: &str = include_str!("../scenarios/store-damaged.sh");
const STORE_MISSING: &str = include_str!("../scenarios/store-missing.sh");
const STORE_UNFORMATTED: &str = include_str!("../scenarios/store-unformatted.sh");
const STORE_TWICE: &str = include_str!("../scenarios/store-twice.sh");
const DISABLED: &str = include_str!("../scenarios/disabled.sh");
const PRISTINE: &str = include_str!("../scenarios/pristine.sh");
const NOISE: &str = include_str!("../scenarios/noise.sh");
const LATE_START: &str = include_str!("../scenarios/late-start.sh");
const LATE_FAILURE: &str = include_str!("../scenarios/late-failure.sh");
const LATE_ASIDE: &str = include_str!("../scenarios/late-aside.sh");
const LATE_OLDER: &str = include_str!("../scenarios/late-older.sh");
const LATE_AGAIN: &str = include_str!("../scenarios/late-again.sh");
const LATE_NAMED: &str = include_str!("../scenarios/late-named.sh");
const HIDDEN_START: &str = include_str!("../scenarios/hidden-start.sh");
const HIDDEN: &str = include_str!("../scenarios/hidden.sh");
const OTHER_STORE: &str = include_str!("../scenarios/other-store.sh");
const SEALED_REBOOT: &str =
    concat!(include_str!("../scenarios/sealed.sh"), include_str!("../scenarios/reboot.sh"));
const SEALED_STORY_UPDATE: &str =
    concat!(include_str!("../scenarios/sealed.sh"), include_str!("../scenarios/update.sh"));
const FOUND_REBOOT: &str =
    concat!(include_str!("../scenarios/found.sh"), include_str!("../scenarios/reboot.sh"));
const OTHER_DISK: &str =
    concat!(include_str!("../scenarios/other-store.sh"), include_str!("../scenarios/other-disk.sh"));
const DIR_STORE: &str = include_str!("../scenarios/dir-store.sh");
const DNF_INSTALL: &str = include_str!("../scenarios/dnf-install.sh");
const DNF_REBOOT: &str = include_str!("../scenarios/dnf-reboot.sh");
const DNF_UPDATE: &str = include_str!("../scenarios/dnf-update.sh");
const DNF_ROLLBACK: &str = include_str!("../scenarios/dnf-rollback.sh");
const GUARDED: &str =
    concat!(include_str!("../scenarios/install.sh"), include_str!("../scenarios/guarded.sh"));
const GUARDED_UPDATE: &str = include_str!("../scenarios/guarded-update.sh");
const GUARDED_DNF: &str =
    concat!(include_str!("../scenarios/dnf-install.sh"), include_str!("../scenarios/guarded-dnf.sh"));
const OSTREE_INSTALL: &str =
    concat!(include_str!("../scenarios/ostree-first.sh"), include_str!("../scenarios/install.sh"));
const OSTREE_REBOOT: &str =
    concat!(include_str!("../scenarios/ostree-stage.sh"), include_str!("../scenarios/reboot.sh"));
const COMPOSEFS_REBOOT: &str = concat!(
    include_str!("../scenarios/composefs-fits.sh"),
    include_str!("../scenarios/ostree-stage.sh"),
    include_str!("../scenarios/reboot.sh")
);
const OSTREE_UPDATE: &str = concat!(
    include_str!("../scenarios/ostree-ready.sh"),
    include_str!("../scenarios/update.sh"),
    include_str!("../scenarios/ostree-back.sh")
);
const EXTENSIONS_INSTALL: &str =
    concat!(include_str!("../scenarios/install.sh"), include_str!("../scenarios/extensions-first.sh"));
const EXTENSIONS_REBOOT: &str =
    concat!(include_str!("../scenarios/extensions.sh"), include_str!("../scenarios/reboot.sh"));
const EXTENSIONS_UPDATE: &str =
    concat!(include_str!("../scenarios/extensions.sh"), include_str!("../scenarios/update.sh"));
const EXTENSIONS_ROLLBACK: &str =
    concat!(include_str!("../scenarios/extensions.sh"), include_str!("../scenarios/rollback.sh"));
const ENCRYPTED_INSTALL: &str =
    concat!(include_str!("../scenarios/install.sh"), include_str!("../scenarios/encrypted-first.sh"));
const ENCRYPTED_REBOOT: &str =
    concat!(include_str!("../scenarios/encrypted-key.sh"), include_str!("../scenarios/reboot.sh"));
const ENCRYPTED_UPDATE: &str =
    concat!(include_str!("../scenarios/encrypted-passphrase.sh"), include_str!("../scenarios/update.sh"));
const ENCRYPTED_LOCKED: &str = include_str!("../scenarios/encrypted-locked.sh");
const SELINUX_BARE: &str =
    concat!(include_str!("../scenarios/selinux.sh"), include_str!("../scenarios/selinux-bare.sh"));
const SELINUX_INSTALL: &str = concat!(
    include_str!("../scenarios/selinux.sh"),
    include_str!("../scenarios/install.sh"),
    include_str!("../scenarios/selinux-layer.sh")
);
const SELINUX_REBOOT: &str = concat!(
    include_str!("../scenarios/selinux.sh"),
    include_str!("../scenarios/reboot.sh"),
    include_str!("../scenarios/selinux-layer.sh"),
    include_str!("../scenarios/selinux-policy.sh")
);
const SELINUX_UPDATE: &str = concat!(
    include_str!("../scenarios/selinux.sh"),
    include_str!("../scenarios/update.sh"),
    include_str!("../scenarios/selinux-layer.sh"),
    include_str!("../scenarios/selinux-anew.sh")
);
const SELINUX_ROLLBACK: &str = concat!(
    include_str!("../scenarios/selinux.sh"),
    include_str!("../scenarios/rollback.sh"),
    include_str!("../scenarios/selinux-again.sh"),
    include_str!("../scenarios/selinux-layer.sh")
);
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
    all.push(dnf5());
    all.push(guarded());
    all.push(Scenario {
        name: "guarded-dnf5",
        about: "mode=guarded: /usr is read-only, and dnf5 works",
        store: Store::Ext4,
        boots: vec![guard(Boot::new("dnf5 installs, others are refused", &DNF_A, GUARDED_DNF))],
    });
    all.push(cut_rebase());
    all.push(sealed());
    all.push(Scenario {
        name: "sealed-full",
        about: "a store is to be made on first boot, and there is no room: pristine",
        store: Store::Absent,
        boots: vec![Boot {
            cmdline: "rd.veneer.timeout=10",
            ..Boot::new("there is no room for a store", &SEALED_A, SEALED_FULL)
        }],
    });
    all.push(ostree(
        "ostree",
        "a deployment of ostree, the store in its /var",
        [&OSTREE_A, &OSTREE_B],
        Store::Absent,
        "rd.veneer.store=dir:/var/lib/veneer",
    ));
    let mut composefs = ostree(
        "composefs",
        "a deployment of ostree with composefs",
        [&COMPOSEFS_A, &COMPOSEFS_B],
        Store::Ext4,
        "",
    );
    composefs.boots[1].script = COMPOSEFS_REBOOT;
    all.push(composefs);
    all.push(encrypted());
    all.push(extensions());
    all.push(selinux(
        "selinux",
        "SELinux with Debian's reference policy, permissive: labels and denials",
        ["enforcing=0 rd.veneer.mode=pristine", "enforcing=0"],
    ));
    all.push(selinux(
        "selinux-enforcing",
        "the same, enforcing",
        ["enforcing=1 rd.veneer.mode=pristine", "enforcing=1"],
    ));
    all.push(story("fstab", "/usr is in /etc/fstab alone", &FSTAB_A, &FSTAB_B));
    all.push(story("whole", "all of the system is one read-only file system", &WHOLE_A, &WHOLE_B));
    let mut found = story("found", "systemd finds /usr; another disk has a store, too", &FOUND_A, &FOUND_B);
    found.store = Store::Beside;
    found.boots[1].script = FOUND_REBOOT;
    all.push(found);
    let mut whole = story(
        "sealed-whole",
        "all of the system is one file system on dm-verity",
        &SEALED_WHOLE_A,
        &SEALED_WHOLE_B,
    );
    whole.boots[1].script = SEALED_REBOOT;
    whole.boots[2].script = SEALED_STORY_UPDATE;
    all.push(whole);
    all.push(Scenario {
        name: "other-disk",
        about: "a store on another disk than the boot loader's",
        store: Store::Elsewhere,
        boots: vec![
            Boot {
                cmdline: "rd.veneer.timeout=10",
                ..Boot::new("it is left alone", &FOUND_A, STORE_MISSING)
            },
            Boot {
                cmdline: "rd.veneer.store=PARTLABEL=veneer",
                ..Boot::new("it is used, if it is named", &FOUND_A, OTHER_DISK)
            },
        ],
    });
    all.push(late_failure());
    all.push(kept_layers());
    all.push(Scenario {
        name: "hidden",
        about: "a layer without pid 1 is refused by the probe",
        store: Store::Ext4,
        boots: vec![
            Boot::new("pid 1's program is removed", &DEBIAN13_A, HIDDEN_START),
            Boot::new("the bare base is booted", &DEBIAN13_A, HIDDEN),
        ],
    });
    all.extend(of_one_boot());
    all
}

/// What one boot shows.
fn of_one_boot() -> [Scenario; 11] {
    [
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
        (
            "store-damaged",
            "a store that its check cannot repair: pristine",
            Store::Damaged,
            "",
            STORE_DAMAGED,
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
    ]
    .map(|(name, about, store, cmdline, script)| {
        let boots = vec![Boot { cmdline, ..Boot::new(about, &DEBIAN13_A, script) }];
        Scenario { name, about, store, boots }
    })
}

/// What every change must pass, within the time that a check may take: all but these. Of what they show, the most is also
/// shown by another scenario, or without a machine: what debian13 does, ostree does with apt, and dnf5 with such an image; what
/// comes of a power cut at any moment of a rebase, the tests of crashes show with every write of it.
pub(crate) fn check() -> Vec<Scenario> {
    const SELDOM: [&str; 24] = [
        "debian13",
        "dir-store",
        "unstable",
        "composefs",
        "encrypted",
        "power-cut-rebase",
        "fstab",
        "whole",
        "sealed-whole",
        "extensions",
        "found",
        "other-disk",
        "selinux",
        "selinux-enforcing",
        "guarded-dnf5",
        "kept-layers",
        "hidden",
        "xfs",
        "btrfs",
        "sealed-full",
        "store-unformatted",
        "store-twice",
        "pristine",
        "noise",
    ];
    all().into_iter().filter(|scenario| !SELDOM.contains(&scenario.name)).collect()
}

/// The power is cut while a layer is made, at three moments, on a store that is grown in between.
fn cut_rebase() -> Scenario {
    // On a fast disk the rebase would be over before anything is shown of it.
    let cut = |title, base, text| Boot {
        ends: Ends::EarlyPowerCut(text),
        disk_speed: Some(40),
        ..Boot::new(title, base, UNREACHED)
    };
    let boots = vec![
        cut("the power is cut while a layer is bound", &DEBIAN13_A, "Starting veneer-assemble.service"),
        Boot::new("the next boot is sound; the store is grown", &DEBIAN13_A, CUT_REBASE_START),
        cut("the power is cut while a layer is derived", &DEBIAN13_B, "]: deriving layer"),
        // The last word on the copy, which is to reach the disk now.
        cut("the power is cut when it is nearly done", &DEBIAN13_B, " MiB/s)"),
        Boot::new("the next boot is sound, with all that was there", &DEBIAN13_B, CUT_REBASE_END),
    ];
    Scenario {
        name: "power-cut-rebase",
        about: "the power is cut while layers are bound and derived",
        store: Store::Short,
        boots,
    }
}

/// A layer that never comes up well, however often it is booted.
fn late_failure() -> Scenario {
    let boots = vec![
        Boot::new("a check that fails is installed", &DEBIAN13_A, LATE_START),
        Boot::new("the first boot that is not blessed", &DEBIAN13_A, LATE_FAILURE),
        Boot::new("the second", &DEBIAN13_A, LATE_FAILURE),
        Boot::new("the layer is set aside", &DEBIAN13_A, LATE_ASIDE),
    ];
    Scenario {
        name: "late-failure",
        about: "a layer that never comes up well is set aside",
        store: Store::Ext4,
        boots,
    }
}

/// The same, and what one can do then.
fn kept_layers() -> Scenario {
    let mut scenario = late_failure();
    scenario.boots.extend([
        Boot::new("an older layer of the base is better than none", &DEBIAN13_A, LATE_OLDER),
        Boot::new("after veneer retry the newest is used again", &DEBIAN13_A, LATE_AGAIN),
        Boot {
            cmdline: "rd.veneer.layer={kept}",
            ..Boot::new("a layer named on the command line", &DEBIAN13_A, LATE_NAMED)
        },
    ]);
    Scenario { name: "kept-layers", about: "a layer that was set aside, an older one, and back", ..scenario }
}

/// An image as systemd's own tools build it.
fn sealed() -> Scenario {
    let boots = vec![
        Boot::new(
            "first boot: systemd-repart makes the store, verity names the base",
            &SEALED_A,
            SEALED_FIRST,
        ),
        Boot::new("another root hash: the layer is rebased", &SEALED_B, SEALED_UPDATE),
        Boot::new("the first root hash again: the old layer as it was", &SEALED_A, SEALED_BACK),
    ];
    Scenario {
        name: "sealed",
        about: "/usr on dm-verity, the store made on first boot",
        store: Store::Free,
        boots,
    }
}

/// systemd-sysext and systemd-confext together with a layer.
fn extensions() -> Scenario {
    let boots = there_and_back(
        [&DEBIAN13_A, &DEBIAN13_B],
        [
            ("merged and unmerged while packages come and go", EXTENSIONS_INSTALL),
            ("reboot: merged over the layer", EXTENSIONS_REBOOT),
            ("base updated: merged over the new layer", EXTENSIONS_UPDATE),
            ("base rolled back", EXTENSIONS_ROLLBACK),
        ],
    );
    let about = "systemd-sysext and systemd-confext over a layer";
    Scenario { name: "extensions", about, store: Store::Ext4, boots }
}

/// Debian's reference policy: what it denies on the bare base, and that with a layer it is no more.
fn selinux(name: &'static str, about: &'static str, [bare, mode]: [&'static str; 2]) -> Scenario {
    let mut boots = vec![Boot {
        cmdline: bare,
        ..Boot::new("the bare base: what is denied there", &SELINUX_A, SELINUX_BARE)
    }];
    let layers = there_and_back(
        [&SELINUX_A, &SELINUX_B],
        [
            ("a layer is bound, a package installed", SELINUX_INSTALL),
            ("reboot: the layer is used, the policy changes", SELINUX_REBOOT),
            ("base updated: the layer is rebased and labelled anew", SELINUX_UPDATE),
            ("base rolled back: the old layer as it was", SELINUX_ROLLBACK),
        ],
    );
    boots.extend(layers.into_iter().map(|boot| Boot { cmdline: mode, ..boot }));
    // The kernel says a lot on an emulated console.
    let boots = boots.into_iter().map(|boot| Boot { deadline: Duration::from_secs(1800), ..boot }).collect();
    Scenario { name, about, store: Store::Ext4, boots }
}

/// A sealed /usr and a store that only this machine opens; each way to unlock it once, and none.
fn encrypted() -> Scenario {
    let boots = vec![
        Boot::new("first boot: the store is made, with its key in the TPM", &ENCRYPTED_A, ENCRYPTED_INSTALL),
        Boot {
            cmdline: "luks.crypttab=no rd.luks.name={kept}=veneer rd.luks.key={kept}=/etc/veneer-test/key",
            ..Boot::new("reboot: unlocked by a key file", &ENCRYPTED_A, ENCRYPTED_REBOOT)
        },
        Boot {
            cmdline: "luks.crypttab=no rd.luks.name={kept}=veneer",
            credential: Some("cryptsetup.passphrase=a passphrase"),
            ..Boot::new("base updated: unlocked by a passphrase", &ENCRYPTED_B, ENCRYPTED_UPDATE)
        },
        Boot::new("base rolled back: unlocked by the TPM", &ENCRYPTED_A, ROLLBACK),
        Boot {
            cmdline: "luks.crypttab=no rd.luks.name={kept}=veneer rd.luks.key={kept}=/etc/hostname \
                      rd.luks.options={kept}=headless=true,nofail rd.veneer.timeout=10",
            ..Boot::new("the key is another one: pristine", &ENCRYPTED_A, ENCRYPTED_LOCKED)
        },
        Boot {
            cmdline: "usrhash=00000000000000000000000000000000000000000000000000000000000000ff \
                      systemd.default_device_timeout_sec=30",
            ends: Ends::Refused,
            ..Boot::new("the base is not what was signed: systemd refuses it", &ENCRYPTED_A, UNREACHED)
        },
    ];
    Scenario {
        name: "encrypted",
        about: "/usr on dm-verity, an encrypted store: TPM, key file, passphrase, none",
        store: Store::Locked,
        boots,
    }
}

/// What Veneer is for, where the machine itself brings the update and rolls it back.
fn ostree(
    name: &'static str,
    about: &'static str,
    bases: [&'static Recipe; 2],
    store: Store,
    cmdline: &'static str,
) -> Scenario {
    let boots = there_and_back(
        bases,
        [
            ("first boot: a layer is bound, a package installed", OSTREE_INSTALL),
            ("reboot: the layer is used, an update is staged", OSTREE_REBOOT),
            ("updated: the layer is ready, the daemon still runs", OSTREE_UPDATE),
            ("rolled back: the old layer as it was", ROLLBACK),
        ],
    );
    let boots = boots.into_iter().map(|boot| Boot { cmdline, ..boot }).collect();
    Scenario { name, about, store, boots }
}

/// What Veneer is for, with rpm.
fn dnf5() -> Scenario {
    let boots = there_and_back(
        [&DNF_A, &DNF_B],
        [
            ("first boot: dnf5 installs a daemon and more", DNF_INSTALL),
            ("reboot: all is there", DNF_REBOOT),
            ("base updated: its rpm composes the database", DNF_UPDATE),
            ("base rolled back: the old layer as it was", DNF_ROLLBACK),
        ],
    );
    let about = "rpm 6 and dnf5: install, reboot, update, roll back";
    Scenario { name: "dnf5", about, store: Store::Ext4, boots }
}

/// /usr is read-only, and apt works.
fn guarded() -> Scenario {
    let boots = vec![
        guard(Boot::new("apt installs, others are refused, also after a kill", &DEBIAN13_A, GUARDED)),
        guard(Boot::new("base updated: the layer is rebased and refreshed", &DEBIAN13_B, GUARDED_UPDATE)),
    ];
    let about = "mode=guarded: /usr is read-only, and apt works";
    Scenario { name: "guarded", about, store: Store::Ext4, boots }
}

fn guard(boot: Boot) -> Boot {
    Boot { cmdline: "rd.veneer.mode=guarded", ..boot }
}

/// What Veneer is for, on a pair of bases.
fn story(name: &'static str, about: &'static str, a: &'static Recipe, b: &'static Recipe) -> Scenario {
    let boots = there_and_back(
        [a, b],
        [
            ("first boot: a layer is bound, a package installed", INSTALL),
            ("reboot: the layer is used, the daemon runs", REBOOT),
            ("base updated: the layer is rebased, the daemon still runs", UPDATE),
            ("base rolled back: the old layer as it was", ROLLBACK),
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
