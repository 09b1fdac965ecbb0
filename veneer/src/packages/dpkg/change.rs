//! What a rebase does to dpkg's packages: the three databases are read, judged and composed into a fourth. Nothing is
//! written here.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::admin::{Admin, LISTS_LIMIT, Listing, check_lines, info_names, parse, read_lines};
use super::alternatives::{self, Group};
use super::compose::{Plan, Source, Statuses};
use super::diversions::{self, Composed as _, Diversions};
use super::needs::{One, Set};
use super::problems;
use super::status::{Status, native};
use super::write::{NewDatabase, check_size};
use super::{lines, triggers};
use crate::error::{Error, Result};
use crate::order;
use crate::packages::version::Order;
use crate::packages::{
    Aliases, Change, Content, Database, Decision, Extract, Files, Keys, Listed, Manager, Owner, Package,
    Rules, Sets, Trees, Verdict, Weight, below_usr, judge, weight,
};
use crate::report::{Problem, ProblemKind};
use crate::tree::{Dir, Kind, split};

/// The files beside the status are a few kilobytes; they are in memory until the tree is done.
const FILES_LIMIT: usize = 8 * 1024 * 1024;

/// Names of what a record has beside the packages.
const DIVERSIONS: &str = "diversions";
const STATOVERRIDE: &str = "statoverride";
const ARCH: &str = "arch";
/// The packages on hold, a line each.
const HELD: &str = "held";

/// Records the database of the base at `usr`, in `dir` below it.
pub fn record(usr: &Dir, dir: &Path, record: &Dir, lists: bool) -> Result<()> {
    let database = Listing::of_base(usr, dir, "")?;
    let mut attachments = Vec::new();
    if let Some(admin) = &database.admin {
        for (name, file) in [(DIVERSIONS, c"diversions"), (STATOVERRIDE, c"statoverride"), (ARCH, c"arch")] {
            attachments.extend(read_lines(&admin.dir, file)?.map(|bytes| (name.to_owned(), bytes)));
        }
    }
    attachments.push((HELD.to_owned(), held(&database.status).join("\n").into_bytes()));
    let content =
        Content { manager: Manager::Dpkg, dir, aliases: Aliases::of(usr)?, database: &database, attachments };
    Extract::write(record, Some(&content), lists)
}

/// What the database of the tree at `usr`, in `dir` below it, lists.
pub fn packages(usr: &Dir, dir: &Path) -> Result<Vec<Package>> {
    Ok(Listing::of_base(usr, dir, "")?.status.packages().to_vec())
}

fn held(status: &Status) -> Vec<String> {
    let is_held = |number: &usize| status.stanza(*number).is_some_and(|stanza| stanza.want == "hold");
    (0..status.packages().len()).filter(is_held).map(|n| status.packages()[n].name.clone()).collect()
}

/// See [`crate::packages::read_change`].
pub fn change(trees: &Trees<'_>) -> Result<Option<Change>> {
    let new = Listing::of_base(trees.new, trees.new_dir, "")?;
    let old = match trees.old {
        Some(usr) if usr.down(trees.layer_dir)?.is_some() => {
            Some(Listing::of_base(usr, trees.layer_dir, &new.native)?)
        }
        _ => None,
    };
    let upper = trees.upper.down(trees.layer_dir)?;
    if upper.is_none() && old.is_none() && trees.record.is_none() {
        return Ok(None);
    }
    Work::new(trees, upper, old, new)?.run().map(Some)
}

/// A small file of the three databases.
#[derive(Default)]
struct Three {
    /// `None` if the old base is not known.
    old: Option<Vec<u8>>,
    layer: Vec<u8>,
    new: Vec<u8>,
}

struct Work<'a> {
    trees: &'a Trees<'a>,
    old: Option<Listing>,
    layer: Listing,
    new: Listing,
    /// Bytes of small files in memory.
    sum: usize,
    problems: Vec<Problem>,
}

