//! SELinux labels. They are attributes like others, and are carried with a file; but where there is no policy yet, in the
//! initramfs, what is made has none. Where the base is labelled, such entries are given one here, by a running system.

use std::ffi::CStr;

use rustix::fs::XattrFlags;
use rustix::io::Errno;

use super::{Dir, check_depth};
use crate::error::{At as _, Result};

const LABEL: &CStr = c"security.selinux";
/// Longer than any that a policy knows.
const LENGTH_LIMIT: usize = 4096;

/// The label for what has none.
#[derive(Debug)]
pub struct Label {
    value: Vec<u8>,
    /// What the kernel says of an entry without one, once it has a policy.
    initial: Vec<Vec<u8>>,
}

impl Label {
    /// That of the directory `usr` itself, which the layer's upper has, too; `None` if the base is not labelled. `initial`
    /// are the labels that stand for none.
    pub fn of(usr: &Dir, initial: &[Vec<u8>]) -> Result<Option<Self>> {
        let initial: Vec<Vec<u8>> = initial.iter().map(|label| text(label).to_vec()).collect();
        let value = read(usr, c".")?.filter(|label| !is_none(label, &initial));
        Ok(value.map(|value| Label { value, initial }))
    }

    /// Gives it to the entry `name`, if that has none.
    pub fn give(&self, dir: &Dir, name: &CStr) -> Result<()> {
        if read(dir, name)?.is_some_and(|label| !is_none(&label, &self.initial)) {
            return Ok(());
        }
        match rustix::fs::lsetxattr(&*dir.proc_path(name), LABEL, &self.value, XattrFlags::empty()) {
            // Somebody else's work goes on meanwhile, and what is gone needs none.
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(e) => Err(e).writing(dir.path_of(name)),
        }
    }

    /// Gives it to `name` and all that is below it.
    pub fn give_all(&self, dir: &Dir, name: &CStr) -> Result<()> {
        self.give_below(dir, name, 0)
    }

    fn give_below(&self, dir: &Dir, name: &CStr, depth: usize) -> Result<()> {
        check_depth(dir, depth)?;
        self.give(dir, name)?;
        let Some(sub) = dir.sub_if_there(name)? else { return Ok(()) };
        sub.names()?.iter().try_for_each(|name| self.give_below(&sub, name, depth + 1))
    }
}

fn read(dir: &Dir, name: &CStr) -> Result<Option<Vec<u8>>> {
    let mut value = vec![0_u8; LENGTH_LIMIT];
    match rustix::fs::lgetxattr(&*dir.proc_path(name), LABEL, &mut value[..]) {
        Ok(length) => {
            value.truncate(length);
            Ok(Some(value))
        }
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOENT) => Ok(None),
        Err(e) => Err(e).reading(dir.path_of(name)),
    }
}

fn is_none(label: &[u8], initial: &[Vec<u8>]) -> bool {
    initial.iter().any(|none| none == text(label))
}

/// Some write the NUL at the end, some do not.
fn text(label: &[u8]) -> &[u8] {
    label.strip_suffix(b"\0").unwrap_or(label).trim_ascii_end()
}
