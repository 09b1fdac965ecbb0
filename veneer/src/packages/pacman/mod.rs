//! pacman: a directory for each package, with a few files in it, below `local/`.

mod base;
mod change;
mod compose;
mod conf;
mod desc;
mod files;
mod gunzip;
mod layer;
mod local;
mod mtree;
mod name;
mod needs;
#[cfg(test)]
mod tests;
mod told;
mod write;

pub use base::{Base, find, format_of};
pub(super) use change::{change, record};
pub use compose::{Composition, compose};
pub use conf::database_path;
pub use desc::{Desc, with_reason};
pub use files::each_path;
pub use layer::Layer;
pub use mtree::each_digest;
pub use name::split;

/// The format of the database that Veneer knows, as `local/ALPM_DB_VERSION` says it: pacman's since 4.2.
pub const FORMAT: &str = "9";
