//! Base trees: what an image's /usr is, from a list of edits, as a plain directory or as an image file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::edit::{Edits, set_time};
use crate::run::{sh, tool};

/// How a base comes to /usr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A directory of the root file system, as in plain ostree.
    Dir,
    /// An erofs image.
    Erofs,
    /// An ext4 image, mounted read-only.
    Ext4,
    /// A squashfs image.
    Squashfs,
    /// An XFS image, mounted read-only.
    Xfs,
}

/// A built base.
#[derive(Clone, Debug)]
pub struct Base {
    /// How it is mounted.
    pub form: Form,
    /// The directory or the image file.
    pub path: PathBuf,
}

/// One UUID for every image, so that two of them are told apart only by what is in them: reproducible builds
/// and rotated copies look like this, and overlayfs then trusts stale file handles.
pub const UUID: &str = "5ca1ab1e-0000-4000-8000-00000000babe";

/// What every base has: os-release, pid 1, the shell, and the loader that both name. The binaries are this
/// machine's own, so that whoever reads or runs them finds real ones.
pub fn system(version: &str) -> Edits {
    let loader = interpreter(Path::new("/bin/sh"));
    let file = loader.file_name().expect("the loader has a name");
    let target = Path::new("lib/veneer-test-linux-gnu").join(file);
    Edits::new()
        .file("lib/os-release", os_release(&[("VERSION_ID", version)]))
        .file("lib/systemd/systemd", program(&["/usr/lib/systemd/systemd", "/bin/sh"]))
        .mode("lib/systemd/systemd", 0o755)
        .file("bin/dash", program(&["/bin/sh"]))
        .mode("bin/dash", 0o755)
        .symlink("bin/sh", "dash")
        .dir("sbin")
        .symlink("sbin/init", "../lib/systemd/systemd")
        .file(&target, fs::read(&loader).expect("read the loader"))
        .mode(&target, 0o755)
        .dir("lib64")
        // Absolute, as on Debian 12: it means the sysroot's /lib, not the one that the program runs on.
        .symlink(below_usr(&loader), Path::new("/lib/veneer-test-linux-gnu").join(file))
        .dir("share")
}

/// os-release's text: the defaults, with these fields set or added.
pub fn os_release(fields: &[(&str, &str)]) -> String {
    let mut all = vec![("ID", "veneertest"), ("NAME", "\"Veneer test\""), ("VERSION_ID", "1")];
    for (key, value) in fields {
        match all.iter_mut().find(|(k, _)| k == key) {
            Some(field) => field.1 = value,
            None => all.push((key, value)),
        }
    }
    let lines: Vec<String> = all.iter().map(|(key, value)| format!("{key}={value}")).collect();
    lines.join("\n") + "\n"
}

/// Where a path of the root directory is below usr.
pub fn below_usr(path: &Path) -> PathBuf {
    let path = path.strip_prefix("/").unwrap_or(path);
    path.strip_prefix("usr").unwrap_or(path).to_path_buf()
}

/// Where programs look for the loader, below usr.
pub fn loader_link() -> PathBuf {
    below_usr(&interpreter(Path::new("/bin/sh")))
}

/// Where the base has the file that is the loader, below usr.
pub fn loader() -> PathBuf {
    let loader = interpreter(Path::new("/bin/sh"));
    Path::new("lib/veneer-test-linux-gnu").join(loader.file_name().expect("the loader has a name"))
}

fn program(candidates: &[&str]) -> Vec<u8> {
    let found = candidates.iter().find_map(|path| fs::read(path).ok());
    found.unwrap_or_else(|| panic!("none of {candidates:?} can be read"))
}

/// The loader that a dynamic ELF file names: the first text in it that starts as one does.
pub fn interpreter(path: &Path) -> PathBuf {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("read {}: {e}", path.display()));
    let start = bytes.windows(4).position(|w| w == b"/lib").expect("the shell names a loader");
    let text = bytes[start..].split(|b| *b == 0).next().unwrap_or_default();
    PathBuf::from(String::from_utf8_lossy(text).into_owned())
}