impl<'a> Work<'a> {
    fn new(trees: &'a Trees<'a>, upper: Option<Dir>, old: Option<Listing>, mut new: Listing) -> Result<Self> {
        let text = match &upper {
            Some(dir) => Admin::status(dir)?,
            None => None,
        };
        if let (true, Some(text)) = (new.native.is_empty(), &text) {
            // A base of packages for all architectures only, and a layer that has others.
            let native = native(text);
            new = Listing::of_base(trees.new, trees.new_dir, &native)?;
        }
        let status = match (text, &old, trees.record) {
            (Some(text), _, _) => parse(upper.as_ref().unwrap_or(trees.upper), text, &new.native)?,
            (None, Some(old), _) => Status::of(old.packages().to_vec()),
            (None, None, Some(record)) => Status::of(record.packages().to_vec()),
            // Nothing was installed or removed, or nobody can tell: the packages are the base's.
            (None, None, None) => Status::of(new.packages().to_vec()),
        };
        let aliases =
            trees.record.map_or_else(|| Aliases::of(trees.new), |record| Ok(record.aliases().clone()))?;
        let native = new.native.clone();
        let mut work = Work {
            trees,
            old,
            layer: Listing { status, admin: None, native },
            new,
            sum: 0,
            problems: Vec::new(),
        };
        if let Some(upper) = upper {
            let diversions = work.three(Some(&upper), c"diversions", DIVERSIONS)?.layer;
            work.layer.admin = Some(Admin::open(upper, Diversions::parse(diversions), aliases, LISTS_LIMIT)?);
        }
        Ok(work)
    }

    /// A small file: of the layer what it has, else what the old base had, else what the new one has.
    fn three(&mut self, upper: Option<&Dir>, file: &CStr, recorded: &str) -> Result<Three> {
        let mut read = |dir: Option<&Dir>| -> Result<Option<Vec<u8>>> {
            let bytes = dir.map_or(Ok(None), |dir| match dir.stat(file)? {
                Some(stat) if Kind::of(&stat) == Kind::Whiteout => Ok(Some(Vec::new())),
                _ => read_lines(dir, file),
            })?;
            self.sum += bytes.as_ref().map_or(0, Vec::len);
            if self.sum > FILES_LIMIT {
                let what = format!("larger than {FILES_LIMIT} bytes with all others of its kind");
                let path = dir.map_or_else(PathBuf::new, |dir| dir.path_of(file));
                return Err(Error::Damaged { path, what });
            }
            Ok(bytes)
        };
        let new = read(self.new.admin.as_ref().map(|admin| &admin.dir))?.unwrap_or_default();
        let old = match (&self.old, self.trees.record) {
            (Some(old), _) => Some(read(old.admin.as_ref().map(|admin| &admin.dir))?.unwrap_or_default()),
            (None, Some(record)) => {
                let bytes = record.attachment(recorded).unwrap_or_default();
                check_lines(bytes, Path::new("record"))?;
                Some(bytes.to_vec())
            }
            (None, None) => None,
        };
        let layer = read(upper)?.or_else(|| old.clone()).unwrap_or_else(|| new.clone());
        Ok(Three { old, layer, new })
    }

    /// The old base's database: itself, or what is recorded of it.
    fn old(&self) -> Option<&dyn Database> {
        match (&self.old, self.trees.record) {
            (Some(old), _) => Some(old),
            (None, Some(record)) => Some(record),
            (None, None) => None,
        }
    }

