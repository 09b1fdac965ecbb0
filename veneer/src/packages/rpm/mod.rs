//! rpm's database: headers in an SQLite file, read by Veneer itself and written by the new base's own rpm.

pub mod database;
pub mod files;
pub mod header;
mod ndb;
mod sqlite;
#[cfg(test)]
mod tests;
mod wal;
