//! What of a layer is a matter of security: what a base update would have mended, or what nobody looks after. Pure; the
//! facts come from `facts`.

mod facts;

use std::path::PathBuf;

use serde::Serialize;
use veneer::changes::Change;
use veneer::report::display_path;

use crate::packages::Overridden;

pub(crate) use facts::{Counts, Layer, with_owners};

/// The kind of a warning; a stable word for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WarningKind {
    /// The layer's version of a package hides a newer one of the base.
    OutdatedPackage,
    /// A file of no package that gives whoever runs it rights of somebody else.
    UnownedPrivilege,
    /// The layer has something of its own, or nothing, where the base's own belongs.
    ProtectedShadowed,
}

/// One warning, in the form of a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Warning {
    pub(crate) kind: WarningKind,
    pub(crate) package: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) message: String,
}

/// What a file gives to whoever runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Privilege {
    Setuid,
    Setgid,
    Capabilities,
}

/// An entry of the layer that may be worth a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Below /usr.
    pub(crate) path: PathBuf,
    pub(crate) privilege: Option<Privilege>,
    /// What it does at a protected path.
    pub(crate) protected: Option<Change>,
    /// The package that it belongs to.
    pub(crate) owner: Option<String>,
}

/// The warnings, by kind and name.
pub(crate) fn warnings(overridden: &[Overridden], entries: &[Entry]) -> Vec<Warning> {
    let mut all = Vec::new();
    for one in overridden.iter().filter(|one| one.is_older) {
        let message = format!(
            "the layer's {} hides the base's newer {}: upgrade the package, or remove it from the layer",
            one.layer.version, one.base_version
        );
        let package = Some(one.layer.name.clone());
        all.push(Warning { kind: WarningKind::OutdatedPackage, package, path: None, message });
    }
    let privileged = entries.iter().filter(|entry| entry.owner.is_none());
    for (entry, privilege) in privileged.filter_map(|entry| Some((entry, entry.privilege?))) {
        let what = match privilege {
            Privilege::Setuid => "is setuid",
            Privilege::Setgid => "is setgid",
            Privilege::Capabilities => "has file capabilities",
        };
        let message = format!(
            "it {what}, and no package owns it: nobody will mend it; remove it if you do not know it"
        );
        all.push(entry.warning(WarningKind::UnownedPrivilege, message));
    }
    for (entry, change) in entries.iter().filter_map(|entry| Some((entry, entry.protected?))) {
        let what = match change {
            Change::Hidden => "the layer hides the base's own here",
            Change::Added | Change::Shadowed => "the layer's stands before the base's own here",
        };
        let message =
            format!("{what}; updates of the base do not reach it until a rebase uses the base's again");
        all.push(entry.warning(WarningKind::ProtectedShadowed, message));
    }
    all
}

impl Entry {
    fn warning(&self, kind: WarningKind, message: String) -> Warning {
        let path = display_path(&std::path::Path::new("/usr").join(&self.path));
        Warning { kind, package: self.owner.clone(), path: Some(path), message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::One;

    fn entry(path: &str, owner: Option<&str>) -> Entry {
        Entry { path: path.into(), privilege: None, protected: None, owner: owner.map(str::to_owned) }
    }

    fn overridden(name: &str, is_older: bool) -> Overridden {
        let layer = One { name: name.into(), arch: String::new(), version: "2".into(), wanted: false };
        Overridden { layer, base_version: "3".into(), is_older }
    }

    #[test]
    fn only_what_nobody_looks_after() {
        let privilege = |path, owner| Entry { privilege: Some(Privilege::Setuid), ..entry(path, owner) };
        let protected = |path, owner| Entry { protected: Some(Change::Shadowed), ..entry(path, owner) };
        let entries = [
            privilege("bin/mine", None),
            privilege("bin/su", Some("login")),
            protected("lib/libc.so.6", Some("libc6")),
            protected("lib/systemd/systemd", None),
            entry("bin/plain", None),
        ];
        let found = warnings(&[overridden("old", true), overridden("new", false)], &entries);
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.kind, one.path.as_deref().or(one.package.as_deref()).unwrap_or_default()))
            .collect();
        let expected = [
            (WarningKind::OutdatedPackage, "old"),
            (WarningKind::UnownedPrivilege, "/usr/bin/mine"),
            (WarningKind::ProtectedShadowed, "/usr/lib/libc.so.6"),
            (WarningKind::ProtectedShadowed, "/usr/lib/systemd/systemd"),
        ];
        assert_eq!(told, expected);
    }
}