    fn run(mut self) -> Result<Change> {
        let mut decisions = self.judge()?;
        self.adopt(&mut decisions)?;
        let keys = self.trees.record.map_or_else(Keys::random, Extract::keys);
        let sets = Sets { old: self.old(), layer: &self.layer, new: &self.new };
        let files = Files::of(sets, &decisions, keys, self.trees.upper, self.trees.new)?;
        let held = match (&self.old, self.trees.record) {
            (Some(old), _) => order::set(held(&old.status)),
            (None, record) => {
                let text = record.and_then(|record| record.attachment(HELD)).unwrap_or_default();
                order::set(String::from_utf8_lossy(text).lines().map(str::to_owned))
            }
        };
        let recorded = self.old().map(Database::packages);
        let statuses = Statuses {
            old: self.old.as_ref().map(|old| &old.status),
            layer: &self.layer.status,
            new: &self.new.status,
        };
        let plan = Plan::of(&decisions, statuses, recorded, &held);
        let mut problems = problems::of_decisions(&decisions, &self.layer, &self.new);
        let was_there = |name: &str| {
            let packages = recorded.unwrap_or_default();
            let at = packages.partition_point(|package| package.name.as_str() < name);
            packages.get(at).is_some_and(|package| package.name == name)
        };
        problems.extend(set(&decisions, statuses, &self.new.native).problems(was_there));
        self.problems.extend(problems);
        let database = self.compose(&plan, &decisions, &files)?;
        let is_bases = plan.is_bases_own(Statuses {
            old: database.old.as_ref(),
            layer: &database.layer,
            new: &database.new,
        });
        let database = NewDatabase { plan: (!is_bases).then_some(plan), ..database };
        Ok(Change::new(files, decisions, Box::new(database), self.problems))
    }

    fn judge(&self) -> Result<Vec<Decision>> {
        let native = &self.new.native;
        let order = |a: &str, b: &str| Order::Dpkg.compare(a, b);
        let is_essential =
            |number: &usize| self.new.status.stanza(*number).is_some_and(|stanza| stanza.essential);
        let essential = (0..self.new.packages().len()).filter(is_essential);
        let essential = order::set(essential.map(|number| self.new.packages()[number].name.as_str()));
        // What the layer's own directory shows of each package, looked up before anybody asks.
        let (mut described, mut hidden) = (BTreeSet::new(), BTreeSet::new());
        if let Some(admin) = &self.layer.admin {
            let (opaque, lists) = (admin.is_opaque()?, admin.lists()?);
            let layer = self.layer.packages();
            for package in layer.iter().chain(self.new.packages()) {
                let names = info_names(package, native, "list");
                let kinds: Vec<bool> = names.filter_map(|name| lists.get(&name).copied()).collect();
                let has_list = kinds.contains(&true);
                if has_list {
                    described.insert(package.key());
                }
                let at = layer.binary_search_by(|theirs| theirs.key().cmp(&package.key()));
                let is_installed = at.is_ok_and(|at| layer[at].is_installed());
                // A list of a package that is not installed is what is left of one that was removed and not purged.
                if opaque || kinds.contains(&false) || (has_list && !is_installed) {
                    hidden.insert(package.key());
                }
            }
        }
        let rules = Rules {
            order: &order,
            weight: &|package| match weight(Manager::Dpkg, &package.name) {
                Weight::Ordinary if essential.contains(package.name.as_str()) => Weight::Essential,
                weight => weight,
            },
            in_layer: &|package| described.contains(&package.key()),
            hidden: &|package| hidden.contains(&package.key()),
        };
        let old = self.old().map(Database::packages);
        Ok(judge(old, self.layer.packages(), self.new.packages(), &rules))
    }

    /// Takes from the old base what packages need that stay, where it is at hand and nothing is in the way.
    fn adopt(&self, decisions: &mut [Decision]) -> Result<()> {
        let Some(old) = &self.old else { return Ok(()) };
        let statuses = Statuses { old: Some(&old.status), layer: &self.layer.status, new: &self.new.status };
        let dropped: Vec<(usize, usize)> = decisions
            .iter()
            .enumerate()
            .filter(|(_, decision)| decision.verdict == Verdict::Dropped && !decision.changed)
            .filter_map(|(at, decision)| Some((at, decision.old?)))
            .collect();
        let ones: Vec<One<'_>> =
            dropped.iter().map(|(_, number)| One { status: &old.status, number: *number }).collect();
        for number in set(decisions, statuses, &self.new.native).adopted(&ones) {
            let (at, number) = dropped[number];
            if !self.is_in_the_way(old, number)? {
                decisions[at].verdict = Verdict::Adopt;
            }
        }
        Ok(())
    }

