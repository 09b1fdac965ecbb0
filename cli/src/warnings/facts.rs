//! One walk through a layer for what warnings and counts are made of.

use std::collections::BTreeMap;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, RawMode};
use rustix::io::Errno;
use serde::Serialize;
use veneer::changes::{Change, each};
use veneer::rebase::Policy;
use veneer::tree::{Dir, Kind};

use super::{Entry, Privilege};
use crate::failure::Failure;
use crate::owner::owners;

/// More of them nobody looks at one by one.
const LIMIT: usize = 1000;

/// How many entries of a layer add to the base, shadow something of it, or hide it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) added: usize,
    pub(crate) shadowed: usize,
    pub(crate) hidden: usize,
}

/// What one walk found.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(crate) counts: Counts,
    /// Without their owners.
    pub(crate) entries: Vec<Entry>,
}

impl Layer {
    /// Walks through the layer in `upper` over the base `base`.
    pub(crate) fn walk(upper: &Dir, base: &Dir, policy: &Policy) -> Result<Self, Failure> {
        let mut found = Layer::default();
        each(upper, base, |path, change, kind| {
            match change {
                Change::Added => found.counts.added += 1,
                Change::Shadowed => found.counts.shadowed += 1,
                Change::Hidden => found.counts.hidden += 1,
            }
            // What is made beside the base's own is nobody's to protect.
            let protected = (change != Change::Added && policy.protects(path)).then_some(change);
            let privilege = match (change, kind) {
                (Change::Added | Change::Shadowed, Kind::File) => privilege(upper, path),
                _ => None,
            };
            if (privilege.is_some() || protected.is_some()) && found.entries.len() < LIMIT {
                found.entries.push(Entry { path: path.to_path_buf(), privilege, protected, owner: None });
            }
            Ok(())
        })?;
        Ok(found)
    }
}

const SETUID: RawMode = 0o4000;
/// Without the group's x it means something else, which nobody uses any more.
const SETGID: RawMode = 0o2010;

/// Rights that a file gives away. One that has gone meanwhile gives none.
fn privilege(upper: &Dir, path: &Path) -> Option<Privilege> {
    let stat = rustix::fs::statat(upper, path, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    let mode = stat.st_mode;
    if FileType::from_raw_mode(mode) != FileType::RegularFile || mode & 0o111 == 0 {
        return None;
    }
    if mode & SETUID != 0 {
        return Some(Privilege::Setuid);
    }
    if mode & SETGID == SETGID {
        return Some(Privilege::Setgid);
    }
    let mut value = [0; 64];
    match rustix::fs::lgetxattr(upper.path().join(path), c"security.capability", &mut value[..]) {
        Ok(_) | Err(Errno::RANGE) => Some(Privilege::Capabilities),
        Err(_) => None,
    }
}

/// Fills in the packages that entries belong to, as the package manager of the system below `root` knows them.
pub(crate) fn with_owners(root: &Path, mut entries: Vec<Entry>) -> Vec<Entry> {
    // Packages that were made before /usr was merged list /bin/su, which is /usr/bin/su.
    let spelled = |path: &Path| {
        let merged = Path::new("/usr").join(path).to_string_lossy().into_owned();
        let split = Path::new("/").join(path).to_string_lossy().into_owned();
        [merged, split]
    };
    let asked: BTreeMap<usize, [String; 2]> =
        entries.iter().enumerate().map(|(number, entry)| (number, spelled(&entry.path))).collect();
    if asked.is_empty() {
        return entries;
    }
    let paths: Vec<String> = asked.values().flatten().cloned().collect();
    let found = owners(root, &paths);
    for (number, names) in asked {
        entries[number].owner = names.iter().find_map(|name| found.get(name)).cloned();
    }
    entries
}
