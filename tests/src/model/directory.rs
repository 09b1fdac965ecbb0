//! The table for directories.

use super::{Fact, Ground, Judge, Left, Meeting, children, metadata};
use crate::tree::{Kind, Node};
use crate::upper::Entry;

impl Judge<'_> {
    pub(super) fn directory(&mut self, meeting: &Meeting, ground: Ground) -> bool {
        // What is in a directory that hides the old base's is over nothing, too.
        let opaque = ground.opaque || meeting.item.entry == Entry::Opaque;
        match meeting.new {
            Some(new) if new.kind == Kind::Dir => self.both(meeting, new, Ground { opaque, ..ground }),
            None if !ground.blocked => self.alone(meeting, Ground { opaque, ..ground }),
            _ => {
                self.below(meeting.path, Ground { blocked: true, opaque });
                // It goes along with what is in it.
                let aside = self.outcome.aside.keys().any(|path| path.starts_with(meeting.path));
                let empty = children(&self.case.upper.0, meeting.path).next().is_none();
                if is_users(meeting) && (aside || empty) {
                    self.aside(meeting.path, &meeting.item.node);
                }
                false
            }
        }
    }

    /// The new base has a directory there.
    fn both(&mut self, meeting: &Meeting, new: &Node, ground: Ground) -> bool {
        let path = meeting.path;
        let mut left = self.below(path, ground);
        if ground.opaque {
            left |= self.hide_what_was(path);
        }
        if let Fact::Known(old) = meeting.old {
            if old.kind == Kind::Dir {
                let merged = metadata::merge(&meeting.item.node, old, new);
                let node = merged.node(new);
                let differs = !metadata::is_same(&node, new);
                if differs || merged.lost {
                    self.list(path);
                }
                if differs {
                    self.keep(path, node);
                }
                left |= differs;
            }
        }
        if left {
            self.leave(path, Left::Dir);
        }
        left
    }

    /// The new base has nothing there.
    fn alone(&mut self, meeting: &Meeting, ground: Ground) -> bool {
        let left = self.below(meeting.path, ground) || is_users(meeting);
        if left {
            self.keep(meeting.path, meeting.item.node.clone());
        }
        left
    }
}

/// Whether the directory is the user's and none of the old base's.
fn is_users(meeting: &Meeting) -> bool {
    match meeting.old {
        Fact::Absent => true,
        Fact::Known(old) => old.kind != Kind::Dir,
        Fact::Unknown => !meeting.item.origin,
    }
}
