//! Reads what judging needs to know of a directory's entries, and judges them: the layer's upper, the new base, and what is
//! known of the old one. Content is read only where type and size agree, and hashed at most once.

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FileType, Stat};

use super::content::Content;
use super::judge::{
    Before, Directory, Hidden, Judgement, Leaf, Merged, Reason, Shipping, Theirs, Verdict, Whiteout,
    is_changed, judge_directory, judge_leaf, judge_whiteout, merge,
};
use super::pattern::Names;
use super::unhide::{Cover, cover};
use super::{Bases, derived, shown};
use crate::error::{At as _, Error, Result};
use crate::packages::{Digest, Owner, Shipped};
use crate::record::{Old, OldDir, number};
use crate::tree::{
    Attributes, Dir, Kind, MARK_METACOPY, MARK_ORIGIN, MARK_REDIRECT, MARK_WHITEOUT, check_depth,
};

/// A directory of the layer that is to be judged.
#[derive(Debug, Clone, Default)]
#[allow(clippy::struct_excessive_bools)] // independent of each other, and each is asked for by name
pub(super) struct Task {
    /// Below /usr.
    pub(super) path: PathBuf,
    depth: usize,
    /// True if the new base has a directory there.
    base: bool,
    /// True if the old base is known to have had no directory there.
    was_absent: bool,
    /// True if the layer hid what the old base had there.
    hides_old: bool,
    /// True if the new base has something else than a directory there or above.
    displaced: bool,
}

impl Task {
    /// The layer's whole upper.
    pub(super) fn root() -> Self {
        Task { base: true, ..Task::default() }
    }
}

/// An entry with its verdict.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) name: CString,
    pub(super) stat: Stat,
    pub(super) kind: Kind,
    pub(super) judgement: Judgement,
    /// What the entry gets, if it is to be in the new layer.
    pub(super) attributes: Attributes,
    /// For [`Verdict::Unhide`]: what of the base is hidden, below /usr.
    pub(super) hides: Vec<PathBuf>,
}

/// Entries of one directory, judged.
#[derive(Debug)]
pub(super) struct Batch {
    /// The directory, below /usr.
    pub(super) path: PathBuf,
    /// It in the layer.
    pub(super) upper: Arc<Dir>,
    /// It in the new base.
    pub(super) base: Option<Arc<Dir>>,
    pub(super) entries: Vec<Judged>,
    /// What of the base the directory as a whole hides, below /usr.
    pub(super) hides: Vec<PathBuf>,
}

/// More entries than this go in several batches, so that a directory of any width takes little memory.
const BATCH: usize = 256;

/// Judges the entries of one directory, hands them to `emit`, and returns the directories in it that are to be judged next.
pub(super) fn look(bases: &Bases<'_>, task: &Task, mut emit: impl FnMut(Batch) -> bool) -> Result<Vec<Task>> {
    // It was listed a moment ago, and nobody else works on the layer.
    let upper = bases.upper.down(&task.path)?.ok_or(std::io::ErrorKind::NotFound);
    let upper = upper.reading(bases.upper.path().join(&task.path))?;
    check_depth(&upper, task.depth)?;
    let base = if task.base { bases.usr.down(&task.path)? } else { None };
    let old = if task.was_absent { OldDir::Absent } else { bases.shadowed.dir(&task.path) };
    let looker = Looker {
        bases,
        task,
        upper: Arc::new(upper),
        base: base.map(Arc::new),
        old,
        protected: bases.policy.protected_in(&task.path),
        derived: derived::derived_in(&task.path),
        is_pycache: task.path.file_name().is_some_and(|name| name == "__pycache__"),
        is_modules: task.path == Path::new("lib/modules"),
    };
    let names = looker.upper.names()?;
    let mut next = Vec::new();
    let mut batch = looker.batch();
    batch.hides = looker.hidden_by_opaque(&names)?;
    for name in &names {
        let Some(stat) = looker.upper.stat(name)? else { continue };
        let (judged, task) = looker.entry(name, &stat)?;
        next.extend(task);
        batch.entries.push(judged);
        if batch.entries.len() >= BATCH && !emit(std::mem::replace(&mut batch, looker.batch())) {
            return Ok(Vec::new());
        }
    }
    if !batch.entries.is_empty() || !batch.hides.is_empty() {
        emit(batch);
    }
    Ok(next)
}

struct Looker<'a> {
    bases: &'a Bases<'a>,
    task: &'a Task,
    upper: Arc<Dir>,
    base: Option<Arc<Dir>>,
    old: OldDir,
    protected: Names<'a>,
    derived: Names<'static>,
    is_pycache: bool,
    is_modules: bool,
}

