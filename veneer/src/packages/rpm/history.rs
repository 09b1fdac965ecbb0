//! dnf5's own directory in /usr: the files of [`reasons`](super::reasons), merged, and its history of transactions, which
//! is one SQLite database and goes or stays as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CStr;
use std::io::Write as _;
use std::path::Path;

use super::dress::dress;
use super::reasons::{From, Reasons};
use crate::error::{At as _, Result};
use crate::packages::{Database, Decision, Owner, Trees, Verdict};
use crate::report::{Problem, ProblemKind};
use crate::tree::{Dir, shadow_down};

/// The directory, below /usr.
pub(super) const DIR: &str = "lib/sysimage/libdnf5";

/// The files that are merged, with the table that each has.
const FILES: [(&CStr, &str); 5] = [
    (c"packages.toml", PACKAGES),
    (c"nevras.toml", NEVRAS),
    (c"groups.toml", "groups"),
    (c"environments.toml", "environments"),
    (c"modules.toml", "modules"),
];
/// By name and architecture.
const PACKAGES: &str = "packages";
/// By name, version and architecture.
const NEVRAS: &str = "nevras";

/// A Fedora with 3,000 packages has some 300 KiB in all of them.
const FILE_LIMIT: u64 = 256 * 1024;

/// The history of transactions, and what SQLite keeps beside it.
const HISTORY: [&CStr; 3] =
    [c"transaction_history.sqlite", c"transaction_history.sqlite-wal", c"transaction_history.sqlite-shm"];

/// What the directory is to be.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// Files that are not simply the base's.
    files: Vec<(&'static CStr, String)>,
    /// True if the layer's history of transactions stays.
    history: bool,
}

/// The files of a base, for its record: by name. What is too large is left out.
pub(super) fn attachments(usr: &Dir) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    let Some(dir) = usr.down(Path::new(DIR))? else { return Ok(found) };
    for (name, _) in FILES {
        if let Some(text) = read(&dir, name)? {
            found.push((name.to_string_lossy().into_owned(), text.into_bytes()));
        }
    }
    Ok(found)
}

impl Merged {
    /// Works it out, with what the user should know.
    pub(super) fn of(
        trees: &Trees<'_>,
        decisions: &[Decision],
        layer: &dyn Database,
        new: &dyn Database,
    ) -> Result<(Self, Vec<Problem>)> {
        let (mut merged, mut problems) = (Merged::default(), Vec::new());
        let Some(theirs) = trees.upper.down(Path::new(DIR))? else { return Ok((merged, problems)) };
        merged.history = is_file(&theirs, HISTORY[0])?;
        let ours = trees.new.down(Path::new(DIR))?;
        let old = trees.old.map(|old| old.down(Path::new(DIR))).transpose()?.flatten();
        let sources = Sources::new(decisions, layer, new);
        for (name, table) in FILES {
            let Some(layer) = read(&theirs, name)? else { continue };
            let new = ours.as_ref().map(|dir| read(dir, name)).transpose()?.flatten();
            let recorded = trees.record.and_then(|record| record.attachment(&name.to_string_lossy()));
            let old = match &old {
                Some(dir) => read(dir, name)?,
                None => recorded.map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
            };
            // A base that is known and has no such file has an empty one.
            let old = old.or_else(|| (trees.old.is_some() || trees.record.is_some()).then(String::new));
            let new = new.unwrap_or_default();
            let (Some(layer), Some(new)) = (Reasons::parse(&layer, table), Reasons::parse(&new, table))
            else {
                let message = format!(
                    "/usr/{DIR}/{} has a form that Veneer does not know: the base's is used, so that dnf has forgotten \
                     what you asked for",
                    name.to_string_lossy()
                );
                problems.push(Problem::of_layer(ProblemKind::Limited, message));
                continue;
            };
            let old = old.as_deref().and_then(|old| Reasons::parse(old, table));
            let all = Reasons::merge(old.as_ref(), &layer, &new, |key| sources.of(table, key));
            if !all.has_entries_of(&new) {
                merged.files.push((name, all.text(table)));
            }
        }
        Ok((merged, problems))
    }

