//! How a machine with this image comes to have a store.

use veneer::intent::{Intent, StoreSource};
use veneer::paths::STORE_TYPE_UUID;

use crate::finding::Finding;
use crate::root::Root;

/// The file systems that hold a store.
const FORMATS: [&str; 3] = ["ext4", "xfs", "btrfs"];

/// A definition of systemd-repart's that is about a store, by its type or its name.
#[derive(Debug)]
struct Definition {
    path: String,
    has_type: bool,
    format: String,
    has_mkfs: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Facts {
    definitions: Vec<Definition>,
    has_repart: bool,
    /// A store is named in the configuration, or by a kernel argument that the image carries.
    is_named: bool,
    /// The volume that the configuration says the store is on, and its line of crypttab(5).
    volume: Option<(String, Option<String>)>,
}

impl Facts {
    pub(crate) fn gather(root: &Root, intent: &Intent) -> Self {
        let mut definitions = Vec::new();
        let dirs = ["etc/repart.d", "run/repart.d", "usr/local/lib/repart.d", "usr/lib/repart.d"];
        for (path, text) in root.texts(&dirs, ".conf") {
            let has_type =
                value(&text, "Type").is_some_and(|value| value.eq_ignore_ascii_case(STORE_TYPE_UUID));
            if has_type || value(&text, "Label") == Some("veneer") {
                let format = value(&text, "Format").unwrap_or_default().to_owned();
                let has_mkfs = root.has_program(&format!("mkfs.{format}"));
                definitions.push(Definition { path, has_type, format, has_mkfs });
            }
        }
        let mut arguments = root.texts(&["usr/lib/bootc/kargs.d"], ".toml");
        for path in ["usr/lib/kernel/cmdline", "etc/kernel/cmdline", "etc/default/grub"] {
            arguments.extend(root.text(path).map(|text| (String::new(), text)));
        }
        let is_named = intent.store != StoreSource::Auto
            || arguments.iter().any(|(_, text)| text.contains("rd.veneer.store="));
        let volume = intent.store.device().and_then(|device| {
            let name = device.strip_prefix("/dev/mapper").ok()?.to_str()?.to_owned();
            let table = root.text("etc/crypttab").unwrap_or_default();
            let line = table.lines().find(|line| line.split_whitespace().next() == Some(&name));
            Some((name, line.map(str::to_owned)))
        });
        Facts { definitions, has_repart: root.has_program("systemd-repart"), is_named, volume }
    }

    /// True if the store is made on the first boot.
    pub(crate) fn is_made(&self) -> bool {
        self.definitions.iter().any(|definition| definition.has_type)
    }

    pub(crate) fn judge(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for Definition { path, has_type, format, has_mkfs } in &self.definitions {
            if !has_type {
                let message =
                    format!("the partition of {path} is named veneer, and has another type than a store");
                found.push(Finding::error(
                    "repart-type",
                    message,
                    format!("Write `Type={STORE_TYPE_UUID}` there."),
                ));
            }
            if !FORMATS.contains(&format.as_str()) {
                let message = match format.as_str() {
                    "" => format!("{path} makes a store without a file system"),
                    _ => format!("{path} makes a store with {format}, which cannot hold one"),
                };
                found.push(Finding::error(
                    "repart-format",
                    message,
                    "Write `Format=ext4` there, or xfs, or btrfs.",
                ));
            } else if !has_mkfs {
                let message = format!("{path} asks for {format}, and there is no mkfs.{format} in the image");
                let next = "Install the file system's tools before the initramfs is made.";
                found.push(Finding::error("repart-mkfs-missing", message, next));
            }
        }
        if !self.definitions.is_empty() && !self.has_repart {
            found.push(Finding::error(
                "repart-missing",
                "a store is to be made on the first boot, and there is no systemd-repart in the image",
                "Install systemd-repart before the initramfs is made.",
            ));
        }
        self.judge_volume(&mut found);
        if self.definitions.is_empty() && !self.is_named {
            found.push(Finding::warning(
                "store-not-made",
                "nothing in the image makes a store or names one: it has to be on the disk already",
                "Copy /usr/share/veneer/repart.d/60-veneer.conf to /usr/lib/repart.d, or write `store=` in veneer.conf, or \
                 make a partition of Veneer's type with the disk.",
            ));
        }
        found
    }

