//! Whether Veneer is in the initramfs, and with the configuration that the image has.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::cpio;
use crate::finding::Finding;
use crate::root::Root;

/// What a boot needs of Veneer's own.
const NEEDED: [&str; 4] = [
    "usr/lib/veneer/veneer-assemble",
    "usr/lib/systemd/system-generators/veneer-generator",
    "usr/lib/systemd/system/veneer-assemble.service",
    "usr/lib/systemd/system/veneer-assemble-fstab.service",
];

/// Where dracut takes the configuration from.
const CONFIGURATION: [&str; 3] = ["usr/lib", "usr/local/lib", "etc"];

/// Files by their path, with the content; not that of links.
type Configuration = BTreeMap<String, Option<Vec<u8>>>;

#[derive(Debug)]
pub(crate) struct Facts {
    images: Vec<Image>,
    /// Kernels with an initramfs inside, which this does not look into.
    unified: Vec<String>,
    /// The files of the configuration that the image has.
    configuration: Configuration,
    /// Whether systemd-repart is to make the store.
    makes_store: bool,
}

#[derive(Debug)]
struct Image {
    name: String,
    content: Result<Content, String>,
}

#[derive(Debug, Default)]
struct Content {
    missing: Vec<&'static str>,
    configuration: Configuration,
    has_repart: bool,
}

impl Facts {
    /// Looks into those that `named` says, else into all that are where distributions put them.
    pub(crate) fn gather(root: &Root, named: &[PathBuf], makes_store: bool) -> Self {
        let mut paths: Vec<(String, PathBuf)> =
            named.iter().map(|path| (path.display().to_string(), path.clone())).collect();
        if named.is_empty() {
            paths = found(root);
        }
        let images = paths.into_iter().map(|(name, path)| Image { name, content: look(&path) });
        let mut unified = Vec::new();
        for dir in ["boot/efi/EFI/Linux", "efi/EFI/Linux", "boot/EFI/Linux"] {
            let names = root.names(dir).into_iter().filter(|name| has_ending(name, "efi"));
            unified.extend(names.map(|name| format!("/{dir}/{name}")));
        }
        Facts { images: images.collect(), unified, configuration: configuration(root), makes_store }
    }

    /// True if there is one to look into.
    pub(crate) fn is_any(&self) -> bool {
        !self.images.is_empty()
    }

    pub(crate) fn judge(&self) -> Vec<Finding> {
        let again = "Make it again, when everything else is in place: `dracut --force --no-hostonly`.";
        if self.images.is_empty() {
            let message = match self.unified.first() {
                Some(name) => format!("whether Veneer is in the initramfs within {name} was not looked at"),
                None => "no initramfs was found in /boot or /usr/lib/modules: whether Veneer is in it is not known".into(),
            };
            let next = "Name the initramfs that the image boots with: `veneer lint --initrd FILE`.";
            return vec![Finding::warning("initramfs-not-found", message, next)];
        }
        let mut found = Vec::new();
        for Image { name, content } in &self.images {
            let content = match content {
                Err(why) => {
                    let message = format!("{name} could not be looked into: {why}");
                    found.push(Finding::warning(
                        "initramfs-unreadable",
                        message,
                        format!("Look with `lsinitrd {name} | grep veneer`."),
                    ));
                    continue;
                }
                Ok(content) => content,
            };
            if !content.missing.is_empty() {
                let message =
                    format!("{name} is without Veneer: {} is not in it", content.missing.join(", "));
                found.push(Finding::error("initramfs-without-veneer", message, again));
                continue;
            }
            if let Some(path) = difference(&self.configuration, &content.configuration) {
                let message = format!("{name} has another configuration than the image: /{path} differs");
                found.push(Finding::error("initramfs-configuration-old", message, again));
            }
            if self.makes_store && !content.has_repart {
                let message =
                    format!("the store is to be made on the first boot, and systemd-repart is not in {name}");
                found.push(Finding::error("initramfs-without-repart", message, again));
            }
        }
        found
    }
}

/// The first path at which two configurations differ.
fn difference<'a>(one: &'a Configuration, other: &'a Configuration) -> Option<&'a String> {
    let mut paths = one.keys().chain(other.keys());
    paths.find(|path| match (one.get(*path), other.get(*path)) {
        (Some(Some(one)), Some(Some(other))) => one != other,
        (one, other) => one.is_some() != other.is_some(),
    })
}

