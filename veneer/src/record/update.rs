//! Brings a layer's record up to date while its base is mounted: looks up in the base what the layer has something over.
//! What was found before stays valid, since a base never changes; so only what is new costs anything.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::entry::OldEntry;
use super::shadowed::{Lines, Old, Shadowed, Writer};
use crate::error::Result;
use crate::tree::{DEPTH_LIMIT, Dir, Kind, is_opaque};

/// Content that the layer only hides is read up to this size: it tells no more than whether the next base changed it.
const HIDDEN_LIMIT: i64 = 1024 * 1024;

/// Looks up everything in `upper` that `base` has something for, and writes it into `record`. With `durable`, the
/// result is on disk before this returns.
///
/// Neither tree may change meanwhile in a way that matters: the base is read-only, and an upper that is written to is
/// looked at again at the next call.
pub fn update(record: &Dir, upper: &Dir, base: &Dir, durable: bool) -> Result<()> {
    let known = Shadowed::open(record)?;
    let mut update = Update { known: &known, writer: Writer::start(record)? };
    update.merged(upper, base, Path::new(""), 0)?;
    update.writer.finish(durable)
}

struct Update<'a> {
    known: &'a Shadowed,
    writer: Writer<'a>,
}

impl Update<'_> {
    /// A directory that both have.
    fn merged(&mut self, upper: &Dir, base: &Dir, path: &Path, depth: usize) -> Result<()> {
        let before = self.known.dir(path);
        let mut lines = Lines::new();
        for name in upper.names()? {
            // Gone since it was listed: nothing is over the base there any more.
            let Some(ours) = upper.stat(&name)? else { continue };
            let old = match before.get(&name) {
                Old::Known(entry) if entry.digest.is_some() || !wants_digest(Kind::of(&ours), entry) => {
                    Some(entry.clone())
                }
                Old::Absent => None,
                Old::Unknown | Old::Known(_) => look(base, &name, Some(Kind::of(&ours)))?,
            };
            let is_dir = old.as_ref().is_some_and(OldEntry::is_directory);
            lines.push(&name, old.as_ref());
            if !is_dir || depth >= DEPTH_LIMIT {
                continue;
            }
            let Some(theirs) = base.sub_if_there(&name)? else { continue };
            let path = path.join(OsStr::from_bytes(name.to_bytes()));
            match Kind::of(&ours) {
                Kind::Whiteout => self.hidden(None, &theirs, &path, depth + 1)?,
                Kind::Directory => {
                    let ours = upper.sub(&name)?;
                    if is_opaque(upper, &name)? {
                        self.hidden(Some(&ours), &theirs, &path, depth + 1)?;
                    } else {
                        self.merged(&ours, &theirs, &path, depth + 1)?;
                    }
                }
                // Something else in the directory's place: that it was a directory says enough.
                Kind::File | Kind::Symlink | Kind::Special => {}
            }
        }
        self.writer.block(path, false, &lines)
    }

    /// A directory of the base that nobody sees: all of it, so that the next base's can be told from it. `upper` is the
    /// directory in its place.
    fn hidden(&mut self, upper: Option<&Dir>, base: &Dir, path: &Path, depth: usize) -> Result<()> {
        let before = self.known.dir(path);
        let mut lines = Lines::new();
        let mut subs = Vec::new();
        for name in base.names()? {
            let ours = match upper {
                Some(upper) => upper.stat(&name)?.map(|stat| Kind::of(&stat)),
                None => None,
            };
            let known = match before.get(&name) {
                Old::Known(entry) if entry.digest.is_some() || ours.is_none() => Some(entry.clone()),
                _ => look(base, &name, ours)?,
            };
            let Some(entry) = known else { continue };
            lines.push(&name, Some(&entry));
            if entry.is_directory() && depth < DEPTH_LIMIT {
                subs.push((name, ours));
            }
        }
        self.writer.block(path, true, &lines)?;
        drop((before, lines));
        for (name, ours) in subs {
            let Some(theirs) = base.sub_if_there(&name)? else { continue };
            let sub = match (upper, ours) {
                (Some(upper), Some(Kind::Directory)) => upper.sub_if_there(&name)?,
                _ => None,
            };
            self.hidden(sub.as_ref(), &theirs, &path.join(OsStr::from_bytes(name.to_bytes())), depth + 1)?;
        }
        Ok(())
    }
}

/// True if the content of a base's entry is worth knowing under an entry of this kind in the layer.
fn wants_digest(ours: Kind, old: &OldEntry) -> bool {
    let has_content = matches!(old.kind, rustix::fs::FileType::RegularFile | rustix::fs::FileType::Symlink);
    has_content
        && (ours != Kind::Whiteout || i64::try_from(old.number).is_ok_and(|size| size <= HIDDEN_LIMIT))
}

/// Looks at `name` in the base, under an entry of this kind in the layer or within something that hides all of it.
fn look(base: &Dir, name: &CStr, ours: Option<Kind>) -> Result<Option<OldEntry>> {
    let Some(stat) = base.stat(name)? else { return Ok(None) };
    let with_digest = match ours {
        None => false,
        Some(Kind::Whiteout) => stat.st_size <= HIDDEN_LIMIT,
        Some(_) => true,
    };
    OldEntry::read(base, name, &stat, with_digest).map(Some)
}
