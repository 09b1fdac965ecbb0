//! The new database, written by the new base's own rpm: all of the base's headers but of those packages that are not
//! there, and those of the packages that stay. One import into an empty directory, since an import only adds.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FileType, XattrFlags};

use super::database::{Database as Headers, Format, Place, is_own_file};
use super::dress::dress;
use super::header::MAGIC;
use super::history;
use super::list::List;
use crate::error::{At as _, Error, Result};
use crate::order;
use crate::packages::program::{Input, Program, WORK};
use crate::packages::{Aliases, Composed, Database, Decision, Owner, Package, Verdict};
use crate::tree::{Attributes, Dir, Kind, MARK_OPAQUE, is_overlay_mark, shadow_down};

/// What writes the database, on the base.
const PROGRAM: &str = "/usr/bin/rpmdb";
/// Some 100 times what 1,500 packages take on a machine of these days.
const LIMIT: Duration = Duration::from_secs(120);
/// What else is in the base's database directory is copied if it is no larger than this, in bytes.
const BESIDE_LIMIT: u64 = 1024 * 1024;

/// See the module. All paths are below /usr.
pub(super) struct Composition {
    /// The database's directory in the layer.
    pub(super) layer_dir: PathBuf,
    /// The database's directory in the new base.
    pub(super) new_dir: PathBuf,
    /// The new base's.
    pub(super) new: List,
    /// Numbers of the new base's packages that are not there.
    pub(super) without: BTreeSet<usize>,
    /// Headers that come from elsewhere, by the database that has them.
    pub(super) with: Vec<(List, Vec<Place>)>,
    /// What dnf5 remembers.
    pub(super) history: history::Merged,
}

impl Composition {
    /// What becomes of the new base's database: the numbers of its packages that go, of the layer's that come, and of the
    /// old base's that come.
    pub(super) fn plan(decisions: &[Decision]) -> (BTreeSet<usize>, Vec<usize>, Vec<usize>) {
        let (mut without, mut layer, mut old) = (BTreeSet::new(), Vec::new(), Vec::new());
        for decision in decisions {
            match decision.verdict {
                Verdict::Keep { .. } => layer.extend(decision.layer),
                Verdict::Override => {
                    layer.extend(decision.layer);
                    without.extend(decision.new);
                }
                Verdict::Removed => without.extend(decision.new),
                Verdict::Adopt => old.extend(decision.old),
                Verdict::Base | Verdict::HandBack | Verdict::Returned | Verdict::Dropped => {}
            }
        }
        (without, layer, old)
    }

    fn is_the_bases(&self) -> bool {
        self.without.is_empty() && self.with.iter().all(|(_, places)| places.is_empty())
    }

    /// Writes all headers of the new database.
    fn feed(&self, input: &mut Input<'_>) -> Result<()> {
        let mut put = |blob: &[u8]| {
            input.write(&MAGIC)?;
            input.write(blob)
        };
        let without: Vec<Place> =
            self.without.iter().flat_map(|number| self.new.places(*number)).copied().collect();
        self.new
            .headers()
            .each(|place, blob, _| if without.contains(&place) { Ok(()) } else { put(blob) })?;
        for (list, places) in &self.with {
            for place in places {
                put(&list.headers().at(*place)?)?;
            }
        }
        Ok(())
    }

    /// The packages of the new database, each by what tells it from all others.
    fn expected(&self) -> Vec<Package> {
        let new = self.new.packages().iter().enumerate();
        let mut all: Vec<Package> = new
            .filter(|(number, _)| !self.without.contains(number))
            .map(|(_, package)| package.clone())
            .collect();
        for (list, places) in &self.with {
            let numbers = 0..list.packages().len();
            let there =
                numbers.filter(|number| list.places(*number).first().is_some_and(|p| places.contains(p)));
            all.extend(there.map(|number| list.packages()[number].clone()));
        }
        order::sort_by(&mut all, |a, b| a.key().cmp(&b.key()));
        all
    }

    /// Makes the database in `dir`, which is the new layer's and has nothing of rpm's in it.
    fn import(&self, dir: &Dir, usr: &Dir) -> Result<()> {
        let format = self.new.headers().format();
        let backend = format!("_db_backend {}", format.backend());
        let arguments = ["--define", &backend, "--dbpath", WORK, "--importdb"];
        let program = Program { path: PROGRAM, arguments: &arguments, limit: LIMIT };
        program.run(usr, dir, |input| self.feed(input))?;
        // An import that skipped a header would say so on a terminal, and end well.
        let made = Headers::open(dir)?.ok_or_else(|| wrong(dir, format))?;
        let made = List::read(made, Aliases::default())?;
        if made.packages() == self.expected() { Ok(()) } else { Err(wrong(dir, format)) }
    }
}

