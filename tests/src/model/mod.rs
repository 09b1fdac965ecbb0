//! What must be visible after a rebase, and what must be set aside: docs/rebase.md read a second time, for the tests,
//! with none of the product's code and no overlayfs. Only values go in and come out.

mod directory;
mod hiding;
mod metadata;
mod rules;
mod special;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::tree::{Kind, Node, Tree};
use crate::upper::{Entry, Item, Upper, shown};

/// What is known of the base that the layer was made on.
#[derive(Clone, Copy, Debug)]
pub enum Past<'a> {
    /// Nothing: there is no record.
    Unknown,
    /// All of it: the record is complete, or the base is at hand.
    Known(&'a Tree),
    /// The record was made from this upper, and the layer was changed since.
    Since(&'a Tree, &'a Upper),
}

/// What the old base had at a path.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fact<'a> {
    Unknown,
    Absent,
    Known(&'a Node),
}

impl<'a> Past<'a> {
    fn fact(self, path: &Path) -> Fact<'a> {
        match self {
            Past::Unknown => Fact::Unknown,
            Past::Known(tree) => tree.get(path).map_or(Fact::Absent, Fact::Known),
            Past::Since(tree, upper) => {
                // A record speaks of what the layer had something over, and of all that it hid.
                let spoken = |path: &Path| upper.get(path).is_some() || upper.hides_all_of(path);
                let no_dir = |path: &Path| tree.get(path).is_none_or(|node| node.kind != Kind::Dir);
                // Nothing is in a directory that is not there.
                let nowhere = path.ancestors().skip(1).any(|dir| spoken(dir) && no_dir(dir));
                match tree.get(path) {
                    Some(node) if spoken(path) => Fact::Known(node),
                    None if spoken(path) || nowhere => Fact::Absent,
                    _ => Fact::Unknown,
                }
            }
        }
    }

    /// Whether it is known what all was in a directory of the old base.
    fn is_whole(self, dir: &Path) -> bool {
        match self {
            Past::Unknown => false,
            Past::Known(_) => true,
            Past::Since(_, upper) => upper.hides_all_of(dir),
        }
    }
}

/// A layer, and the base that it is to follow.
pub struct Case<'a> {
    /// What the layer has.
    pub upper: &'a Upper,
    /// What is known of its base.
    pub past: Past<'a>,
    /// The new base.
    pub new: &'a Tree,
    /// Patterns of the paths that are the base's, whatever the layer has.
    pub protected: &'a [&'a str],
}

/// What is left in the new layer at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// A directory.
    Dir,
    /// A whiteout.
    Whiteout,
    /// Anything else.
    Leaf,
}

/// What a rebase must leave.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What /usr shows.
    pub visible: Tree,
    /// What is set aside, as it was visible.
    pub aside: BTreeMap<PathBuf, Node>,
    /// What else the user is told of.
    pub listed: BTreeSet<PathBuf>,
    /// Every entry of the new layer.
    pub left: BTreeMap<PathBuf, Left>,
}

/// Judges every entry.
pub fn rebase(case: &Case) -> Outcome {
    let mut judge =
        Judge { case, kept: BTreeMap::new(), hidden: BTreeSet::new(), outcome: Outcome::default() };
    judge.below(Path::new(""), Ground::default());
    judge.finish()
}

/// An entry that was judged, with what the judging needs.
struct Meeting<'a> {
    path: &'a Path,
    item: &'a Item,
    old: Fact<'a>,
    new: Option<&'a Node>,
}

/// What holds for everything in a directory.
#[derive(Clone, Copy, Default)]
struct Ground {
    /// The base has something else than a directory here or above.
    blocked: bool,
    /// The layer hid what the old base had here.
    opaque: bool,
}

struct Judge<'a> {
    case: &'a Case<'a>,
    /// What of the layer is visible.
    kept: BTreeMap<PathBuf, Node>,
    /// What of the base is hidden, with all that is below it.
    hidden: BTreeSet<PathBuf>,
    outcome: Outcome,
}

