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

use std::ffi::CStr;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Timespec, Timestamps, UTIME_NOW};

use crate::error::{At as _, Result};
use crate::packages::soname::{self, Circumstances, Goes, View};
use crate::packages::{self, Change, Owner, Shipped};
use crate::record::{self, Shadowed};
use crate::report::{Problem, ProblemKind, Progress};
use crate::tree::{Attributes, Dir};
use judge::{Judgement, Reason, Verdict};

pub use copy::{can_reflink, size_of};
pub use policy::{PROTECTED, Policy};
pub use told::problem;

/// A file of a layer that was derived, and of which nothing has been made again yet: `veneer refresh` removes it.
pub const REFRESH: &CStr = c"refresh";

/// The same for the boot that runs on such a layer, in the runtime directory.
pub const REFRESH_RUNTIME: &str = "refresh";

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
    packages: Option<&'a Change>,
    policy: &'a Policy,
}

impl Bases<'_> {
    fn owner(&self, path: &Path) -> Owner {
        self.packages.map_or(Owner::Nobody, |change| change.owner(path))
    }

    fn shipped(&self, path: &Path) -> Shipped {
        self.packages.map_or_else(Shipped::default, |change| change.shipped(path))
    }
}

/// Derives the content of the layer in `target` (its `upper`, `record` and `quarantine`; `upper` is empty) from the
/// layer in `source`, for the base at `usr`; `old` is the base that the source is bound to, where it is at hand. The
/// source is only read. `progress` learns how long the parts take: read, files, packages, links, directories, record.
pub fn derive(
    source: &Dir,
    target: &Dir,
    usr: &Dir,
    old: Option<&Dir>,
    policy: &Policy,
    progress: &mut Progress,
) -> Result<Vec<Problem>> {
    let known = Known::read(source, usr, old)?;
    progress.part("read");
    let bases = known.bases(usr, policy);
    let new = target.sub(c"upper")?;
    let (merged, mut problems) = apply::apply(&bases, &new, target, progress)?;
    progress.part("files");
    if let Some(change) = &known.packages {
        if let Some(old) = old {
            apply::adopt(change.adopts(), old, &new, progress)?;
        }
        change.write(&new, usr)?;
        problems.extend(tell(change.problems()));
    }
    progress.part("packages");
    problems.extend(known.unlinked(View { upper: Some(&new), stays: None, usr }, false));
    progress.part("links");
    settle::settle(&bases, &new, &merged)?;
    target.create(REFRESH, 0o600)?;
    take_root_attributes(target, usr)?;
    // `ConditionNeedsUpdate=` compares /usr's mtime with that of the last update that was handled: this is one.
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    rustix::fs::utimensat(target, c"upper", &times, AtFlags::empty()).writing(new.path())?;
    progress.part("directories");
    keep_record(target, usr)?;
    // The next base may come before anybody has run `veneer record` on this one. The caller syncs it with all the rest.
    record::update(&target.sub(c"record")?, &new, usr, false)?;
    progress.part("record");
    Ok(problems)
}

