//! The two parts of a composefs base as the layer's own lower layers, instead of the overlay that they make. One overlay
//! less is upon another then, which is what a systemd-sysext on top needs (the kernel allows two).
//!
//! Parts are only ever those of what is mounted: they are put together once more, read-only and out of sight, and what
//! is seen there must be what the base shows.

use std::ffi::OsStr;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};

use super::overlay::{set_option, set_options};
use super::{failed, kernel};
use crate::error::{At as _, Error, Result};
use crate::tree::{Dir, Kind};

/// What a composefs base is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    /// /usr in the image: names, attributes, and the data of the smallest files.
    names: OwnedFd,
    /// The image's mount, which is gone with its last handle: one of a place in it does not keep it.
    _image: OwnedFd,
    /// Where the other data is.
    data: Vec<OwnedFd>,
    /// The value of `verity=`.
    verity: Option<String>,
}

/// Files of /usr that are compared if the base has them: where two images of one system differ, and some that are large
/// enough to have their data outside of the image.
const SAMPLES: [&str; 6] = [
    "lib/os-release",
    "lib/sysimage/rpm/rpmdb.sqlite",
    "share/rpm/rpmdb.sqlite",
    "lib/sysimage/dpkg/status",
    "bin/sh",
    "lib/systemd/systemd",
];

/// Of each file so many bytes at its beginning are read.
const READ: usize = 64 * 1024;

/// Files of up to so many bytes may be in the image itself, and say nothing of the directory with the data.
const INLINE: usize = 4096;

/// How messages name the parts.
const PARTS: &str = "the parts of the base";

impl Parts {
    /// Takes the erofs `image` and the directories with its data for the parts of the base `usr`, if they are.
    pub(crate) fn new(image: &OwnedFd, data: Vec<OwnedFd>, verity: Option<&str>, usr: &Dir) -> Result<Self> {
        let root = mount_image(image)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // An image of a whole root, or of /usr alone.
        let names = match rustix::fs::openat(&root, c"usr", flags, Mode::empty()) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => root.try_clone().opening(PARTS)?,
            other => other.opening(PARTS)?,
        };
        let parts = Parts { names, _image: root, data, verity: verity.map(str::to_owned) };
        parts.compare(usr)?;
        Ok(parts)
    }

    /// Makes the parts the lower layers of the overlay in the making.
    pub(super) fn set(&self, context: &OwnedFd) -> rustix::io::Result<()> {
        rustix::mount::fsconfig_set_fd(context, c"lowerdir+", &self.names)?;
        for data in &self.data {
            rustix::mount::fsconfig_set_fd(context, c"datadir+", data)?;
        }
        self.verity.as_ref().map_or(Ok(()), |value| set_option(context, "verity", value.as_ref()))
    }

    /// Refuses parts that are not those of `usr`.
    fn compare(&self, usr: &Dir) -> Result<()> {
        let seen = Dir::from_fd(self.assemble()?, PARTS.into());
        // Size and number of inodes of the image: overlayfs passes on those of its first layer.
        let sizes = |dir: &Dir| {
            let state = rustix::fs::fstatfs(dir).reading(dir.path())?;
            Ok::<_, Error>((state.f_bsize, state.f_blocks, state.f_ffree))
        };
        let mut is_same = sizes(usr)? == sizes(&seen)? && key(&usr.stat_self()?) == key(&seen.stat_self()?);
        let mut read = 0;
        for path in &SAMPLES {
            let (base, part) = (content(usr, path)?, content(&seen, path)?);
            is_same &= base == part;
            if !is_same {
                return Err(Error::Apart {
                    what: format!("what was found of its parts has another /usr/{path}"),
                });
            }
            read += usize::from(base.is_some_and(|(_, content)| content.len() > INLINE));
        }
        if read == 0 {
            return Err(Error::Apart { what: "it has no file that its parts could be known by".into() });
        }
        Ok(())
    }

    /// The parts alone, read-only, as the layer is to have them below it.
    fn assemble(&self) -> Result<OwnedFd> {
        let context = rustix::mount::fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC);
        let context = context.map_err(|e| failed("create", Path::new("overlay"), e, String::new()))?;
        set_options(&context)?;
        self.set(&context)
            .and_then(|()| finish(&context))
            .map_err(|e| failed("assemble", Path::new(PARTS), e, kernel::messages(&context)))
    }
}

/// Makes the file system of a context, and a read-only mount of it that is attached nowhere.
fn finish(context: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    rustix::mount::fsconfig_create(context)?;
    rustix::mount::fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_RDONLY)
}

/// Mounts the image where nobody sees it: the file itself, or the loop device that the base has it on.
fn mount_image(image: &OwnedFd) -> Result<OwnedFd> {
    let link = PathBuf::from(format!("/proc/self/fd/{}", image.as_raw_fd()));
    let mount = |source: &Path| {
        let context = rustix::mount::fsopen(c"erofs", FsOpenFlags::FSOPEN_CLOEXEC)?;
        rustix::mount::fsconfig_set_flag(&context, c"ro")?;
        set_option(&context, "source", source)?;
        finish(&context)
    };
    let fail = |e| failed("mount the image in", Path::new(PARTS), e, String::new());
    match mount(&link) {
        Err(e) if kernel::needs_device(e) => match loop_device(image) {
            Some(device) => mount(&device).map_err(fail),
            None => Err(fail(e)),
        },
        other => other.map_err(fail),
    }
}

/// The loop device of a file, if it has one. Where the kernel needs one, the base was mounted from it: none is made here,
/// and none is left behind.
fn loop_device(image: &OwnedFd) -> Option<PathBuf> {
    let of_image = rustix::fs::fstat(image).ok()?;
    let names = Dir::open(Path::new("/sys/block")).and_then(|dir| dir.names()).ok()?;
    names.iter().map(|name| OsStr::from_bytes(name.to_bytes())).find_map(|name| {
        // No such file: no loop device, or nothing on it.
        let path = fs_err::read(Path::new("/sys/block").join(name).join("loop/backing_file")).ok()?;
        let stat = rustix::fs::stat(Path::new(OsStr::from_bytes(path.strip_suffix(b"\n")?))).ok()?;
        let is_it = (stat.st_dev, stat.st_ino) == (of_image.st_dev, of_image.st_ino);
        is_it.then(|| Path::new("/dev").join(name))
    })
}

/// Mode, owner, group, inode number, size, and time of modification.
type Key = (u32, u32, u32, u64, i64, i64);

/// What must be the same of a file or directory. The number of an inode is its place in the image; overlayfs may say in the
/// upper half which layer that is of, and directories have numbers of the overlay's own.
fn key(stat: &Stat) -> Key {
    let (inode, size) = match Kind::of(stat) {
        Kind::Directory => (0, 0),
        _ => (stat.st_ino & u64::from(u32::MAX), stat.st_size),
    };
    (stat.st_mode, stat.st_uid, stat.st_gid, inode, size, stat.st_mtime)
}

/// What must be the same of a path that is or leads to a file, and the beginning of that.
fn content(dir: &Dir, path: &str) -> Result<Option<(Key, Vec<u8>)>> {
    let Some((file, stat)) = dir.file_down(Path::new(path))? else { return Ok(None) };
    let mut buffer = vec![0; READ];
    let length = rustix::io::read(&file, &mut buffer[..]).reading(dir.path().join(path))?;
    buffer.truncate(length);
    Ok(Some((key(&stat), buffer)))
}
