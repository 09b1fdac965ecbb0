//! The overlay over /usr: put together out of sight, handed out for probing, and only then attached.

use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags};

use serde::{Deserialize, Serialize};

use super::kernel::{self, Lacking};
use super::statmount::{self, Seen};
use super::{MountRow, MountTable, Parts, failed, guard, unmount};
use crate::error::{Error, Result};
use crate::tree::Dir;

/// What mountinfo and df(1) show as the source of the overlay.
pub(super) const SOURCE: &str = "veneer";

/// The directories of an overlay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers {
    /// The base.
    pub lower: PathBuf,
    /// The layer's upper directory.
    pub upper: PathBuf,
    /// The layer's work directory, under the same mount as `upper`.
    pub work: PathBuf,
}

/// What a layer on a base that is an overlay itself stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// The parts that the base's overlay is made of.
    Flattened,
    /// The base's overlay.
    Stacked,
}

/// An overlay that is not part of the file tree yet. Dropping it leaves no trace.
#[derive(Debug)]
pub struct Assembled {
    /// Of a detached mount a handle of its place only (O_PATH), which cannot be listed.
    root: Dir,
    place: Place,
    layers: Layers,
    staging: PathBuf,
    /// The nameless file that showed that it can be written to.
    trial: Option<OwnedFd>,
}

#[derive(Debug)]
enum Place {
    /// A detached mount (fsmount(2)), which is there as long as a handle of it is; with the context that it came from.
    Detached(#[expect(dead_code, reason = "closed with the overlay, or with the process")] OwnedFd),
    /// Mounted at a directory of Veneer's own, by kernels that have only mount(2).
    Staged,
    /// Attached: nothing to undo.
    Attached,
}

impl Assembled {
    /// Puts the overlay together, upon `parts` instead of the lower directory if there are some. `staging` is an empty
    /// directory that nobody looks into, used only where the kernel has no detached mounts.
    pub(crate) fn new(layers: &Layers, parts: Option<&Parts>, staging: &Path) -> Result<Self> {
        for path in [&layers.lower, &layers.upper, &layers.work] {
            check_path(path)?;
        }
        match rustix::mount::fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC) {
            Ok(context) => Self::detached(context, layers, parts, staging),
            Err(e) if kernel::is_missing(e) => Self::staged(layers, staging),
            Err(e) => Err(failed("create", Path::new("overlay"), e, String::new())),
        }
    }

    fn detached(context: OwnedFd, layers: &Layers, parts: Option<&Parts>, staging: &Path) -> Result<Self> {
        let fail = |what, path: &Path, e| failed(what, path, e, kernel::messages(&context));
        if let Some(parts) = parts {
            parts.set(&context).map_err(|e| fail("use the parts of", &layers.lower, e))?;
        }
        let lower = parts.is_none().then_some(("lowerdir", &layers.lower));
        for (key, path) in lower.into_iter().chain([("upperdir", &layers.upper), ("workdir", &layers.work)]) {
            set_option(&context, key, path).map_err(|e| fail("use for the overlay", path, e))?;
        }
        set_options(&context)?;
        rustix::mount::fsconfig_create(&context)
            .map_err(|e| fail("assemble the overlay of", &layers.upper, e))?;
        let flags = (FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty());
        let mount = rustix::mount::fsmount(&context, flags.0, flags.1)
            .map_err(|e| fail("mount the overlay of", &layers.upper, e))?;
        let root = Dir::from_fd(mount, PathBuf::from("usr"));
        Ok(Assembled {
            root,
            place: Place::Detached(context),
            layers: layers.clone(),
            staging: staging.into(),
            trial: None,
        })
    }

    /// The way of kernels before 5.2. libmount's overlay takes no options, so this is mount(2) itself.
    fn staged(layers: &Layers, staging: &Path) -> Result<Self> {
        let mut data = Vec::new();
        for (key, path) in
            [("lowerdir", &layers.lower), ("upperdir", &layers.upper), ("workdir", &layers.work)]
        {
            data.extend_from_slice(format!("{key}=").as_bytes());
            data.extend_from_slice(path.as_os_str().as_bytes());
            data.push(b',');
        }
        // Three paths of at most STRING_LIMIT bytes and the options stay far below the 4095 bytes at which mount(2)
        // would cut the string without a word.
        let with = |keep: fn(Lacking) -> bool| {
            let words = kernel::OPTIONS.iter().filter(|(_, _, lacking)| keep(*lacking));
            let words: Vec<String> = words.map(|(key, value, _)| format!("{key}={value}")).collect();
            let all = [data.as_slice(), words.join(",").as_bytes()].concat();
            std::ffi::CString::new(all).map_err(|_| Errno::INVAL)
        };
        let try_mount = |options: std::result::Result<std::ffi::CString, Errno>| {
            rustix::mount::mount(SOURCE, staging, "overlay", MountFlags::empty(), &*options?)
        };
        match rustix::fs::mkdir(staging, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(e) => return Err(failed("make", staging, e, String::new())),
        }
        match try_mount(with(|_| true)) {
            Err(e) if kernel::is_unknown_option(e) => try_mount(with(|lacking| lacking == Lacking::Refuse)),
            other => other,
        }
        .map_err(|e| failed("mount the overlay of", &layers.upper, e, String::new()))?;
        match Dir::open(staging) {
            Ok(root) => Ok(Assembled {
                root,
                place: Place::Staged,
                layers: layers.clone(),
                staging: staging.into(),
                trial: None,
            }),
            Err(error) => {
                unmount(staging)?;
                Err(error)
            }
        }
    }

    /// The overlay's root, to look at before anybody else does.
    #[must_use]
    pub fn root(&self) -> &Dir {
        &self.root
    }

