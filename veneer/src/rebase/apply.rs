//! Carries verdicts out on the copy: the only part of a rebase that writes. Each step may be done twice with one result.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, makedev};

use super::judge::Verdict;
use super::look::{Batch, Judged};
use super::quarantine::Quarantine;
use super::told::{Told, os_str};
use super::walk::walk;
use super::{Bases, HIDDEN, HIDDEN_FOR_PACKAGE, copy};
use crate::error::{At as _, Error, Result};
use crate::order;
use crate::report::{Problem, Progress};
use crate::tree::{Attributes, Dir, Kind, split};

/// Directories that both have, and whose metadata is not simply the new base's.
pub(super) type MergedDirectories = HashMap<PathBuf, Attributes>;

/// Judges the layer and makes the new upper `new` of it; `layer` takes the quarantine and the list of verdicts.
pub(super) fn apply(
    bases: &Bases<'_>,
    new: &Dir,
    layer: &Dir,
    progress: &mut Progress,
) -> Result<(MergedDirectories, Vec<Problem>)> {
    let mut apply = Apply {
        bases,
        new,
        quarantine: Quarantine::of(layer, bases.upper),
        told: Told::of(layer),
        links: HashMap::new(),
        merged: HashMap::new(),
        hides: Vec::new(),
        progress,
    };
    walk(bases, |batch| apply.batch(&batch))?;
    if let Some(change) = bases.packages {
        change.hides().iter().try_for_each(|path| apply.told.note(path, HIDDEN_FOR_PACKAGE))?;
        apply.hides.extend(change.hides().iter().cloned());
    }
    // After all else: directories that hold entries of the layer are there now, and are not hidden as a whole.
    order::sort(&mut apply.hides);
    for path in std::mem::take(&mut apply.hides) {
        apply.hide(&path)?;
    }
    Ok((apply.merged, apply.told.finish()?))
}

/// Copies what packages need from the old base `old` into the new upper, where that has nothing.
pub(super) fn adopt(paths: &[PathBuf], old: &Dir, new: &Dir, progress: &mut Progress) -> Result<()> {
    for path in paths {
        let Some((above, name)) = split(path) else { continue };
        let Some(from) = old.down(above)? else { continue };
        let Some(stat) = from.stat(&name)? else { continue };
        let Some(to) = make_down(new, above)? else { continue };
        if to.stat(&name)?.is_some() {
            continue;
        }
        let attributes = Attributes::read(&from, &name, &stat)?.without_marks();
        if Kind::of(&stat) == Kind::Directory {
            to.make_sub(&name, 0o755)?;
            attributes.write(&to, &name, FileType::Directory)?;
        } else {
            copy::entry(&from, &to, &name, &stat, &attributes, progress)?;
        }
    }
    Ok(())
}

struct Apply<'a> {
    bases: &'a Bases<'a>,
    new: &'a Dir,
    quarantine: Quarantine<'a>,
    told: Told<'a>,
    /// Where the first name of a file with several was copied to, by inode number of the source, with what it got there:
    /// names of which one has metadata of the new base's are names of one file no more.
    links: HashMap<u64, Vec<(Attributes, PathBuf)>>,
    merged: MergedDirectories,
    /// Paths of the base that are to be hidden, below /usr.
    hides: Vec<PathBuf>,
    progress: &'a mut Progress,
}

