//! The units for an intent, as values: nothing here reads or writes.
//!
//! Invariant: nothing of this is required by a target, so whatever fails, the boot goes on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use veneer::intent::{Intent, Mode, StoreSource};
use veneer::paths;

use crate::unit_name::{escape_path, literal};

/// The service that does the work, where `make install` and the dracut module put it.
const SERVICE: &str = "veneer-assemble.service";
const SERVICE_FILE: &str = "/usr/lib/systemd/system/veneer-assemble.service";

/// What pulls it in. Wanted, never required: what this target requires ends in emergency.target if it fails.
const WANTS: &str = "initrd-root-fs.target.wants/veneer-assemble.service";

/// The same work, later in the boot, for a /usr that only the fstab of the real root names. Nobody can read that file yet,
/// so it is always there, and does nothing unless the first service asks for it.
const LATER: &str = "veneer-assemble-fstab.service";
const LATER_FILE: &str = "/usr/lib/systemd/system/veneer-assemble-fstab.service";
const LATER_WANTS: &str = "initrd-fs.target.wants/veneer-assemble-fstab.service";

/// What lies at the bottom of every generated file.
const MADE_BY: &str = "# Made by veneer-generator from the kernel command line and veneer.conf.\n";

/// Flags for the mount. The file system's own (ext4 wants nodelalloc) cannot be here: which one it is shows only when
/// the device does. veneer-assemble sees to it.
const OPTIONS: &str = "nosuid,nodev,noexec,noatime";

/// Replaying a journal takes seconds; a mount that takes longer than this hangs.
const MOUNT_TIMEOUT: &str = "60s";

/// The longest escaped path that still fits the names made of it: a unit's name and a file's end at 255 bytes.
const LONGEST_NAME: usize = 255 - "systemd-fsck@.service".len();

/// Files and links below one output directory, in the order in which they are to be made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Units {
    /// Path and content.
    pub(crate) files: Vec<(PathBuf, String)>,
    /// Path and what it points to. Made after the files: a link is what brings them into the boot.
    pub(crate) links: Vec<(PathBuf, PathBuf)>,
}

/// The store's device has a name that no unit can be called after.
#[derive(Debug, Error)]
#[error(
    "the device of the store has too long a name to be waited for; booting without a layer. Name it by PARTUUID= or UUID="
)]
pub(crate) struct NameTooLong;

impl Units {
    /// Only the service in its two places, which then says on its own that and why there is no layer.
    pub(crate) fn service() -> Self {
        let links = vec![(WANTS.into(), SERVICE_FILE.into()), (LATER_WANTS.into(), LATER_FILE.into())];
        Self { files: Vec::new(), links }
    }

    /// What an enabled Veneer needs.
    pub(crate) fn of(intent: &Intent) -> Result<Self, NameTooLong> {
        let mut units = Self::service();
        match intent.mode {
            // The store is not even looked for.
            Mode::Pristine => {}
            Mode::Normal | Mode::Guarded => units.files = store(intent)?,
        }
        Ok(units)
    }
}

fn store(intent: &Intent) -> Result<Vec<(PathBuf, String)>, NameTooLong> {
    if let StoreSource::Dir(path) = &intent.store {
        return Ok(vec![(paths::STORE_UNIT.into(), directory_mount(path, intent))]);
    }
    // Every other form has a device.
    let Some(device) = intent.store.device() else { return Ok(Vec::new()) };
    let name = escape_path(&device);
    if name.len() > LONGEST_NAME {
        return Err(NameTooLong);
    }
    Ok(vec![
        (format!("{name}.device.d/50-veneer.conf").into(), device_wait(intent.timeout)),
        (paths::STORE_UNIT.into(), device_mount(&device, &name)),
    ])
}

