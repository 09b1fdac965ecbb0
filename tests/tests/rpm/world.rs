//! A machine with a base of real files, rpm, and what a user does to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use veneer_tests::machine::Machine;
use veneer_tests::rpm::{DATABASE, Flavour, assert_content, install, installed, prepare_root};
use veneer_tests::run::Finished;
use veneer_tests::status::Status;
use veneer_tests::store::Store;
use veneer_tests::tree::{Tree, assert_same};

/// Where dnf5 keeps what it remembers.
const DNF: &str = "lib/sysimage/libdnf5";

/// Versions by name and architecture, as [`installed`] gives them.
pub(crate) type Versions = BTreeMap<String, Vec<String>>;

pub(crate) struct World {
    pub(crate) machine: Machine,
    pub(crate) flavour: &'static Flavour,
}

impl World {
    /// Base A, with a layer that was just bound.
    #[track_caller]
    pub(crate) fn on_a(dir: &Path, flavour: &'static Flavour) -> World {
        let mut machine = Machine::new(dir, Store::Dir);
        prepare_root(&machine.sysroot);
        machine.install(&flavour.base("a"));
        machine.boot_layer("bound");
        World { machine, flavour }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.machine.sysroot
    }

    /// Installs packages of `set`, or upgrades to them.
    #[track_caller]
    pub(crate) fn install(&self, set: &str, names: &[&str]) {
        install(self.root(), &self.packages(set, names));
    }

    pub(crate) fn packages(&self, set: &str, names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(|name| self.flavour.package(set, name)).collect()
    }

    /// What the service and the hooks do while the system runs.
    #[track_caller]
    pub(crate) fn record(&self) {
        self.machine.record();
    }

    /// Boots another base, as after an update of the image.
    #[track_caller]
    pub(crate) fn update(&mut self, base: &str) -> Status {
        self.machine.install(&self.flavour.base(base));
        self.machine.boot_layer("rebased").status
    }

    /// `veneer COMMAND --base` with base `name` at hand.
    #[track_caller]
    pub(crate) fn with_base(&self, command: &str, name: &str) -> Finished {
        let usr = self.machine.dir.join(format!("next-{name}/usr"));
        fs::create_dir_all(&usr).expect("make a mount point");
        let base = self.flavour.base(name);
        base.put(&usr);
        let done = self.machine.veneer(&[command, "--base", usr.to_str().expect("UTF-8")]);
        base.take(&usr);
        done
    }

    /// The layer's upper directory.
    pub(crate) fn upper(&self, status: &Status) -> Tree {
        Tree::read(&self.machine.layer(&status.layer().id).join("upper"))
    }

    /// What the bare base `name` lists, with what `change` does to it.
    pub(crate) fn listed(&self, name: &str, change: impl FnOnce(&mut Versions)) -> Versions {
        let mut versions = self.flavour.listed(name);
        change(&mut versions);
        versions
    }

    /// What holds after each rebase: rpm is content, lists exactly `versions`, and apart from databases /usr is the bare
    /// base without `hidden` and with `mine`.
    #[track_caller]
    pub(crate) fn check(&self, versions: &Versions, hidden: &[&str], mine: &Tree) {
        let found = installed(self.root());
        let differences: Vec<_> = versions
            .iter()
            .filter(|(name, version)| found.get(*name) != Some(version))
            .map(|(name, version)| format!("{name}: {version:?} became {:?}", found.get(name)))
            .chain(
                found
                    .keys()
                    .filter(|name| !versions.contains_key(*name))
                    .map(|name| format!("{name} is new")),
            )
            .collect();
        assert!(differences.is_empty(), "packages: {differences:#?}");
        assert_content(self.root());
        let files = |tree: &Tree| {
            tree.without(|path| {
                path.starts_with(DATABASE) || path.starts_with("share/rpm") || path.starts_with(DNF)
            })
        };
        let is_hidden = |path: &Path| hidden.iter().any(|hidden| path.starts_with(hidden));
        let expected = files(self.machine.bare()).without(is_hidden).and(files(mine));
        assert_same("files outside of the databases", &expected, &files(&self.machine.visible()));
    }
}

/// The parts of a tree whose paths have one of these words in them.
pub(crate) fn part(tree: &Tree, words: &[&str]) -> Tree {
    tree.without(|path| !words.iter().any(|word| path.to_string_lossy().contains(word)))
}

/// One version of one package.
pub(crate) fn one(version: &str) -> Vec<String> {
    vec![version.to_owned()]
}

/// The problems of a package.
pub(crate) fn of_package<'a>(status: &'a Status, name: &str) -> Vec<&'a str> {
    let problems = status.problems.iter().filter(|problem| problem.package.as_deref() == Some(name));
    problems.map(|problem| problem.message.as_str()).collect()
}
