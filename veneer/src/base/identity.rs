//! The base id: the strongest statement that there is about what /usr holds.
//!
//! Two different contents must not share an id in practice, and one content must keep its id across boots, other
//! kernels and other device names. Words of the command line alone are never enough: what is mounted must agree.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{Dev, Mode, OFlags, ResolveFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::fingerprint;
use crate::error::{At as _, Result};
use crate::hex;
use crate::intent::Cmdline;
use crate::mount::{MountRow, Site, Time};
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

impl IdSource {
    /// The word that state files and `status.json` have for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            IdSource::Composefs => "composefs",
            IdSource::Ostree => "ostree",
            IdSource::Verity => "verity",
            IdSource::Stamp => "stamp",
            IdSource::Fingerprint => "fingerprint",
        }
    }
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
    site: &Site,
    words: &Cmdline,
    os_release: (&[u8], Option<Time>),
) -> Result<BaseId> {
    if let Some(id) = site.mount.as_ref().and_then(composefs) {
        return Ok(BaseId { id, source: IdSource::Composefs });
    }
    if let Some(id) = ostree(sysroot, words)? {
        return Ok(BaseId { id, source: IdSource::Ostree });
    }
    if let Some(id) = verity(site.dev, words) {
        return Ok(BaseId { id, source: IdSource::Verity });
    }
    if let Some(stamp) = usr.read_down(Path::new(STAMP), STAMP_LIMIT)? {
        let stamp = stamp.trim_ascii();
        if !stamp.is_empty() {
            return Ok(BaseId { id: hex::encode(&Sha256::digest(stamp)), source: IdSource::Stamp });
        }
    }
    let id = hex::encode(&fingerprint::of(usr, site, os_release));
    Ok(BaseId { id, source: IdSource::Fingerprint })
}

/// The digest in the source of a mounted composefs: bootc's initramfs program writes `composefs:DIGEST` there, or
/// `transient:composefs=DIGEST` (composefs-rs, mount.rs). libcomposefs, which ostree uses, writes no digest.
pub(super) fn composefs(mount: &MountRow) -> Option<String> {
    if mount.kind != "overlay" {
        return None;
    }
    let source = mount.source.to_string_lossy();
    let digest = source.strip_prefix("composefs:").or_else(|| source.strip_prefix("transient:composefs="));
    digest.and_then(digits)
}

/// The checksum of the deployment that `ostree=` names, if it is the one that is mounted as the root.
fn ostree(sysroot: &Path, words: &Cmdline) -> Result<Option<String>> {
    let Some(deployment) = deployment(sysroot, words)? else { return Ok(None) };
    // `…/deploy/CHECKSUM.SERIAL`, by the kernel's own account of where the links led.
    let name = fs_err::read_link(format!("/proc/self/fd/{}", deployment.as_raw_fd())).reading(sysroot)?;
    let name = name.file_name().unwrap_or_default().to_string_lossy();
    Ok(name.split('.').next().and_then(digits))
}

/// The deployment that `ostree=` names, if it is the one that is mounted as the root.
///
/// ostree-prepare-root(1) leaves the deployment's directory as the root and the disk's own root at `sysroot` in it.
/// With composefs the root is an image made of that deployment, which has other inode numbers.
pub(super) fn deployment(sysroot: &Path, words: &Cmdline) -> Result<Option<OwnedFd>> {
    let Some(Some(path)) = words.last("ostree") else { return Ok(None) };
    let root = Dir::open(sysroot)?;
    let Some(disk) = root.sub_if_there(c"sysroot")? else { return Ok(None) };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    // No such deployment: the word is about something else than what was booted.
    let Ok(deployment) = rustix::fs::openat2(&disk, &*path, flags, Mode::empty(), resolve) else {
        return Ok(None);
    };
    let stat = rustix::fs::fstat(&deployment).reading(sysroot)?;
    let ours = root.stat_self()?;
    let is_root = (stat.st_dev, stat.st_ino) == (ours.st_dev, ours.st_ino);
    let is_image = rustix::fs::fstatfs(&root).reading(sysroot)?.f_type == OVERLAYFS_SUPER_MAGIC;
    Ok((is_root || is_image).then_some(deployment))
}

/// statfs(2)'s number for overlayfs (include/uapi/linux/magic.h).
const OVERLAYFS_SUPER_MAGIC: rustix::fs::FsWord = 0x794c_7630;

/// A digest in lower case, if it is one.
fn digits(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let is_digest = (32..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_digest.then_some(text)
}

/// The root hash that systemd-veritysetup was told, if /usr (or the root that it is part of) really is a dm-verity
/// device: that device only exists because its hash tree agreed with the word.
fn verity(dev: Dev, words: &Cmdline) -> Option<String> {
    let value = |key| words.last(key).flatten();
    let hash = digits(&value("usrhash").or_else(|| value("roothash"))?)?;
    let (major, minor) = (rustix::fs::major(dev), rustix::fs::minor(dev));
    // dm's own name for the kind of device; written by whoever set it up, here libcryptsetup.
    let uuid = fs_err::read(format!("/sys/dev/block/{major}:{minor}/dm/uuid"));
    // No such file: not a device-mapper device, so not verity.
    let is_verity = uuid.is_ok_and(|text| text.starts_with(b"CRYPT-VERITY-"));
    is_verity.then_some(hash)
}
