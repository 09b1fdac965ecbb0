//! Whether what packages need is there, by each package manager's own rules: pure, and all problems at once.
//!
//! The manager's notation is read by [`dpkg`], [`rpm`] or [`pacman`]. A [`Check`] is told what some packages need, then
//! shown everything that is there, one package after the other; it holds the needs only, so its memory does not grow
//! with the base.

use std::cmp::Ordering;

mod check;
pub mod dpkg;
mod matching;
pub mod pacman;
mod report;
mod rich;
pub mod rpm;
#[cfg(test)]
mod tests;
mod wants;

pub use check::Check;
pub use report::{Report, Unmet, What};
pub use wants::Wants;

/// Which versions: those that are older than, equal to, or newer than the one that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op {
    less: bool,
    equal: bool,
    greater: bool,
}

impl Op {
    /// Strictly older.
    pub const LESS: Op = Op { less: true, equal: false, greater: false };
    /// Not newer.
    pub const UP_TO: Op = Op { less: true, equal: true, greater: false };
    /// The same.
    pub const EQUAL: Op = Op { less: false, equal: true, greater: false };
    /// Not older.
    pub const FROM: Op = Op { less: false, equal: true, greater: true };
    /// Strictly newer.
    pub const GREATER: Op = Op { less: false, equal: false, greater: true };

    /// Whether a version that compares so with the one that is named is among them.
    #[must_use]
    pub fn allows(self, ordering: Ordering) -> bool {
        match ordering {
            Ordering::Less => self.less,
            Ordering::Equal => self.equal,
            Ordering::Greater => self.greater,
        }
    }

    /// As rpm and pacman write it; `==` is rpm's as well.
    fn from_sign(sign: &str) -> Option<Op> {
        Some(match sign {
            "<" => Op::LESS,
            "<=" => Op::UP_TO,
            "=" | "==" => Op::EQUAL,
            ">=" => Op::FROM,
            ">" => Op::GREATER,
            _ => return None,
        })
    }

    /// As rpm and pacman write it.
    fn sign(self) -> &'static str {
        match (self.less, self.equal, self.greater) {
            (true, false, false) => "<",
            (true, true, false) => "<=",
            (false, true, true) => ">=",
            (false, false, true) => ">",
            (false, true, false) => "=",
            (true, _, true) | (false, false, false) => "?",
        }
    }
}

/// Of which architecture, where a name does not say it: dpkg's only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Qualifier {
    /// Nothing is said: that of the package that speaks. What is forbidden is so for all.
    #[default]
    Own,
    /// `:any`
    Any,
    /// `:amd64`
    Arch(String),
}

/// A name, and which versions of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capability {
    /// Of a package, of something virtual, or for rpm the path of a file.
    pub name: String,
    /// `None` for any.
    pub version: Option<(Op, String)>,
    /// dpkg's architecture.
    pub arch: Qualifier,
}

/// What it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Without it the package does not work: Depends, Pre-Depends, Requires.
    Needs,
    /// It works less well: Recommends.
    Wishes,
    /// The package does not work beside it: Conflicts, Breaks.
    Forbids,
}

/// One requirement of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// As the package manager writes it, for people.
    pub text: String,
    /// What it asks for.
    pub wants: Wants,
    /// What it is for.
    pub kind: Kind,
}

/// `Multi-Arch:` of dpkg, where it matters here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MultiArch {
    /// `no`, `same`, or not said.
    #[default]
    No,
    /// Serves packages of every architecture.
    Foreign,
    /// Serves those that ask for `:any`.
    Allowed,
}

impl MultiArch {
    /// By the field's value.
    #[must_use]
    pub fn parse(value: &str) -> Self {
        match value.trim() {
            "foreign" => MultiArch::Foreign,
            "allowed" => MultiArch::Allowed,
            _ => MultiArch::No,
        }
    }
}

/// A package that is there. It provides its own name and version without saying so.
#[derive(Debug, Clone, Copy, Default)]
pub struct Member<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its whole version.
    pub version: &'a str,
    /// dpkg's architecture; empty for `all`. Empty for the other managers.
    pub arch: &'a str,
    /// Whether packages of other architectures may use it.
    pub multi_arch: MultiArch,
}

/// What a package says that it provides.
#[derive(Debug, Clone, Copy)]
pub struct Provided<'a> {
    /// The name.
    pub name: &'a str,
    /// Which version, or for rpm which versions.
    pub version: Option<(Op, &'a str)>,
    /// dpkg's architecture, if it is not the package's; `any` is a word here.
    pub arch: Option<&'a str>,
}
