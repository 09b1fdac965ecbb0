//! How deep a tree may be. Each level holds open directories while it is walked.

use std::path::PathBuf;

use super::Dir;
use crate::error::{Error, Result};

/// A tree deeper than this was not made by a package manager.
pub const DEPTH_LIMIT: usize = 200;

/// Refuses a directory that is below so many others of its layer.
pub fn check_depth(dir: &Dir, depth: usize) -> Result<()> {
    if depth > DEPTH_LIMIT {
        // Its whole path would fill the screen.
        let path = dir.path().iter().take(DEPTH_LIMIT / 10).collect::<PathBuf>().join("…");
        return Err(Error::Damaged { path, what: format!("deeper than {DEPTH_LIMIT} directories") });
    }
    Ok(())
}
