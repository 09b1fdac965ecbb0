//! Directories of an upper tree over the base's: what is made there shows the base's attributes, as a copy-up would.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use rustix::fs::FileType;

use super::{Attributes, Dir, MARK_OPAQUE, is_overlay_mark, is_whiteout};
use crate::error::{At as _, Result};

/// Walks down `path` in `upper`, making what is missing: with the attributes of the base's directory there, or with mode
/// 0755 where the base at `usr` has none. Where the way is hidden, what the base has there stays hidden.
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
        let hidden = at.stat(&name)?.is_some_and(|stat| is_whiteout(&stat));
        if hidden {
            at.remove_file(&name)?;
        }
        at = if let Some(there) = at.sub_if_there(&name)? {
            there
        } else {
            let made = at.make_sub(&name, 0o755)?;
            if let Some(base) = &below {
                let mut attributes = Attributes::read(base, c".", &base.stat_self()?)?;
                attributes.xattrs.retain(|(name, _)| !is_overlay_mark(name));
                if hidden {
                    attributes.xattrs.push((MARK_OPAQUE.to_owned(), b"y".to_vec()));
                }
                attributes.write(&at, &name, FileType::Directory)?;
            }
            made
        };
        base = below;
    }
    Ok(at)
}
