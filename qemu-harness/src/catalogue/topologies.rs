//! The ways in which /usr comes to be: installed, rebooted, updated, rolled back.

use std::time::Duration;

use super::{story, there_and_back};
use crate::disk::Store;
use crate::recipe::{
    COMPOSEFS_A, COMPOSEFS_B, DEBIAN13_A, DEBIAN13_B, ENCRYPTED_A, ENCRYPTED_B, FOUND_A, FOUND_B, FSTAB_A,
    FSTAB_B, OSTREE_A, OSTREE_B, Recipe, SEALED_A, SEALED_B, SEALED_WHOLE_A, SEALED_WHOLE_B, SELINUX_A,
    SELINUX_B, UNSTABLE_A, UNSTABLE_B, WHOLE_A, WHOLE_B,
};
use crate::scenario::{Boot, Ends, Scenario};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        story("debian13", "Debian 13: install, reboot, update, roll back", [&DEBIAN13_A, &DEBIAN13_B]),
        story(
            "unstable",
            "testing to unstable: install, reboot, update, roll back",
            [&UNSTABLE_A, &UNSTABLE_B],
        ),
        story("fstab", "/usr is in /etc/fstab alone", [&FSTAB_A, &FSTAB_B]),
        found(),
        story("whole", "all of the system is one read-only file system", [&WHOLE_A, &WHOLE_B]),
        sealed_whole(),
        sealed(),
        encrypted(),
        extensions(),
        selinux(
            "selinux",
            "SELinux with Debian's reference policy, permissive: labels and denials",
            ["enforcing=0 rd.veneer.mode=pristine", "enforcing=0"],
        ),
        selinux(
            "selinux-enforcing",
            "the same, enforcing",
            ["enforcing=1 rd.veneer.mode=pristine", "enforcing=1"],
        ),
        ostree(
            "ostree",
            "a deployment of ostree, the store in its /var",
            [&OSTREE_A, &OSTREE_B],
            Store::Absent,
            "rd.veneer.store=dir:/var/lib/veneer",
        ),
        composefs(),
    ]
}

/// By discoverable partitions, and with a store on another disk that is not to be taken.
fn found() -> Scenario {
    let mut found = story("found", "systemd finds /usr; another disk has a store, too", [&FOUND_A, &FOUND_B]);
    found.store = Store::Beside;
    found.boots[1].script = script!["found", "reboot"];
    found
}

fn sealed_whole() -> Scenario {
    let about = "all of the system is one file system on dm-verity";
    let mut whole = story("sealed-whole", about, [&SEALED_WHOLE_A, &SEALED_WHOLE_B]);
    whole.boots[1].script = script!["sealed", "reboot"];
    whole.boots[2].script = script!["sealed", "update"];
    whole
}

/// An image as systemd's own tools build it.
fn sealed() -> Scenario {
    let boots = vec![
        Boot::new(
            "first boot: systemd-repart makes the store, verity names the base",
            &SEALED_A,
            script!["sealed-first"],
        ),
        Boot::new("another root hash: the layer is rebased", &SEALED_B, script!["sealed-update"]),
        Boot::new("the first root hash again: the old layer as it was", &SEALED_A, script!["sealed-back"]),
    ];
    let about = "/usr on dm-verity, the store made on first boot";
    Scenario { name: "sealed", about, store: Store::Free, boots }
}