impl Base {
    /// Builds a base below `dir`/bases from edits.
    pub fn build(dir: &Path, name: &str, form: Form, edits: &Edits) -> Base {
        Base::build_with(dir, name, form, |usr| edits.apply(usr))
    }

    /// Builds a base from whatever `fill` puts into its /usr.
    pub fn build_with(dir: &Path, name: &str, form: Form, fill: impl FnOnce(&Path)) -> Base {
        let bases = dir.join("bases");
        let tree = bases.join(name);
        fs::create_dir_all(&tree).unwrap_or_else(|e| panic!("make {}: {e}", tree.display()));
        fill(&tree);
        // An image's /usr is older than the machine that boots it.
        set_time(&tree, 1_600_000_000).expect("set the base's time");
        if form == Form::Dir {
            return Base { form, path: tree };
        }
        let image = bases.join(format!("{name}.img"));
        make_image(form, &tree, &image);
        fs::remove_dir_all(&tree).expect("remove the tree that the image was made from");
        Base { form, path: image }
    }

    /// Mounts an image read-only, or moves a directory into place.
    pub fn put(&self, usr: &Path) {
        let kind = match self.form {
            Form::Dir => {
                fs::remove_dir(usr).expect("make room for the base");
                fs::rename(&self.path, usr).expect("move the base into place");
                return;
            }
            Form::Erofs => "erofs",
            Form::Ext4 => "ext4",
            Form::Squashfs => "squashfs",
            Form::Xfs => "xfs",
        };
        let options = match self.form {
            Form::Ext4 => "loop,ro,noload",
            // Two images of one UUID may be mounted at once.
            Form::Xfs => "loop,ro,norecovery,nouuid",
            _ => "loop,ro",
        };
        tool(Command::new("mount").args(["-t", kind, "-o", options]).arg(&self.path).arg(usr));
    }

    /// Undoes [`Base::put`].
    pub fn take(&self, usr: &Path) {
        if self.form == Form::Dir {
            fs::rename(usr, &self.path).expect("move the base back");
            fs::create_dir(usr).expect("leave an empty usr");
        } else {
            tool(Command::new("umount").arg(usr));
        }
    }
}

fn make_image(form: Form, tree: &Path, image: &Path) {
    let mut command = match form {
        Form::Dir => unreachable!("a directory is no image"),
        Form::Erofs => {
            let mut mkfs = Command::new("mkfs.erofs");
            mkfs.args(["-U", UUID]).arg(image).arg(tree);
            mkfs
        }
        Form::Ext4 => {
            let mut mkfs = Command::new("mkfs.ext4");
            mkfs.args(["-q", "-U", UUID, "-E", &format!("hash_seed={UUID}"), "-d"]).arg(tree);
            mkfs.arg(image).arg("64M");
            mkfs
        }
        Form::Squashfs => {
            let mut mkfs = Command::new("mksquashfs");
            mkfs.arg(tree).arg(image).args(["-quiet", "-no-progress", "-noappend"]);
            mkfs
        }
        Form::Xfs => {
            sparse_file(image, 320);
            sh(&format!("mkfs.xfs -q -m uuid={UUID} {}", image.display()));
            let point = image.with_extension("mnt");
            fs::create_dir(&point).expect("make a mount point");
            sh(&format!("mount -t xfs -o loop {} {}", image.display(), point.display()));
            sh(&format!("cp -a {}/. {}", tree.display(), point.display()));
            sh(&format!("umount {}", point.display()));
            return;
        }
    };
    tool(&mut command);
}

/// An empty file of so many MiB that takes no room yet.
pub fn sparse_file(path: &Path, mib: u64) {
    let file = fs::File::create(path).unwrap_or_else(|e| panic!("make {}: {e}", path.display()));
    file.set_len(mib << 20).unwrap_or_else(|e| panic!("size {}: {e}", path.display()));
}