impl Looker<'_> {
    fn batch(&self) -> Batch {
        Batch {
            path: self.task.path.clone(),
            upper: Arc::clone(&self.upper),
            base: self.base.clone(),
            entries: Vec::new(),
            hides: Vec::new(),
        }
    }

    fn entry(&self, name: &CStr, stat: &Stat) -> Result<(Judged, Option<Task>)> {
        let path = self.task.path.join(OsStr::from_bytes(name.to_bytes()));
        let attributes = match Kind::of(stat) {
            Kind::Whiteout => Attributes::default(),
            _ => Attributes::read(&self.upper, name, stat)?,
        };
        let kind = match Kind::of(stat) {
            Kind::File if is_attribute_whiteout(stat, &attributes) => Kind::Whiteout,
            kind => kind,
        };
        refuse_foreign(&self.upper, name, &path, &attributes)?;
        let theirs = match &self.base {
            Some(dir) => dir.stat(name)?,
            None => None,
        };
        let entry =
            Entry { name, path: &path, stat, theirs: theirs.as_ref(), owner: self.bases.owner(&path) };
        let (judgement, attributes, task, hides) = match kind {
            Kind::Whiteout => {
                let (judgement, hides) = self.whiteout(&entry)?;
                (judgement, Attributes::default(), None, hides)
            }
            Kind::Directory => {
                let (judgement, attributes, task) = self.directory(&entry, attributes)?;
                (judgement, attributes, task, Vec::new())
            }
            Kind::File | Kind::Symlink | Kind::Special => {
                let (judgement, attributes) = self.leaf(&entry, attributes)?;
                (judgement, attributes, None, Vec::new())
            }
        };
        Ok((Judged { name: name.to_owned(), stat: *stat, kind, judgement, attributes, hides }, task))
    }

    fn is_derived(&self, entry: &Entry<'_>) -> Result<bool> {
        if !self.is_pycache {
            return Ok(self.derived.has(entry.name.to_bytes()));
        }
        let Some(source) = derived::source_of_bytecode(entry.path) else { return Ok(false) };
        let (Some(parent), Some(file)) = (source.parent(), source.file_name()) else { return Ok(false) };
        let Some(dir) = self.bases.usr.down(parent)? else { return Ok(false) };
        Ok(CString::new(file.as_bytes()).is_ok_and(|file| dir.stat(&file).is_ok_and(|stat| stat.is_some())))
    }

    fn leaf(&self, entry: &Entry<'_>, attributes: Attributes) -> Result<(Judgement, Attributes)> {
        let copied_up = attributes.xattr(MARK_ORIGIN).is_some();
        let ours = attributes.without_marks();
        let derived = self.is_derived(entry)? && entry.owner != Owner::Kept;
        let is_decided = derived || matches!(entry.owner, Owner::Database | Owner::Overriding);
        let mut content = Content::new(&self.upper, entry.name, entry.stat);
        let shipped = if is_decided { Shipped::default() } else { self.bases.shipped(entry.path) };
        let protected = self.protected.has(entry.name.to_bytes());

        let theirs = match entry.theirs {
            None => None,
            Some(stat) if is_decided && !protected => Some((stat, false)),
            Some(stat) => Some((stat, self.same_content(&mut content, entry, stat)?)),
        };
        let shipping = match (entry.owner, shipped.layer) {
            (Owner::Gone, Some(digest)) if content.is(&digest)? => Shipping::AsShipped,
            (Owner::Gone, Some(_)) => Shipping::Edited,
            _ => Shipping::Unknown,
        };
        let old = self.old.get(entry.name);
        let is_asked = !is_decided || protected;
        let before = if is_asked {
            before(&mut content, entry.stat, old, shipped.old, copied_up, &ours)?
        } else {
            Before::Unknown
        };

        let (theirs, merged) = self.theirs(entry, theirs, before, old, shipped, &ours)?;
        let judgement = judge_leaf(&Leaf {
            owner: entry.owner,
            shipping,
            protected,
            derived,
            displaced: self.task.displaced,
            before,
            theirs,
            base_metadata: merged.as_ref().is_none_or(|merged| merged.is_base),
            conflict: merged.as_ref().is_some_and(|merged| merged.conflict),
        });
        let attributes = match (judgement.verdict, merged) {
            (Verdict::KeepMerged, Some(merged)) => merged.attributes.with_times_of(&ours),
            (Verdict::BaseMerged, Some(merged)) => merged.attributes,
            _ => ours,
        };
        Ok((judgement, attributes))
    }

    fn same_content(&self, content: &mut Content<'_>, entry: &Entry<'_>, theirs: &Stat) -> Result<bool> {
        let Some(base) = &self.base else { return Ok(false) };
        let one_type = FileType::from_raw_mode(entry.stat.st_mode) == FileType::from_raw_mode(theirs.st_mode);
        if !one_type || number(entry.stat) != number(theirs) {
            return Ok(false);
        }
        content.same_as(&Content::new(base, entry.name, theirs))
    }

    /// What the new base has, and the metadata that the entry would have with its type.
    fn theirs(
        &self,
        entry: &Entry<'_>,
        theirs: Option<(&Stat, bool)>,
        before: Before,
        old: Old<'_>,
        shipped: Shipped,
        ours: &Attributes,
    ) -> Result<(Theirs, Option<Merged>)> {
        let (Some((stat, same)), Some(dir)) = (theirs, &self.base) else {
            return Ok((Theirs::Nothing, None));
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::Directory {
            return Ok((Theirs::Directory, None));
        }
        if kind != FileType::from_raw_mode(entry.stat.st_mode) {
            return Ok((Theirs::Other, None));
        }
        let base = Attributes::read(dir, entry.name, stat)?.without_marks();
        let entry_before = match old {
            Old::Known(known) if known.kind == kind => Some(known),
            _ => None,
        };
        let merged = merge(ours, entry_before, &base);
        let theirs = match same {
            true if base.same_as(ours) => Theirs::Same,
            true => Theirs::SameContent,
            false if before == Before::Edited => {
                let mut content = Content::new(dir, entry.name, stat);
                Theirs::Differs { as_old: is_old(&mut content, stat, old, shipped.old)? == Some(true) }
            }
            false => Theirs::Differs { as_old: false },
        };
        Ok((theirs, Some(merged)))
    }

    fn whiteout(&self, entry: &Entry<'_>) -> Result<(Judgement, Vec<PathBuf>)> {
        let hidden = self.hidden(entry)?;
        let judgement = judge_whiteout(&Whiteout {
            owner: entry.owner,
            protected: self.protected.has(entry.name.to_bytes()),
            derived: self.is_derived(entry)?,
            displaced: self.task.displaced,
            hidden,
        });
        let is_directory =
            entry.theirs.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory);
        if !is_directory || !matches!(judgement.verdict, Verdict::Unhide | Verdict::Hide) {
            return Ok((judgement, Vec::new()));
        }
        let Some(dir) = self.bases.usr.down(entry.path)? else { return Ok((judgement, Vec::new())) };
        let Judgement { reason, .. } = judgement;
        match cover(self.bases, entry.path, &dir, self.task.depth + 1)? {
            Cover::Parts(hides) => Ok((Judgement { verdict: Verdict::Unhide, reason }, hides)),
            Cover::Whole => {
                let is_known = self.bases.shadowed.dir(entry.path).all().is_some();
                let reason = match reason {
                    Reason::Unhidden if is_known => Reason::Removed,
                    Reason::Unhidden => Reason::RemovedUnknown,
                    other => other,
                };
                Ok((Judgement { verdict: Verdict::Hide, reason }, Vec::new()))
            }
        }
    }

    fn hidden(&self, entry: &Entry<'_>) -> Result<Hidden> {
        let (Some(stat), Some(dir)) = (entry.theirs, &self.base) else { return Ok(Hidden::Nothing) };
        let Old::Known(old) = self.old.get(entry.name) else { return Ok(Hidden::Unknown) };
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind != old.kind {
            return Ok(Hidden::Other);
        }
        if old.is_directory() {
            return Ok(Hidden::Directories);
        }
        if entry.owner == Owner::Removed {
            return Ok(Hidden::Same);
        }
        let content = is_old(&mut Content::new(dir, entry.name, stat), stat, Old::Known(old), None)?;
        let metadata = is_changed(&Attributes::read(dir, entry.name, stat)?.without_marks(), old);
        Ok(if content == Some(true) && !metadata { Hidden::Same } else { Hidden::Changed })
    }

    fn directory(
        &self,
        entry: &Entry<'_>,
        attributes: Attributes,
    ) -> Result<(Judgement, Attributes, Option<Task>)> {
        let opaque = attributes.is_opaque();
        let copied_up = attributes.xattr(MARK_ORIGIN).is_some();
        let ours = attributes.without_marks();
        let old = self.old.get(entry.name);
        let base = match (entry.theirs, &self.base) {
            (Some(stat), Some(dir)) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {
                Some(Attributes::read(dir, entry.name, stat)?.without_marks())
            }
            _ => None,
        };
        let known = match old {
            Old::Known(known) if known.is_directory() => Some(known),
            _ => None,
        };
        let merged = base.as_ref().map(|base| merge(&ours, known, base));
        let displaced = self.task.displaced || (entry.theirs.is_some() && base.is_none());
        let was_there = known.is_some() || (old == Old::Unknown && copied_up);
        let judgement = judge_directory(&Directory {
            owner: entry.owner,
            old_kernel: self.is_modules && entry.theirs.is_none() && old != Old::Absent,
            displaced,
            empty: displaced && self.upper.sub(entry.name)?.names()?.is_empty(),
            base: base.is_some(),
            was_there,
            base_metadata: merged.as_ref().is_none_or(|merged| merged.is_base),
            conflict: merged.as_ref().is_some_and(|merged| merged.conflict),
        });
        let task = Task {
            path: entry.path.to_path_buf(),
            depth: self.task.depth + 1,
            base: base.is_some(),
            was_absent: known.is_none() && old != Old::Unknown,
            hides_old: self.task.hides_old || opaque,
            displaced,
        };
        let attributes = match (judgement.verdict, merged) {
            (Verdict::MergeMetadata, Some(merged)) => merged.attributes,
            _ => ours,
        };
        let task = (judgement.verdict != Verdict::Quarantine).then_some(task);
        Ok((judgement, attributes, task))
    }

    /// What an opaque directory of the layer hid of the old base, and the new base has too, unless the layer has
    /// something in its place.
    fn hidden_by_opaque(&self, ours: &[CString]) -> Result<Vec<PathBuf>> {
        let Some(base) = self.base.as_ref().filter(|_| self.task.hides_old) else { return Ok(Vec::new()) };
        let mut hides = Vec::new();
        for name in base.names()? {
            // `names` is sorted.
            if ours.binary_search(&name).is_ok() {
                continue;
            }
            let path = self.task.path.join(OsStr::from_bytes(name.to_bytes()));
            let (Old::Known(old), Some(stat)) = (self.old.get(&name), base.stat(&name)?) else { continue };
            let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            if is_directory != old.is_directory() || self.protected.has(name.to_bytes()) {
                continue;
            }
            if !is_directory {
                hides.push(path);
                continue;
            }
            match cover(self.bases, &path, &base.sub(&name)?, self.task.depth + 1)? {
                Cover::Whole => hides.push(path),
                Cover::Parts(parts) => hides.extend(parts),
            }
        }
        Ok(hides)
    }
}

