//! What the verdicts on packages mean for files: who owns a path of the layer, what its content was when it was installed,
//! which of the new base's files are hidden, and which of the old base's are copied.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::database::{Database, Listed};
use super::index::{self, Index, Whose, flag};
use super::paths::Keys;
use super::sieve::Sieve;
use super::{Decision, Owner, Shipped, Verdict};
use crate::error::Result;
use crate::order;
use crate::tree::{Dir, Kind, split};

/// The three databases that a rebase is about.
#[derive(Clone, Copy)]
pub struct Sets<'a> {
    /// The old base's, as the record has it or as it is; `None` if it is not known.
    pub old: Option<&'a dyn Database>,
    /// What the layer showed.
    pub layer: &'a dyn Database,
    /// The new base's.
    pub new: &'a dyn Database,
}

/// The consequences for files.
#[derive(Debug)]
pub struct Files {
    keys: Keys,
    index: Index,
    /// Below /usr, sorted.
    pub hides: Vec<PathBuf>,
    /// Below /usr, sorted.
    pub adopts: Vec<PathBuf>,
}

impl Files {
    /// Works them out. `keys` are those of the record, if there is one; `usr` is the new base.
    pub fn of(sets: Sets<'_>, decisions: &[Decision], keys: Keys, upper: &Dir, usr: &Dir) -> Result<Self> {
        let sieve = Sieve::of(upper, keys)?;
        let mut work = Work { keys, index: Index::default(), sets, hides: Vec::new(), adopts: Vec::new() };
        for (number, decision) in decisions.iter().enumerate() {
            work.index.begin(number);
            work.one(decision, &sieve)?;
        }
        work.left(decisions, &sieve)?;
        work.index.merge();
        work.mark(decisions)?;
        let Work { index, mut hides, mut adopts, .. } = work;
        order::sort(&mut hides);
        hides.dedup();
        order::sort(&mut adopts);
        adopts.dedup();
        let hides = hidden(hides, &index, keys, usr)?;
        Ok(Files { keys, index, hides, adopts })
    }

    /// No package has a say.
    pub(super) fn nothing() -> Self {
        Files { keys: Keys::random(), index: Index::default(), hides: Vec::new(), adopts: Vec::new() }
    }

    /// See [`super::Change::owner`].
    #[must_use]
    pub fn owner(&self, path: &Path) -> Owner {
        index::owner(self.index.flags(self.keys.of(path)))
    }

    /// The number of the decision on the package that lists a path: of several, one that stays.
    #[must_use]
    pub fn package(&self, path: &Path) -> Option<usize> {
        self.index.package(self.keys.of(path))
    }

    /// See [`super::Change::shipped`].
    #[must_use]
    pub fn shipped(&self, path: &Path) -> Shipped {
        self.index.shipped(self.keys.of(path))
    }
}

struct Work<'a> {
    keys: Keys,
    index: Index,
    sets: Sets<'a>,
    hides: Vec<PathBuf>,
    adopts: Vec<PathBuf>,
}

