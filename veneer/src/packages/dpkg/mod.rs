//! dpkg: a status file of stanzas, and a few files a package in `info/`.
//!
//! This is the simple policy: whatever package the new base has, it has in the base's version; packages that only the
//! user installed are kept. Comparing versions, so that a newer version of the user's stays, is the package engine's
//! task, which takes [`compose`]'s place with the same input.

mod compose;
mod database;
mod lines;
mod status;

pub use compose::{Composition, compose};
pub use database::{Change, RECORD, read_change, record, write};
pub use status::{Name, Stanza, parse_status};