    /// True if the new base has a file where this package of the old base has one: another package has taken its place.
    fn is_in_the_way(&self, old: &Listing, number: usize) -> Result<bool> {
        let mut paths = Vec::new();
        old.each_file(number, &mut |path, _| {
            if let Listed::Path(path) = path {
                paths.push(path.to_path_buf());
            }
        })?;
        for path in paths {
            let Some((parent, name)) = split(&path) else { continue };
            let stat = self.trees.new.down(parent)?.map_or(Ok(None), |dir| dir.stat(&name))?;
            if stat.is_some_and(|stat| Kind::of(&stat) != Kind::Directory) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The new database but for its status file, which is planned already.
    fn compose(&mut self, plan: &Plan, decisions: &[Decision], files: &Files) -> Result<NewDatabase> {
        let (layer_dir, dir) = (self.trees.layer_dir.to_path_buf(), self.trees.new_dir.to_path_buf());
        let mut small = BTreeMap::new();
        let mut hidden = BTreeSet::new();
        let upper = self.layer.admin.as_ref().map(|admin| admin.dir.again()).transpose()?;
        let upper = upper.as_ref();

        let three = self.three(upper, c"arch", ARCH)?;
        add(
            &mut small,
            ARCH,
            lines::merge(three.old.as_deref(), &three.layer, &three.new, |line| line),
            &three.new,
        );
        let three = self.three(upper, c"statoverride", STATOVERRIDE)?;
        let merged = lines::merge(three.old.as_deref(), &three.layer, &three.new, lines::override_path);
        let overrides = self.overrides(&merged, &three.new)?;
        add(&mut small, STATOVERRIDE, merged, &three.new);

        let three = self.three(upper, c"diversions", DIVERSIONS)?;
        let old = three.old.as_ref().map(Diversions::parse);
        let (theirs, ours) = (Diversions::parse(&three.layer), Diversions::parse(&three.new));
        let merged = diversions::merge(old.as_ref(), &theirs, &ours, plan);
        let moves = self.moves(&ours, &merged, plan)?;
        if merged != ours {
            small.insert(DIVERSIONS.into(), merged.text());
        }
        self.triggers(upper, plan, &mut small, &mut hidden)?;
        self.alternatives(upper, files, &mut small, &mut hidden)?;
        let copies = self.descriptions(plan, decisions, &mut hidden)?;

        let mut owners = BTreeMap::new();
        for (from, to) in &moves {
            // What the layer has at the one place is what other packages have there now; at the other it is a copy of the
            // old base's file.
            owners.insert(from.clone(), Owner::Overriding);
            owners.insert(to.clone(), Owner::Gone);
        }
        let empty = || Status::of(Vec::new());
        Ok(NewDatabase {
            layer_dir,
            dir,
            old: self.old.take().map(|old| old.status),
            layer: std::mem::replace(&mut self.layer.status, empty()),
            new: std::mem::replace(&mut self.new.status, empty()),
            plan: None,
            files: small,
            copies,
            hidden,
            moves,
            overrides,
            owners,
        })
    }

    /// What the user's lines of statoverride say of files, with numbers for names: root's, or those that the layer's file
    /// has, since the override was in force there.
    fn overrides(&mut self, merged: &[u8], new: &[u8]) -> Result<Vec<(PathBuf, u32, u32, u32)>> {
        let mut overrides = Vec::new();
        for line in lines::added(merged, new) {
            let Some(line) = lines::parse_override(line) else { continue };
            let Some((path, (parent, name))) =
                below_usr(line.path).and_then(|path| Some((path, split(path)?)))
            else {
                continue;
            };
            let stat = self.trees.upper.down(parent)?.map_or(Ok(None), |dir| dir.stat(&name))?;
            let stat = stat.filter(|stat| Kind::of(stat) != Kind::Whiteout);
            let number = |name: &[u8], of_file: Option<u32>| match name {
                b"root" => Some(0),
                [b'#', digits @ ..] => std::str::from_utf8(digits).ok()?.parse().ok(),
                _ => of_file,
            };
            let uid = number(line.user, stat.as_ref().map(|stat| stat.st_uid));
            let gid = number(line.group, stat.as_ref().map(|stat| stat.st_gid));
            if let (Some(uid), Some(gid)) = (uid, gid) {
                overrides.push((path.to_path_buf(), uid, gid, line.mode));
            } else {
                let path = Path::new("/usr").join(path);
                let message = "its override of owner and mode could not be applied: set it again with \
                                   `dpkg-statoverride --force-statoverride-add --update --add`"
                    .to_owned();
                self.problems.push(Problem::of_path(ProblemKind::Limited, &path, message));
            }
        }
        Ok(overrides)
    }

    /// Where the base's files are by the new diversions, if elsewhere than in the base.
    fn moves(&self, ours: &Diversions, merged: &Diversions, plan: &Plan) -> Result<Vec<(PathBuf, PathBuf)>> {
        if ours == merged {
            return Ok(Vec::new());
        }
        let wanted = order::set(ours.iter().chain(merged.iter()).map(|(from, _, _)| from.as_slice()));
        let mut listed: BTreeMap<Vec<u8>, Vec<String>> = BTreeMap::new();
        if let Some(admin) = &self.new.admin {
            for package in self.new.packages().iter().filter(|package| plan.is_bases(&package.name)) {
                admin.each_line(package, &self.new.native, &mut |line| {
                    if wanted.contains(line) {
                        listed.entry(line.to_vec()).or_default().push(package.name.clone());
                    }
                })?;
            }
        }
        let below = |path: &[u8]| below_usr(path).map(Path::to_path_buf);
        let moves = diversions::moves(ours, merged, |path| listed.get(path).cloned().unwrap_or_default());
        Ok(moves.iter().filter_map(|(from, to)| Some((below(from)?, below(to)?))).collect())
    }

    fn triggers(
        &mut self,
        upper: Option<&Dir>,
        plan: &Plan,
        small: &mut BTreeMap<PathBuf, Vec<u8>>,
        hidden: &mut BTreeSet<PathBuf>,
    ) -> Result<()> {
        let sub = |dir: Option<&Dir>| dir.map_or(Ok(None), |dir| dir.sub_if_there(c"triggers"));
        let ours = sub(self.new.admin.as_ref().map(|admin| &admin.dir))?;
        let old = sub(self.old.as_ref().and_then(|old| old.admin.as_ref()).map(|admin| &admin.dir))?;
        let theirs = sub(upper)?;
        let mut names = BTreeSet::new();
        for dir in [&ours, &theirs, &old].into_iter().flatten() {
            names.extend(dir.names()?);
        }
        for name in names {
            // Lock, and what waits to be done on the old base.
            if matches!(name.to_bytes(), b"Lock" | b"Unincorp") || name.to_bytes().ends_with(b".new") {
                continue;
            }
            let mut read = |dir: &Option<Dir>| self.small(dir.as_ref(), &name);
            let (ours, old) = (read(&ours)?, read(&old)?);
            let theirs = read(&theirs)?.or(old).unwrap_or_default();
            let merged = triggers::merge(&theirs, ours.as_deref().unwrap_or_default(), plan);
            put(small, hidden, &Path::new("triggers").join(OsStr::from_bytes(name.to_bytes())), merged, ours);
        }
        Ok(())
    }

    fn alternatives(
        &mut self,
        upper: Option<&Dir>,
        files: &Files,
        small: &mut BTreeMap<PathBuf, Vec<u8>>,
        hidden: &mut BTreeSet<PathBuf>,
    ) -> Result<()> {
        let sub = |dir: Option<&Dir>| dir.map_or(Ok(None), |dir| dir.sub_if_there(c"alternatives"));
        let ours = sub(self.new.admin.as_ref().map(|admin| &admin.dir))?;
        let theirs = sub(upper)?;
        let mut names = BTreeSet::new();
        for dir in [&ours, &theirs].into_iter().flatten() {
            names.extend(dir.names()?);
        }
        for name in names {
            if name.to_bytes().ends_with(b".dpkg-tmp") {
                continue;
            }
            let (ours, theirs) = (self.small(ours.as_ref(), &name)?, self.small(theirs.as_ref(), &name)?);
            let parsed = |text: &Option<Vec<u8>>| text.as_deref().and_then(Group::parse);
            let (our_group, their_group) = (parsed(&ours), parsed(&theirs));
            if their_group.is_none() && files.hides.is_empty() {
                // Not the user's, and nothing of the base is hidden.
                continue;
            }
            let Some(layer) = their_group.or_else(|| our_group.clone()) else { continue };
            let mut failed = None;
            let merged = alternatives::merge(&layer, our_group.as_ref(), |path| {
                self.is_there(path, files).unwrap_or_else(|error| {
                    failed = Some(error);
                    false
                })
            });
            if let Some(error) = failed {
                return Err(error);
            }
            let text = if merged.is_empty() { Vec::new() } else { merged.text() };
            put(
                small,
                hidden,
                &Path::new("alternatives").join(OsStr::from_bytes(name.to_bytes())),
                text,
                ours,
            );
        }
        Ok(())
    }

    /// True if a file is there after the rebase, as far as /usr is concerned.
    fn is_there(&self, path: &[u8], files: &Files) -> Result<bool> {
        let Some((path, (parent, name))) = below_usr(path).and_then(|path| Some((path, split(path)?))) else {
            return Ok(true);
        };
        let in_upper = self.trees.upper.down(parent)?.map_or(Ok(None), |dir| dir.stat(&name))?;
        Ok(match files.owner(path) {
            Owner::Kept | Owner::Overriding => true,
            _ if files.hides.binary_search_by(|hidden| hidden.as_path().cmp(path)).is_ok() => false,
            Owner::Nobody if in_upper.is_some_and(|stat| Kind::of(&stat) != Kind::Whiteout) => true,
            _ => self.trees.new.down(parent)?.map_or(Ok(None), |dir| dir.stat(&name))?.is_some(),
        })
    }

    /// The files of `info` to be copied, and those of the base to be hidden.
    fn descriptions(
        &self,
        plan: &Plan,
        decisions: &[Decision],
        hidden: &mut BTreeSet<PathBuf>,
    ) -> Result<Vec<(Dir, Vec<CString>)>> {
        let statuses = Statuses {
            old: self.old.as_ref().map(|old| &old.status),
            layer: &self.layer.status,
            new: &self.new.status,
        };
        let stems = |package: &Package| -> [Vec<u8>; 2] {
            let arch = if package.arch.is_empty() { &self.new.native } else { &package.arch };
            [format!("{}:{arch}", package.name).into_bytes(), package.name.clone().into_bytes()]
        };
        let mut wanted: BTreeMap<Source, BTreeSet<Vec<u8>>> = BTreeMap::new();
        for piece in plan.pieces.iter().filter(|piece| piece.source != Source::New) {
            wanted
                .entry(piece.source)
                .or_default()
                .extend(statuses.package(piece).into_iter().flat_map(stems));
        }
        let mut copies = Vec::new();
        let mut taken = BTreeSet::new();
        for (source, listing) in [(Source::Layer, Some(&self.layer)), (Source::Old, self.old.as_ref())] {
            let info = listing.and_then(|listing| listing.admin.as_ref()?.info.as_ref());
            let (Some(info), Some(wanted)) = (info, wanted.get(&source)) else { continue };
            let mut names = Vec::new();
            for name in info.names()? {
                let described = stem(name.to_bytes()).is_some_and(|stem| wanted.contains(stem));
                let kind = info.stat(&name)?.map(|stat| Kind::of(&stat));
                if described && matches!(kind, Some(Kind::File | Kind::Symlink)) {
                    check_size(info, &name)?;
                    taken.insert(name.clone());
                    names.push(name);
                }
            }
            copies.push((info.again()?, names));
        }
        // Of the base's, those of packages that are not there in its version.
        let mut gone = order::set(wanted.into_values().flatten());
        for decision in decisions.iter().filter(|decision| decision.verdict == Verdict::Removed) {
            gone.extend(
                decision.new.and_then(|number| self.new.packages().get(number)).into_iter().flat_map(stems),
            );
        }
        let Some(info) = self.new.admin.as_ref().and_then(|admin| admin.info.as_ref()) else {
            return Ok(copies);
        };
        if !gone.is_empty() {
            let theirs = plan.pieces.iter().filter(|piece| piece.source == Source::New);
            let there = order::set(theirs.filter_map(|piece| statuses.package(piece)).flat_map(stems));
            for name in info.names()? {
                let stem = stem(name.to_bytes());
                let is_gone = stem.is_some_and(|stem| gone.contains(stem) && !there.contains(stem));
                if is_gone && !taken.contains(&name) {
                    hidden.insert(Path::new("info").join(OsStr::from_bytes(name.to_bytes())));
                }
            }
        }
        Ok(copies)
    }

    /// Reads a small file that may be missing.
    fn small(&mut self, dir: Option<&Dir>, name: &CStr) -> Result<Option<Vec<u8>>> {
        let Some(dir) = dir else { return Ok(None) };
        let there = dir.stat(name)?.is_some_and(|stat| Kind::of(&stat) != Kind::Whiteout);
        let bytes = if there { read_lines(dir, name)? } else { None };
        self.sum += bytes.as_ref().map_or(0, Vec::len);
        if self.sum > FILES_LIMIT {
            let what = format!("larger than {FILES_LIMIT} bytes with all others of its kind");
            return Err(Error::Damaged { path: dir.path_of(name), what });
        }
        Ok(bytes)
    }
}

/// The new set of packages.
fn set<'a>(decisions: &[Decision], statuses: Statuses<'a>, native: &'a str) -> Set<'a> {
    let mut set = Set { native, kept: Vec::new(), present: Vec::new(), absent: Vec::new() };
    for decision in decisions {
        let one = |status, number: Option<usize>| number.map(|number| One { status, number });
        let (theirs, ours) = (one(statuses.layer, decision.layer), one(statuses.new, decision.new));
        match decision.verdict {
            Verdict::Keep { .. } | Verdict::Override => {
                set.kept.extend(theirs);
                set.absent.extend(ours);
            }
            Verdict::Adopt => set.kept.extend(statuses.old.and_then(|status| one(status, decision.old))),
            Verdict::Removed => set.absent.extend(ours),
            Verdict::HandBack | Verdict::Base | Verdict::Returned => set.present.extend(ours),
            Verdict::Dropped => {}
        }
    }
    set
}

/// The package that a file of `info` describes, with its architecture where the name has it.
fn stem(name: &[u8]) -> Option<&[u8]> {
    let dot = name.iter().rposition(|b| *b == b'.')?;
    let ending = &name[dot + 1..];
    // What dpkg was writing when it was cut off.
    (!ending.ends_with(b"-new") && !ending.ends_with(b"-tmp")).then(|| &name[..dot])
}

/// A small file of the new database, unless the base's is the same.
fn add(small: &mut BTreeMap<PathBuf, Vec<u8>>, name: &str, text: Vec<u8>, base: &[u8]) {
    if text != base {
        small.insert(name.into(), text);
    }
}

/// As [`add`], for a file that is not there if it is empty.
fn put(
    small: &mut BTreeMap<PathBuf, Vec<u8>>,
    hidden: &mut BTreeSet<PathBuf>,
    path: &Path,
    text: Vec<u8>,
    base: Option<Vec<u8>>,
) {
    match base {
        Some(base) if base == text => {}
        Some(_) if text.is_empty() => drop(hidden.insert(path.to_path_buf())),
        None if text.is_empty() => {}
        _ => drop(small.insert(path.to_path_buf(), text)),
    }
}