impl Work<'_> {
    /// What A's and the layer's lists say, and B's of packages that are not there in B's version.
    fn one(&mut self, decision: &Decision, sieve: &Sieve) -> Result<()> {
        let (old, layer, new) = (self.sets.old, Some(self.sets.layer), Some(self.sets.new));
        match decision.verdict {
            Verdict::Keep { .. } => {
                self.note(layer, decision.layer, flag::KEPT, Whose::Layer)?;
                self.note(old, decision.old, flag::RETURNED, Whose::Old)
            }
            Verdict::HandBack | Verdict::Dropped => {
                self.note(old, decision.old, flag::GONE, Whose::Old)?;
                self.note(layer, decision.layer, flag::GONE, Whose::Layer)
            }
            Verdict::Override => {
                self.note(layer, decision.layer, flag::OVERRIDING, Whose::Layer)?;
                self.note(old, decision.old, flag::ABSENT, Whose::Old)?;
                self.hide(new, decision.new)
            }
            Verdict::Removed => {
                self.note(old, decision.old, flag::ABSENT, Whose::Old)?;
                self.hide(new, decision.new)
            }
            Verdict::Returned => {
                self.note(old, decision.old, flag::RETURNED, Whose::Old)?;
                self.note(new, decision.new, flag::RETURNED | flag::PRESENT, Whose::Nobody)
            }
            Verdict::Base => {
                // Most of all packages: only what may be asked for. The layer has a list if it was installed anew.
                let may_have = |key: u64| sieve.may_have(key);
                self.note_if(old, decision.old, flag::BASE, Whose::Old, may_have)?;
                self.note_if(layer, decision.layer, flag::BASE, Whose::Both, may_have)
            }
            Verdict::Adopt => {
                let (Some(old), Some(number)) = (old, decision.old) else { return Ok(()) };
                let adopts = &mut self.adopts;
                old.each_file(number, &mut |path, _| {
                    if let Listed::Path(path) = path {
                        adopts.push(path.to_path_buf());
                    }
                })?;
                self.note(Some(old), Some(number), flag::KEPT, Whose::Both)
            }
        }
    }

    /// What A's lists say of packages that neither the layer nor B has: where the user removed one and another package of B
    /// brings its files, they are not what the user removed.
    fn left(&mut self, decisions: &[Decision], sieve: &Sieve) -> Result<()> {
        let Some(old) = self.sets.old else { return Ok(()) };
        let judged: HashSet<usize> = decisions.iter().filter_map(|decision| decision.old).collect();
        for (number, package) in old.packages().iter().enumerate() {
            if package.is_installed() && !judged.contains(&number) {
                let may_have = |key: u64| sieve.may_have(key);
                self.note_if(Some(old), Some(number), flag::LEFT, Whose::Nobody, may_have)?;
            }
        }
        Ok(())
    }

    fn note(
        &mut self,
        database: Option<&dyn Database>,
        number: Option<usize>,
        flags: u16,
        whose: Whose,
    ) -> Result<()> {
        self.note_if(database, number, flags, whose, |_| true)
    }

    fn note_if(
        &mut self,
        database: Option<&dyn Database>,
        number: Option<usize>,
        flags: u16,
        whose: Whose,
        may_have: impl Fn(u64) -> bool,
    ) -> Result<()> {
        let (Some(database), Some(number)) = (database, number) else { return Ok(()) };
        let (keys, index) = (self.keys, &mut self.index);
        let mut full = Ok(());
        database.each_file(number, &mut |path, digest| {
            let key = key(keys, path);
            if full.is_ok() && may_have(key) {
                full = index.add(key, flags, digest.map(|digest| (whose, digest)));
            }
        })?;
        full
    }

    fn hide(&mut self, new: Option<&dyn Database>, number: Option<usize>) -> Result<()> {
        let (Some(database), Some(number)) = (new, number) else { return Ok(()) };
        let hides = &mut self.hides;
        database.each_file(number, &mut |path, _| {
            if let Listed::Path(path) = path {
                hides.push(path.to_path_buf());
            }
        })?;
        self.note(new, Some(number), flag::ABSENT, Whose::Nobody)
    }

    /// What B's lists say of the paths that are noted by now.
    fn mark(&mut self, decisions: &[Decision]) -> Result<()> {
        let new = self.sets.new;
        let absent = self.index.has(flag::ABSENT | flag::OVERRIDING | flag::LEFT);
        for decision in decisions {
            let is_there = matches!(decision.verdict, Verdict::Base | Verdict::HandBack | Verdict::Returned);
            // Where nothing of the base is absent, nobody asks who of it is present.
            if let (true, true, Some(number)) = (absent, is_there, decision.new) {
                self.mark_list(new, number, flag::PRESENT)?;
            }
            if !matches!(decision.verdict, Verdict::Keep { .. } | Verdict::Adopt) {
                continue;
            }
            let first = new.packages().partition_point(|package| package.name < decision.name);
            let siblings = new.packages().iter().enumerate().skip(first);
            for (number, _) in siblings.take_while(|(_, package)| package.name == decision.name) {
                self.mark_list(new, number, flag::SHARED)?;
            }
        }
        Ok(())
    }

    fn mark_list(&mut self, database: &dyn Database, number: usize, flags: u16) -> Result<()> {
        let (keys, index) = (self.keys, &mut self.index);
        database.each_file(number, &mut |path, _| index.mark(key(keys, path), flags))
    }
}

fn key(keys: Keys, path: Listed<'_>) -> u64 {
    match path {
        Listed::Path(path) => keys.of(path),
        Listed::Key(key) => key,
    }
}