/// Shows `see` the verdict on every entry of the layer in `source` for the base at `usr`, and does nothing else; `old` is
/// as for [`derive`]. Returns what there is to know of the packages.
pub fn judge_all(
    source: &Dir,
    usr: &Dir,
    old: Option<&Dir>,
    policy: &Policy,
    mut see: impl FnMut(&Path, Judgement) -> Result<()>,
) -> Result<Vec<Problem>> {
    let known = Known::read(source, usr, old)?;
    let mut goes = Goes::nothing();
    let mut note = |path: &Path, judgement: Judgement| {
        match judgement.verdict {
            Verdict::BaseMerged | Verdict::Drop | Verdict::Quarantine | Verdict::Displace => {
                goes.leave(path);
            }
            Verdict::Hide => goes.hide(path),
            // A directory of both is one whoever's it is.
            Verdict::Keep
            | Verdict::KeepMerged
            | Verdict::Unhide
            | Verdict::Merge
            | Verdict::MergeMetadata
            | Verdict::Carry => {}
        }
        see(path, judgement)
    };
    walk::walk(&known.bases(usr, policy), |batch| {
        for entry in &batch.entries {
            note(&batch.path.join(told::os_str(&entry.name)), entry.judgement)?;
        }
        batch.hides.iter().try_for_each(|path| note(path, HIDDEN))
    })?;
    let mut problems = Vec::new();
    if let Some(change) = &known.packages {
        change.hides().iter().try_for_each(|path| note(path, HIDDEN_FOR_PACKAGE))?;
        change.adopts().iter().for_each(|path| goes.adopt(path));
        problems = tell(change.problems());
    }
    let stays = goes.rest();
    let view = View { upper: Some(&known.upper), stays: Some(&stays), usr };
    problems.extend(known.unlinked(view, true));
    Ok(problems)
}

/// What the layer has nothing over, and hides all the same.
const HIDDEN: Judgement = Judgement { verdict: Verdict::Hide, reason: Reason::Removed };
const HIDDEN_FOR_PACKAGE: Judgement = Judgement { verdict: Verdict::Hide, reason: Reason::PackageRemoved };

/// What is known before the first entry is looked at.
struct Known {
    upper: Dir,
    shadowed: Shadowed,
    packages: Option<Change>,
}

impl Known {
    fn read(source: &Dir, usr: &Dir, old: Option<&Dir>) -> Result<Self> {
        let upper = source.sub(c"upper")?;
        let record = source.sub_if_there(c"record")?;
        let packages = packages::read_change(&upper, record.as_ref(), usr, old)?;
        let shadowed = match &record {
            Some(record) => Shadowed::open(record)?,
            None => Shadowed::default(),
        };
        Ok(Known { upper, shadowed, packages })
    }

    /// Programs and libraries of the new /usr that do not find what they need, and what else there is to say of them.
    fn unlinked(&self, view: View<'_>, thorough: bool) -> Vec<Problem> {
        let decision = |path: &Path| self.packages.as_ref()?.package(path);
        let package = |path: &Path| {
            let stays = |verdict| {
                matches!(
                    verdict,
                    packages::Verdict::Keep { .. } | packages::Verdict::Override | packages::Verdict::Adopt
                )
            };
            decision(path).filter(|decision| stays(decision.verdict)).map(|decision| decision.name.clone())
        };
        let is_replaced = |path: &&PathBuf| {
            decision(path).is_some_and(|decision| decision.verdict == packages::Verdict::Override)
        };
        let hides = self.packages.as_ref().map_or(&[][..], Change::hides);
        let replaced: Vec<_> = hides
            .iter()
            .filter(is_replaced)
            .filter_map(|path| Some((path.clone(), package(path)?)))
            .collect();
        soname::check(view, &Circumstances { package: &package, replaced: &replaced, thorough })
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

/// Writes down what judging will want to know of this base's packages when the next one comes: what takes little time, for
/// a boot waits for it. `veneer record` completes it.
pub fn keep_record(layer: &Dir, usr: &Dir) -> Result<()> {
    packages::record_packages(usr, &layer.ensure_sub(c"record", 0o700)?)
}

/// Of many problems with packages the first, and how many more there are.
fn tell(problems: &[Problem]) -> Vec<Problem> {
    let mut told: Vec<Problem> = problems.iter().take(PROBLEM_LIMIT).cloned().collect();
    if let Some(more) = problems.len().checked_sub(PROBLEM_LIMIT).filter(|more| *more > 0) {
        let message = format!("{more} more packages have problems; ask the package manager about them");
        told.push(Problem::of_layer(ProblemKind::Dependency, message));
    }
    told
}

/// The path that a person knows an entry by.
fn shown(path: &Path) -> PathBuf {
    Path::new("/usr").join(path)
}
