//! docs/topologies.md: each way in which an image's /usr comes to be, and what was booted of it, by what came of the last runs.

use std::fmt::Write as _;

use crate::cache::Cache;
use crate::catalogue;
use crate::outcome::Outcome;

/// One row: the scenario, how /usr comes to be, and where the store is.
type Row = (&'static str, &'static str, &'static str);

const ROWS: [Row; 13] = [
    ("debian13", "a partition, `mount.usr=`", "a partition"),
    ("unstable", "a partition, `mount.usr=`", "a partition"),
    ("fstab", "a partition, in `/etc/fstab` alone", "a partition"),
    (
        "found",
        "a partition that systemd finds, `mount.usr=dissect`, UEFI",
        "a partition, beside one of another disk",
    ),
    ("whole", "in a read-only root", "a partition"),
    ("sealed", "dm-verity, `usrhash=`", "a partition, made by systemd-repart on first boot"),
    ("sealed-whole", "in a read-only root on dm-verity, `roothash=`", "a partition"),
    ("encrypted", "dm-verity, `usrhash=`", "LUKS2, made by systemd-repart: TPM2, key file, passphrase, none"),
    ("extensions", "a partition, system extensions over it", "a partition"),
    ("selinux", "a partition, SELinux with Debian's policy, permissive", "a partition"),
    ("selinux-enforcing", "a partition, SELinux with Debian's policy, enforcing", "a partition"),
    ("ostree", "a deployment of ostree, hard links", "a directory of the stateroot's /var"),
    ("composefs", "a deployment of ostree, composefs", "a partition"),
];

const HEAD: &str = "\
# What was booted

Each way in which an image's `/usr` comes to be that Veneer's tests boot, in machines: a package is installed, the machine is
rebooted, the base is updated and rolled back, and after each boot the base and the store are looked at from outside. What a row
does beyond that, its scripts say (`qemu-harness/scenarios`). [integration.md](integration.md) has what to do for each.

This page is made by the tests' own program, of the last run of each (`make topologies`): not edited by hand.

| `/usr` | store | systems | boots | points | day |
|---|---|---|---|---|---|
";

/// The page.
pub(crate) fn page(cache: &Cache) -> String {
    table(|name| Outcome::read(&cache.path("runs").join(name)))
}

fn table(outcome: impl Fn(&str) -> Option<Outcome>) -> String {
    let mut text = HEAD.to_owned();
    for (name, usr, store) in ROWS {
        // Writing to a String cannot fail.
        let _ = match outcome(name) {
            None => writeln!(text, "| {usr} (`{name}`) | {store} | | no run kept | | |"),
            Some(Outcome { boots, passed, failed, day, systems }) => {
                let points =
                    if failed == 0 { format!("{passed}") } else { format!("{passed}, **{failed} failed**") };
                writeln!(
                    text,
                    "| {usr} (`{name}`) | {store} | {} | {boots} | {points} | {day} |",
                    systems.join("; ")
                )
            }
        };
    }
    text
}

/// The scenarios of the rows.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let known = catalogue::all();
    ROWS.into_iter().map(|(name, ..)| name).filter(move |name| known.iter().any(|it| it.name == *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_scenario() {
        assert_eq!(names().count(), ROWS.len());
    }

    #[test]
    fn what_failed_and_what_was_not_run_is_said() {
        let failed = Outcome {
            boots: 4,
            passed: 3,
            failed: 1,
            day: "2026-11-30".into(),
            systems: vec!["Linux 7".into()],
        };
        let text = table(|name| (name == "sealed").then(|| failed.clone()));
        assert!(text.contains("| Linux 7 | 4 | 3, **1 failed** | 2026-11-30 |"), "{text}");
        assert_eq!(text.matches("no run kept").count(), ROWS.len() - 1);
    }
}
