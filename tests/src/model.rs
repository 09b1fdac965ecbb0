//! What must be visible, computed from the base, the user's edits and the new base alone: none of the product's
//! code, no overlayfs. The rules of a rebase are one table here, `RULES`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::edit::{Edit, Edits};
use crate::tree::{Kind, Node, Tree};
use crate::upper::{Entry, Upper};

/// The layer that edits on a base leave behind.
pub struct Model<'a> {
    base: &'a Tree,
    /// What overlayfs has in the upper directory.
    pub upper: Upper,
}

impl<'a> Model<'a> {
    /// A new layer on a base.
    pub fn new(base: &'a Tree) -> Model<'a> {
        Model { base, upper: Upper([(PathBuf::new(), Entry::Merged)].into()) }
    }

    /// Follows the edits.
    pub fn apply(&mut self, edits: &Edits) {
        for edit in &edits.0 {
            match edit {
                Edit::Dir(path) => self.make_dirs(path),
                Edit::File(path, _)
                | Edit::Symlink(path, _)
                | Edit::Special(path, _)
                | Edit::Sparse(path, _) => self.make_leaf(path),
                Edit::Hardlink(path, to) => {
                    self.copy_up(to);
                    self.make_leaf(path);
                }
                Edit::Remove(path) => self.remove(path),
                Edit::Rename(from, to) => {
                    self.make_leaf(to);
                    self.remove(from);
                }
                Edit::Mode(path, _)
                | Edit::Owner(path, _, _)
                | Edit::Xattr(path, _, _)
                | Edit::Time(path, _) => self.copy_up(path),
            }
        }
    }

    /// Whether something is visible at `path`, and whether it is a directory.
    pub fn is_dir(&self, path: &Path) -> Option<bool> {
        match self.upper.0.get(path) {
            Some(Entry::Leaf) => Some(false),
            Some(Entry::Merged | Entry::Opaque) => Some(true),
            None if self.exposed(path) => self.base.get(path).map(|node| node.kind == Kind::Dir),
            Some(Entry::Whiteout) | None => None,
        }
    }

    /// Every visible path.
    pub fn paths(&self) -> BTreeSet<PathBuf> {
        let mine = self.upper.0.keys().filter(|path| self.is_dir(path).is_some());
        mine.chain(self.base.0.keys().filter(|path| self.is_dir(path).is_some())).cloned().collect()
    }

    /// Whether the base has `path` and nothing above it hides it.
    fn exposed(&self, path: &Path) -> bool {
        self.base.get(path).is_some() && !self.upper.blocks_above(path)
    }

    fn make_dirs(&mut self, path: &Path) {
        let mut dirs: Vec<&Path> = path.ancestors().collect();
        dirs.reverse();
        for dir in dirs {
            if self.is_dir(dir).is_none() {
                self.copy_up(dir.parent().expect("the root is there"));
                let over = if self.exposed(dir) { Entry::Opaque } else { Entry::Merged };
                self.upper.0.insert(dir.to_path_buf(), over);
            }
        }
    }

    fn make_leaf(&mut self, path: &Path) {
        let parent = path.parent().expect("a path below the root");
        self.make_dirs(parent);
        self.copy_up(parent);
        self.upper.0.insert(path.to_path_buf(), Entry::Leaf);
    }

    fn copy_up(&mut self, path: &Path) {
        for path in path.ancestors() {
            if !self.upper.0.contains_key(path) {
                let dir = self.is_dir(path).unwrap_or_else(|| panic!("{} is not there", path.display()));
                self.upper.0.insert(path.to_path_buf(), if dir { Entry::Merged } else { Entry::Leaf });
            }
        }
    }

    fn remove(&mut self, path: &Path) {
        self.upper.0.retain(|p, _| !p.starts_with(path));
        if self.exposed(path) {
            self.copy_up(path.parent().expect("a path below the root"));
            self.upper.0.insert(path.to_path_buf(), Entry::Whiteout);
        }
    }
}

/// What a rebase does with one upper entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stays: the user's is visible, or the base's is hidden.
    Keep,
    /// It goes, and nothing is lost by it.
    Drop,
    /// A directory of the old base that the new one lacks: it stays for what stays in it, and else goes.
    Carry,
    /// A directory on both sides: its attributes are the base's, its entries are judged one by one.
    Merge,
    /// It is set aside with everything below it, and the base's is visible.
    Quarantine,
}

/// An upper entry and what the new base has at its path.
struct Meeting<'a> {
    path: &'a Path,
    user: Entry,
    /// The user's node, unless the entry is a whiteout.
    node: Option<&'a Node>,
    base: Option<&'a Node>,
    /// Whether the old base had a directory there, which the user's is merged with.
    was_dir: bool,
    /// Whether a package of the new base's database owns the path.
    owned: bool,
    new: &'a Tree,
}

