//! Removing a tree that somebody may have made as deep and as wide as a file system can hold: by few handles, without
//! recursion, and without following a symlink.

use std::ffi::{CStr, CString};

use rustix::fs::{AtFlags, RenameFlags};
use rustix::io::Errno;

use super::{Dir, Kind};
use crate::error::{At as _, Result};

impl Dir {
    /// Removes `name` and all that is below it, on one file system, without following a symlink.
    pub fn remove_tree(&self, name: &CStr) -> Result<()> {
        let Some(stat) = self.stat(name)? else { return Ok(()) };
        if Kind::of(&stat) != Kind::Directory {
            return self.remove_file(name);
        }
        // By a stack of handles instead of recursion: the depth is whatever somebody made it.
        let mut stack = vec![Emptying::of(self.sub(name)?, name)?];
        let mut moved = 0_u32;
        loop {
            let depth = stack.len();
            let Some(top) = stack.last_mut() else { return Ok(()) };
            let Some(child) = top.left.pop() else {
                if let Some(done) = stack.pop() {
                    let parent = stack.last().map_or(self, |top| &top.dir);
                    let path = parent.path_of(&done.name);
                    rustix::fs::unlinkat(parent, &*done.name, AtFlags::REMOVEDIR).removing(path)?;
                }
                continue;
            };
            match rustix::fs::unlinkat(&top.dir, &*child, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                // Handles are few: what is deeper is moved up, to be removed from there.
                Err(Errno::ISDIR | Errno::PERM) if depth >= OPEN_LEVELS => {
                    let name = move_up(&stack, &child, &mut moved)?;
                    stack[0].left.push(name);
                }
                Err(Errno::ISDIR | Errno::PERM) => {
                    let next = Emptying::of(top.dir.sub(&child)?, &child)?;
                    stack.push(next);
                }
                Err(e) => return Err(e).removing(top.dir.path_of(&child)),
            }
        }
    }
}

/// How many levels of a tree are open at once while it is removed.
const OPEN_LEVELS: usize = 100;

/// Moves the directory `child` of the last level into the first, under a name that is free there.
fn move_up(levels: &[Emptying], child: &CStr, moved: &mut u32) -> Result<CString> {
    let (Some(top), Some(bottom)) = (levels.first(), levels.last()) else { return Ok(child.to_owned()) };
    loop {
        *moved += 1;
        let name =
            CString::new(format!(".deep-{moved}")).map_err(std::io::Error::from).writing(top.dir.path())?;
        match rustix::fs::renameat_with(&bottom.dir, child, &top.dir, &*name, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(name),
            Err(Errno::EXIST) => {}
            Err(e) => return Err(e).removing(bottom.dir.path_of(child)),
        }
    }
}

/// A directory on its way out, with the entries that are still in it.
struct Emptying {
    dir: Dir,
    name: CString,
    left: Vec<CString>,
}

impl Emptying {
    fn of(dir: Dir, name: &CStr) -> Result<Self> {
        let left = dir.names()?;
        Ok(Emptying { dir, name: name.to_owned(), left })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each level holds a handle, and a process has some thousand of them: here six times as many levels.
    #[test]
    fn a_tree_deeper_than_there_are_handles_goes() {
        let path = std::env::temp_dir().join(format!("veneer-removal-{}", std::process::id()));
        std::fs::create_dir(&path).expect("temporary directory");
        let top = Dir::open(&path).expect("open");
        let mut at = top.make_sub(c"deep", 0o755).expect("make");
        at.make_sub(c".deep-1", 0o755).expect("a name that is taken");
        for _ in 0..6000 {
            // By its own handle: the path is longer than the kernel takes, and than a message needs.
            let below = at.make_sub(c"d", 0o755).expect("make");
            at = Dir::from_fd(rustix::io::dup(&below).expect("dup"), path.clone());
        }
        top.remove_tree(c"deep").expect("removed");
        std::fs::remove_dir(&path).expect("it is empty");
    }
}
