//! What an image must have for Veneer to work: facts gathered under a root, each sort in a file of its own, judged apart
//! from gathering. `veneer lint` asks all of it, `veneer doctor` what a running system can still change.

pub(crate) mod configuration;
mod cpio;
pub(crate) mod database;
pub(crate) mod dracut;
pub(crate) mod hook;
pub(crate) mod identity;
pub(crate) mod initramfs;
mod lower;
mod reserved;
pub(crate) mod store;
pub(crate) mod units;

use std::path::PathBuf;

use crate::finding::Finding;
use crate::root::Root;

/// All that can be found of the image below `root`; `initramfs` are those to look into.
pub(crate) fn check(root: &Root, initramfs: &[PathBuf]) -> Vec<Finding> {
    let configuration = configuration::Facts::gather(root);
    let databases = database::Facts::gather(root);
    let store = store::Facts::gather(root, &configuration.intent);
    [
        dracut::Facts::gather(root).judge(),
        initramfs::Facts::gather(root, initramfs, store.is_made()).judge(),
        databases.judge(),
        hook::Facts::gather(root, &databases).judge(),
        configuration.judge(),
        identity::Facts::gather(root).judge(),
        reserved::Facts::gather(root).judge(),
        store.judge(),
        units::Facts::gather(root).judge(),
        lower::Facts::gather(root).judge(),
    ]
    .concat()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::root::tests::Tree;

    pub(crate) fn names(findings: &[Finding]) -> Vec<&'static str> {
        findings.iter().map(|finding| finding.name).collect()
    }

    /// A tree of which there is nothing to say.
    pub(crate) fn whole() -> Tree {
        let tree = Tree::new();
        tree.program("usr/lib/veneer/veneer-assemble").program("usr/bin/veneer");
        tree.link("usr/lib/systemd/system-generators/veneer-generator", "../../veneer/veneer-assemble");
        tree.write("usr/lib/systemd/system/veneer-assemble.service", "")
            .write("usr/lib/systemd/system/veneer-assemble-fstab.service", "")
            .write("usr/lib/udev/rules.d/61-veneer.rules", "");
        tree.write("usr/lib/dracut/modules.d/59veneer/module-setup.sh", "");
        let ask = include_str!("../../../dracut-module/50-veneer.conf");
        tree.write("usr/lib/dracut/dracut.conf.d/50-veneer.conf", ask)
            .write("usr/lib/tmpfiles.d/veneer.conf", "")
            .link("usr/lib/motd.d/50-veneer", "/run/veneer/motd");
        for name in units::names() {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("units").join(name);
            let text = std::fs::read_to_string(path).expect("read a unit");
            tree.write(&format!("usr/lib/systemd/system/{name}"), &text);
        }
        for link in units::links() {
            let name = link.rsplit('/').next().unwrap_or(&link);
            tree.link(&format!("usr/lib/systemd/system/{link}"), &format!("../{name}"));
        }
        tree.write("usr/lib/sysimage/dpkg/status", "").link("var/lib/dpkg", "../../usr/lib/sysimage/dpkg");
        tree.write("usr/lib/veneer/base", "build 1\n");
        tree.write("etc/veneer.conf", "[Veneer]\nstore=PARTLABEL=layers\n");
        let mut initramfs: Vec<(&str, &str)> =
            vec![("etc/veneer.conf", "[Veneer]\nstore=PARTLABEL=layers\n")];
        for name in [
            "veneer/veneer-assemble",
            "systemd/system-generators/veneer-generator",
            "systemd/system/veneer-assemble.service",
            "systemd/system/veneer-assemble-fstab.service",
        ] {
            initramfs.push((name, ""));
        }
        let named: Vec<(String, &str)> = initramfs
            .iter()
            .map(|(name, text)| {
                (if name.starts_with("etc") { (*name).into() } else { format!("usr/lib/{name}") }, *text)
            })
            .collect();
        let files: Vec<(&str, &str)> = named.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        tree.write("boot/initrd.img-1", cpio::tests::archive(&files));
        tree
    }

    #[test]
    fn of_a_good_image_there_is_nothing_to_say() {
        assert_eq!(check(&whole().root(), &[]), []);
    }
}
