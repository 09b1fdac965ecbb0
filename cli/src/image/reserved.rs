//! Paths that are Veneer's, and that nothing else may use.

use crate::finding::Finding;
use crate::root::Root;

/// What belongs into /usr/lib/veneer.
const OURS: [&str; 3] = ["base", "dpkg", "veneer-assemble"];

#[derive(Debug, Default)]
pub(crate) struct Facts {
    foreign: Vec<String>,
}

impl Facts {
    pub(crate) fn gather(root: &Root) -> Self {
        let names = root.names("usr/lib/veneer").into_iter().filter(|name| !OURS.contains(&name.as_str()));
        let mut foreign: Vec<String> = names.map(|name| format!("/usr/lib/veneer/{name}")).collect();
        // Of a system that runs, Veneer's own mounts are there.
        if !root.exists("run/veneer/status.json") {
            let names = root.names("run/initramfs/veneer").into_iter();
            foreign.extend(names.map(|name| format!("/run/initramfs/veneer/{name}")));
        }
        for dir in ["etc/systemd/system", "usr/lib/systemd/system"] {
            let names = root.names(dir).into_iter().filter(|name| name.starts_with("run-initramfs-veneer"));
            foreign.extend(names.map(|name| format!("/{dir}/{name}")));
        }
        let fstab = root.text("etc/fstab").unwrap_or_default();
        let points = fstab.lines().filter(|line| !line.trim_start().starts_with('#'));
        let points = points.filter_map(|line| line.split_ascii_whitespace().nth(1));
        let points = points.filter(|point| {
            point.starts_with("/run/initramfs/veneer") || point.starts_with("/usr/lib/veneer")
        });
        foreign.extend(points.map(|point| format!("{point} in /etc/fstab")));
        Facts { foreign }
    }

    pub(crate) fn judge(&self) -> Vec<Finding> {
        let found = self.foreign.iter().map(|path| {
            let message = format!("{path} is at a place that is Veneer's own");
            Finding::error("path-reserved", message, "Put it elsewhere.")
        });
        found.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::{names, whole};

    #[test]
    fn what_is_there_and_not_veneers() {
        let places = [
            ("usr/lib/veneer/plugin", ""),
            ("run/initramfs/veneer/store/x", ""),
            ("etc/systemd/system/run-initramfs-veneer-store.mount", "[Mount]\n"),
            (
                "etc/fstab",
                "#LABEL=a /run/initramfs/veneer/a ext4\nLABEL=a /run/initramfs/veneer/store ext4\n",
            ),
        ];
        for (path, text) in places {
            let tree = whole();
            assert_eq!(names(&Facts::gather(&tree.root()).judge()), [""; 0]);
            tree.write(path, text);
            assert_eq!(names(&Facts::gather(&tree.root()).judge()), ["path-reserved"], "{path}");
        }
        let tree = whole();
        tree.write("run/initramfs/veneer/store/x", "").write("run/veneer/status.json", "{}");
        assert_eq!(names(&Facts::gather(&tree.root()).judge()), [""; 0], "it runs");
    }
}
