//! A root directory for one thread and the programs that it starts: a base's /usr, a directory to work in, and nothing
//! else of the machine. It is in a mount namespace that ends with them, whatever happens to this process.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{MountFlags, MountPropagationFlags};

use super::{failed, namespace};
use crate::error::{At as _, Error, Result};
use crate::tree::{Dir, Kind};

/// Where the root is put together: a directory that every system has, and that is covered only within the namespace.
const ROOT: &str = "/run";

/// Names in a root directory that lead into /usr.
const LINKS: [&std::ffi::CStr; 6] = [c"bin", c"sbin", c"lib", c"lib64", c"lib32", c"libx32"];

/// Gives the calling thread, which must be one of its own, a root directory with `usr` (read-only) at /usr, the links
/// into it, `work` at /work, and an empty /tmp.
pub fn enter_private_root(usr: &Dir, work: &Dir) -> Result<()> {
    // Asked for while the old root is the root.
    let (usr, work) = (Place::of(usr)?, Place::of(work)?);
    namespace::enter("make a mount namespace for", &usr.path)?;
    // systemd makes all mounts shared: without this the rest of the system would see what follows.
    let flags = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    step("make private", "/", rustix::mount::mount_change("/", flags))?;

    // The handles of before are of mounts of the old namespace, which cannot be bound here.
    let (usr, work) = (usr.again()?, work.again()?);
    let plain = MountFlags::NOSUID | MountFlags::NODEV;
    step("cover", ROOT, rustix::mount::mount(c"veneer", ROOT, c"tmpfs", plain, c"size=1m,mode=0755"))?;
    let root = Dir::open(Path::new(ROOT))?;
    for (place, name, flags) in
        [(&usr, c"usr", plain | MountFlags::RDONLY), (&work, c"work", plain | MountFlags::NOEXEC)]
    {
        root.make_sub(name, 0o755)?;
        let target = root.path_of(name);
        let source = format!("/proc/self/fd/{}", place.as_raw_fd());
        step("bind to", &target, rustix::mount::mount_bind(source, &target))?;
        let remounted = rustix::mount::mount_remount(&target, MountFlags::BIND | flags, "");
        step("set the mount flags of", &target, remounted)?;
    }
    root.make_sub(c"tmp", 0o1777)?;
    let usr = root.sub(c"usr")?;
    for name in LINKS {
        if usr.stat(name)?.is_some_and(|stat| matches!(Kind::of(&stat), Kind::Directory | Kind::Symlink)) {
            let target = [c"usr/".to_bytes(), name.to_bytes()].concat();
            rustix::fs::symlinkat(target, &root, name).writing(root.path_of(name))?;
        }
    }
    step("make the root of", ROOT, rustix::process::chroot(ROOT))?;
    step("enter", "/", rustix::process::chdir("/"))
}

fn step(what: &'static str, path: impl AsRef<Path>, done: rustix::io::Result<()>) -> Result<()> {
    done.map_err(|e| failed(what, path.as_ref(), e, String::new()))
}

/// Where an open directory is, by the kernel's word, with what tells whether it is the same one there.
struct Place {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Place {
    fn of(dir: &Dir) -> Result<Self> {
        use rustix::fd::AsFd as _;

        let link = PathBuf::from(format!("/proc/self/fd/{}", dir.as_fd().as_raw_fd()));
        let path = fs_err::read_link(&link).map_err(|source| Error::Read { path: link, source })?;
        let stat = dir.stat_self()?;
        Ok(Place { path, device: stat.st_dev, inode: stat.st_ino })
    }

    fn again(&self) -> Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(CWD, &self.path, flags, Mode::empty()).opening(&self.path)?;
        let stat = rustix::fs::fstat(&fd).reading(&self.path)?;
        if (stat.st_dev, stat.st_ino) != (self.device, self.inode) {
            // A mount that is not attached anywhere has no path.
            let moved = std::io::Error::other("another directory is there");
            return Err(Error::Open { path: self.path.clone(), source: moved });
        }
        Ok(fd)
    }
}
