//! dpkg: a status file of stanzas, and a few files a package in `info/`. Text all of it, read and written here: dpkg is
//! not needed for a rebase.

mod admin;
mod alternatives;
mod change;
mod compose;
mod diversions;
mod lines;
mod needs;
mod problems;
mod status;
mod triggers;
mod write;

pub use change::{change, packages, record};
