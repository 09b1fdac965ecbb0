//! The units of the running system: there, wanted by their targets, and not masked.

use std::path::Path;

use crate::finding::Finding;
use crate::root::Root;

/// With the target that wants it, and what is lost without it.
const UNITS: [(&str, &str, &str); 8] = [
    ("veneer-bless.service", USERS, "no boot is called good, and after some a layer is set aside"),
    ("veneer-guard.service", SYSINIT, "a guarded /usr stays closed to package managers"),
    ("veneer-record.service", USERS, "a rebase cannot tell what the user changed"),
    ("veneer-refresh-early.service", SYSINIT, "indexes of modules and libraries are stale after a rebase"),
    ("veneer-refresh.service", USERS, "caches are stale after a rebase"),
    (
        "veneer-staged.service",
        STAGED,
        "the layer for a staged deployment is derived by the boot, which takes longer",
    ),
    ("veneer-writable.service", REMOUNT, "a line for /usr in /etc/fstab makes the layer read-only"),
    ("veneer-grow.service", USERS, "a store does not fill a partition that was made larger"),
];

const USERS: &str = "multi-user.target";
const SYSINIT: &str = "sysinit.target";
const REMOUNT: &str = "systemd-remount-fs.service";
/// ostree's; systems without it never look at the link.
const STAGED: &str = "ostree-finalize-staged.service";

/// Names of Veneer's units, for asking systemd about them.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    UNITS.iter().map(|(name, ..)| *name)
}

/// Names of the links that have systemd start them.
#[cfg(test)]
pub(super) fn links() -> impl Iterator<Item = String> {
    UNITS.iter().map(|(name, target, _)| format!("{target}.wants/{name}"))
}

const VENDOR: &str = "usr/lib/systemd/system";
const LOCAL: &str = "etc/systemd/system";
/// What pam_motd(8) shows.
const MOTD: &str = "usr/lib/motd.d/50-veneer";

#[derive(Debug, PartialEq, Eq)]
enum State {
    Missing,
    Masked,
    /// Its target does not want it.
    Unwanted,
    Wanted,
}

#[derive(Debug)]
pub(crate) struct Facts {
    units: Vec<(&'static str, &'static str, &'static str, State)>,
    has_command: bool,
    has_tmpfiles: bool,
    has_motd: bool,
}

impl Facts {
    pub(crate) fn gather(root: &Root) -> Self {
        let units = UNITS.iter();
        let units = units.map(|(name, target, loss)| (*name, *target, *loss, state(root, name, target)));
        Facts {
            units: units.collect(),
            has_command: root.is_program("usr/bin/veneer"),
            has_tmpfiles: root.exists("usr/lib/tmpfiles.d/veneer.conf"),
            // The link itself: it leads to something only if there is something to say.
            has_motd: root.dir().join(MOTD).is_symlink(),
        }
    }

    pub(crate) fn judge(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let missing = self.units.iter().filter(|(.., state)| *state == State::Missing);
        let missing: Vec<String> = missing.map(|(name, _, loss, _)| format!("{name} ({loss})")).collect();
        if !missing.is_empty() {
            let message = format!("units are missing: {}", missing.join(", "));
            let next =
                "Install Veneer into this tree: `make install DESTDIR=TREE`, or the distribution's package.";
            found.push(Finding::error("unit-missing", message, next));
        }
        for (name, target, loss, state) in &self.units {
            if *state == State::Masked {
                let next = format!("`systemctl unmask {name}`, if that is not what you want.");
                found.push(Finding::warning("unit-masked", format!("{name} is masked: {loss}"), next));
            }
            if *state == State::Unwanted {
                let message = format!("{name} is not started, since {target} does not want it: {loss}");
                let next = format!("`ln -s ../{name} /{VENDOR}/{target}.wants/`, as `make install` does.");
                found.push(Finding::error("unit-not-enabled", message, next));
            }
        }
        if !self.has_command {
            let message = "there is no /usr/bin/veneer, which the units and hooks call";
            found.push(Finding::error("command-missing", message, "Install the command."));
        }
        if !self.has_tmpfiles {
            let message =
                "there is no tmpfiles.d/veneer.conf: systemd-tmpfiles is not told to leave the store alone";
            found.push(Finding::warning(
                "tmpfiles-missing",
                message,
                "Install cli/units/veneer.tmpfiles.conf as /usr/lib/tmpfiles.d/veneer.conf.",
            ));
        }
        if !self.has_motd {
            let message = format!("there is no /{MOTD}: nobody is told at login why a boot is pristine");
            let next = format!("`ln -s /run/veneer/motd /{MOTD}`, as `make install` does.");
            found.push(Finding::warning("motd-missing", message, next));
        }
        found
    }
}

fn state(root: &Root, name: &str, target: &str) -> State {
    // The link itself: in a tree there need not be a /dev/null.
    let local = std::fs::read_link(root.dir().join(LOCAL).join(name));
    if local.is_ok_and(|target| target == Path::new("/dev/null")) {
        return State::Masked;
    }
    if ![LOCAL, VENDOR].iter().any(|dir| root.exists(format!("{dir}/{name}"))) {
        return State::Missing;
    }
    let is_wanted = [VENDOR, LOCAL].iter().any(|dir| {
        // The link counts, wherever it leads, as systemd takes its name.
        let link = root.dir().join(dir).join(format!("{target}.wants")).join(name);
        link.symlink_metadata().is_ok()
    });
    if is_wanted { State::Wanted } else { State::Unwanted }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::{names, whole};

    #[test]
    fn the_links_are_those_that_are_installed() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("units");
        let wants = |target: &str| {
            let links = std::fs::read_dir(dir.join(format!("{target}.wants"))).expect("list links");
            let name = |link: std::io::Result<std::fs::DirEntry>| link.expect("a link").file_name();
            links.map(|link| format!("{target}.wants/{}", name(link).to_string_lossy())).collect::<Vec<_>>()
        };
        let mut installed = [USERS, SYSINIT, STAGED, REMOUNT].map(wants).concat();
        let mut known: Vec<String> = links().collect();
        installed.sort();
        known.sort();
        assert_eq!(known, installed);
    }

    #[test]
    fn each_unit_is_there_and_wanted() {
        let tree = whole();
        let found = || names(&Facts::gather(&tree.root()).judge());
        assert_eq!(found(), [""; 0]);
        let wants = "usr/lib/systemd/system/multi-user.target.wants/veneer-bless.service";
        tree.remove(wants);
        assert_eq!(found(), ["unit-not-enabled"]);
        tree.link(
            "etc/systemd/system/multi-user.target.wants/veneer-bless.service",
            "/usr/lib/systemd/system/veneer-bless.service",
        );
        assert_eq!(found(), [""; 0]);
        tree.link("etc/systemd/system/veneer-record.service", "/dev/null");
        assert_eq!(found(), ["unit-masked"]);
        tree.remove("usr/lib/systemd/system/veneer-refresh.service").remove("usr/bin/veneer");
        tree.remove("usr/lib/tmpfiles.d/veneer.conf").remove(MOTD);
        assert_eq!(
            found(),
            ["unit-missing", "unit-masked", "command-missing", "tmpfiles-missing", "motd-missing"]
        );
    }
}
