//! A layer for a new base, derived from one that was made on another.
//!
//! This is the first, simple policy: where the base and the layer both have a say, the base wins and the user's entry
//! goes into quarantine, so that nothing stale is ever visible and nothing is lost. The three-way engine (what was it on
//! the old base?) takes the place of [`judge::entry`]; reading, copying and quarantine stay as they are.

mod copy;
mod derived;
mod judge;
mod quarantine;
mod walk;

use std::path::Path;

use rustix::fs::{AtFlags, FileType, Timespec, Timestamps, UTIME_NOW};

use crate::error::{At as _, Result};
use crate::packages::dpkg;
use crate::report::{Problem, ProblemKind, Progress};
use crate::tree::{Attributes, Dir, is_overlay_mark};

pub use copy::{can_reflink, size_of};

/// More problems of one sort than this nobody reads one by one.
const PROBLEM_LIMIT: usize = 1000;

/// Derives the content of the layer in `target` (its `upper`, `record` and `quarantine`; `upper` is empty) from the
/// layer in `source`, for the base at `usr`. The source is only read.
pub fn derive(source: &Dir, target: &Dir, usr: &Dir, progress: &mut Progress) -> Result<Vec<Problem>> {
    let upper = source.sub(c"upper")?;
    let record = source.sub_if_there(c"record")?;
    let packages = dpkg::read_change(&upper, record.as_ref(), usr)?;
    let new = target.sub(c"upper")?;
    let mut problems = walk::run(&upper, &new, usr, target, packages.as_ref(), progress)?;
    if let Some(change) = &packages {
        dpkg::write(change, &new)?;
        let told = &change.composition().problems;
        problems.extend(told.iter().take(PROBLEM_LIMIT).cloned());
        if let Some(more) = told.len().checked_sub(PROBLEM_LIMIT).filter(|more| *more > 0) {
            let message = format!("{more} more packages have problems; ask the package manager about them");
            problems.push(Problem { kind: ProblemKind::Dependency, package: None, path: None, message });
        }
    }
    take_root_attributes(target, usr)?;
    // `ConditionNeedsUpdate=` compares /usr's mtime with that of the last update that was handled: this is one.
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    rustix::fs::utimensat(target, c"upper", &times, AtFlags::empty()).writing(new.path())?;
    keep_record(target, usr)?;
    Ok(problems)
}

/// Gives the upper directory of the new layer in `layer` mode, owner, label and times of the base's /usr: the merged
/// /usr shows those of the upper.
pub fn take_root_attributes(layer: &Dir, usr: &Dir) -> Result<()> {
    let mut attributes = Attributes::read(usr, c".", &usr.stat_self()?)?;
    // A base that is an overlay itself (composefs) has marks of its own, which mean nothing here.
    attributes.xattrs.retain(|(name, _)| !is_overlay_mark(name));
    attributes.write(layer, c"upper", FileType::Directory)
}

/// Writes down what judging will want to know of this base when the next one comes.
pub fn keep_record(layer: &Dir, usr: &Dir) -> Result<()> {
    dpkg::record(usr, &layer.ensure_sub(c"record", 0o700)?)
}

/// The path that a person knows an entry by.
fn shown(path: &Path) -> std::path::PathBuf {
    Path::new("/usr").join(path)
}
