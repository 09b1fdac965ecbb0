//! A layer for a new base, derived from one that was made on another. The rules are in docs/rebase.md.
//!
//! `walk` goes through the layer's upper directory with several threads and lets `look` read what there is to know of each
//! entry; [`judge`], which is pure, gives the verdict; `apply` carries it out on the copy, in one thread; `settle` gives
//! the copy's directories their metadata. [`judge_all`] stops before `apply`: what it shows is what [`derive`] does.

mod apply;
mod content;
mod copy;
mod derived;
pub mod judge;
mod look;
mod pattern;
mod policy;
mod quarantine;
mod settle;
mod told;
mod unhide;
mod walk;

use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Timespec, Timestamps, UTIME_NOW};

use crate::error::{At as _, Result};
use crate::packages::{Owner, Shipped, dpkg};
use crate::record::{self, Shadowed};
use crate::report::{Problem, ProblemKind, Progress};
use crate::tree::{Attributes, Dir};
use judge::Judgement;

pub use copy::{can_reflink, size_of};
pub use policy::{PROTECTED, Policy};

/// More problems of one sort than this nobody reads one by one.
const PROBLEM_LIMIT: usize = 1000;

/// The layer and the bases, as judging looks at them.
struct Bases<'a> {
    /// The layer's upper directory.
    upper: &'a Dir,
    /// The new base.
    usr: &'a Dir,
    /// What is known of the old base.
    shadowed: &'a Shadowed,
    /// What becomes of the packages; `None` if there are none to speak of.
    packages: Option<&'a dpkg::Change>,
    policy: &'a Policy,
}

impl Bases<'_> {
    fn owner(&self, path: &Path) -> Owner {
        match self.packages {
            Some(change) if change.is_stranded(path) => Owner::Stranded,
            Some(change) if change.owns(path) => Owner::Database,
            Some(change) if change.is_kept(path) => Owner::Kept,
            Some(change) if change.is_gone(path) => Owner::Gone,
            Some(change) if change.is_returned(path) => Owner::Returned,
            _ => Owner::Nobody,
        }
    }

    #[allow(clippy::unused_self)] // no database says so far
    fn shipped(&self, _path: &Path) -> Shipped {
        Shipped::default()
    }
}

/// Derives the content of the layer in `target` (its `upper`, `record` and `quarantine`; `upper` is empty) from the
/// layer in `source`, for the base at `usr`. The source is only read.
pub fn derive(
    source: &Dir,
    target: &Dir,
    usr: &Dir,
    policy: &Policy,
    progress: &mut Progress,
) -> Result<Vec<Problem>> {
    let known = Known::read(source, usr)?;
    let bases = known.bases(usr, policy);
    let new = target.sub(c"upper")?;
    let (merged, mut problems) = apply::apply(&bases, &new, target, progress)?;
    if let Some(change) = &known.packages {
        dpkg::write(change, &new)?;
        let told = &change.composition().problems;
        problems.extend(told.iter().take(PROBLEM_LIMIT).cloned());
        if let Some(more) = told.len().checked_sub(PROBLEM_LIMIT).filter(|more| *more > 0) {
            let message = format!("{more} more packages have problems; ask the package manager about them");
            problems.push(Problem { kind: ProblemKind::Dependency, package: None, path: None, message });
        }
    }
    settle::settle(&bases, &new, &merged)?;
    take_root_attributes(target, usr)?;
    // `ConditionNeedsUpdate=` compares /usr's mtime with that of the last update that was handled: this is one.
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    rustix::fs::utimensat(target, c"upper", &times, AtFlags::empty()).writing(new.path())?;
    keep_record(target, usr)?;
    // The next base may come before anybody has run `veneer record` on this one. The caller syncs it with all the rest.
    record::update(&target.sub(c"record")?, &new, usr, false)?;
    Ok(problems)
}

/// Shows `see` the verdict on every entry of the layer in `source` for the base at `usr`, and does nothing else.
pub fn judge_all(
    source: &Dir,
    usr: &Dir,
    policy: &Policy,
    mut see: impl FnMut(&Path, Judgement) -> Result<()>,
) -> Result<()> {
    let known = Known::read(source, usr)?;
    walk::walk(&known.bases(usr, policy), |batch| {
        for entry in &batch.entries {
            see(&batch.path.join(told::os_str(&entry.name)), entry.judgement)?;
        }
        Ok(())
    })
}

/// What is known before the first entry is looked at.
struct Known {
    upper: Dir,
    shadowed: Shadowed,
    packages: Option<dpkg::Change>,
}

impl Known {
    fn read(source: &Dir, usr: &Dir) -> Result<Self> {
        let upper = source.sub(c"upper")?;
        let record = source.sub_if_there(c"record")?;
        let packages = dpkg::read_change(&upper, record.as_ref(), usr)?;
        let shadowed = match &record {
            Some(record) => Shadowed::open(record)?,
            None => Shadowed::default(),
        };
        Ok(Known { upper, shadowed, packages })
    }

    fn bases<'a>(&'a self, usr: &'a Dir, policy: &'a Policy) -> Bases<'a> {
        Bases { upper: &self.upper, usr, shadowed: &self.shadowed, packages: self.packages.as_ref(), policy }
    }
}

/// Gives the upper directory of the new layer in `layer` mode, owner, label and times of the base's /usr: the merged
/// /usr shows those of the upper.
pub fn take_root_attributes(layer: &Dir, usr: &Dir) -> Result<()> {
    let attributes = Attributes::read(usr, c".", &usr.stat_self()?)?;
    // A base that is an overlay itself (composefs) has marks of its own, which mean nothing here.
    attributes.without_marks().write(layer, c"upper", FileType::Directory)
}

/// Writes down what judging will want to know of this base when the next one comes.
pub fn keep_record(layer: &Dir, usr: &Dir) -> Result<()> {
    dpkg::record(usr, &layer.ensure_sub(c"record", 0o700)?)
}

/// The path that a person knows an entry by.
fn shown(path: &Path) -> PathBuf {
    Path::new("/usr").join(path)
}