impl Apply<'_> {
    fn batch(&mut self, batch: &Batch) -> Result<()> {
        for path in &batch.hides {
            self.told.note(path, HIDDEN)?;
        }
        self.hides.extend(batch.hides.iter().cloned());
        // Made when the first entry goes there: what was nothing but the old base's leaves no directory behind.
        let mut to = None;
        for entry in &batch.entries {
            let path = batch.path.join(os_str(&entry.name));
            self.told.note(&path, entry.judgement)?;
            self.entry(batch, entry, &path, &mut to)?;
        }
        Ok(())
    }

    fn entry(&mut self, batch: &Batch, entry: &Judged, path: &Path, to: &mut Option<Dir>) -> Result<()> {
        match entry.judgement.verdict {
            Verdict::Drop | Verdict::Merge | Verdict::Carry | Verdict::Displace => Ok(()),
            Verdict::Quarantine => {
                self.quarantine.take(&batch.upper, path, entry.judgement.reason.text(), self.progress)
            }
            Verdict::Keep if entry.kind == Kind::Directory => {
                self.target(batch, to)?.ensure_sub(&entry.name, 0o755).map(drop)
            }
            Verdict::MergeMetadata => {
                self.merged.insert(path.to_path_buf(), entry.attributes.clone());
                self.target(batch, to)?.ensure_sub(&entry.name, 0o755).map(drop)
            }
            Verdict::Keep | Verdict::KeepMerged => {
                let to = self.target(batch, to)?;
                self.keep(batch, entry, path, to)
            }
            Verdict::BaseMerged => {
                let to = self.target(batch, to)?;
                self.base(batch, entry, to)
            }
            Verdict::Hide => whiteout(self.target(batch, to)?, &entry.name),
            Verdict::Unhide => {
                self.hides.extend(entry.hides.iter().cloned());
                Ok(())
            }
        }
    }

    /// The batch's directory in the new upper.
    fn target<'t>(&self, batch: &Batch, to: &'t mut Option<Dir>) -> Result<&'t Dir> {
        match to {
            Some(dir) => Ok(dir),
            none => Ok(none.insert(self.new.ensure_down(&batch.path)?)),
        }
    }

    fn keep(&mut self, batch: &Batch, entry: &Judged, path: &Path, to: &Dir) -> Result<()> {
        if entry.stat.st_nlink > 1 {
            let names = self.links.entry(entry.stat.st_ino).or_default();
            match names.iter().find(|(attributes, _)| attributes.same_as(&entry.attributes)) {
                Some((_, first)) => {
                    if let Some((above, name)) = split(first) {
                        if let Some(dir) = self.new.down(above)? {
                            return once(to, &entry.name, || copy::link(&dir, &name, to, &entry.name));
                        }
                    }
                }
                None => names.push((entry.attributes.clone(), path.to_path_buf())),
            }
        }
        once(to, &entry.name, || {
            copy::entry(&batch.upper, to, &entry.name, &entry.stat, &entry.attributes, self.progress)
        })
    }

    /// The new base's content with metadata of the user's.
    fn base(&mut self, batch: &Batch, entry: &Judged, to: &Dir) -> Result<()> {
        let Some(base) = &batch.base else { return Ok(()) };
        let Some(stat) = base.stat(&entry.name)? else { return Ok(()) };
        once(to, &entry.name, || copy::entry(base, to, &entry.name, &stat, &entry.attributes, self.progress))
    }

    /// Hides what the base has at `path`, unless the layer has something there or above.
    fn hide(&self, path: &Path) -> Result<()> {
        let Some((dir, name)) = split(path) else { return Ok(()) };
        let Some(base) = self.bases.usr.down(dir)? else { return Ok(()) };
        if base.stat(&name)?.is_none() {
            return Ok(());
        }
        let Some(to) = make_down(self.new, dir)? else { return Ok(()) };
        match to.stat(&name)? {
            None => whiteout(&to, &name),
            Some(_) => Ok(()),
        }
    }
}

/// As [`Dir::ensure_down`]; `None` if something that is no directory is in the way, and hides all that is below it.
fn make_down(dir: &Dir, path: &Path) -> Result<Option<Dir>> {
    if let Some(there) = dir.down(path)? {
        return Ok(Some(there));
    }
    let mut at = dir.again()?;
    for part in path {
        let Ok(name) = CString::new(part.as_bytes()) else { return Ok(None) };
        at = match at.stat(&name)? {
            None => at.make_sub(&name, 0o755)?,
            Some(stat) if Kind::of(&stat) == Kind::Directory => at.sub(&name)?,
            Some(_) => return Ok(None),
        };
    }
    Ok(Some(at))
}

/// Makes something at `name`; what an earlier run left there goes first.
fn once(to: &Dir, name: &CStr, mut make: impl FnMut() -> Result<()>) -> Result<()> {
    match make() {
        Err(Error::Write { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists => {
            to.remove_tree(name)?;
            make()
        }
        other => other,
    }
}

fn whiteout(to: &Dir, name: &CStr) -> Result<()> {
    once(to, name, || {
        rustix::fs::mknodat(to, name, FileType::CharacterDevice, Mode::empty(), makedev(0, 0))
            .writing(to.path_of(name))
    })
}
