//! Package databases: where they are, and what becomes of them when a layer goes to another base.

mod change;
mod critical;
mod database;
pub mod dependency;
pub mod dpkg;
mod extract;
mod files;
mod index;
mod installed;
#[cfg(test)]
mod memory;
mod ownership;
mod package;
pub mod pacman;
mod paths;
pub mod program;
pub mod rpm;
mod sieve;
pub(crate) mod soname;
mod told;
mod trees;
mod verdict;
pub mod version;

pub use change::Change;
pub use critical::{is_critical, weight};
pub use database::{Composed, Database, Listed, See};
pub use extract::{Content, Extract};
pub use files::{Files, Sets};
pub use installed::installed;
pub use ownership::{Digest, Owner, Shipped};
pub use package::{Package, State};
pub use paths::{Aliases, Keys, below_usr, is_plain, parts};
pub use trees::{Trees, find, read_change, record, record_packages};
pub use verdict::{Case, Decision, Old, Rules, Verdict, Weight, judge};

use serde::{Deserialize, Serialize};

/// The package managers that Veneer knows by their database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    /// dpkg and apt.
    Dpkg,
    /// rpm, with dnf or zypper on top.
    Rpm,
    /// pacman.
    Pacman,
}

/// Where a package database is in images that have it inside /usr.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Whose it is.
    pub manager: Manager,
    /// Its directory, below /usr.
    pub dir: &'static str,
    /// A file or directory, below /usr, whose size or mtime changes with every transaction.
    pub main_file: &'static str,
}

/// The places that distributions use (Debian images as Veneer's own and Endless; Fedora, openSUSE; Arch, SteamOS).
pub const DATABASES: [Place; 6] = [
    Place { manager: Manager::Dpkg, dir: "lib/sysimage/dpkg", main_file: "lib/sysimage/dpkg/status" },
    Place { manager: Manager::Dpkg, dir: "share/dpkg/database", main_file: "share/dpkg/database/status" },
    Place { manager: Manager::Rpm, dir: "lib/sysimage/rpm", main_file: "lib/sysimage/rpm/rpmdb.sqlite" },
    Place { manager: Manager::Rpm, dir: "share/rpm", main_file: "share/rpm/rpmdb.sqlite" },
    Place {
        manager: Manager::Pacman,
        dir: "lib/sysimage/lib/pacman",
        main_file: "lib/sysimage/lib/pacman/local",
    },
    Place { manager: Manager::Pacman, dir: "lib/holo/pacmandb", main_file: "lib/holo/pacmandb/local" },
];
