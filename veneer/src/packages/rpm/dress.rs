//! Files that were just made, given the owner, mode and label that the base's have.

use std::ffi::CStr;

use rustix::fs::FileType;

use crate::error::Result;
use crate::tree::{Attributes, Dir, is_overlay_mark};

/// Gives the file `name` in `dir` what the base's file `like` has, but its times; nothing if the base has none.
pub(super) fn dress(dir: &Dir, name: &CStr, base: &Dir, like: &CStr) -> Result<()> {
    let (Some(stat), Some(own)) = (base.stat(like)?, dir.stat(name)?) else { return Ok(()) };
    let own = Attributes::read(dir, name, &own)?;
    let mut attributes = Attributes::read(base, like, &stat)?;
    attributes.xattrs.retain(|(name, _)| !is_overlay_mark(name));
    attributes.write(dir, name, FileType::RegularFile)?;
    own.write_times(dir, name)
}