fn configuration(root: &Root) -> Configuration {
    let mut all = Configuration::new();
    for dir in CONFIGURATION {
        let drop_ins = root.names(format!("{dir}/veneer.conf.d")).into_iter();
        let drop_ins = drop_ins.map(|name| format!("{dir}/veneer.conf.d/{name}"));
        for path in drop_ins.chain([format!("{dir}/veneer.conf")]).filter(|path| is_configuration(path)) {
            let Some(real) = root.real(&path) else { continue };
            let is_link = real != Path::new("/").join(&path);
            let content = if is_link { None } else { root.bytes(&path) };
            all.insert(path, content);
        }
    }
    all
}

/// Those of the tree; what is a link leads to another of them.
fn found(root: &Root) -> Vec<(String, PathBuf)> {
    let is_initramfs = |name: &str| name.starts_with("initrd") || name.starts_with("initramfs");
    let mut paths: Vec<String> = Vec::new();
    for dir in ["boot", "usr/lib/modules"] {
        for name in root.names(dir) {
            if dir == "boot" && is_initramfs(&name) {
                paths.push(format!("boot/{name}"));
            } else if dir != "boot" {
                let names = root.names(format!("{dir}/{name}")).into_iter().filter(|file| is_initramfs(file));
                paths.extend(names.map(|file| format!("{dir}/{name}/{file}")));
            }
        }
    }
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    for path in paths {
        let Some(real) = root.find(&path) else { continue };
        if real.is_file() && !found.iter().any(|(_, known)| *known == real) {
            found.push((format!("/{path}"), real));
        }
    }
    found
}

fn look(path: &Path) -> Result<Content, String> {
    let entries = cpio::list(path, &is_configuration)?;
    let has = |name: &str| entries.iter().any(|entry| entry.name == name);
    let missing = NEEDED.into_iter().filter(|name| !has(name)).collect();
    let has_repart = has("usr/bin/systemd-repart");
    // A later archive's file replaces an earlier one's.
    let configuration = entries.into_iter().filter(|entry| is_configuration(&entry.name));
    let configuration = configuration.map(|entry| (entry.name, entry.content)).collect();
    Ok(Content { missing, configuration, has_repart })
}

fn is_configuration(name: &str) -> bool {
    CONFIGURATION.iter().any(|dir| {
        let rest = name.strip_prefix(dir).and_then(|rest| rest.strip_prefix('/'));
        let drop_in =
            |rest: &str| rest.strip_prefix("veneer.conf.d/").is_some_and(|name| has_ending(name, "conf"));
        rest.is_some_and(|rest| rest == "veneer.conf" || drop_in(rest))
    })
}

fn has_ending(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == ending)
}

#[cfg(test)]
mod tests {
    use super::super::cpio::tests::archive;
    use super::*;
    use crate::image::tests::{names, whole};

    #[test]
    fn what_is_in_it_is_looked_at() {
        let tree = whole();
        let found = |makes_store| names(&Facts::gather(&tree.root(), &[], makes_store).judge());
        assert_eq!(found(false), [""; 0]);
        assert_eq!(found(true), ["initramfs-without-repart"]);

        tree.write("etc/veneer.conf.d/10-x.conf", "[Veneer]\nkeep=2\n");
        assert_eq!(found(false), ["initramfs-configuration-old"]);
        tree.remove("etc/veneer.conf.d").remove("etc/veneer.conf");
        assert_eq!(found(false), ["initramfs-configuration-old"]);

        let mut files: Vec<(&str, &str)> = NEEDED.iter().map(|name| (*name, "")).collect();
        files.push(("usr/bin/systemd-repart", ""));
        tree.write("boot/initrd.img-1", archive(&files));
        assert_eq!(found(true), [""; 0]);
        tree.write("boot/initrd.img-1", archive(&files[1..]));
        assert_eq!(found(true), ["initramfs-without-veneer"]);
        // Each kernel's, and each once.
        tree.write("usr/lib/modules/1/initramfs.img", archive(&files))
            .link("boot/initrd.img", "initrd.img-1");
        assert_eq!(found(true), ["initramfs-without-veneer"]);
        tree.write("usr/lib/modules/1/initramfs.img", "what is this");
        assert_eq!(found(true), ["initramfs-without-veneer", "initramfs-unreadable"]);
        tree.remove("usr/lib/modules").remove("boot");
        assert_eq!(found(true), ["initramfs-not-found"]);
        tree.write("elsewhere", archive(&files));
        let named = [tree.path("elsewhere")];
        assert_eq!(names(&Facts::gather(&tree.root(), &named, true).judge()), [""; 0]);
    }
}
