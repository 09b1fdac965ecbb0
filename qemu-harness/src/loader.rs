//! The part of a boot loader, for disks that have entries by the Boot Loader Specification: what ostree writes them for.

use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::disk::Disk;
use crate::error::{Error, Result};

/// What is booted.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The kernel.
    pub(crate) kernel: PathBuf,
    /// The initramfs.
    pub(crate) initrd: PathBuf,
    /// The command line.
    pub(crate) words: String,
}

/// Where the entries are, on the root's file system.
const ENTRIES: &str = "/boot/loader/entries";

/// Takes the entry that a boot loader would take from the disk: kernel and initramfs go into `dir`.
pub(crate) fn choose(disk: &Disk, dir: &Path) -> Result<Entry> {
    let what = "choosing a boot loader's entry";
    let names = disk.names(ENTRIES)?;
    let mut entries = Vec::new();
    for name in names.iter().filter(|name| Path::new(name).extension().is_some_and(|it| it == "conf")) {
        let path = dir.join("entry.conf");
        disk.extract(&format!("{ENTRIES}/{name}"), &path)?;
        entries.push(fs::read_to_string(&path).map_err(Error::io(what))?);
    }
    let newest =
        entries.iter().max_by_key(|text| value(text, "version").and_then(|text| text.parse::<u64>().ok()));
    let lacks = |what: &'static str| Error::io("reading a boot loader's entry")(std::io::Error::other(what));
    let newest = newest.ok_or_else(|| lacks("there is none"))?;
    let mut entry = Entry {
        kernel: dir.join("vmlinuz"),
        initrd: dir.join("initrd.img"),
        words: value(newest, "options").ok_or_else(|| lacks("it has no options"))?.to_owned(),
    };
    for (key, to) in [("linux", &mut entry.kernel), ("initrd", &mut entry.initrd)] {
        let path = value(newest, key).ok_or_else(|| lacks("it names no kernel or no initramfs"))?;
        // Named from the root of the file system that /boot is on.
        let path = if path.starts_with("/boot/") { path.to_owned() } else { format!("/boot{path}") };
        disk.extract(&path, to)?;
    }
    Ok(entry)
}

fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix([' ', '\t'])).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn values_are_found_by_their_key() {
        let text = "title Debian (ostree:0)\nversion 2\noptions root=PARTLABEL=root ostree=/ostree/boot.1/x/y/0\nlinux /boot/a\n";
        assert_eq!(value(text, "version"), Some("2"));
        assert_eq!(value(text, "options"), Some("root=PARTLABEL=root ostree=/ostree/boot.1/x/y/0"));
        assert_eq!(value(text, "initrd"), None);
    }
}
