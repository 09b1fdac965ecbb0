//! What a layer remembers of its base, so that a rebase can tell what the user changed: facts about the paths that the
//! layer shadows, and (see [`crate::packages`]) the base's packages. It is written while the base is mounted, by
//! `veneer record`, and only read at the rebase.

mod entry;
mod line;
mod shadowed;
mod update;

pub use entry::{OldEntry, ValueSum};
pub(crate) use entry::{content_sum, link_sum, number, value_sum};
pub use shadowed::{Old, OldDir, Shadowed};
pub use update::update;
