//! Veneer puts a thin, persistent, writable layer over the read-only /usr of an image-based Linux.
//!
//! The flow of a boot, one module a stage, each the only key to the next:
//!
//! [`intent`] (what the user asked for) → [`observe`] (store, base, layers) → [`verdict`] (what is to happen, pure) →
//! [`plan`] (steps, a value that can be printed) → [`apply`] (effects) → [`report`].
//!
//! Below them lie [`base`], [`store`], [`rebase`], [`record`], [`packages`] and [`probe`]; [`mount`] is the one place that mounts,
//! [`tree`] the one that walks files.

pub mod apply;
pub mod base;
pub mod changes;
mod elf;
pub mod error;
#[cfg(test)]
mod fuzz;
mod hex;
pub mod intent;
pub mod mount;
pub mod observe;
mod order;
pub mod packages;
pub mod paths;
pub mod plan;
pub mod probe;
pub mod rebase;
pub mod record;
pub mod report;
pub mod store;
pub mod tree;
pub mod verdict;

pub use error::{Error, Result};
