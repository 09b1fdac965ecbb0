//! `local/`: the directories of the packages that are there. Read with bounds, whoever wrote them; a directory counts as a
//! package under the name that it has, which pacman goes by.

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt as _;

use super::{Desc, each_digest, each_path, split};
use crate::error::{Error, Result};
use crate::order;
use crate::packages::version::compare_pacman;
use crate::packages::{Aliases, Digest, Keys, Listed, Package, See, State, below_usr};
use crate::tree::{Dir, Kind};

/// All of Arch Linux has about as many.
const PACKAGE_LIMIT: usize = 20_000;
/// One has a kilobyte, the longest some twenty.
const DESC_LIMIT: u64 = 256 * 1024;
/// Three thousand packages have five MiB.
const DESCS_LIMIT: usize = 32 * 1024 * 1024;
/// The longest list of Arch Linux has 50,000 paths, in four MiB.
const LIST_LIMIT: u64 = 16 * 1024 * 1024;
/// The same list with digests, inflated.
const MTREE_LIMIT: usize = 32 * 1024 * 1024;
/// Three thousand packages have about 350,000 paths.
const PATH_LIMIT: usize = 1_000_000;

/// A package's directory.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its name.
    pub(super) directory: CString,
    /// What its `desc` says.
    pub(super) desc: Desc,
    /// False if there is a `desc` and no list of files: what `pacman -D` leaves in an upper directory, and half of an
    /// installation.
    pub(super) whole: bool,
}

impl Entry {
    /// It as verdicts know it. That half of it is there is for the caller to say.
    pub(super) fn package(&self) -> Package {
        let Desc { name, version, explicit, build, .. } = &self.desc;
        Package {
            name: name.clone(),
            arch: String::new(),
            version: version.clone(),
            identity: if build.is_empty() { 0 } else { Keys::from_bytes(BUILDS).hash(build.as_bytes()) },
            state: State::Installed,
            wanted: *explicit,
        }
    }
}

/// Makes a number of when and by whom a package was built. It is kept in records: not to be changed.
const BUILDS: [u8; 16] = *b"pacman's package";

/// A directory `local/` as it is, of a base or of an upper tree.
#[derive(Debug)]
pub(super) struct Local {
    dir: Dir,
    /// Sorted by package name, then version.
    pub(super) entries: Vec<Entry>,
    /// Directories with a package's name that have no `desc` of this package.
    pub(super) bare: Vec<CString>,
    /// Directories with a package's name that are hidden by a whiteout.
    pub(super) hidden: Vec<CString>,
}

impl Local {
    /// Reads all of it but the lists of files.
    pub(super) fn read(dir: Dir) -> Result<Self> {
        let mut names = Vec::new();
        dir.each_name(|name, _| {
            // One more than may be there.
            if names.len() <= PACKAGE_LIMIT && name.to_str().is_ok_and(|name| split(name).is_some()) {
                names.push(name.to_owned());
            }
        })?;
        if names.len() > PACKAGE_LIMIT {
            return Err(damaged(&dir, format!("it has more than {PACKAGE_LIMIT} packages")));
        }
        order::sort(&mut names);
        let mut local = Local { dir, entries: Vec::new(), bare: Vec::new(), hidden: Vec::new() };
        let mut sum = 0;
        for name in names {
            let Some(package) = local.dir.sub_if_there(&name)? else {
                if local.dir.stat(&name)?.is_some_and(|stat| Kind::of(&stat) == Kind::Whiteout) {
                    local.hidden.push(name);
                }
                continue;
            };
            let text = package.read(c"desc", DESC_LIMIT)?;
            sum += text.as_ref().map_or(0, Vec::len);
            if sum > DESCS_LIMIT {
                let what = format!("its packages' desc have more than {DESCS_LIMIT} bytes together");
                return Err(damaged(&local.dir, what));
            }
            match text.and_then(|text| desc_of(&name, &text)) {
                Some(desc) => {
                    let whole = package.stat(c"files")?.is_some_and(|stat| Kind::of(&stat) == Kind::File);
                    local.entries.push(Entry { directory: name, desc, whole });
                }
                None => local.bare.push(name),
            }
        }
        order::sort_by(&mut local.entries, |a, b| {
            let versions = || compare_pacman(&a.desc.version, &b.desc.version);
            a.desc.name.cmp(&b.desc.name).then_with(versions).then_with(|| a.directory.cmp(&b.directory))
        });
        Ok(local)
    }

    /// The directory itself.
    pub(super) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// The text of a package's `desc`.
    pub(super) fn desc_text(&self, directory: &CStr) -> Result<Option<String>> {
        let Some(package) = self.dir.sub_if_there(directory)? else { return Ok(None) };
        let text = package.read(c"desc", DESC_LIMIT)?;
        Ok(text.map(|text| String::from_utf8_lossy(&text).into_owned()))
    }

    /// Shows the paths below /usr that a package lists, with the digests that its `mtree` has of them.
    pub(super) fn each_file(&self, directory: &CStr, aliases: &Aliases, see: &mut See<'_>) -> Result<()> {
        let Some(package) = self.dir.sub_if_there(directory)? else { return Ok(()) };
        let Some(files) = package.read(c"files", LIST_LIMIT)? else { return Ok(()) };
        let keys = Keys::random();
        // What cannot be read has no digests, and its files are judged by their paths alone.
        let mtree = package.read(c"mtree", LIST_LIMIT)?.unwrap_or_default();
        let mut digests: Vec<(u64, Digest)> = Vec::new();
        each_digest(&mtree, MTREE_LIMIT, |path, digest| {
            if digests.len() < PATH_LIMIT {
                digests.push((keys.of(path), digest));
            }
        });
        order::sort_by(&mut digests, |(a, _), (b, _)| a.cmp(b));
        let mut left = PATH_LIMIT;
        let mut absolute = b"/".to_vec();
        each_path(&files, |path, _directory| {
            absolute.truncate(1);
            absolute.extend_from_slice(path.as_os_str().as_bytes());
            let Some(below) = below_usr(&absolute) else { return };
            left = left.saturating_sub(1);
            if left == 0 {
                return;
            }
            let key = keys.of(path);
            let at = digests.binary_search_by_key(&key, |(key, _)| *key).ok();
            see(Listed::Path(&aliases.resolve(below)), at.map(|at| digests[at].1));
        });
        if left == 0 {
            return Err(damaged(&package, format!("it lists more than {PATH_LIMIT} paths")));
        }
        Ok(())
    }
}

fn damaged(dir: &Dir, what: String) -> Error {
    Error::Damaged { path: dir.path().to_path_buf(), what }
}

/// A `desc` that belongs to this directory: pacman refuses any other.
fn desc_of(directory: &CStr, text: &[u8]) -> Option<Desc> {
    let (name, version) = split(directory.to_str().ok()?)?;
    Desc::parse(&String::from_utf8_lossy(text)).filter(|desc| desc.name == name && desc.version == version)
}
