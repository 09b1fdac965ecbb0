//! Helpers shared by the tests.
//!
//! A fixture that cannot do its work panics: the scenario then fails with what was tried.
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate, clippy::must_use_unit)]

pub mod base;
mod cache;
pub mod composefs;
pub mod deb;
pub mod debian;
pub mod dice;
pub mod edit;
pub mod elf;
pub mod machine;
pub mod model;
pub mod mounts;
pub mod pacman;
pub mod program;
pub mod rpm;
pub mod run;
pub mod scenario;
pub mod schema;
pub mod status;
pub mod store;
pub mod tree;
pub mod upper;

pub use program::program;
