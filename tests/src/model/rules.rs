//! The table for what is no directory: how the user's relates to the old base's, and to what the new base has.

use super::{Fact, Ground, Judge, Meeting, metadata};
use crate::tree::{Kind, Node};

/// What the user did, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Did {
    /// It is the user's own: the old base had nothing there.
    Made,
    /// Not the content; the metadata may be another.
    Left,
    /// The content is another than the old base's, or the type.
    Edited,
    /// It cannot be told.
    Unknown,
    /// It cannot be told, but it was copied up from the old base.
    CopiedUp,
}

/// What the new base has there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offers {
    Nothing,
    /// Just what the user has.
    Equal,
    /// The user's content with other metadata.
    SameContent,
    /// What the old base had.
    AsBefore,
    /// Other content of the user's type.
    Other,
    /// Another type than the user's.
    OtherType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// As it is.
    Keep,
    /// As it is, and the user is told.
    KeepListed,
    /// The user's content; of the metadata what the user changed.
    KeepContent,
    /// The base's content; of the metadata what the user changed.
    KeepMetadata,
    Drop,
    /// Told of if there was more than the base's in it.
    DropListed,
    Aside,
}

/// Reads docs/rebase.md, "Files, symlinks, devices, FIFOs, sockets", from top to bottom.
#[allow(clippy::match_same_arms)] // a table: each row stands for a rule of its own
fn verdict(did: Did, offers: Offers) -> Verdict {
    match (did, offers) {
        (_, Offers::Equal) => Verdict::Drop,
        (Did::Made | Did::Unknown, Offers::Nothing) => Verdict::Keep,
        (Did::Made | Did::Unknown | Did::CopiedUp, _) => Verdict::Aside,
        (Did::Left, Offers::Nothing) => Verdict::DropListed,
        (Did::Left, Offers::OtherType) => Verdict::Drop,
        (Did::Left, Offers::SameContent | Offers::AsBefore | Offers::Other) => Verdict::KeepMetadata,
        (Did::Edited, Offers::Nothing) => Verdict::KeepListed,
        (Did::Edited, Offers::AsBefore) => Verdict::KeepContent,
        (Did::Edited, Offers::SameContent) => Verdict::KeepMetadata,
        (Did::Edited, Offers::Other | Offers::OtherType) => Verdict::Aside,
    }
}

impl Judge<'_> {
    pub(super) fn leaf(&mut self, meeting: &Meeting, ground: Ground) -> bool {
        let (path, user) = (meeting.path, &meeting.item.node);
        let old = match meeting.old {
            Fact::Known(old) => Some(old),
            _ => None,
        };
        let did = match old {
            Some(old) if same_content(user, old) => Did::Left,
            Some(_) => Did::Edited,
            None if matches!(meeting.old, Fact::Absent) => Did::Made,
            None if meeting.item.origin => Did::CopiedUp,
            None => Did::Unknown,
        };
        let verdict = match verdict(did, offers(user, old, meeting.new)) {
            Verdict::Keep | Verdict::KeepListed if ground.blocked => Verdict::Aside,
            verdict => verdict,
        };
        match verdict {
            Verdict::Keep | Verdict::KeepListed => {
                if verdict == Verdict::KeepListed {
                    self.list(path);
                }
                self.keep(path, user.clone());
                true
            }
            Verdict::KeepContent | Verdict::KeepMetadata => {
                let (Some(old), Some(new)) = (old, meeting.new) else { unreachable!("all three are there") };
                self.merged(meeting, old, new, verdict == Verdict::KeepContent)
            }
            Verdict::Drop => false,
            Verdict::DropListed => {
                if old.is_some_and(|old| !metadata::is_same(user, old)) {
                    self.list(path);
                }
                false
            }
            Verdict::Aside => {
                self.aside(path, user);
                false
            }
        }
    }

    /// The content of the user or of the base, with metadata of both.
    fn merged(&mut self, meeting: &Meeting, old: &Node, new: &Node, content_is_users: bool) -> bool {
        let (path, user) = (meeting.path, &meeting.item.node);
        // What was of another type has no metadata to compare with.
        let old = if same_type(user, old) { old } else { user };
        let merged = metadata::merge(user, old, new);
        let differs = !metadata::is_same(&merged.node(new), new);
        if content_is_users || differs || merged.lost {
            self.list(path);
        }
        if content_is_users {
            self.keep(path, merged.node(user));
        } else if differs {
            self.keep(path, merged.node(&Node { same_as: None, ..new.clone() }));
        }
        content_is_users || differs
    }
}

fn offers(user: &Node, old: Option<&Node>, new: Option<&Node>) -> Offers {
    let Some(new) = new else { return Offers::Nothing };
    if same_content(user, new) {
        return if metadata::is_same(user, new) { Offers::Equal } else { Offers::SameContent };
    }
    if !same_type(user, new) {
        Offers::OtherType
    } else if old.is_some_and(|old| same_content(old, new)) {
        Offers::AsBefore
    } else {
        Offers::Other
    }
}

/// The same type and bytes.
fn same_content(a: &Node, b: &Node) -> bool {
    a.kind == b.kind
}

fn same_type(a: &Node, b: &Node) -> bool {
    match (&a.kind, &b.kind) {
        (Kind::Device(a, _), Kind::Device(b, _)) => a == b,
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}
