//! The base that `--base` names: a directory, an image or a block device, or the deployment that waits for the reboot.

mod image;
mod staged;

use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use veneer::base::{BaseId, IdSource};
use veneer::mount::enter_to_look;
use veneer::report::Status;

use crate::args::Options;
use crate::failure::Failure;

/// The word for the deployment that waits for the reboot. A directory of this name is `./staged`.
const STAGED: &str = "staged";

/// A base, found and mounted.
#[derive(Debug)]
pub(crate) struct Named {
    /// Its root, or what its /usr is in.
    pub(crate) root: PathBuf,
    /// Its /usr.
    pub(crate) usr: PathBuf,
    form: Form,
}

/// What was named. It decides what can be known of the base's identity before it is booted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// Files of some file system, which may be another one than at boot.
    Directory,
    /// The file system itself, as it will be booted.
    Image,
    /// A deployment of ostree, with its identity.
    Deployment(BaseId),
}

/// Whether the identity that was found is that of the boot to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity {
    /// It is.
    Final,
    /// It is, if these files are on the same file system then.
    Likely,
    /// This system's bases are told apart by something that only a boot shows.
    AtBoot,
}

impl Named {
    /// Finds what the user named, and mounts an image for this process alone.
    pub(crate) fn find(options: &Options, named: &Path) -> Result<Self, Failure> {
        if named.as_os_str() == STAGED {
            let (root, id) = staged::deployment(&options.root)?;
            return Named::below(root, named, Form::Deployment(id));
        }
        let path = std::path::absolute(named).map_err(|error| missing(named, &error))?;
        let kind = std::fs::metadata(&path).map_err(|error| missing(named, &error))?.file_type();
        if kind.is_dir() {
            let form = if veneer::mount::is_mount_point(&path) == Some(true) {
                Form::Image
            } else {
                Form::Directory
            };
            return Named::below(path, named, form);
        }
        if !kind.is_file() && !kind.is_block_device() {
            let why = "it is neither a directory nor an image nor a block device";
            return Err(Failure::Missing(format!("{} is no base: {why}", named.display())));
        }
        let system = image::FileSystem::of(&path)?;
        let point = options.runtime.join("other");
        enter_to_look()?;
        system.mount(&path, kind.is_file(), &point)?;
        Named::below(point, named, Form::Image)
    }

    /// A directory that has a /usr, or is one.
    fn below(dir: PathBuf, named: &Path, form: Form) -> Result<Self, Failure> {
        let is_usr = |dir: &Path| dir.join("lib").is_dir() && dir.join("bin").is_dir();
        // A root may have links `lib` and `bin` into its own /usr, so that comes first.
        if is_usr(&dir.join("usr")) {
            return Ok(Named { usr: dir.join("usr"), root: dir, form });
        }
        if is_usr(&dir) {
            return Ok(Named { root: dir.parent().unwrap_or(&dir).to_path_buf(), usr: dir, form });
        }
        Err(Failure::Missing(format!(
            "{} is no base: there is no usr/lib and usr/bin in it; name a base's root or its /usr, a directory, an image \
             or a block device",
            named.display()
        )))
    }

    /// The identity that a name alone tells.
    pub(crate) fn id(&self) -> Option<BaseId> {
        match &self.form {
            Form::Deployment(id) => Some(id.clone()),
            Form::Directory | Form::Image => None,
        }
    }

    /// Whether the boot will find the identity `id`, by what this boot was told by.
    pub(crate) fn identity(&self, id: &BaseId, this_boot: Option<&Status>) -> Identity {
        identity(&self.form, id.source, this_boot.and_then(|status| status.base.source))
    }
}

/// Bases of one system are told apart in one way: what this boot was told by, the next one is likely to be, too.
fn identity(form: &Form, found: IdSource, this_boot: Option<IdSource>) -> Identity {
    match (this_boot, found) {
        (Some(IdSource::Ostree) | None, IdSource::Ostree) => Identity::Final,
        // Composefs, verity and ostree come before a stamp and files, and are seen of what is booted alone.
        (_, IdSource::Ostree) | (Some(IdSource::Composefs | IdSource::Verity | IdSource::Ostree), _) => {
            Identity::AtBoot
        }
        (_, IdSource::Fingerprint) if *form == Form::Directory => Identity::Likely,
        _ => Identity::Final,
    }
}

fn missing(named: &Path, error: &std::io::Error) -> Failure {
    let hint = "name a directory, an image, a block device, or the word `staged`";
    Failure::Missing(format!("cannot look at the base {}: {error}; {hint}", named.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_told_beforehand_or_not() {
        use IdSource::{Composefs, Fingerprint, Ostree, Stamp, Verity};
        let deployment = Form::Deployment(BaseId { id: String::new(), source: Ostree });
        for (form, found, this_boot, expected) in [
            (&Form::Image, Fingerprint, Some(Fingerprint), Identity::Final),
            (&Form::Image, Fingerprint, None, Identity::Final),
            (&Form::Image, Stamp, Some(Fingerprint), Identity::Final),
            (&Form::Directory, Stamp, Some(Stamp), Identity::Final),
            (&Form::Directory, Fingerprint, Some(Fingerprint), Identity::Likely),
            (&Form::Image, Fingerprint, Some(Verity), Identity::AtBoot),
            (&Form::Image, Stamp, Some(Composefs), Identity::AtBoot),
            (&Form::Directory, Fingerprint, Some(Ostree), Identity::AtBoot),
            (&deployment, Ostree, Some(Ostree), Identity::Final),
            (&deployment, Ostree, Some(Composefs), Identity::AtBoot),
        ] {
            assert_eq!(identity(form, found, this_boot), expected, "{form:?} {found:?} {this_boot:?}");
        }
    }
}
