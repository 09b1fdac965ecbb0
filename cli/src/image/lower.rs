//! What overlayfs would not show of a base: entries that mean something to it.

use std::ffi::CStr;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use veneer::tree::is_overlay_mark;

use crate::finding::Finding;
use crate::root::Root;

/// Examples that are told.
const TOLD: usize = 3;

#[derive(Debug, Default)]
pub(crate) struct Facts {
    whiteouts: Seen,
    marked: Seen,
    /// Directories that could not be read.
    unread: Seen,
}

/// Paths that were seen: the first few, and how many.
#[derive(Debug, Default)]
struct Seen {
    first: Vec<String>,
    number: usize,
}

impl Seen {
    fn add(&mut self, root: &Root, path: &Path) {
        self.number += 1;
        if self.first.len() < TOLD {
            let path = Path::new("/").join(path.strip_prefix(root.dir()).unwrap_or(path));
            self.first.push(veneer::report::display_path(&path));
        }
    }

    fn text(&self) -> String {
        let rest = self.number - self.first.len();
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        format!("{}{more}", self.first.join(", "))
    }
}

impl Facts {
    /// Walks all of /usr.
    pub(crate) fn gather(root: &Root) -> Self {
        let mut facts = Facts::default();
        let mut dirs = vec![root.dir().join("usr")];
        while let Some(dir) = dirs.pop() {
            if has_mark(&dir) {
                facts.marked.add(root, &dir);
            }
            let Ok(entries) = fs::read_dir(&dir) else {
                facts.unread.add(root, &dir);
                continue;
            };
            let mut below: Vec<PathBuf> = Vec::new();
            for entry in entries.flatten() {
                let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
                if kind.is_dir() {
                    below.push(path);
                } else if kind.is_char_device() && entry.metadata().is_ok_and(|metadata| metadata.rdev() == 0)
                {
                    facts.whiteouts.add(root, &path);
                } else if kind.is_file() && has_mark(&path) {
                    facts.marked.add(root, &path);
                }
            }
            // In an order that is the same at every run.
            below.sort_by(|a, b| b.cmp(a));
            dirs.append(&mut below);
        }
        facts
    }

    pub(crate) fn judge(&self) -> Vec<Finding> {
        let unpacked = "It comes of copying the upper directory of an overlay: copy what the mounted overlay shows instead.";
        let mut found = Vec::new();
        if self.whiteouts.number > 0 {
            let message = format!(
                "there are whiteouts of overlayfs, which an overlay over them would not show: {}",
                self.whiteouts.text()
            );
            found.push(Finding::error("whiteout-in-usr", message, unpacked));
        }
        if self.marked.number > 0 {
            let message = format!(
                "there are marks of overlayfs, trusted.overlay.*, which an overlay over them would follow: {}",
                self.marked.text()
            );
            found.push(Finding::error("overlay-mark-in-usr", message, unpacked));
        }
        if self.unread.number > 0 {
            let message = format!("could not be looked into: {}", self.unread.text());
            found.push(Finding::warning("usr-unread", message, "Run `veneer lint` as root."));
        }
        found
    }
}

/// Only root of the first user namespace sees such marks; in a container they are not there to be seen.
fn has_mark(path: &Path) -> bool {
    let mut list = vec![0_u8; 1024];
    let length = match rustix::fs::llistxattr(path, &mut list[..]) {
        Err(Errno::RANGE) => {
            list.resize(64 * 1024, 0); // XATTR_LIST_MAX
            rustix::fs::llistxattr(path, &mut list[..]).unwrap_or(0)
        }
        other => other.unwrap_or(0),
    };
    let mut names = list[..length].split_inclusive(|byte| *byte == 0);
    names.any(|name| CStr::from_bytes_with_nul(name).is_ok_and(is_overlay_mark))
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, XattrFlags};

    use super::*;
    use crate::image::tests::names;
    use crate::root::tests::Tree;

    #[test]
    fn what_an_overlay_left() {
        let tree = Tree::new();
        let found = || names(&Facts::gather(&tree.root()).judge());
        tree.write("usr/share/doc/x", "").link("usr/lib/dangling", "nowhere");
        assert_eq!(found(), [""; 0]);
        if !rustix::process::geteuid().is_root() {
            eprintln!("not root: neither devices nor marks can be made");
            return;
        }
        for number in 0..5 {
            let path = tree.path(&format!("usr/share/gone/{number}"));
            rustix::fs::mknodat(CWD, path, FileType::CharacterDevice, Mode::empty(), 0)
                .expect("make a whiteout");
        }
        assert_eq!(found(), ["whiteout-in-usr"]);
        let message = &Facts::gather(&tree.root()).judge()[0].message;
        assert!(message.contains("/usr/share/gone/") && message.ends_with("and 2 more"), "{message}");
        tree.remove("usr/share/gone");
        let dir = tree.path("usr/share/doc/x").parent().expect("a directory").to_path_buf();
        let (none, name) = (XattrFlags::empty(), "trusted.overlay.opaque");
        if let Err(error) = rustix::fs::lsetxattr(&dir, name, b"y", none) {
            eprintln!("marks cannot be made here ({error}): not tried");
            return;
        }
        assert_eq!(found(), ["overlay-mark-in-usr"]);
        rustix::fs::lremovexattr(&dir, name).expect("remove the mark");
        assert_eq!(found(), [""; 0]);
    }
}
