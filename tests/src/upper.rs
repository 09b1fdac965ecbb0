//! An upper directory in overlayfs's own terms, read off the disk: what each entry means, and what overlayfs shows of
//! it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::tree::{Kind, Node, Tree};

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

/// An upper entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it means.
    pub entry: Entry,
    /// As overlayfs shows it; of a whiteout nothing is shown.
    pub node: Node,
    /// Whether overlayfs says that it was copied up from the base.
    pub origin: bool,
}

/// Upper entries by path; the empty path is /usr itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upper(pub BTreeMap<PathBuf, Item>);

/// The attributes that overlayfs keeps for itself.
const MARKS: &str = "trusted.overlay.";

/// How those of an overlay inside of this one are kept.
const INNER: &str = "trusted.overlay.overlay.";

impl Upper {
    /// Reads an upper directory off the disk.
    pub fn read(dir: &Path) -> Upper {
        Upper::of(&Tree::read(dir))
    }

    /// What an upper directory's tree means.
    pub fn of(tree: &Tree) -> Upper {
        let mark = |node: &Node, name: &str| node.xattrs.get(&format!("{MARKS}{name}")).cloned();
        let entries = tree.0.iter().map(|(path, node)| {
            // Looking it up, overlayfs does not ask whether the directory says so (`opaque=x`).
            let attribute = || mark(node, "whiteout").is_some() && matches!(node.kind, Kind::File(0, _));
            let entry = match node.kind {
                _ if node.is_whiteout() || attribute() => Entry::Whiteout,
                Kind::Dir if mark(node, "opaque").is_some_and(|value| value == b"y") => Entry::Opaque,
                Kind::Dir => Entry::Merged,
                _ => Entry::Leaf,
            };
            (path.clone(), Item { entry, node: shown(node), origin: mark(node, "origin").is_some() })
        });
        Upper(entries.collect())
    }

    /// The entry at `path`.
    pub fn get(&self, path: &Path) -> Option<&Item> {
        self.0.get(path)
    }

    /// What overlayfs shows of this over `base`.
    pub fn over(&self, base: &Tree) -> Tree {
        let mut visible = base.without(|path| !self.shows_lower(path)).relinked();
        for node in visible.0.values_mut() {
            *node = shown(node);
        }
        let mine = self.0.iter().filter(|(_, item)| item.entry != Entry::Whiteout);
        let mine = mine.map(|(path, item)| (path.clone(), item.node.clone())).collect();
        visible.and(Tree(mine).relinked())
    }

    /// Whether `path` is, or is in, a directory that was removed, and perhaps made again.
    pub fn hides_all_of(&self, path: &Path) -> bool {
        let hides = |path: &Path| {
            self.get(path).is_some_and(|item| matches!(item.entry, Entry::Whiteout | Entry::Opaque))
        };
        path.ancestors().any(hides)
    }

    /// Whether the lower's `path` shines through everything above it and at it.
    pub fn shows_lower(&self, path: &Path) -> bool {
        let merged = |path: &Path| self.get(path).is_none_or(|item| item.entry == Entry::Merged);
        path.ancestors().all(merged)
    }
}

/// A node without overlayfs's own attributes, and with those of an inner overlay by the names that it gave them.
pub fn shown(node: &Node) -> Node {
    let xattrs = node.xattrs.iter().filter_map(|(name, value)| {
        let name = match name.strip_prefix(INNER) {
            Some(inner) => format!("{MARKS}{inner}"),
            None if name.starts_with(MARKS) => return None,
            None => name.clone(),
        };
        Some((name, value.clone()))
    });
    Node { xattrs: xattrs.collect(), ..node.clone() }
}