    /// What unlocks the store must neither hold up a boot nor let go of it before the shutdown is over.
    fn judge_volume(&self, found: &mut Vec<Finding>) {
        let Some((name, line)) = &self.volume else { return };
        let Some(line) = line else {
            let message =
                format!("the store is on the volume {name}, which no line of /etc/crypttab unlocks");
            let next = format!(
                "Write `{name} PARTLABEL=veneer - tpm2-device=auto,nofail,x-initrd.attach` there, or have LVM or kernel \
                 arguments bring it."
            );
            found.push(Finding::warning("store-not-unlocked", message, next));
            return;
        };
        let options: Vec<&str> = line.split_whitespace().nth(3).unwrap_or_default().split(',').collect();
        for (option, without) in [
            ("nofail", "the boot waits for its key, if that is not there"),
            ("x-initrd.attach", "systemd closes it at shutdown, below the layer that is still mounted"),
        ] {
            if !options.contains(&option) {
                let message = format!("the store's line of /etc/crypttab lacks {option}: {without}");
                found.push(Finding::warning(
                    "store-crypttab",
                    message,
                    format!("Add {option} to the options of {name}."),
                ));
            }
        }
    }
}

/// The last value of `key`, as systemd's tools read it.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let lines = text.lines().filter_map(|line| line.trim().split_once('='));
    lines.filter(|(name, _)| name.trim_end() == key).map(|(_, value)| value.trim()).next_back()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::names;
    use crate::root::tests::Tree;

    const SHIPPED: &str = include_str!("../../../packaging/repart.d/60-veneer.conf");

    fn found(tree: &Tree) -> Vec<&'static str> {
        let (intent, _) = Intent::gather(tree.root().dir(), &veneer::intent::Cmdline::parse(b""));
        names(&Facts::gather(&tree.root(), &intent).judge())
    }

    #[test]
    fn a_store_is_named_or_made() {
        let tree = Tree::new();
        assert_eq!(found(&tree), ["store-not-made"]);
        tree.write("etc/veneer.conf", "[Veneer]\nstore=dir:/var/lib/veneer\n");
        assert_eq!(found(&tree), [""; 0]);
        tree.remove("etc/veneer.conf");
        tree.write(
            "usr/lib/bootc/kargs.d/50-veneer.toml",
            "kargs = [\"rd.veneer.store=PARTLABEL=layers\"]\n",
        );
        assert_eq!(found(&tree), [""; 0]);
        tree.remove("usr/lib/bootc").program("usr/bin/systemd-repart").program("usr/sbin/mkfs.ext4");
        tree.write("usr/lib/repart.d/60-veneer.conf", SHIPPED);
        assert_eq!(found(&tree), [""; 0]);
    }

    #[test]
    fn a_store_on_a_volume_is_unlocked_and_holds_nothing_up() {
        let tree = Tree::new();
        tree.write("etc/veneer.conf", "[Veneer]\nstore=/dev/mapper/veneer\n");
        assert_eq!(found(&tree), ["store-not-unlocked"]);
        for (options, names) in [
            ("", &["store-crypttab", "store-crypttab"][..]),
            ("x-initrd.attach,tpm2-device=auto", &["store-crypttab"]),
            ("nofail,x-initrd.attach", &[]),
        ] {
            tree.write("etc/crypttab", format!("other UUID=1\nveneer PARTLABEL=veneer - {options}\n"));
            assert_eq!(found(&tree), names, "{options}");
        }
    }

    #[test]
    fn the_definition_is_one_that_works() {
        let tree = Tree::new();
        tree.write("usr/lib/repart.d/60-veneer.conf", SHIPPED);
        assert_eq!(found(&tree), ["repart-mkfs-missing", "repart-missing"]);
        tree.program("usr/bin/systemd-repart").program("usr/sbin/mkfs.ext4");
        let cases = [
            ("Format=ext4", "Format=vfat", "repart-format"),
            ("Format=ext4\n", "", "repart-format"),
            (STORE_TYPE_UUID, "linux-generic", "repart-type"),
        ];
        for (from, to, name) in cases {
            tree.write("usr/lib/repart.d/60-veneer.conf", SHIPPED.replace(from, to));
            assert_eq!(found(&tree), [name], "{from} to {to}");
        }
        // Of somebody else's partition nothing is said.
        tree.write("usr/lib/repart.d/60-veneer.conf", "[Partition]\nType=swap\n");
        assert_eq!(found(&tree), ["store-not-made"]);
    }
}
