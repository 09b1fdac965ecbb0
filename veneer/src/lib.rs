//! Placeholder.
pub mod base;
pub mod intent;
pub mod mount;
pub mod packages;
pub mod paths;
pub mod rebase;
pub mod report;
pub mod store;