/// True for a whiteout that is an empty file with an attribute. Its directory should say so with `opaque=x`, but looking a
/// name up, overlayfs does not ask for that (`ovl_path_is_whiteout` of Linux 6.18).
fn is_attribute_whiteout(stat: &Stat, attributes: &Attributes) -> bool {
    stat.st_size == 0 && attributes.xattr(MARK_WHITEOUT).is_some()
}

/// An entry of the layer with what is at its path.
struct Entry<'a> {
    name: &'a CStr,
    path: &'a Path,
    stat: &'a Stat,
    theirs: Option<&'a Stat>,
    owner: Owner,
}

/// Marks of a layer that was made with options that Veneer never uses: its entries are not whole without them.
fn refuse_foreign(dir: &Dir, name: &CStr, path: &Path, attributes: &Attributes) -> Result<()> {
    let Some(mark) = [MARK_METACOPY, MARK_REDIRECT].into_iter().find(|mark| attributes.xattr(mark).is_some())
    else {
        return Ok(());
    };
    let what = format!(
        "{} carries {}, left by an overlay with other options; copy it anew on its own base first",
        shown(path).display(),
        mark.to_string_lossy()
    );
    Err(Error::Unfit { path: dir.path_of(name), what })
}

/// The layer's entry against the old base's.
fn before(
    content: &mut Content<'_>,
    stat: &Stat,
    old: Old<'_>,
    shipped: Option<Digest>,
    copied_up: bool,
    ours: &Attributes,
) -> Result<Before> {
    if old == Old::Absent {
        return Ok(Before::Absent);
    }
    Ok(match is_old(content, stat, old, shipped)? {
        Some(true) => {
            let metadata = matches!(old, Old::Known(entry) if is_changed(ours, entry));
            Before::Unchanged { metadata }
        }
        Some(false) => Before::Edited,
        None if copied_up => Before::CopiedUp,
        None => Before::Unknown,
    })
}

/// True if a content is the old base's; `None` if nobody can tell.
fn is_old(
    content: &mut Content<'_>,
    stat: &Stat,
    old: Old<'_>,
    shipped: Option<Digest>,
) -> Result<Option<bool>> {
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    match (old, shipped) {
        (Old::Known(entry), _) if !entry.may_equal(stat) => Ok(Some(false)),
        (Old::Known(entry), shipped) => match (entry.digest, shipped) {
            (Some(digest), _) => content.is(&Digest::Sha256(digest)).map(Some),
            (None, Some(digest)) if is_file => content.is(&digest).map(Some),
            (None, _) if is_file || entry.kind == FileType::Symlink => Ok(None),
            // A device's number has been compared; FIFOs and sockets have no content.
            (None, _) => Ok(Some(true)),
        },
        (_, Some(digest)) if is_file => content.is(&digest).map(Some),
        _ => Ok(None),
    }
}