/// Of these paths, sorted, those that the base really has and that no package lists which is there. A directory is one of
/// them only if all that the base has in it is.
fn hidden(candidates: Vec<PathBuf>, index: &Index, keys: Keys, usr: &Dir) -> Result<Vec<PathBuf>> {
    let mut hidden = HashSet::new();
    let mut paths = Vec::new();
    let mut near: Option<(PathBuf, Option<Dir>)> = None;
    // Backwards: what is in a directory comes before the directory.
    for path in candidates.into_iter().rev() {
        let key = keys.of(&path);
        if index.flags(key) & (flag::KEPT | flag::OVERRIDING | flag::PRESENT) != 0 {
            continue;
        }
        let Some((parent, name)) = split(&path) else { continue };
        if near.as_ref().is_none_or(|(at, _)| at != parent) {
            near = Some((parent.to_path_buf(), usr.down(parent)?));
        }
        let Some((_, Some(dir))) = &near else { continue };
        let Some(stat) = dir.stat(&name)? else { continue };
        if Kind::of(&stat) == Kind::Directory {
            let mut all = true;
            dir.sub(&name)?.each_name(|name, _| {
                let below = path.join(std::ffi::OsStr::from_bytes(name.to_bytes()));
                all = all && hidden.contains(&keys.of(&below));
            })?;
            if !all {
                continue;
            }
        }
        hidden.insert(key);
        paths.push(path);
    }
    paths.reverse();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::super::memory::{Memory, Row, TempDir};
    use super::super::verdict::{Rules, Weight, judge};
    use super::*;
    use crate::packages::Digest;

    fn touch(dir: &TempDir, paths: &[&str]) {
        for path in paths {
            let path = dir.0.join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("make a directory");
            std::fs::write(path, "").expect("write");
        }
    }

    /// Judges, and works out the files: `upper` and `usr` have files at these paths.
    fn files(a: &[Row<'_>], o: &[Row<'_>], b: &[Row<'_>], upper: &[&str], usr: &[&str]) -> Files {
        let (a, o, b) = (Memory::new(a), Memory::new(o), Memory::new(b));
        let no = |_: &super::super::Package| false;
        let rules =
            Rules { order: &str::cmp, weight: &|_| Weight::Ordinary, in_layer: &no, hidden: &|_| true };
        let decisions = judge(Some(a.packages()), o.packages(), b.packages(), &rules);
        let (dir_u, dir_b) = (TempDir::new(), TempDir::new());
        touch(&dir_u, upper);
        touch(&dir_b, usr);
        let (upper, usr) = (Dir::open(&dir_u.0).expect("open"), Dir::open(&dir_b.0).expect("open"));
        Files::of(Sets { old: Some(&a), layer: &o, new: &b }, &decisions, Keys::random(), &upper, &usr)
            .expect("good")
    }

    fn shown(paths: &[PathBuf]) -> Vec<&str> {
        paths.iter().map(|path| path.to_str().expect("UTF-8")).collect()
    }

    const NONE: &[&str] = &[];

    #[test]
    fn a_newer_version_hides_what_only_the_bases_has() {
        let files = files(
            &[("foo", "1", &[("lib/foo.so", 1), ("lib/old", 1)]), ("other", "1", &[])],
            &[("foo", "3", &[("lib/foo.so", 3), ("lib/mine", 3)]), ("other", "1", &[])],
            &[
                (
                    "foo",
                    "2",
                    &[
                        ("lib", 0),
                        ("lib/foo.so", 2),
                        ("lib/new", 2),
                        ("lib/foo", 0),
                        ("lib/foo/x", 2),
                        ("lib/gone", 2),
                    ],
                ),
                ("other", "1", &[("lib", 0), ("lib/old", 1)]),
            ],
            &["lib/foo.so", "lib/mine"],
            &["lib/foo.so", "lib/new", "lib/foo/x", "lib/old"],
        );
        assert_eq!(shown(&files.hides), ["lib/foo", "lib/foo/x", "lib/new"]);
        let owner = |path: &str| files.owner(Path::new(path));
        assert_eq!(owner("lib/foo.so"), Owner::Overriding);
        assert_eq!(owner("lib/mine"), Owner::Overriding);
        // It moved to a package that is there.
        assert_eq!(owner("lib/old"), Owner::Returned);
        assert_eq!(owner("lib/new"), Owner::Removed);
        let digests = |path: &str| files.shipped(Path::new(path));
        assert_eq!(
            digests("lib/foo.so"),
            Shipped { old: Some(Digest::Md5([1; 16])), layer: Some(Digest::Md5([3; 16])) }
        );
    }

    #[test]
    fn a_removed_package_takes_its_directory_along_unless_something_else_is_in_it() {
        let one = |usr| {
            files(
                &[("ed", "1", &[("share/ed/a", 1)])],
                &[],
                &[("ed", "2", &[("share/ed", 0), ("share/ed/a", 2), ("share/ed/b", 2)])],
                NONE,
                usr,
            )
        };
        assert_eq!(
            shown(&one(&["share/ed/a", "share/ed/b"]).hides),
            ["share/ed", "share/ed/a", "share/ed/b"]
        );
        let more = one(&["share/ed/a", "share/ed/b", "share/ed/generated"]);
        assert_eq!(shown(&more.hides), ["share/ed/a", "share/ed/b"]);
        assert_eq!(more.owner(Path::new("share/ed/a")), Owner::Removed);
    }

    #[test]
    fn what_a_package_has_that_is_handed_back_is_there() {
        let files = files(
            &[("ed", "1", &[("share/ed", 0), ("share/ed/a", 1)])],
            &[("my-ed", "1", &[("bin/my-ed", 9)])],
            &[("ed", "1", &[]), ("my-ed", "2", &[("share/ed", 0), ("share/ed/a", 2)])],
            &["share/ed", "bin/my-ed"],
            &["share/ed/a"],
        );
        assert_eq!(shown(&files.hides), NONE);
        assert_eq!(files.owner(Path::new("share/ed")), Owner::Returned);
        assert_eq!(files.owner(Path::new("share/ed/a")), Owner::Returned);
    }

    #[test]
    fn what_a_package_had_that_nobody_has_any_more_may_be_anothers() {
        let files = files(
            &[("ed", "1", &[("bin/ed", 1), ("bin/red", 1)])],
            &[("mine", "1", &[("bin/mine", 9)])],
            &[("ed-ng", "1", &[("bin/ed", 2)])],
            // For whiteouts.
            &["bin/ed", "bin/red", "bin/mine"],
            &["bin/ed", "bin/red"],
        );
        assert_eq!(shown(&files.hides), NONE);
        assert_eq!(files.owner(Path::new("bin/ed")), Owner::Returned);
        // Of no package, so that what the user did to it counts.
        assert_eq!(files.owner(Path::new("bin/red")), Owner::Nobody);
    }

    #[test]
    fn a_kept_package_in_place_of_a_removed_one_stays() {
        let files = files(
            &[("ed", "1", &[("bin/ed", 1)])],
            &[("my-ed", "1", &[("bin/ed", 9)])],
            &[("ed", "2", &[("bin/ed", 2)])],
            &["bin/ed"],
            &["bin/ed"],
        );
        assert_eq!(shown(&files.hides), NONE);
        assert_eq!(files.owner(Path::new("bin/ed")), Owner::Overriding);
    }

    #[test]
    fn of_the_base_only_what_the_layer_has_is_known() {
        let files = files(
            &[("base", "1", &[("bin/a", 1), ("bin/b", 2)]), ("gone", "1", &[("bin/gone", 3)])],
            &[("base", "1", &[]), ("gone", "1", &[]), ("mine", "1", &[("bin/mine", 4)])],
            &[("base", "2", &[("bin/a", 5), ("bin/b", 6)])],
            &["bin/a", "bin/mine"],
            &["bin/a", "bin/b"],
        );
        let owner = |path: &str| files.owner(Path::new(path));
        assert_eq!((owner("bin/a"), owner("bin/b")), (Owner::Base, Owner::Nobody));
        assert_eq!((owner("bin/mine"), owner("bin/gone")), (Owner::Kept, Owner::Gone));
        assert_eq!(files.shipped(Path::new("bin/a")).old, Some(Digest::Md5([1; 16])));
        assert_eq!(files.shipped(Path::new("bin/b")), Shipped::default());
    }
}