/// A rule's reason, when it applies, and what it says.
type Rule = (&'static str, fn(&Meeting) -> bool, Verdict);

/// The rules, first match wins.
const RULES: &[Rule] = &[
    ("a derived cache is made again from the base's", |m| m.is_cache(), Verdict::Drop),
    ("a whiteout of nothing", |m| m.is_whiteout() && m.base.is_none(), Verdict::Drop),
    ("a removed file of a package that the base has again", |m| m.is_whiteout() && m.owned, Verdict::Drop),
    ("a removed file that no package owns", |m| m.is_whiteout(), Verdict::Keep),
    ("the old base's directory", |m| m.is_old_dir() && m.base.is_none(), Verdict::Carry),
    ("the base has no say", |m| m.base.is_none(), Verdict::Keep),
    ("directories on both sides", |m| m.user_is_dir() && m.base_is_dir(), Verdict::Merge),
    ("the same on both sides", |m| m.is_equal(), Verdict::Drop),
    ("the base wins", |_| true, Verdict::Quarantine),
];

impl Meeting<'_> {
    fn is_whiteout(&self) -> bool {
        self.user == Entry::Whiteout
    }

    fn user_is_dir(&self) -> bool {
        matches!(self.user, Entry::Merged | Entry::Opaque)
    }

    fn is_old_dir(&self) -> bool {
        self.user == Entry::Merged && self.was_dir
    }

    fn base_is_dir(&self) -> bool {
        self.base.is_some_and(|node| node.kind == Kind::Dir)
    }

    /// Same type, content, mode, owner and attributes.
    fn is_equal(&self) -> bool {
        let facts = |node: &Node| (node.kind.clone(), node.mode, node.owner, node.xattrs.clone());
        self.user == Entry::Leaf && self.node.map(facts) == self.base.map(facts)
    }

    /// Files that are made from others.
    fn is_cache(&self) -> bool {
        const NAMES: [&str; 6] = [
            "gschemas.compiled",
            "icon-theme.cache",
            "mimeinfo.cache",
            "hwdb.bin",
            "gconv-modules.cache",
            "giomodule.cache",
        ];
        let name = self.path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        !self.user_is_dir() && (NAMES.contains(&name) || self.is_bytecode(name))
    }

    /// `x/__pycache__/name.cpython-313.pyc` beside the base's `x/name.py`.
    fn is_bytecode(&self, name: &str) -> bool {
        let Some(cache) = self.path.parent() else { return false };
        let Some((stem, _)) = name.split_once('.') else { return false };
        cache.file_name() == Some(OsStr::new("__pycache__"))
            && cache.parent().is_some_and(|dir| self.new.get(dir.join(format!("{stem}.py"))).is_some())
    }
}

/// What a rebase must leave.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What /usr shows.
    pub visible: Tree,
    /// What is set aside, as it was visible.
    pub quarantined: BTreeMap<PathBuf, Node>,
}

/// Judges every entry of an upper of the base `from` on the base `new`. `old` is what /usr showed before;
/// `owned` says whether a package of the new base owns a path.
pub fn rebase(upper: &Upper, from: &Tree, old: &Tree, new: &Tree, owned: &dyn Fn(&Path) -> bool) -> Outcome {
    let mut outcome = Outcome::default();
    let mut kept = BTreeSet::new();
    let mut hidden = BTreeSet::new();
    let mut carried = BTreeSet::new();
    for (path, entry) in &upper.0 {
        let node = old.get(path).filter(|_| *entry != Entry::Whiteout);
        if path.ancestors().any(|dir| outcome.quarantined.contains_key(dir)) {
            outcome.quarantined.extend(node.map(|node| (path.clone(), node.clone())));
            continue;
        }
        let was_dir = !upper.blocks_above(path) && from.get(path).is_some_and(|node| node.kind == Kind::Dir);
        let meeting =
            Meeting { path, user: *entry, node, base: new.get(path), was_dir, owned: owned(path), new };
        let (_, _, verdict) = RULES.iter().find(|(_, applies, _)| applies(&meeting)).expect("a last rule");
        match (verdict, node) {
            (Verdict::Keep, None) => {
                hidden.insert(path.as_path());
            }
            (Verdict::Keep, Some(_)) => {
                kept.insert(path.as_path());
            }
            (Verdict::Quarantine, Some(node)) => {
                outcome.quarantined.insert(path.clone(), node.clone());
            }
            (Verdict::Carry, _) => {
                carried.insert(path.as_path());
            }
            (Verdict::Quarantine, None) => unreachable!("a whiteout has no content to set aside"),
            (Verdict::Drop | Verdict::Merge, _) => {}
        }
    }
    let needed = |dir: &&Path| kept.iter().any(|path| path.starts_with(dir));
    let carried: Vec<&Path> = carried.into_iter().filter(needed).collect();
    kept.extend(carried);
    let base = new.without(|path| path.ancestors().any(|dir| hidden.contains(dir)));
    outcome.visible = relinked(base);
    outcome.visible.0.extend(relinked(old.without(|path| !kept.contains(path))).0);
    outcome
}

/// A part of a tree has only the part's hard links.
fn relinked(mut tree: Tree) -> Tree {
    let mut groups: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for (path, node) in &mut tree.0 {
        if let Some(first) = node.same_as.take() {
            groups.entry(first).or_default().push(path.clone());
        }
    }
    for paths in groups.values().filter(|paths| paths.len() > 1) {
        for path in paths {
            tree.0.get_mut(path).expect("a path of the tree").same_as = Some(paths[0].clone());
        }
    }
    tree
}
