//! rpm's database: headers in an SQLite file, read by Veneer itself and written by the new base's own rpm.

mod change;
mod compose;
pub mod database;
mod dress;
pub mod files;
pub mod header;
mod history;
mod list;
#[cfg(test)]
mod made;
mod ndb;
mod needs;
pub mod reasons;
mod sqlite;
#[cfg(test)]
mod tests;
mod told;
mod wal;

pub(super) use change::{change, packages, record};
pub use list::List;
