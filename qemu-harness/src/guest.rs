//! What the harness puts into a guest: the unit that runs a boot's script, and the reporter of emergencies.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use fs_err as fs;

/// A file for the guest.
#[derive(Debug)]
pub(crate) struct GuestFile {
    /// Path below the root that it is installed in.
    pub(crate) path: &'static str,
    /// Permissions.
    pub(crate) mode: u32,
    /// Content.
    pub(crate) text: &'static str,
}

/// Files of every image. They are on the root file system, not in /usr, which belongs to the base and the layer.
pub(crate) const IMAGE_FILES: &[GuestFile] = &[
    GuestFile { path: "etc/veneer-test/agent", mode: 0o755, text: include_str!("../guest/agent.sh") },
    GuestFile { path: "etc/veneer-test/emergency", mode: 0o755, text: include_str!("../guest/emergency.sh") },
    GuestFile {
        path: "etc/systemd/system/veneer-test.service",
        mode: 0o644,
        text: include_str!("../guest/veneer-test.service"),
    },
    GuestFile {
        path: "etc/systemd/system/emergency.service.d/veneer-test.conf",
        mode: 0o644,
        text: include_str!("../guest/emergency.conf"),
    },
    GuestFile {
        path: "etc/systemd/system/dracut-emergency.service.d/veneer-test.conf",
        mode: 0o644,
        text: include_str!("../guest/emergency.conf"),
    },
    GuestFile {
        path: "etc/systemd/system/rescue.service.d/veneer-test.conf",
        mode: 0o644,
        text: include_str!("../guest/emergency.conf"),
    },
];

/// What every script begins with.
pub(crate) const LIBRARY: &str = include_str!("../guest/lib.sh");

/// Writes files below `root`.
pub(crate) fn install(files: &[GuestFile], root: &Path) -> std::io::Result<()> {
    for file in files {
        let path = root.join(file.path);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        fs::write(&path, file.text)?;
        fs::set_permissions(&path, std::fs::Permissions::from_mode(file.mode))?;
    }
    Ok(())
}
