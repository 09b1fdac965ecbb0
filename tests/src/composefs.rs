//! composefs images, made and mounted by composefs's own programs. Not every Debian that Veneer is built on has them: they
//! come out of a package of `unstable`, with the libraries that they need, and are fetched once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::cache::{Cache, script};
use crate::edit::{Edits, set_time};
use crate::run::{sh, tool};

/// Unpacks the package and what it depends on; nothing is configured.
const FETCH: &str = "exec mmdebstrap --mode=root --variant=extract --architectures=amd64 --quiet --include=composefs \
    --aptopt='Acquire::Check-Valid-Until \"false\"' unstable \"$1\" http://deb.debian.org/debian";

fn programs() -> Result<&'static Path, String> {
    static TREE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let get = || Cache::open("composefs")?.get("composefs", &[FETCH], |dir| script(FETCH, &[dir]));
    TREE.get_or_init(get).as_deref().map_err(String::clone)
}

/// Gets the programs; why that is not possible, if it is not.
pub fn lacking() -> Option<String> {
    programs().err()
}

/// The tree that the programs are in, by the libraries there.
pub fn tree() -> &'static Path {
    programs().unwrap_or_else(|e| panic!("get composefs: {e}"))
}

/// One of the programs, by its path in /usr.
fn program(name: &str) -> Command {
    let usr = tree().join("usr");
    let libraries = usr.join("lib/x86_64-linux-gnu");
    let mut command = Command::new(libraries.join("ld-linux-x86-64.so.2"));
    command.arg("--library-path").arg(libraries).arg(usr.join(name));
    command
}

/// An image of a root directory, and where the data of its files is.
#[derive(Clone, Debug)]
pub struct Image {
    /// The erofs file.
    pub path: PathBuf,
    /// The directory of objects.
    pub objects: PathBuf,
    /// fs-verity's digest of the image.
    pub digest: String,
}

impl Image {
    /// Makes `dir`/NAME.cfs of a root with these edits in its /usr; `dir`/objects is for all images.
    pub fn build(dir: &Path, name: &str, usr: &Edits) -> Image {
        let root = dir.join("roots").join(name);
        for part in ["usr", "etc/extensions", "var", "proc", "sys", "dev", "run", "tmp", "sysroot"] {
            fs::create_dir_all(root.join(part)).expect("make the root");
        }
        for link in ["bin", "lib", "lib64", "sbin"] {
            std::os::unix::fs::symlink(format!("usr/{link}"), root.join(link)).expect("link into usr");
        }
        fs::write(root.join("etc/extensions/tools.raw"), "an extension").expect("have an extension");
        usr.apply(&root.join("usr"));
        set_time(&root.join("usr"), 1_600_000_000).expect("set the base's time");
        Image::build_of(dir, name, &root)
    }

    /// Makes an image of a tree as it is.
    pub fn build_of(dir: &Path, name: &str, root: &Path) -> Image {
        let (path, objects) = (dir.join(format!("{name}.cfs")), dir.join("objects"));
        let mut make = program("bin/mkcomposefs");
        make.arg(format!("--digest-store={}", objects.display())).arg("--print-digest");
        let digest = tool(make.arg(root).arg(&path)).trim().to_owned();
        Image { path, objects, digest }
    }

    /// Mounts it as its own program does.
    pub fn mount(&self, target: &Path, options: &str) {
        let options = format!("basedir={}{options}", self.objects.display());
        tool(program("sbin/mount.composefs").args(["-o", &options]).arg(&self.path).arg(target));
    }

    /// Mounts it as composefs-rs does, which names it by its digest and keeps it among the objects.
    pub fn mount_named(&self, target: &Path, options: &str) {
        let (top, rest) = self.digest.split_at(2);
        let object = self.objects.join(top).join(rest);
        if !object.exists() {
            fs::create_dir_all(self.objects.join(top)).expect("make a directory for objects");
            fs::copy(&self.path, &object).expect("keep the image among the objects");
        }
        let names = target.with_extension("names");
        fs::create_dir_all(&names).expect("make a mount point");
        sh(&format!("mount -t erofs -o loop,ro {} {}", object.display(), names.display()));
        // By descriptors of its own, as bootc is built.
        let script = format!(
            "exec 8<{} 9<{}; exec mount -t overlay composefs:{} \
             -o ro,metacopy=on,redirect_dir=on,lowerdir=/proc/self/fd/8::/proc/self/fd/9{options} {}",
            names.display(),
            self.objects.display(),
            self.digest,
            target.display()
        );
        tool(Command::new("sh").args(["-euc", &script]));
        sh(&format!("umount {}", names.display()));
    }
}
