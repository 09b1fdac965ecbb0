//! A story: the first base, what the user did, the second base; and a table of what comes out, written by hand, so that
//! the model is not the only witness.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use veneer_tests::edit::Edits;
use veneer_tests::tree::{Node, Tree};

use super::{attributes, edited, hidden, odd, swapped};

/// All of them.
pub(super) const STORIES: &[fn() -> Story] = &[
    hidden::new_files,
    hidden::opaque,
    hidden::whiteouts,
    swapped::types_swap,
    edited::edited,
    edited::copied_up,
    attributes::tightened,
    attributes::of_both,
    odd::renumbered,
    odd::awkward,
    odd::hardlinks,
    odd::caches,
    odd::protected,
    odd::kernel_modules,
    odd::names,
];

/// What becomes of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Is {
    /// The new base's, and nothing is set aside.
    Base,
    /// As the user had it.
    Users,
    /// The user's content.
    UsersContent,
    /// The new base's content with this mode.
    BaseWithMode(u32),
    /// Not there, and nothing is set aside.
    Gone,
    /// The user's is set aside; what the base has is visible.
    Aside,
}

/// See above.
#[derive(Default)]
pub(super) struct Story {
    pub(super) a: Edits,
    pub(super) user: Edits,
    pub(super) b: Edits,
    /// A path, what becomes of it if the old base is known, and if it is not.
    pub(super) table: Vec<(PathBuf, Is, Is)>,
}

impl Story {
    /// Adds a row, for both cases.
    #[must_use]
    pub(super) fn row(self, path: &str, is: Is) -> Story {
        self.rows(path, is, is)
    }

    /// Adds a row: if the old base is known, and if it is not.
    #[must_use]
    pub(super) fn rows(mut self, path: &str, known: Is, unknown: Is) -> Story {
        self.table.push((path.into(), known, unknown));
        self
    }
}

/// What a rebase made.
pub(super) struct Found<'a> {
    pub(super) on_a: &'a Tree,
    pub(super) bare: &'a Tree,
    pub(super) visible: &'a Tree,
    pub(super) aside: &'a BTreeMap<PathBuf, Node>,
}

impl Found<'_> {
    #[track_caller]
    pub(super) fn check(&self, story: &Story, known: bool) {
        let wrong: Vec<String> = story
            .table
            .iter()
            .map(|(path, if_known, if_not)| (path, if known { *if_known } else { *if_not }))
            .filter(|(path, is)| !self.is(path, *is))
            .map(|(path, is)| {
                let now = self.visible.get(path).map(ToString::to_string).unwrap_or_default();
                let aside = if self.aside.contains_key(path) { ", and set aside" } else { "" };
                format!("{} is not {is:?}: {now}{aside}", path.display())
            })
            .collect();
        assert!(wrong.is_empty(), "known: {known}\n{}", wrong.join("\n"));
    }

    fn is(&self, path: &Path, is: Is) -> bool {
        let plain = |tree: &Tree| tree.get(path).map(|node| Node { same_as: None, ..node.essence() });
        let content = |tree: &Tree| tree.get(path).map(|node| node.kind.clone());
        let (now, aside) = (plain(self.visible), self.aside.contains_key(path));
        match is {
            Is::Base => now.is_some() && now == plain(self.bare) && !aside,
            Is::Users => now.is_some() && now == plain(self.on_a) && !aside,
            Is::UsersContent => now.is_some() && content(self.visible) == content(self.on_a) && !aside,
            Is::BaseWithMode(mode) => {
                let like = plain(self.bare).map(|node| Node { mode, ..node });
                now.is_some() && now == like && !aside
            }
            Is::Gone => now.is_none() && !aside,
            Is::Aside => now == plain(self.bare) && aside,
        }
    }
}
