//! Where the parts of a composefs base are: an overlay of one erofs image, which has the names, and of directories, which
//! have the data. The mount's own options and what is known of whoever mounted it say where to look; whether what is found
//! there is what is mounted, [`Parts`] finds out.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};

use super::identity;
use crate::error::{At as _, Error, Result};
use crate::intent::Cmdline;
use crate::mount::{MountRow, Parts, measure};
use crate::observe::{Machine, Places};

/// The image in an ostree deployment (ostree, src/libostree/ostree-core-private.h).
const OSTREE_IMAGE: &str = ".ostree.cfs";

/// The repository's objects (bootc, crates/initramfs; composefs-rs, repository.rs).
const BOOTC_DATA: &str = "/sysroot/composefs/objects";

/// What a mount says of its parts.
#[derive(Debug, PartialEq, Eq)]
struct Told<'a> {
    /// The directories with the data, by the paths of the moment of the mount.
    data: Vec<&'a str>,
    /// The value of `verity=`, if files are held against the image's digests.
    verity: Option<&'a str>,
}

impl<'a> Told<'a> {
    /// `None` unless the mount is an overlay of one directory with names, and of others with data only.
    fn read(mount: &'a MountRow) -> Option<Self> {
        let (mut names, mut data, mut verity) = (0, Vec::new(), None);
        for (key, value) in mount.options.split(',').filter_map(|word| word.split_once('=')) {
            match key {
                "lowerdir+" => names += 1,
                "datadir+" => data.push(value),
                // Told in one string, as mount(2) takes it: `names::data::more`.
                "lowerdir" => {
                    let mut all = value.split(':');
                    while let Some(path) = all.next() {
                        match path {
                            "" => data.push(all.next()?),
                            _ => names += 1,
                        }
                    }
                }
                "verity" if value != "off" => verity = Some(value),
                "upperdir" => return None,
                _ => {}
            }
        }
        // The kernel escapes odd paths, and they are nobody's.
        let is_plain = |path: &&str| path.starts_with('/') && !path.contains('\\');
        let is_composefs = mount.kind == "overlay" && names == 1 && !data.is_empty();
        (is_composefs && data.iter().all(is_plain)).then_some(Told { data, verity })
    }
}

/// The parts of the base, if they are found and proven; the error says why the layer has to be put upon the base's own
/// overlay.
pub(crate) fn take_apart(places: &Places, machine: &Machine) -> Result<Parts> {
    let mount = machine.site.mount.as_ref();
    let told = mount.and_then(Told::read).ok_or_else(|| apart("it is not made of an image and its data"))?;
    let digest = mount.and_then(identity::composefs);
    let data = told.data.iter().map(|path| open_data(places, Path::new(path))).collect::<Result<Vec<_>>>()?;
    let image = open_image(places, digest.as_deref(), &data)?;
    if told.verity.is_some() && (digest.is_none() || digest != measure(&image)) {
        // Whoever mounted it may have checked the image's digest or its signature. What cannot be checked again could be
        // another image by now.
        return Err(apart("its files are verified, and its image cannot be"));
    }
    Parts::new(&image, data, told.verity, &machine.usr)
}

fn apart(what: &str) -> Error {
    Error::Apart { what: what.into() }
}

/// Opens a directory with data. What was /sysroot when the base was mounted is by now the directory `sysroot` in it:
/// ostree-prepare-root(1) and bootc move it there.
fn open_data(places: &Places, path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    // bootc, as it is built for kernels before 6.15, names its own descriptors. It has but one place for the data.
    let path = if path.starts_with("/proc") { Path::new(BOOTC_DATA) } else { path };
    if let Ok(below) = path.strip_prefix("/sysroot") {
        if let Ok(fd) = open(CWD, &places.sysroot.join("sysroot").join(below), flags) {
            return Ok(fd);
        }
    }
    open(CWD, &places.root.join(path.strip_prefix("/").unwrap_or(path)), flags).opening(path)
}

/// Opens the image: the object of the digest that the mount names (composefs-rs keeps images among the objects), the one
/// in the deployment (ostree), or the one that whoever mounted it has put a link to beside the store.
fn open_image(places: &Places, digest: Option<&str>, data: &[OwnedFd]) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    if let Some((top, rest)) = digest.and_then(|digest| digest.split_at_checked(2)) {
        let name = Path::new(top).join(rest);
        if let Some(fd) = data.iter().find_map(|dir| open(dir.as_fd(), &name, flags).ok()) {
            return Ok(fd);
        }
    }
    let (words, _) = Cmdline::read(&places.cmdline);
    if let Some(deployment) = identity::deployment(&places.sysroot, &words)? {
        if let Ok(fd) = open(deployment.as_fd(), Path::new(OSTREE_IMAGE), flags) {
            return Ok(fd);
        }
    }
    let path = places.image();
    open(CWD, &path, flags).opening(&path)
}

#[inline(never)]
fn open(dir: BorrowedFd<'_>, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(dir, path, flags | OFlags::CLOEXEC, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_tell_the_parts() {
        let row = |kind: &str, options: &str| MountRow {
            id: 1,
            dev: 1,
            target: "/sysroot".into(),
            kind: kind.into(),
            source: "composefs".into(),
            options: options.into(),
        };
        let told = |options: &str| {
            let row = row("overlay", options);
            Told::read(&row).map(|told| (told.data.join(" "), told.verity.map(str::to_owned)))
        };
        let one = |data: &str, verity: Option<&str>| Some((data.to_owned(), verity.map(str::to_owned)));
        // As libcomposefs 1.0.8 mounts it, on kernels with and without `lowerdir+`.
        let new = "ro,lowerdir+=/tmp/.composefs.iv9qfg,datadir+=/sysroot/ostree/repo/objects,redirect_dir=on,metacopy=on";
        assert_eq!(told(new), one("/sysroot/ostree/repo/objects", None));
        assert_eq!(told("ro,lowerdir=/i::/a::/b,metacopy=on,verity=require"), one("/a /b", Some("require")));
        assert_eq!(told("ro,lowerdir=/i::/a,verity=off"), one("/a", None));
        for other in [
            "rw,lowerdir=/a,upperdir=/u,workdir=/w",
            "rw,lowerdir=/i::/a,upperdir=/u,workdir=/w",
            "ro,lowerdir=/a:/b",
            "ro,lowerdir=/i:/j::/a",
            "ro,lowerdir+=/i,lowerdir+=/j,datadir+=/a",
            "ro,lowerdir=/i::/a\\:b",
            "ro,lowerdir=/i::a",
            "ro",
        ] {
            assert_eq!(told(other), None, "{other}");
        }
        assert_eq!(Told::read(&row("erofs", new)), None);
    }
}