impl<'a> Judge<'a> {
    /// Judges one entry and all that is below it. True if anything of it is left in the layer.
    fn entry(&mut self, path: &'a Path, item: &'a Item, ground: Ground) -> bool {
        let new = self.case.new.get(path).filter(|_| !ground.blocked);
        let meeting = Meeting { path, item, old: self.case.past.fact(path), new };
        if let Some(left) = self.before_all_others(&meeting) {
            return left;
        }
        match item.entry {
            Entry::Whiteout => self.whiteout(&meeting),
            Entry::Leaf => self.leaf(&meeting, ground),
            Entry::Merged | Entry::Opaque => self.directory(&meeting, ground),
        }
    }

    /// Judges what is in a directory of the layer.
    fn below(&mut self, dir: &Path, ground: Ground) -> bool {
        let mut left = false;
        for (path, item) in children(&self.case.upper.0, dir) {
            left |= self.entry(path, item, ground);
        }
        left
    }

    fn keep(&mut self, path: &Path, node: Node) {
        let left = if node.kind == Kind::Dir { Left::Dir } else { Left::Leaf };
        self.kept.insert(path.to_path_buf(), node);
        self.leave(path, left);
    }

    fn leave(&mut self, path: &Path, left: Left) {
        self.outcome.left.insert(path.to_path_buf(), left);
    }

    fn hide(&mut self, path: &Path) {
        self.hidden.insert(path.to_path_buf());
        self.leave(path, Left::Whiteout);
    }

    fn aside(&mut self, path: &Path, node: &Node) {
        self.outcome.aside.insert(path.to_path_buf(), node.clone());
    }

    fn list(&mut self, path: &Path) {
        self.outcome.listed.insert(path.to_path_buf());
    }

    fn finish(mut self) -> Outcome {
        let hidden = |path: &Path| path.ancestors().any(|dir| self.hidden.contains(dir));
        let replaced = |path: &Path| self.kept.contains_key(path);
        let mut base = self.case.new.without(|path| hidden(path) || replaced(path)).relinked();
        for node in base.0.values_mut() {
            *node = shown(node);
        }
        self.outcome.visible = base.and(Tree(apart(self.kept)).relinked());
        self.outcome.left.insert(PathBuf::new(), Left::Dir);
        // A directory that is in the layer for what is in it.
        for path in self.outcome.left.keys().cloned().collect::<Vec<_>>() {
            for dir in path.ancestors().skip(1) {
                self.outcome.left.entry(dir.to_path_buf()).or_insert(Left::Dir);
            }
        }
        self.outcome
    }
}

/// Names of one inode are one no more when they came to differ.
fn apart(mut kept: BTreeMap<PathBuf, Node>) -> BTreeMap<PathBuf, Node> {
    let mut firsts: Vec<(PathBuf, Node)> = Vec::new();
    for (path, node) in &mut kept {
        let Some(inode) = node.same_as.clone() else { continue };
        let alike =
            |first: &&(PathBuf, Node)| first.1.same_as == Some(inode.clone()) && is_alike(&first.1, node);
        let first = firsts.iter().find(alike).map(|(first, _)| first.clone());
        let first = first.unwrap_or_else(|| {
            firsts.push((path.clone(), node.clone()));
            path.clone()
        });
        node.same_as = Some(first);
    }
    kept
}

fn is_alike(a: &Node, b: &Node) -> bool {
    (&a.kind, a.mode, a.owner, &a.xattrs) == (&b.kind, b.mode, b.owner, &b.xattrs)
}

/// What is directly in a directory.
pub(crate) fn children<'a, T>(
    paths: &'a BTreeMap<PathBuf, T>,
    dir: &Path,
) -> impl Iterator<Item = (&'a Path, &'a T)> + use<'a, T> {
    let (dir, below) = (dir.to_path_buf(), dir.to_path_buf());
    let inside = paths.range(dir..).map(|(path, node)| (path.as_path(), node));
    let inside = inside.take_while({
        let below = below.clone();
        move |(path, _)| path.starts_with(&below)
    });
    inside.filter(move |(path, _)| path.parent() == Some(&below))
}
