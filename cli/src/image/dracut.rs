//! What Veneer has for the initramfs, and whether dracut is asked to take it.

use crate::finding::Finding;
use crate::root::Root;

const PARTS: [&str; 5] = [
    "/usr/lib/veneer/veneer-assemble",
    "/usr/lib/systemd/system-generators/veneer-generator",
    "/usr/lib/systemd/system/veneer-assemble.service",
    "/usr/lib/systemd/system/veneer-assemble-fstab.service",
    "/usr/lib/udev/rules.d/61-veneer.rules",
];
const MODULE: &str = "/usr/lib/dracut/modules.d/59veneer/module-setup.sh";

#[derive(Debug, Default)]
pub(crate) struct Facts {
    missing: Vec<&'static str>,
    module: bool,
    asked_for: bool,
}

impl Facts {
    pub(crate) fn gather(root: &Root) -> Self {
        let is_there = |path: &str| {
            // What is of systemd's or udev's is read, the others are run.
            if path.contains('.') { root.exists(path) } else { root.is_program(path) }
        };
        let mut conf = root.texts(&["etc/dracut.conf.d", "usr/lib/dracut/dracut.conf.d"], ".conf");
        conf.extend(root.text("etc/dracut.conf").map(|text| (String::new(), text)));
        Facts {
            missing: PARTS.into_iter().filter(|path| !is_there(path)).collect(),
            module: root.exists(MODULE),
            asked_for: conf.iter().any(|(_, text)| asks(text)),
        }
    }

    pub(crate) fn judge(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        if !self.missing.is_empty() {
            found.push(Finding::error(
                "parts-missing",
                format!("Veneer is not whole: {} is missing, or cannot be run", self.missing.join(", ")),
                "Install Veneer into this tree: `make install DESTDIR=TREE`, or the distribution's package.",
            ));
        }
        if !self.module {
            found.push(Finding::error(
                "dracut-module-missing",
                format!("there is no dracut module: {MODULE} is missing"),
                "Install Veneer's dracut module before the initramfs is made.",
            ));
        } else if !self.asked_for {
            found.push(Finding::warning(
                "dracut-module-not-asked-for",
                "no file in dracut.conf.d adds the module veneer, so that a plain run of dracut leaves it out",
                "Put Veneer's 50-veneer.conf into /usr/lib/dracut/dracut.conf.d, or give dracut `--add veneer`.",
            ));
        }
        found
    }
}

/// True for `add_dracutmodules+=" veneer "` and the like.
fn asks(text: &str) -> bool {
    text.lines().map(str::trim).any(|line| {
        let is_list =
            ["add_dracutmodules", "force_add_dracutmodules"].iter().any(|key| line.starts_with(key));
        is_list && line.split(['"', '\'', ' ', '=']).any(|word| word == "veneer")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::{names, whole};

    #[test]
    fn each_part_is_missed() {
        let tree = whole();
        let found = || names(&Facts::gather(&tree.root()).judge());
        assert_eq!(found(), [""; 0]);
        tree.write("usr/lib/dracut/dracut.conf.d/50-veneer.conf", "#add_dracutmodules+=\" veneer \"\n");
        assert_eq!(found(), ["dracut-module-not-asked-for"]);
        tree.write("etc/dracut.conf", "add_dracutmodules+=\" crypt veneer \"\n");
        assert_eq!(found(), [""; 0]);
        tree.remove("usr/lib/dracut/modules.d/59veneer");
        assert_eq!(found(), ["dracut-module-missing"]);
        tree.remove("usr/lib/veneer/veneer-assemble");
        assert_eq!(found(), ["parts-missing", "dracut-module-missing"]);
        // The generator is a link to it.
        let message = &Facts::gather(&tree.root()).judge()[0].message;
        assert!(message.contains("veneer-assemble, ") && message.contains("veneer-generator"), "{message}");
    }
}
