//! An upper directory in overlayfs's own terms.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::tree::{Kind, Tree};

/// What overlayfs makes of an upper entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Hides the path of the base.
    Whiteout,
    /// A directory, merged with the base's.
    Merged,
    /// A directory that hides the base's content.
    Opaque,
    /// Anything else.
    Leaf,
}

/// Upper entries by path; the empty path is /usr itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upper(pub BTreeMap<PathBuf, Entry>);

impl Upper {
    /// Reads an upper directory off the disk.
    pub fn read(dir: &Path) -> Upper {
        let entries = Tree::read(dir).0.into_iter().map(|(path, node)| {
            let opaque = node.xattrs.get("trusted.overlay.opaque").is_some_and(|v| v == b"y");
            let entry = match node.kind {
                _ if node.is_whiteout() => Entry::Whiteout,
                Kind::Dir if opaque => Entry::Opaque,
                Kind::Dir => Entry::Merged,
                _ => Entry::Leaf,
            };
            (path, entry)
        });
        Upper(entries.collect())
    }

    /// Whether the lower's `path` shines through everything above it and at it.
    pub fn shows_lower(&self, path: &Path) -> bool {
        !self.blocks_above(path) && matches!(self.0.get(path), None | Some(Entry::Merged))
    }

    /// Whether something above `path` hides the lower's.
    pub fn blocks_above(&self, path: &Path) -> bool {
        path.ancestors().skip(1).any(|dir| !matches!(self.0.get(dir), None | Some(Entry::Merged)))
    }
}
