//! Where the package databases are: inside /usr, and where Veneer looks for them, or a rebase knows nothing of packages.
//! Asked of each manager's own configuration.

use std::path::{Path, PathBuf};

use veneer::packages::pacman::database_path;
use veneer::packages::{DATABASES, Manager};

use crate::finding::Finding;
use crate::root::Root;

#[derive(Debug, Default)]
pub(crate) struct Facts {
    found: Vec<Found>,
}

/// A database that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    manager: Manager,
    /// Where its manager looks for it.
    named: PathBuf,
    /// Where that is, with links followed.
    real: PathBuf,
}

impl Facts {
    pub(crate) fn gather(root: &Root) -> Self {
        let mut found = Vec::new();
        for (manager, named, main) in [
            (Manager::Dpkg, dpkg(root), &["status"][..]),
            (Manager::Rpm, rpm(root), &["rpmdb.sqlite", "Packages.db", "Packages"][..]),
            (Manager::Pacman, pacman(root), &["local/ALPM_DB_VERSION"][..]),
        ] {
            if let Some(real) =
                root.real(&named).filter(|_| main.iter().any(|file| root.exists(named.join(file))))
            {
                found.push(Found { manager, named, real });
            }
        }
        Facts { found }
    }

    /// True if this manager has a database here.
    pub(crate) fn has(&self, manager: Manager) -> bool {
        self.found.iter().any(|found| found.manager == manager)
    }

    pub(crate) fn judge(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for Found { manager, named, real } in &self.found {
            let (name, real) = (name(*manager), real.display());
            let Ok(below) = Path::new(&real.to_string()).strip_prefix("/usr").map(Path::to_path_buf) else {
                let message = format!("the database of {name} is {real}, outside /usr, which it describes");
                found.push(Finding::error("database-outside-usr", message, way(*manager, named)));
                continue;
            };
            let mut places = DATABASES.iter().filter(|place| place.manager == *manager);
            // pacman's is asked of its configuration at a rebase, too.
            if *manager != Manager::Pacman && !places.any(|place| Path::new(place.dir) == below) {
                let message = format!("the database of {name} is {real}, where Veneer does not look for it");
                found.push(Finding::error("database-unknown-place", message, way(*manager, named)));
            }
        }
        if let [first, second, ..] = &self.found[..] {
            let message = format!(
                "there are databases of both {} and {}: a rebase looks after the packages of one of them only",
                name(first.manager),
                name(second.manager)
            );
            found.push(Finding::warning("database-twice", message, "Leave out the one that nobody uses."));
        }
        if self.found.is_empty() {
            found.push(Finding::note(
                "database-none",
                "there is no package database: what a rebase carries over are files",
                "If there is to be one, it belongs below /usr.",
            ));
        }
        found
    }
}

fn name(manager: Manager) -> &'static str {
    match manager {
        Manager::Dpkg => "dpkg",
        Manager::Rpm => "rpm",
        Manager::Pacman => "pacman",
    }
}

/// How a database comes to where it belongs.
fn way(manager: Manager, named: &Path) -> String {
    let named = named.display();
    match manager {
        Manager::Dpkg => format!(
            "In the image build: `mkdir -p /usr/lib/sysimage && mv {named} /usr/lib/sysimage/dpkg && \
             ln -s ../../usr/lib/sysimage/dpkg /var/lib/dpkg`."
        ),
        Manager::Rpm => format!(
            "In the image build: `mv {named} /usr/lib/sysimage/rpm`, and `%_dbpath /usr/lib/sysimage/rpm` in a file in \
             /usr/lib/rpm/macros.d."
        ),
        Manager::Pacman => format!(
            "In the image build: `mv {named} /usr/lib/sysimage/lib/pacman`, and \
             `DBPath = /usr/lib/sysimage/lib/pacman/` in /etc/pacman.conf."
        ),
    }
}

/// dpkg.cfg(5) may name another directory than dpkg's own.
fn dpkg(root: &Root) -> PathBuf {
    let mut texts = root.texts(&["etc/dpkg/dpkg.cfg.d"], "");
    texts.extend(root.text("etc/dpkg/dpkg.cfg").map(|text| (String::new(), text)));
    let lines = texts.iter().flat_map(|(_, text)| text.lines());
    let mut named =
        lines.filter_map(|line| line.trim().strip_prefix("admindir")?.trim_start().strip_prefix('='));
    named.next_back().map_or_else(|| "/var/lib/dpkg".into(), |path| path.trim().into())
}

