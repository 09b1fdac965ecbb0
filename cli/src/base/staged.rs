//! The deployment of ostree (and of bootc on top of it) that waits for the reboot. Its tree is checked out when it is
//! staged; what is left for the shutdown is /etc and the boot loader.

use std::path::{Path, PathBuf};

use veneer::base::{BaseId, IdSource};

use crate::failure::Failure;

/// What ostree writes when it stages a deployment: a GVariant of type `a{sv}` whose first entry, `target`, names it
/// (`serialize_deployment_to_variant` in ostree-sysroot-deploy.c).
const FILE: &str = "run/ostree/staged-deployment";

/// Larger than any list of kernel arguments.
const LIMIT: u64 = 1024 * 1024;

/// Where the deployment is that is staged on the system below `root`, and its identity.
pub(super) fn deployment(root: &Path) -> Result<(PathBuf, BaseId), Failure> {
    let file = root.join(FILE);
    let bytes = match std::fs::metadata(&file) {
        Ok(metadata) if metadata.len() <= LIMIT => std::fs::read(&file),
        Ok(_) => Err(std::io::Error::other("it is too large")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Failure::Missing(
                "no deployment of ostree or bootc is staged: there is nothing that the next boot would change to".into(),
            ));
        }
        Err(error) => Err(error),
    };
    let bytes =
        bytes.map_err(|error| Failure::Missing(format!("cannot read {}: {error}", file.display())))?;
    let Some(target) = Target::parse(&bytes) else {
        let hint = "`ostree admin status` names the deployment, whose directory --base takes as well";
        return Err(Failure::Missing(format!("{} is not as ostree writes it; {hint}", file.display())));
    };
    let deploy = root.join("sysroot/ostree/deploy").join(&target.os).join("deploy");
    let checkout = deploy.join(format!("{}.{}", target.checksum, target.serial));
    if !checkout.is_dir() {
        let gone =
            format!("the staged deployment is not there: there is no directory {}", checkout.display());
        return Err(Failure::Missing(gone));
    }
    Ok((checkout, BaseId { id: target.checksum, source: IdSource::Ostree }))
}

/// The deployment by its parts.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    os: String,
    checksum: String,
    serial: u32,
}

impl Target {
    /// Strings of a GVariant end with a zero byte, and keys come before their values, with zeros between them.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut strings = bytes.split(|byte| *byte == 0).filter(|part| !part.is_empty());
        strings.find(|part| *part == b"target")?;
        strings.find(|part| *part == b"name")?;
        let (checksum, serial) = std::str::from_utf8(strings.next()?).ok()?.split_once('.')?;
        strings.find(|part| *part == b"osname")?;
        let os = std::str::from_utf8(strings.next()?).ok()?;
        let is_digest = checksum.len() == 64 && checksum.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_digest || os.contains('/') || os == ".." {
            return None;
        }
        Some(Target { os: os.into(), checksum: checksum.into(), serial: serial.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As GLib serializes it, with the end cut off that is not looked at.
    fn variant(name: &str) -> Vec<u8> {
        let mut bytes = b"target\0\0name\0\0\0\0".to_vec();
        bytes.extend(name.as_bytes());
        bytes.extend(b"\0\0s\x05\0\0osname\0\0debian\0\0s\x07\0\0\0\0\0\0bootcsum\0\0\0\0\0\0\0\0cccc\0\0s");
        bytes.extend(b"\x09Nb\xbc\0a{sv}\x07\0\0merge-deployment\0\0\0\0\0\0\0\0name\0\0\0\0bbbb.1\0\0s");
        bytes
    }

    #[test]
    fn the_target_and_not_what_is_merged() {
        let checksum = "a1".repeat(32);
        let target = Target { os: "debian".into(), checksum: checksum.clone(), serial: 3 };
        assert_eq!(Target::parse(&variant(&format!("{checksum}.3"))), Some(target));
        for bad in ["", "a1.0", &checksum, &format!("{checksum}.x"), &format!("../{checksum}.0")] {
            assert_eq!(Target::parse(&variant(bad)), None, "{bad}");
        }
        assert_eq!(Target::parse(b""), None);
    }
}
