//! The table for whiteouts, and what a directory hid that was removed and made again.

use std::path::Path;

use super::{Fact, Judge, Meeting, children, metadata};
use crate::tree::{Kind, Node};

impl Judge<'_> {
    pub(super) fn whiteout(&mut self, meeting: &Meeting) -> bool {
        let path = meeting.path;
        let Some(new) = meeting.new else { return false };
        match meeting.old {
            Fact::Unknown | Fact::Absent => {
                self.list(path);
                self.hide_all(path)
            }
            Fact::Known(old) if old.kind == Kind::Dir && new.kind == Kind::Dir => {
                if self.has_news(path) || !self.case.past.is_whole(path) {
                    self.list(path);
                }
                self.hide_known(path)
            }
            Fact::Known(old) if old.kind == Kind::Dir || !same_type(old, new) => {
                self.list(path);
                false
            }
            Fact::Known(old) => {
                if old.kind != new.kind || !metadata::is_same(old, new) {
                    self.list(path);
                }
                self.hide(path);
                true
            }
        }
    }

    /// Hides, in a directory of the new base, what the old base had there, unless the layer has something there, which
    /// is judged for itself.
    pub(super) fn hide_what_was(&mut self, dir: &Path) -> bool {
        let mut left = false;
        for (path, new) in children(&self.case.new.0, dir) {
            if self.case.upper.get(path).is_none() && self.was(path, new) {
                left |= self.hide_known(path);
            }
        }
        left
    }

    /// Hides a path with everything below it but what is protected.
    fn hide_all(&mut self, path: &Path) -> bool {
        let spared =
            |(below, _): (&std::path::PathBuf, &Node)| below.starts_with(path) && self.is_protected(below);
        if !self.case.new.0.iter().any(spared) {
            self.hide(path);
            return true;
        }
        let mut left = false;
        for (path, _) in children(&self.case.new.0, path) {
            left |= !self.is_protected(path) && self.hide_all(path);
        }
        left
    }

    /// Hides a path that the old base had, but for what is new below it, as far as that is known.
    fn hide_known(&mut self, path: &Path) -> bool {
        if !self.case.past.is_whole(path) {
            return self.hide_all(path);
        }
        if !self.has_news(path) {
            self.hide(path);
            return true;
        }
        let mut left = false;
        for (path, new) in children(&self.case.new.0, path) {
            if self.was(path, new) {
                left |= self.hide_known(path);
            }
        }
        left
    }

    /// Whether the new base has something below `path` that the old one had not.
    fn has_news(&self, path: &Path) -> bool {
        children(&self.case.new.0, path).any(|(path, new)| !self.was(path, new) || self.has_news(path))
    }

    /// Whether the old base had the path, a directory if it is one now, else none. What is protected is always as new.
    fn was(&self, path: &Path, new: &Node) -> bool {
        let is_dir = |node: &Node| node.kind == Kind::Dir;
        !self.is_protected(path)
            && matches!(self.case.past.fact(path), Fact::Known(old) if is_dir(old) == is_dir(new))
    }
}

fn same_type(a: &Node, b: &Node) -> bool {
    std::mem::discriminant(&a.kind) == std::mem::discriminant(&b.kind)
}
