//! Real rpm packages and databases: bases of a real system's files, as rpm packages made by rpmbuild, for rpm 4.20 with
//! dnf and for rpm 6 with dnf5. They take minutes to make and are made once.

mod package;
mod repackage;
mod sets;
mod system;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use package::Rpm;
pub use system::{assert_content, dnf, in_root, install, installed, prepare_root, rpm};

use crate::base::{Base, Form};
use crate::cache::{Cache, script};

/// Where the database is in /usr.
pub const DATABASE: &str = "lib/sysimage/rpm";

/// A package manager's generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flavour {
    /// Its name.
    pub name: &'static str,
    /// The Debian suite that has it.
    suite: &'static str,
    packages: &'static str,
}

/// rpm 4.20 and dnf 4.
pub static RPM4: Flavour =
    Flavour { name: "rpm4", suite: "trixie", packages: "rpm,dnf,systemd,systemd-sysv" };

/// rpm 6 and dnf5.
pub static RPM6: Flavour =
    Flavour { name: "rpm6", suite: "unstable", packages: "rpm,dnf5,systemd,systemd-sysv" };

/// A base with fewer packages would not be a real one.
const PACKAGES: usize = 300;

const TREE: &str = include_str!("../../rpm/tree.sh");
const BASE: &str = include_str!("../../rpm/base.sh");
/// What is packaged, and how.
const SOURCES: [&str; 3] =
    [include_str!("sets.rs"), include_str!("package.rs"), include_str!("repackage.rs")];

impl Flavour {
    /// The directory with bases and packages, made if it is not there.
    fn dir(&self) -> Result<PathBuf, String> {
        let cache = Cache::open(self.name)?;
        let tree = cache.get(&format!("{}-tree", self.name), &[TREE, self.packages], |dir| {
            script(TREE, &[Path::new(self.suite), Path::new(self.packages), dir])
        })?;
        let key = tree.to_string_lossy();
        let inputs = [&[BASE, &key][..], &SOURCES].concat();
        cache.get(&format!("{}-base", self.name), &inputs, |dir| {
            let build = dir.join("build");
            let said = |e: std::io::Error| format!("write spec files: {e}");
            fs::create_dir(&build).map_err(said)?;
            let (base, count) = repackage::spec(&tree).map_err(said)?;
            if count < PACKAGES {
                return Err(format!("the tree of {} has {count} packages only", self.name));
            }
            fs::write(build.join("base.spec"), base).map_err(said)?;
            for (name, packages) in
                [("a", sets::a()), ("b", sets::b()), ("c", sets::c()), ("user", sets::user())]
            {
                package::write_spec(&build, name, &packages).map_err(said)?;
            }
            script(BASE, &[&tree, dir])
        })
    }

    /// As [`Flavour::dir`], for those who have asked [`Flavour::ready`].
    fn made(&self) -> PathBuf {
        self.dir().unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    /// Makes all that is made once; why it cannot be, if it cannot.
    pub fn ready(&self) -> Option<String> {
        static READY: [OnceLock<Option<String>>; 2] = [OnceLock::new(), OnceLock::new()];
        let which = usize::from(self.name == RPM6.name);
        READY[which].get_or_init(|| self.dir().err()).clone()
    }

    /// The image of a base: `a`, `b`, `c`; of [`RPM4`] also `elsewhere`, which is B with its database in another place, and
    /// `ndb`, which is B with its database in another format.
    pub fn base(&self, name: &str) -> Base {
        Base { form: Form::Erofs, path: self.made().join(format!("{name}.erofs")) }
    }

    /// What a bare base lists, as [`installed`] has it.
    pub fn listed(&self, name: &str) -> BTreeMap<String, Vec<String>> {
        let path = self.made().join(format!("{name}.list"));
        let list = fs::read_to_string(&path).unwrap_or_else(|e| panic!("read {}: {e}", path.display()));
        system::versions(&list)
    }

    /// A built package: of `set` (`a`, `b`, `c` or `user`), by name.
    pub fn package(&self, set: &str, name: &str) -> PathBuf {
        let dir = self.made().join("rpms").join(set);
        let is_it = |file: &str| {
            file.strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('-'))
                .is_some_and(|rest| rest.split('-').count() == 2)
        };
        let entries = fs::read_dir(&dir).unwrap_or_else(|e| panic!("list {}: {e}", dir.display()));
        let mut paths = entries.map(|entry| entry.expect("list packages").path());
        let found = paths.find(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_it));
        found.unwrap_or_else(|| panic!("no {name} in {}", dir.display()))
    }
}