fn wrong(dir: &Dir, format: Format) -> Error {
    let what = "rpmdb did not write what it was given".to_owned();
    Error::Damaged { path: dir.path_of(format.file()), what }
}

impl Composed for Composition {
    fn owner(&self, path: &Path) -> Option<Owner> {
        if let Some(owner) = self.history.owner(path) {
            return Some(owner);
        }
        let is_ours = |dir: &PathBuf| match path.strip_prefix(dir) {
            // What rpm did not make there is not rpm's.
            Ok(below) => {
                let name = CString::new(below.as_os_str().as_bytes());
                name.is_ok_and(|name| name.is_empty() || is_own_file(&name))
            }
            Err(_) => is_beside(dir, path),
        };
        (is_ours(&self.layer_dir) || is_ours(&self.new_dir)).then_some(Owner::Database)
    }

    fn write(&self, upper: &Dir, usr: &Dir) -> Result<()> {
        self.history.write(upper, usr)?;
        if self.is_the_bases() {
            return Ok(());
        }
        let base = usr.down(&self.new_dir)?.ok_or_else(|| Error::Damaged {
            path: usr.path().join(&self.new_dir),
            what: "the database's directory is gone".into(),
        })?;
        let dir = shadow_down(upper, usr, &self.new_dir)?;
        for name in dir.names()? {
            if is_own_file(&name) {
                dir.remove_file(&name)?;
            }
        }
        copy_beside(&base, &dir)?;
        // `rpm --rebuilddb` renames the directory, which only one that is all the layer's lets it do; and nothing of the
        // base's database, a log above all, may ever be seen beside this one.
        let path = dir.proc_path(c".");
        rustix::fs::lsetxattr(&*path, MARK_OPAQUE, b"y", XattrFlags::empty()).writing(dir.path())?;
        self.import(&dir, usr)?;
        let main = self.new.headers().format().file();
        for name in dir.names()? {
            if is_own_file(&name) {
                dress(&dir, &name, &base, main)?;
            }
        }
        Ok(())
    }
}

/// True for what `rpm --rebuilddb` makes beside the directory and leaves there if it cannot rename it, as on a layer
/// whose directory overlayfs merges with the base's.
fn is_beside(dir: &Path, path: &Path) -> bool {
    let beside = |end: &str| [dir.as_os_str().as_bytes(), end.as_bytes()].concat();
    ["rebuilddb.", "old."].iter().any(|end| {
        let rest = path.as_os_str().as_bytes().strip_prefix(&*beside(end));
        let number = rest.and_then(|rest| rest.split(|byte| *byte == b'/').next());
        number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
    })
}

/// What is in the base's directory and is not rpm's own: an opaque directory hides it, so it is copied. Nothing but small
/// files has been seen there.
fn copy_beside(base: &Dir, dir: &Dir) -> Result<()> {
    for name in base.names()? {
        let Some(stat) = base.stat(&name)? else { continue };
        if is_own_file(&name) || dir.stat(&name)?.is_some() || Kind::of(&stat) != Kind::File {
            continue;
        }
        let content = base.read(&name, BESIDE_LIMIT)?.unwrap_or_default();
        dir.create(&name, 0o600)?.write_all(&content).writing(dir.path_of(&name))?;
        let mut attributes = Attributes::read(base, &name, &stat)?;
        attributes.xattrs.retain(|(name, _)| !is_overlay_mark(name));
        attributes.write(dir, &name, FileType::RegularFile)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rebuild_leaves_is_rpms() {
        let dir = Path::new("lib/sysimage/rpm");
        for (path, expected) in [
            ("lib/sysimage/rpmrebuilddb.19906", true),
            ("lib/sysimage/rpmrebuilddb.19906/rpmdb.sqlite", true),
            ("lib/sysimage/rpmold.7/rpmdb.sqlite", true),
            ("lib/sysimage/rpmrebuilddb.mine", false),
            ("lib/sysimage/rpmrebuilddb.", false),
            ("lib/sysimage/rpms", false),
            ("lib/sysimage", false),
        ] {
            assert_eq!(is_beside(dir, Path::new(path)), expected, "{path}");
        }
    }
}
