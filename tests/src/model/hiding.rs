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
                if self.has_news(path, &Judge::may_be_old) || !self.case.past.is_whole(path) {
                    self.list(path);
                }
                self.hide_old(path)
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
    /// is judged for itself. What is not known of the old base is visible.
    pub(super) fn hide_what_was(&mut self, dir: &Path) -> bool {
        let mut left = false;
        for (path, new) in children(&self.case.new.0, dir) {
            let known = matches!(self.case.past.fact(path), Fact::Known(_));
            if self.case.upper.get(path).is_none() && known && self.may_be_old(path, new) {
                left |= self.hide_old(path);
            }
        }
        left
    }

    /// Hides a path with everything below it but what is protected.
    fn hide_all(&mut self, path: &Path) -> bool {
        self.hide_but(path, &|judge, path, _| !judge.is_protected(path))
    }

    /// Hides a path that the user removed, but for what is known to be new below it.
    fn hide_old(&mut self, path: &Path) -> bool {
        self.hide_but(path, &Judge::may_be_old)
    }

    /// Hides a path, but for what is not `old` below it.
    fn hide_but(&mut self, path: &Path, old: &dyn Fn(&Self, &Path, &Node) -> bool) -> bool {
        if !self.has_news(path, old) {
            self.hide(path);
            return true;
        }
        let mut left = false;
        for (path, new) in children(&self.case.new.0, path) {
            left |= old(self, path, new) && self.hide_but(path, old);
        }
        left
    }

    fn has_news(&self, path: &Path, old: &dyn Fn(&Self, &Path, &Node) -> bool) -> bool {
        children(&self.case.new.0, path).any(|(path, new)| !old(self, path, new) || self.has_news(path, old))
    }

    /// Whether the old base had the path, a directory if it is one now, else none, or nobody knows. What is protected is
    /// always as new.
    fn may_be_old(&self, path: &Path, new: &Node) -> bool {
        let is_dir = |node: &Node| node.kind == Kind::Dir;
        !self.is_protected(path)
            && match self.case.past.fact(path) {
                Fact::Known(old) => is_dir(old) == is_dir(new),
                Fact::Absent => false,
                Fact::Unknown => true,
            }
    }
}

fn same_type(a: &Node, b: &Node) -> bool {
    std::mem::discriminant(&a.kind) == std::mem::discriminant(&b.kind)
}
