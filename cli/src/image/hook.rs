//! Whether package managers tell Veneer of their transactions.

use veneer::packages::Manager;

use super::database;
use crate::finding::Finding;
use crate::root::Root;

/// A package manager that is there.
#[derive(Debug)]
struct Tool {
    name: &'static str,
    has_hook: bool,
    /// What brings the hook to its place.
    way: &'static str,
}

#[derive(Debug, Default)]
pub(crate) struct Facts {
    tools: Vec<Tool>,
    /// dnf5 runs the hook only with its plugin for actions.
    dnf5_lacks_plugin: bool,
}

impl Facts {
    /// Of a manager that has no database here nobody's packages depend.
    pub(crate) fn gather(root: &Root, databases: &database::Facts) -> Self {
        let has = |dirs: &[&str], ending: &str| {
            root.texts(dirs, ending).iter().any(|(_, text)| text.contains("veneer"))
        };
        let mut tools = Vec::new();
        if databases.has(Manager::Dpkg) && root.has_program("apt-get") {
            let way = "cp /usr/share/veneer/hooks/90veneer /etc/apt/apt.conf.d/";
            tools.push(Tool {
                name: "apt",
                has_hook: has(&["etc/apt/apt.conf.d", "usr/share/apt/apt.conf.d"], ""),
                way,
            });
        }
        if databases.has(Manager::Rpm) && root.has_program("dnf5") {
            let has_hook = has(&["etc/dnf/libdnf5-plugins/actions.d"], ".actions");
            let way = "cp /usr/share/veneer/hooks/veneer.actions /etc/dnf/libdnf5-plugins/actions.d/";
            tools.push(Tool { name: "dnf5", has_hook, way });
        }
        if databases.has(Manager::Rpm) && (root.has_program("dnf-3") || root.has_program("dnf4")) {
            let has_hook = python(root).iter().any(|dir| root.exists(format!("{dir}/dnf-plugins/veneer.py")));
            let way = "cp /usr/share/veneer/hooks/veneer.py \"$(python3 -c 'import dnf; print(dnf.__path__[0])')/../dnf-plugins/\"";
            tools.push(Tool { name: "dnf4", has_hook, way });
        }
        if databases.has(Manager::Pacman) && root.has_program("pacman") {
            let has_hook = has(&["etc/pacman.d/hooks", "usr/share/libalpm/hooks"], ".hook");
            tools.push(Tool {
                name: "pacman",
                has_hook,
                way: "cp /usr/share/veneer/hooks/veneer.hook /usr/share/libalpm/hooks/",
            });
        }
        let is_dnf5 = tools.iter().any(|tool| tool.name == "dnf5" && tool.has_hook);
        Facts { tools, dnf5_lacks_plugin: is_dnf5 && !has_actions_plugin(root) }
    }

    pub(crate) fn judge(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for Tool { name, way, .. } in self.tools.iter().filter(|tool| !tool.has_hook) {
            let message = format!(
                "{name} has no hook of Veneer's: what a transaction changes is recorded, and sure to be on disk, only at shutdown"
            );
            found.push(Finding::warning("hook-missing", message, format!("In the image build: `{way}`.")));
        }
        if self.dnf5_lacks_plugin {
            found.push(Finding::warning(
                "hook-without-plugin",
                "Veneer's hook for dnf5 is in place, and the plugin that would run it is not there",
                "Install libdnf5-plugin-actions.",
            ));
        }
        found
    }
}

/// Where modules of Python are.
fn python(root: &Root) -> Vec<String> {
    let mut dirs = Vec::new();
    for lib in ["usr/lib", "usr/lib64"] {
        for version in root.names(lib).into_iter().filter(|name| name.starts_with("python3")) {
            dirs.extend(
                ["site-packages", "dist-packages"].map(|packages| format!("{lib}/{version}/{packages}")),
            );
        }
    }
    dirs
}

fn has_actions_plugin(root: &Root) -> bool {
    let nested = root.names("usr/lib").into_iter().map(|name| format!("usr/lib/{name}"));
    let mut dirs = ["usr/lib64".to_owned(), "usr/lib".to_owned()].into_iter().chain(nested);
    dirs.any(|dir| root.exists(format!("{dir}/libdnf5/plugins/actions.so")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::names;
    use crate::root::tests::Tree;

    const DPKG: &str = "var/lib/dpkg/status";
    const RPM: &str = "var/lib/rpm/rpmdb.sqlite";
    const PACMAN: &str = "var/lib/pacman/local/ALPM_DB_VERSION";

    #[test]
    fn each_manager_has_its_own() {
        let cases = [
            ("usr/bin/apt-get", DPKG, "etc/apt/apt.conf.d/90veneer"),
            ("usr/bin/dnf5", RPM, "etc/dnf/libdnf5-plugins/actions.d/veneer.actions"),
            ("usr/bin/dnf-3", RPM, "usr/lib/python3.13/site-packages/dnf-plugins/veneer.py"),
            ("usr/bin/pacman", PACMAN, "usr/share/libalpm/hooks/veneer.hook"),
        ];
        for (program, database, hook) in cases {
            let tree = Tree::new();
            let found = || {
                let root = tree.root();
                names(&Facts::gather(&root, &database::Facts::gather(&root)).judge())
            };
            tree.write("usr/lib64/libdnf5/plugins/actions.so", "").write(database, "");
            assert_eq!(found(), [""; 0], "nobody asks for the hook of what is not there");
            tree.program(program).remove(database);
            assert_eq!(found(), [""; 0], "nor of what has no packages");
            tree.write(database, "");
            assert_eq!(found(), ["hook-missing"], "{program}");
            tree.write(hook, "/usr/bin/veneer --quiet record");
            assert_eq!(found(), [""; 0], "{program}");
            tree.remove("usr/lib64");
            assert_eq!(!found().is_empty(), program == "usr/bin/dnf5");
        }
    }
}