/// The bound on the wait. It starts when the root's device is there and systemd-repart, which may make the store on the
/// first boot, is done: on a slow machine ten seconds from the start of pid 1 are over before the first disk shows.
fn device_wait(timeout: Duration) -> String {
    // Zero would be "for ever" to systemd, and is "not at all" to the user.
    let wait = if timeout.is_zero() { "1ms".to_owned() } else { format!("{}s", timeout.as_secs()) };
    format!(
        "{MADE_BY}\
         [Unit]\n\
         After=initrd-root-device.target systemd-repart.service\n\
         JobRunningTimeoutSec={wait}\n"
    )
}

/// No default dependencies: they would unmount it before the switch of the root. Below /run/initramfs systemd leaves it
/// alone from then on.
///
/// What sets up a deployment makes all mounts private. One that was made before stays in the mount namespaces that others have
/// (systemd-udevd's), and could not be undone to be mounted in another way: see mount/ext4.rs.
fn device_mount(device: &Path, name: &str) -> String {
    let what = literal(&device.display().to_string());
    format!(
        "{MADE_BY}\
         [Unit]\n\
         Description=Store of the Layers over /usr\n\
         Documentation=man:veneer-generator(8)\n\
         DefaultDependencies=no\n\
         Requires=systemd-fsck@{name}.service\n\
         After=systemd-fsck@{name}.service ostree-prepare-root.service bootc-root-setup.service\n\
         Before={SERVICE} {LATER}\n\
         \n\
         [Mount]\n\
         What={what}\n\
         Where={store}\n\
         Options={OPTIONS}\n\
         TimeoutSec={MOUNT_TIMEOUT}\n",
        store = paths::STORE,
    )
}

/// systemd makes the directory if it is not there: hence the condition, or on a machine that mounts its root in some
/// other way the layers would quietly be made in the initramfs's own memory. That it comes after the mounts which its
/// path goes through, systemd sees by itself; what /sysroot/etc/fstab adds later (a /var of its own) is not there yet.
///
/// On ostree systems the running system's /var is elsewhere. What the command line says of it is not made if it is not so.
fn directory_mount(path: &Path, intent: &Intent) -> String {
    let below = intent.below_sysroot(path);
    let condition = match &intent.var {
        Some(var) if below.starts_with(var) => format!("ConditionPathIsDirectory={}\n", in_sysroot(var)),
        _ => String::new(),
    };
    let what = in_sysroot(&below);
    format!(
        "{MADE_BY}\
         [Unit]\n\
         Description=Store of the Layers over /usr\n\
         Documentation=man:veneer-generator(8)\n\
         DefaultDependencies=no\n\
         ConditionPathIsMountPoint=/sysroot\n\
         {condition}\
         After=sysroot.mount ostree-prepare-root.service bootc-root-setup.service\n\
         Before={SERVICE} {LATER}\n\
         \n\
         [Mount]\n\
         What={what}\n\
         Where={store}\n\
         Options=bind,rw,{OPTIONS}\n\
         TimeoutSec={MOUNT_TIMEOUT}\n",
        store = paths::STORE,
    )
}

/// A path below the root that is mounted in the initramfs, as the value of a setting. It may be empty: / is a directory too.
fn in_sysroot(below: &Path) -> String {
    let root = Path::new(paths::SYSROOT);
    let path = if below.as_os_str().is_empty() { root.into() } else { root.join(below) };
    literal(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    // The text of the units is pinned by the golden trees in tests/generator.

    #[test]
    fn pristine_leaves_the_store_alone() {
        let intent = Intent { mode: Mode::Pristine, ..Intent::default() };
        assert_eq!(Units::of(&intent).unwrap(), Units::service());
    }

    #[test]
    fn a_name_that_fits_no_unit_is_refused() {
        let of = |label: &str| {
            Units::of(&Intent { store: StoreSource::PartLabel(label.into()), ..Intent::default() })
        };
        let longest = LONGEST_NAME - r"dev-disk-by\x2dpartlabel-".len();
        assert_eq!(of(&"x".repeat(longest)).unwrap().files.len(), 2);
        assert!(of(&"x".repeat(longest + 1)).is_err());
        assert!(of(&"店".repeat(36)).is_err());
    }
}