    /// What the engine does with the layer's entry at a path; `None` if it is not here.
    pub(super) fn owner(&self, path: &Path) -> Option<Owner> {
        let name = path.strip_prefix(DIR).ok()?.to_str()?;
        if HISTORY.iter().any(|file| file.to_str() == Ok(name)) {
            return Some(if self.history { Owner::Overriding } else { Owner::Database });
        }
        // It says which state of rpm's database dnf has seen, and this is another one.
        let is_ours = name == "system.toml" || FILES.iter().any(|(file, _)| file.to_str() == Ok(name));
        is_ours.then_some(Owner::Database)
    }

    /// Writes the directory's files into the new layer's `upper`.
    pub(super) fn write(&self, upper: &Dir, usr: &Dir) -> Result<()> {
        let base = usr.down(Path::new(DIR))?;
        if !self.files.is_empty() {
            let dir = shadow_down(upper, usr, Path::new(DIR))?;
            for (name, text) in &self.files {
                dir.remove_file(name)?;
                dir.create(name, 0o644)?.write_all(text.as_bytes()).writing(dir.path_of(name))?;
                if let Some(base) = &base {
                    dress(&dir, name, base, name)?;
                }
            }
        }
        // A log of the base's beside the layer's database would be replayed onto it.
        if let (true, Some(base)) = (self.history, &base) {
            let dir = shadow_down(upper, usr, Path::new(DIR))?;
            for name in &HISTORY[1..] {
                if base.stat(name)?.is_some() && dir.stat(name)?.is_none() {
                    dir.make_whiteout(name)?;
                }
            }
        }
        Ok(())
    }
}

fn is_file(dir: &Dir, name: &CStr) -> Result<bool> {
    Ok(dir.stat(name)?.is_some_and(|stat| crate::tree::Kind::of(&stat) == crate::tree::Kind::File))
}

fn read(dir: &Dir, name: &CStr) -> Result<Option<String>> {
    if !is_file(dir, name)? {
        return Ok(None);
    }
    let text = dir.read(name, FILE_LIMIT)?;
    Ok(text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// Where each entry of the merged files comes from.
struct Sources {
    packages: BTreeMap<String, Verdict>,
    /// Packages that are there in the layer's version.
    theirs: BTreeSet<String>,
    /// Packages that are there in the base's version.
    ours: BTreeSet<String>,
}

impl Sources {
    fn new(decisions: &[Decision], layer: &dyn Database, new: &dyn Database) -> Self {
        let mut sources =
            Sources { packages: BTreeMap::new(), theirs: BTreeSet::new(), ours: BTreeSet::new() };
        for decision in decisions {
            // For packages of which several are there, the version follows.
            let arch = decision.arch.split(' ').next().unwrap_or_default();
            sources.packages.insert(format!("{}.{arch}", decision.name), decision.verdict);
            let (list, number, set) = match decision.verdict {
                Verdict::Keep { .. } | Verdict::Override => (layer, decision.layer, &mut sources.theirs),
                Verdict::Base | Verdict::HandBack | Verdict::Returned => {
                    (new, decision.new, &mut sources.ours)
                }
                Verdict::Dropped | Verdict::Removed | Verdict::Adopt => continue,
            };
            let Some(package) = number.and_then(|number| list.packages().get(number)) else { continue };
            // dnf writes an epoch of 0 or leaves it out.
            let version = package.version.strip_prefix("0:").unwrap_or(&package.version);
            set.insert(format!("{}-{version}.{arch}", package.name));
            if !version.contains(':') {
                set.insert(format!("{}-0:{version}.{arch}", package.name));
            }
        }
        sources
    }

    fn of(&self, table: &str, key: &str) -> From {
        match table {
            NEVRAS if self.theirs.contains(key) => From::Layer,
            NEVRAS if self.ours.contains(key) => From::New,
            NEVRAS => From::Nowhere,
            PACKAGES => match self.packages.get(key) {
                // Also the mark that a user has given to a package that is the base's now.
                Some(Verdict::Keep { .. } | Verdict::Override | Verdict::HandBack) => From::Layer,
                Some(Verdict::Removed) => From::Nowhere,
                // What is no more of what the old base had, and what nobody knows.
                Some(Verdict::Dropped) => From::New,
                Some(Verdict::Base | Verdict::Returned | Verdict::Adopt) | None => From::Changed,
            },
            _ => From::Changed,
        }
    }
}
