//! The real root's /etc/fstab, as far as Veneer asks it: does it name a /usr that is not mounted yet?
//!
//! systemd reads that file only when the root is mounted (systemd-sysroot-fstab-check, run by initrd-parse-etc.service),
//! and then mounts a /usr of it whatever its options say: `noauto` and `nofail` keep back no /usr since 255. Before, with
//! `noauto`, one waits for nothing, which does no harm: initrd-fs.target comes all the same.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use super::Places;
use crate::error::Error;
use crate::tree::Dir;

/// No fstab is larger than this, in bytes.
const FSTAB_LIMIT: u64 = 1024 * 1024;

/// True if there is no /usr to look at because the real root's /etc/fstab names one, which systemd mounts later.
#[must_use]
pub fn awaits_usr(places: &Places) -> bool {
    let there = Dir::open(&places.usr()).and_then(|usr| usr.names());
    // What is not there systemd makes when it mounts; what cannot be looked at is no case for waiting.
    let is_empty = match there {
        Ok(names) => names.is_empty(),
        Err(Error::Open { source, .. }) => source.kind() == std::io::ErrorKind::NotFound,
        Err(_) => false,
    };
    if !is_empty {
        return false;
    }
    let fstab =
        Dir::open(&places.sysroot).and_then(|root| root.read_down(Path::new("etc/fstab"), FSTAB_LIMIT));
    fstab
        .unwrap_or_else(|error| {
            log::warn!("{error}; going on as if it named no /usr");
            None
        })
        .is_some_and(|text| names_usr(&text))
}

/// True if a line mounts something at /usr.
fn names_usr(text: &[u8]) -> bool {
    text.split(|&byte| byte == b'\n').any(|line| {
        // As getmntent(3) splits: at blanks and tabs, with comments only at the start of a line.
        let mut fields = line.split(|byte| b" \t\r".contains(byte)).filter(|field| !field.is_empty());
        let (what, at, kind) = (fields.next(), fields.next(), fields.next());
        let is_mount = what.is_some_and(|what| !what.starts_with(b"#")) && is_file_system(kind);
        is_mount && at.is_some_and(|at| is_usr(&unescape(at)))
    })
}

/// What systemd makes a mount of: swap is none, and an automount is somebody else's.
fn is_file_system(kind: Option<&[u8]>) -> bool {
    kind.is_some_and(|kind| kind != b"swap" && kind != b"autofs")
}

fn is_usr(path: &[u8]) -> bool {
    let parts = Path::new(OsStr::from_bytes(path)).components();
    parts.eq([Component::RootDir, Component::Normal(OsStr::new("usr"))])
}

/// Octal escapes: a blank is written `\040`, a backslash `\134`.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, more @ ..] = rest {
        let digits = more.get(..3).filter(|digits| digits.iter().all(|digit| (b'0'..=b'7').contains(digit)));
        let value =
            digits.map(|digits| digits.iter().fold(0, |sum, digit| sum * 8 + u32::from(digit - b'0')));
        if let (b'\\', Some(byte)) = (*first, value.and_then(|value| u8::try_from(value).ok())) {
            plain.push(byte);
            rest = more.get(3..).unwrap_or_default();
        } else {
            plain.push(*first);
            rest = more;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usr_is_found() {
        for text in [
            "/dev/vda3 /usr erofs ro 0 0\n",
            "UUID=1 / ext4 rw\n  LABEL=usr\t/usr\tauto\tdefaults,x-initrd.mount\t0 2",
            "/dev/vda3 /usr ext4",
            "/dev/vda3 //usr/ ext4 ro",
            "/dev/vda3 /./usr ext4 ro",
            "/dev/vda3 \\057us\\162 ext4 ro",
            "/sysroot/x\\040y /usr none bind\r\n",
            "/dev/vda3 /usr ext4 noauto,nofail",
        ] {
            assert!(names_usr(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn other_lines_are_none() {
        for text in [
            "",
            "\n \n",
            "# /dev/vda3 /usr ext4 ro\n",
            "   #/dev/vda3 /usr ext4 ro\n",
            "/dev/vda3 /usr",
            "/dev/vda3 /usr/local ext4 ro",
            "/dev/vda3 usr ext4 ro",
            "/dev/vda3 /usr/.. ext4 ro",
            "/dev/vda3 /usr\\040 ext4 ro",
            "/dev/vda3 /usr\\04 ext4 ro",
            "/dev/vda3 /\\400usr ext4 ro",
            "/usr /mnt none bind",
            "/dev/vda3 /usr swap sw",
            "auto.usr /usr autofs defaults",
        ] {
            assert!(!names_usr(text.as_bytes()), "{text:?}");
        }
    }

    /// A million: see [`crate::fuzz`].
    #[test]
    fn noise_is_read_without_a_panic() {
        let mut random = crate::fuzz::Random::new();
        for _ in 0..crate::fuzz::rounds(3000) {
            let text = random.mangle(b"UUID=1 / ext4 rw\n/dev/vda3 \\057usr\\134 erofs ro 0 0\n# \\\n");
            let is_there = names_usr(&text);
            assert!(!is_there || text.windows(3).count() > 0);
        }
    }
}
