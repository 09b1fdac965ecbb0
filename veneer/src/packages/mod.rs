//! Package databases: where they are, and what becomes of them when a layer goes to another base.

pub mod dpkg;
mod ownership;
pub mod pacman;

pub use ownership::{Digest, Owner, Shipped};
pub mod version;

/// The package managers that Veneer knows by their database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
pub struct Database {
    /// Whose it is.
    pub manager: Manager,
    /// Its directory, below /usr.
    pub dir: &'static str,
    /// A file or directory, below /usr, whose size or mtime changes with every transaction.
    pub main_file: &'static str,
}

/// The places that distributions use (Debian images as Veneer's own and Endless; Fedora, openSUSE; Arch, SteamOS).
pub const DATABASES: [Database; 6] = [
    Database { manager: Manager::Dpkg, dir: "lib/sysimage/dpkg", main_file: "lib/sysimage/dpkg/status" },
    Database { manager: Manager::Dpkg, dir: "share/dpkg/database", main_file: "share/dpkg/database/status" },
    Database { manager: Manager::Rpm, dir: "lib/sysimage/rpm", main_file: "lib/sysimage/rpm/rpmdb.sqlite" },
    Database { manager: Manager::Rpm, dir: "share/rpm", main_file: "share/rpm/rpmdb.sqlite" },
    Database {
        manager: Manager::Pacman,
        dir: "lib/sysimage/lib/pacman",
        main_file: "lib/sysimage/lib/pacman/local",
    },
    Database { manager: Manager::Pacman, dir: "lib/holo/pacmandb", main_file: "lib/holo/pacmandb/local" },
];
