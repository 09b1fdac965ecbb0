//! The packages that the user asked for: what is kept of a layer that is put away softly.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Serialize;
use veneer::packages::Manager;
use veneer::packages::rpm::reasons::Reasons;

use crate::failure::Failure;
use crate::packages::{One, Packages};

/// Where the list is kept, below the root: not in the store, which may go.
const FILE: &str = "var/lib/veneer/wanted.json";

/// The list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Wanted {
    manager: Manager,
    /// As the package manager takes them, sorted.
    pub(crate) names: Vec<String>,
}

impl Wanted {
    /// Of the packages that the layer adds to the base those that were not installed for another's sake, as the system
    /// below `root` remembers it. Where nothing says why a package is there, the user may have wanted it.
    pub(crate) fn of(packages: &Packages, root: &Path) -> Self {
        let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
        let manager = packages.manager;
        let added = packages.added.iter();
        let mut names: Vec<String> = match manager {
            Manager::Dpkg => {
                let states = read("var/lib/apt/extended_states");
                let automatic = apt_automatic(&states);
                added.filter(|one| !automatic.contains(one.name.as_str())).map(dpkg_name).collect()
            }
            Manager::Rpm => {
                let (dnf5, zypp) =
                    (read("usr/lib/sysimage/libdnf5/packages.toml"), read("var/lib/zypp/AutoInstalled"));
                let asked = dnf5_asked(&dnf5);
                let automatic: HashSet<&str> = zypp.lines().map(str::trim).collect();
                let is_wanted = |one: &&One| match &asked {
                    Some(asked) => asked.contains(format!("{}.{}", one.name, one.arch).as_str()),
                    None => !automatic.contains(one.name.as_str()),
                };
                added.filter(is_wanted).map(|one| one.name.clone()).collect()
            }
            Manager::Pacman => added.filter(|one| one.wanted).map(|one| one.name.clone()).collect(),
        };
        names.sort();
        names.dedup();
        Wanted { manager, names }
    }

    /// Keeps the list; returns where.
    pub(crate) fn keep(&self, root: &Path) -> Result<PathBuf, Failure> {
        let path = root.join(FILE);
        let mut text = serde_json::to_string(self)?;
        text.push('\n');
        let new = path.with_extension("json.new");
        let written = std::fs::create_dir_all(path.parent().unwrap_or(root))
            .and_then(|()| std::fs::write(&new, text))
            .and_then(|()| std::fs::File::open(&new)?.sync_all())
            .and_then(|()| std::fs::rename(&new, &path));
        match written {
            Ok(()) => Ok(path),
            Err(error) => Err(Failure::Missing(format!(
                "cannot keep the list of packages in {}: {error}; nothing was changed",
                path.display()
            ))),
        }
    }

    /// The one line that installs them again; `None` if there is nothing to install. `has` tells whether the system has a
    /// program.
    pub(crate) fn command(&self, has: impl Fn(&str) -> bool) -> Option<String> {
        let program = match self.manager {
            Manager::Dpkg => "apt-get install",
            Manager::Rpm if has("dnf5") => "dnf5 install",
            Manager::Rpm if has("zypper") && !has("dnf") => "zypper install",
            Manager::Rpm => "dnf install",
            Manager::Pacman => "pacman -S --needed",
        };
        (!self.names.is_empty()).then(|| format!("{program} {}", self.names.join(" ")))
    }
}

/// A package of another architecture is asked for with it.
fn dpkg_name(one: &One) -> String {
    if one.arch.is_empty() { one.name.clone() } else { format!("{}:{}", one.name, one.arch) }
}

/// What apt installed since something else needed it: stanzas with `Auto-Installed: 1`.
fn apt_automatic(states: &str) -> HashSet<&str> {
    let stanzas = states.split("\n\n");
    let automatic = stanzas.filter(|stanza| stanza.lines().any(|line| line.trim() == "Auto-Installed: 1"));
    automatic
        .filter_map(|stanza| stanza.lines().find_map(|line| line.strip_prefix("Package:")))
        .map(str::trim)
        .collect()
}

/// What dnf5 knows that somebody asked for, as `NAME.ARCH`; `None` if there is nothing of dnf5's.
fn dnf5_asked(packages: &str) -> Option<HashSet<&str>> {
    let reasons = Reasons::parse(packages, "packages").filter(|_| !packages.is_empty())?;
    let asked =
        |text: &str| ["\"User\"", "\"External User\"", "\"Group\""].iter().any(|word| text.contains(word));
    Some(reasons.each().filter(|(_, text)| asked(text)).map(|(key, _)| key).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages(manager: Manager, names: &[(&str, &str, bool)]) -> Packages {
        let one = |(name, arch, wanted): &(&str, &str, bool)| One {
            name: (*name).into(),
            arch: (*arch).into(),
            version: "1".into(),
            wanted: *wanted,
        };
        let added = names.iter().map(one).collect();
        Packages { manager, added, overridden: Vec::new(), removed: Vec::new() }
    }

    #[test]
    fn what_came_for_anothers_sake_is_left_out() {
        let dir = std::env::temp_dir().join(format!("veneer-wanted-{}", std::process::id()));
        let apt =
            "Package: lib\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: tool\nAuto-Installed: 0\n\n";
        let dnf = "version = \"1.0\"\n\n[packages]\n\"lib.x86_64\" = {reason = \"Dependency\"}\n\
                   \"tool.x86_64\" = {reason = \"User\"}\n";
        for (path, text) in [
            ("apt/var/lib/apt/extended_states", apt),
            ("dnf/usr/lib/sysimage/libdnf5/packages.toml", dnf),
            ("zypp/var/lib/zypp/AutoInstalled", "# a comment\nlib\n"),
        ] {
            let path = dir.join(path);
            std::fs::create_dir_all(path.parent().expect("a directory")).expect("make it");
            std::fs::write(path, text).expect("write it");
        }
        let of = |manager, root: &str, arch: &str| {
            let names = [("lib", arch, false), ("tool", arch, true), ("other", "i386", false)];
            Wanted::of(&packages(manager, &names), &dir.join(root))
        };
        assert_eq!(of(Manager::Dpkg, "apt", "").names, ["other:i386", "tool"]);
        assert_eq!(of(Manager::Rpm, "dnf", "x86_64").names, ["tool"]);
        assert_eq!(of(Manager::Rpm, "zypp", "x86_64").names, ["other", "tool"]);
        assert_eq!(of(Manager::Pacman, "none", "").names, ["tool"]);
        assert_eq!(of(Manager::Rpm, "none", "x86_64").names, ["lib", "other", "tool"]);
        std::fs::remove_dir_all(&dir).expect("remove it");
    }

    #[test]
    fn one_line_of_the_manager_that_is_there() {
        let wanted = |manager| Wanted { manager, names: vec!["a".into(), "b".into()] };
        let line =
            |manager, there: &'static [&'static str]| wanted(manager).command(|name| there.contains(&name));
        assert_eq!(line(Manager::Dpkg, &[]).as_deref(), Some("apt-get install a b"));
        assert_eq!(line(Manager::Rpm, &["dnf", "dnf5"]).as_deref(), Some("dnf5 install a b"));
        assert_eq!(line(Manager::Rpm, &["dnf"]).as_deref(), Some("dnf install a b"));
        assert_eq!(line(Manager::Rpm, &["zypper"]).as_deref(), Some("zypper install a b"));
        assert_eq!(line(Manager::Pacman, &[]).as_deref(), Some("pacman -S --needed a b"));
        assert_eq!(Wanted { manager: Manager::Dpkg, names: Vec::new() }.command(|_| true), None);
    }
}