/// The last `%_dbpath` in rpm's macro files counts, in the order in which rpm reads them (rpm --showrc).
fn rpm(root: &Root) -> PathBuf {
    let mut texts: Vec<_> = root.text("usr/lib/rpm/macros").into_iter().collect();
    for dir in ["usr/lib/rpm/macros.d", "etc/rpm"] {
        let all = root.names(dir).into_iter().filter(|name| name.starts_with("macros"));
        texts.extend(all.filter_map(|name| root.text(format!("{dir}/{name}"))));
    }
    let lines = texts.iter().flat_map(|text| text.lines());
    let mut named = lines
        .filter_map(|line| line.trim().strip_prefix("%_dbpath"))
        .filter(|rest| rest.starts_with([' ', '\t']));
    let expand = |value: &str| {
        let value = value.trim().replace("%{_var}", "/var").replace("%{_localstatedir}", "/var");
        value.replace("%{_usr}", "/usr").replace("%{_prefix}", "/usr")
    };
    // Debian's leaves it at that where nobody says anything else.
    named
        .next_back()
        .map(expand)
        .filter(|path| path.starts_with('/'))
        .map_or_else(|| "/var/lib/rpm".into(), Into::into)
}

fn pacman(root: &Root) -> PathBuf {
    let text = root.text("etc/pacman.conf").unwrap_or_default();
    database_path(&text).map_or_else(|| "/var/lib/pacman".into(), Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::names;
    use crate::root::tests::Tree;

    fn found(tree: &Tree) -> Vec<&'static str> {
        names(&Facts::gather(&tree.root()).judge())
    }

    #[test]
    fn of_dpkg() {
        let tree = Tree::new();
        assert_eq!(found(&tree), ["database-none"]);
        tree.write("var/lib/dpkg/status", "");
        assert_eq!(found(&tree), ["database-outside-usr"]);
        tree.remove("var/lib/dpkg").write("usr/lib/sysimage/dpkg/status", "");
        tree.link("var/lib/dpkg", "../../usr/lib/sysimage/dpkg");
        assert_eq!(found(&tree), [""; 0]);
        tree.write("usr/lib/elsewhere/status", "")
            .write("etc/dpkg/dpkg.cfg", "#admindir=/no\nadmindir=/usr/lib/elsewhere\n");
        assert_eq!(found(&tree), ["database-unknown-place"]);
    }

    #[test]
    fn of_rpm() {
        let tree = Tree::new();
        tree.write("usr/lib/rpm/macros", "%_dbpath\t\t%{_var}/lib/rpm\n%_dbpath_rebuild %{_dbpath}\n");
        tree.write("var/lib/rpm/rpmdb.sqlite", "");
        assert_eq!(found(&tree), ["database-outside-usr"]);
        tree.write("usr/lib/rpm/macros.d/macros.image", "%_dbpath %{_usr}/lib/sysimage/rpm\n");
        tree.write("usr/lib/sysimage/rpm/rpmdb.sqlite", "");
        assert_eq!(found(&tree), [""; 0]);
        tree.write("etc/rpm/macros", "%_dbpath /usr/lib/other\n").write("usr/lib/other/Packages", "");
        assert_eq!(found(&tree), ["database-unknown-place"]);
        tree.remove("etc/rpm").write("var/lib/dpkg/status", "");
        assert_eq!(found(&tree), ["database-outside-usr", "database-twice"]);
    }

    #[test]
    fn of_pacman() {
        let tree = Tree::new();
        tree.write("var/lib/pacman/local/ALPM_DB_VERSION", "9\n");
        assert_eq!(found(&tree), ["database-outside-usr"]);
        tree.write("etc/pacman.conf", "[options]\nDBPath = /usr/lib/pacman/\n");
        tree.write("usr/lib/pacman/local/ALPM_DB_VERSION", "9\n");
        assert_eq!(found(&tree), [""; 0]);
    }
}
