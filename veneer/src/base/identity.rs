//! The base id: the strongest statement that there is about what /usr holds.
//!
//! Two different contents must not share an id in practice, and one content must keep its id across boots, other
//! kernels and other device names. Words of the command line alone are never enough: what is mounted must agree.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::fingerprint;
use crate::error::Result;
use crate::intent::Cmdline;
use crate::mount::MountTable;
use crate::tree::Dir;

/// Where a base id comes from, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdSource {
    /// The digest of the mounted composefs image.
    Composefs,
    /// The checksum of the booted ostree deployment.
    Ostree,
    /// The root hash of the dm-verity device that is mounted.
    Verity,
    /// `/usr/lib/veneer/base`, made at image build.
    Stamp,
    /// os-release, the file system and the package database's main file.
    Fingerprint,
}

/// What identifies the content of a base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseId {
    /// The identity in lower-case hexadecimal digits, 64 of them for a digest.
    pub id: String,
    /// What it was taken from; ids of different sources never mean the same base.
    pub source: IdSource,
}

impl BaseId {
    /// The first 12 digits, for names and messages.
    #[must_use]
    pub fn short(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }
}

/// Image builders write it; any text that changes with the content will do.
const STAMP: &str = "lib/veneer/base";
const STAMP_LIMIT: u64 = 4096;

pub(super) fn observe(
    sysroot: &Path,
    usr: &Dir,
    mounts: &MountTable,
    words: &Cmdline,
    os_release: &[u8],
) -> Result<BaseId> {
    if let Some(id) = verity(usr, words)? {
        return Ok(BaseId { id, source: IdSource::Verity });
    }
    if let Some(stamp) = usr.read_down(Path::new(STAMP), STAMP_LIMIT)? {
        let stamp = stamp.trim_ascii();
        if !stamp.is_empty() {
            return Ok(BaseId { id: hex(&Sha256::digest(stamp)), source: IdSource::Stamp });
        }
    }
    let id = hex(&fingerprint::of(sysroot, usr, mounts, os_release)?);
    Ok(BaseId { id, source: IdSource::Fingerprint })
}

/// The root hash that systemd-veritysetup was told, if /usr (or the root that it is part of) really is a dm-verity
/// device: that device only exists because its hash tree agreed with the word.
fn verity(usr: &Dir, words: &Cmdline) -> Result<Option<String>> {
    let value = |key| words.last(key).flatten();
    let Some(hash) = value("usrhash").or_else(|| value("roothash")) else { return Ok(None) };
    let digits = hash.to_ascii_lowercase();
    if !(32..=128).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let dev = usr.stat_self()?.st_dev;
    let (major, minor) = (rustix::fs::major(dev), rustix::fs::minor(dev));
    // dm's own name for the kind of device; written by whoever set it up, here libcryptsetup.
    let uuid = fs_err::read(format!("/sys/dev/block/{major}:{minor}/dm/uuid"));
    // No such file: not a device-mapper device, so not verity.
    let is_verity = uuid.is_ok_and(|text| text.starts_with(b"CRYPT-VERITY-"));
    Ok(is_verity.then_some(digits))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal() {
        assert_eq!(hex(&[0x00, 0x9f, 0xff]), "009fff");
    }
}