    /// Refuses an overlay that cannot be written to: the kernel mounts it read-only, without an error, when it cannot use
    /// the work directory. A nameless file goes all the way to the upper's file system and leaves nothing behind.
    pub fn check_writable(&mut self) -> Result<()> {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let tried = match rustix::fs::openat(&self.root, ".", flags, Mode::RUSR) {
            // Overlayfs learnt O_TMPFILE in 6.1; before that the permission check is all there is without a trace.
            Err(Errno::OPNOTSUPP | Errno::ISDIR) => {
                rustix::fs::accessat(&self.root, ".", Access::WRITE_OK, AtFlags::empty())
            }
            other => other.map(|file| self.trial = Some(file)),
        };
        match tried {
            Err(Errno::ROFS) => Err(Error::ReadOnly { path: self.layers.work.clone() }),
            other => other.map_err(|e| Error::Probe { what: format!("/usr would not be writable: {e}") }),
        }
    }

    fn leave_staging(&self) -> Result<()> {
        unmount(&self.staging)?;
        fs_err::remove_dir(&self.staging)
            .map_err(|source| Error::Remove { path: self.staging.clone(), source })
    }

    /// Makes the overlay what everybody sees at `target`, read-only if it is to be `guarded`, and checks there that the
    /// kernel did as it was told. Says what the layer stands on.
    pub fn attach(mut self, target: &Path, guarded: bool) -> Result<Form> {
        if let Place::Detached(_) = self.place {
            let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
            match rustix::mount::move_mount(&self.root, "", CWD, target, flags) {
                // A filter that knows one half of the API only: once more, the old way.
                Err(e) if kernel::is_missing(e) => {
                    let (layers, staging) = (self.layers.clone(), self.staging.clone());
                    drop(self);
                    return Self::staged(&layers, &staging)?.attach(target, guarded);
                }
                other => other.map_err(|e| failed("attach the layer to", target, e, String::new()))?,
            }
        }
        if let Place::Staged = self.place {
            // Moving a mount away from below a shared one is refused (mount_namespaces(7)); binding it is not.
            rustix::mount::mount_bind(&self.staging, target)
                .map_err(|e| failed("attach the layer to", target, e, String::new()))?;
            self.leave_staging()?;
        }
        let handles = std::mem::replace(&mut self.place, Place::Attached);
        if guarded {
            // A file that is open for writing would make it EBUSY.
            self.trial = None;
        }
        let checked = check_attached(&self.layers, target)
            .and_then(|form| if guarded { guard(target).map(|()| form) } else { Ok(form) });
        if checked.is_err() {
            unmount(target)?;
            return checked;
        }
        // Closed with the process, which is about to end.
        std::mem::forget((handles, self));
        checked
    }
}

impl Drop for Assembled {
    fn drop(&mut self) {
        // A detached mount ends with its last handle.
        if let Place::Staged = self.place {
            if let Err(error) = self.leave_staging() {
                log::warn!("{error}");
            }
        }
    }
}

/// Sets one option of a file system in the making. Each other pair of types would be the same code once more.
#[inline(never)]
pub(super) fn set_option(context: &OwnedFd, key: &str, value: &Path) -> rustix::io::Result<()> {
    rustix::mount::fsconfig_set_string(context, key, value)
}

/// Names the overlay in the making, and says every option.
pub(super) fn set_options(context: &OwnedFd) -> Result<()> {
    let options = kernel::OPTIONS.into_iter();
    for (key, value, lacking) in [("source", SOURCE, Lacking::Refuse)].into_iter().chain(options) {
        match set_option(context, key, Path::new(value)) {
            Err(e) if kernel::is_unknown_option(e) && lacking == Lacking::Drop => {
                log::debug!("this kernel has no overlay option {key}={value}, and needs none");
            }
            other => other.map_err(|e| {
                failed("set the overlay option", Path::new(key), e, kernel::messages(context))
            })?,
        }
    }
    Ok(())
}

/// Reads back what the kernel made of the options: module parameters and older kernels may have their own mind.
fn check_attached(layers: &Layers, target: &Path) -> Result<Form> {
    let wrong = |kernel: String| Error::Mount {
        what: "trust the overlay at",
        path: target.into(),
        source: std::io::ErrorKind::InvalidData.into(),
        kernel,
    };
    // The kernel shows paths with a blank or `=` in them otherwise: those take the long way.
    let upper = format!("upperdir={}", layers.upper.display());
    let is_layer = |seen: &Seen| seen.kind == "overlay" && seen.options.split(',').any(|word| word == upper);
    let options = match statmount::seen_at(target).filter(is_layer) {
        Some(seen) => seen.options,
        None => match MountTable::read()?.seen_at(target, MountRow::is_layer)? {
            Some(row) => row.options,
            None => return Err(wrong("no overlay is mounted there".into())),
        },
    };
    match kernel::forbidden(&options) {
        Some(word) => Err(wrong(format!("it is mounted with {word}"))),
        None if kernel::has_data_layers(&options) => Ok(Form::Flattened),
        None => Ok(Form::Stacked),
    }
}

/// Overlayfs reads `\`, `,` and `:` in its options as syntax, fsconfig(2) included: such a path would silently be
/// another one.
fn check_path(path: &Path) -> Result<()> {
    let bytes = path.as_os_str().as_bytes();
    let odd = bytes.iter().any(|b| matches!(b, b'\\' | b',' | b':') || b.is_ascii_control());
    if odd || bytes.len() > kernel::STRING_LIMIT {
        return Err(Error::Unfit {
            path: path.into(),
            what: "its path is too long or has one of \\ , : in it, which overlayfs cannot take".into(),
        });
    }
    Ok(())
}
