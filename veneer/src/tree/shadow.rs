//! Directories of an upper tree over the base's: what is made there shows the base's attributes, as a copy-up would.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use rustix::fs::FileType;

use super::{Attributes, Dir, is_overlay_mark};
use crate::error::{At as _, Result};

/// Walks down `path` in `upper`, making what is missing: with the attributes of the base's directory there, or with mode
/// 0755 where the base at `usr` has none.
pub fn shadow_down(upper: &Dir, usr: &Dir, path: &Path) -> Result<Dir> {
    let mut at = upper.again()?;
    let mut base = Some(usr.again()?);
    for part in path.components() {
        let Component::Normal(part) = part else { continue };
        let name = CString::new(part.as_bytes()).map_err(std::io::Error::from).writing(path)?;
        let below = match &base {
            Some(base) => base.sub_if_there(&name)?,
            None => None,
        };
        at = if let Some(there) = at.sub_if_there(&name)? {
            there
        } else {
            let made = at.make_sub(&name, 0o755)?;
            if let Some(base) = &below {
                let mut attributes = Attributes::read(base, c".", &base.stat_self()?)?;
                attributes.xattrs.retain(|(name, _)| !is_overlay_mark(name));
                attributes.write(&at, &name, FileType::Directory)?;
            }
            made
        };
        base = below;
    }
    Ok(at)
}
