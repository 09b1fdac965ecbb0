//! A package as all package managers have it: what verdicts are made of, and no more.

use serde::{Deserialize, Serialize};

/// How much of a package is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// All its files (configured or not).
    #[default]
    Installed,
    /// Some of its files: an installation was cut off.
    Partial,
    /// None of its files but what it left in /etc: dpkg's `config-files`.
    Leftover,
}

/// One package of one database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// What tells two packages of one name apart that can be installed side by side: the architecture (dpkg, with the
    /// machine's own for `all`; rpm), for rpm's kernels and other packages of which several are installed at once with
    /// the version after it; empty for pacman.
    pub arch: String,
    /// Its version, in the manager's own spelling, with epoch and release.
    pub version: String,
    /// Tells two builds of one version apart: the start of rpm's header digest; 0 where the manager does not.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub identity: u64,
    /// How much of it is there.
    #[serde(default)]
    pub state: State,
    /// True if somebody asked for it by name, where the database itself says so (pacman); else false.
    #[serde(default)]
    pub wanted: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's form
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Package {
    /// Name and architecture: what a package is found by in another database.
    #[must_use]
    pub fn key(&self) -> (&str, &str) {
        (&self.name, &self.arch)
    }

    /// True if files of it are there.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        self.state != State::Leftover
    }

    /// True if it is the same build of the same version.
    #[must_use]
    pub fn is_same_build(&self, other: &Self) -> bool {
        self.version == other.version && self.identity == other.identity
    }
}