/// A sealed /usr and a store that only this machine opens; each way to unlock it once, and none.
fn encrypted() -> Scenario {
    let boots = vec![
        Boot::new(
            "first boot: the store is made, with its key in the TPM",
            &ENCRYPTED_A,
            script!["install", "encrypted-first"],
        ),
        Boot {
            cmdline: "luks.crypttab=no rd.luks.name={kept}=veneer rd.luks.key={kept}=/etc/veneer-test/key",
            ..Boot::new("reboot: unlocked by a key file", &ENCRYPTED_A, script!["encrypted-key", "reboot"])
        },
        Boot {
            cmdline: "luks.crypttab=no rd.luks.name={kept}=veneer",
            credential: Some("cryptsetup.passphrase=a passphrase"),
            ..Boot::new(
                "base updated: unlocked by a passphrase",
                &ENCRYPTED_B,
                script!["encrypted-passphrase", "update"],
            )
        },
        Boot::new("base rolled back: unlocked by the TPM", &ENCRYPTED_A, script!["rollback"]),
        Boot {
            cmdline: "luks.crypttab=no rd.luks.name={kept}=veneer rd.luks.key={kept}=/etc/hostname \
                      rd.luks.options={kept}=headless=true,nofail rd.veneer.timeout=10",
            ..Boot::new("the key is another one: pristine", &ENCRYPTED_A, script!["encrypted-locked"])
        },
        Boot {
            cmdline: "usrhash=00000000000000000000000000000000000000000000000000000000000000ff \
                      systemd.default_device_timeout_sec=30",
            ends: Ends::Refused,
            ..Boot::new(
                "the base is not what was signed: systemd refuses it",
                &ENCRYPTED_A,
                script!["unreached"],
            )
        },
    ];
    let about = "/usr on dm-verity, an encrypted store: TPM, key file, passphrase, none";
    Scenario { name: "encrypted", about, store: Store::Locked, boots }
}

/// systemd-sysext and systemd-confext together with a layer.
fn extensions() -> Scenario {
    let boots = there_and_back(
        [&DEBIAN13_A, &DEBIAN13_B],
        [
            ("merged and unmerged while packages come and go", script!["install", "extensions-first"]),
            ("reboot: merged over the layer", script!["extensions", "reboot"]),
            ("base updated: merged over the new layer", script!["extensions", "update"]),
            ("base rolled back", script!["extensions", "rollback"]),
        ],
    );
    let about = "systemd-sysext and systemd-confext over a layer";
    Scenario { name: "extensions", about, store: Store::Ext4, boots }
}

/// Debian's reference policy: what it denies on the bare base, and that with a layer it is no more.
fn selinux(name: &'static str, about: &'static str, [bare, mode]: [&'static str; 2]) -> Scenario {
    let mut boots = vec![Boot {
        cmdline: bare,
        ..Boot::new("the bare base: what is denied there", &SELINUX_A, script!["selinux", "selinux-bare"])
    }];
    let layers = there_and_back(
        [&SELINUX_A, &SELINUX_B],
        [
            ("a layer is bound, a package installed", script!["selinux", "install", "selinux-layer"]),
            (
                "reboot: the layer is used, the policy changes",
                script!["selinux", "reboot", "selinux-layer", "selinux-policy"],
            ),
            (
                "base updated: the layer is rebased and labelled anew",
                script!["selinux", "update", "selinux-layer", "selinux-anew"],
            ),
            (
                "base rolled back: the old layer as it was",
                script!["selinux", "rollback", "selinux-again", "selinux-layer"],
            ),
        ],
    );
    boots.extend(layers.into_iter().map(|boot| Boot { cmdline: mode, ..boot }));
    // The kernel says a lot on an emulated console.
    let boots = boots.into_iter().map(|boot| Boot { deadline: Duration::from_secs(1800), ..boot }).collect();
    Scenario { name, about, store: Store::Ext4, boots }
}

/// Where the machine itself brings the update and rolls it back.
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
            ("first boot: a layer is bound, a package installed", script!["ostree-first", "install"]),
            ("reboot: the layer is used, an update is staged", script!["ostree-stage", "reboot"]),
            (
                "updated: the layer is ready, the daemon still runs",
                script!["ostree-ready", "update", "ostree-back"],
            ),
            ("rolled back: the old layer as it was", script!["rollback"]),
        ],
    );
    let boots = boots.into_iter().map(|boot| Boot { cmdline, ..boot }).collect();
    Scenario { name, about, store, boots }
}

fn composefs() -> Scenario {
    let about = "a deployment of ostree with composefs";
    let mut composefs = ostree("composefs", about, [&COMPOSEFS_A, &COMPOSEFS_B], Store::Ext4, "");
    composefs.boots[1].script = script!["composefs-fits", "ostree-stage", "reboot"];
    composefs
}
