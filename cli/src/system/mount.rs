//! The mount over /usr, and whether a system extension still fits on it.

use std::path::Path;

use veneer::Error;
use veneer::mount::{MountRow, MountTable, extension_fits, forbidden};
use veneer::observe::base_beside;
use veneer::report::Status;

use crate::args::Options;
use crate::finding::Finding;
use crate::root::Root;

#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// True if this boot says that it mounted a layer.
    is_layer: bool,
    /// The topmost mount at /usr.
    usr: Option<MountRow>,
    base: Option<MountRow>,
    extensions: Vec<String>,
    /// Whether one can be mounted on top; `None` if nobody has tried.
    fits: Option<bool>,
}

impl Facts {
    pub(crate) fn gather(options: &Options, root: &Root, status: &Status) -> Result<Self, Error> {
        let mounts = MountTable::read()?;
        // Links on the way are no part of a mount's own path.
        let at = |path: &Path| mounts.at(&path.canonicalize().ok()?);
        let mut extensions = Vec::new();
        for dir in ["etc/extensions", "run/extensions", "var/lib/extensions"] {
            extensions.extend(root.names(dir).into_iter().map(|name| format!("/{dir}/{name}")));
        }
        let (usr, beside) = (root.dir().join("usr"), base_beside(&options.store));
        // By trying, which root may; what the boot tried is the next best. Upon a plain base one always fits.
        let tried = || extension_fits(&beside, &usr).or(status.lower.and_then(|lower| lower.extension_fits));
        let fits = if extensions.is_empty() { None } else { tried() };
        Ok(Facts { is_layer: status.layer.is_some(), usr: at(&usr), base: at(&beside), extensions, fits })
    }

    pub(crate) fn judge(&self) -> Vec<Finding> {
        if !self.is_layer {
            return Vec::new();
        }
        let is_overlay = |source: &str| {
            self.usr.as_ref().filter(|row| row.kind == "overlay" && row.source == Path::new(source))
        };
        let mut found = Vec::new();
        if let Some(row) = is_overlay("veneer") {
            if let Some(word) = forbidden(&row.options) {
                let message =
                    format!("the layer is mounted with {word}, which is not safe over a base that changes");
                let next = "Look for who set it: /sys/module/overlay/parameters, or a mount over /usr after the boot; reboot.";
                found.push(Finding::error("mount-options", message, next));
            }
            found.extend(self.extension());
        } else if is_overlay("sysext").is_some() {
            found.push(Finding::note(
                "sysext-merged",
                "a system extension is merged over the layer: /usr cannot be written to meanwhile",
                "`systemd-sysext unmerge` before packages are installed, `systemd-sysext merge` after it.",
            ));
        } else {
            let what = self
                .usr
                .as_ref()
                .map_or("nothing".into(), |row| format!("{} ({})", row.source.display(), row.kind));
            let message =
                format!("this boot mounted a layer over /usr, and what is mounted there now is {what}");
            found.push(Finding::error(
                "layer-not-mounted",
                message,
                "Reboot; if it happens again, look for who unmounts it.",
            ));
        }
        if self.base.is_none() {
            let message = "the bare base is not mounted beside the store: nothing can be recorded of it";
            found.push(Finding::error(
                "base-not-mounted",
                message,
                "Reboot; until then no change to the layer is recorded.",
            ));
        }
        found
    }

    fn extension(&self) -> Option<Finding> {
        let first = self.extensions.first()?;
        (self.fits == Some(false)).then(|| {
            let message = format!(
                "the layer on this base (composefs) is the last overlay that the kernel allows upon another: {first} cannot be \
                 merged"
            );
            let next = "Install what it has as a package, or boot with rd.veneer=0. `journalctl -b -t veneer-assemble` says why \
                        the layer is not upon what the base is made of.";
            Finding::warning("sysext-does-not-fit", message, next)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::names;

    fn row(target: &str, kind: &str, source: &str, options: &str) -> Option<MountRow> {
        let line = format!("40 30 0:50 / {target} rw - {kind} {source} {options}\n");
        MountTable::parse(line.as_bytes()).at(Path::new(target))
    }

    #[test]
    fn the_layer_is_there_with_its_options() {
        let usr = |source: &str, options: &str| row("/usr", "overlay", source, options);
        let base = |kind: &str| row("/base", kind, "x", "ro");
        let good = "rw,lowerdir=/b,upperdir=/u,workdir=/w,redirect_dir=nofollow,uuid=null";
        let judged = |usr, base, extensions: &[&str], fits| {
            let extensions = extensions.iter().map(ToString::to_string).collect();
            names(&Facts { is_layer: true, usr, base, extensions, fits }.judge())
        };
        let found = |usr, base, extensions| judged(usr, base, extensions, None);
        assert_eq!(found(usr("veneer", "rw,metacopy=on"), base("erofs"), &[]), ["mount-options"]);
        assert_eq!(found(usr("veneer", "ro"), base("erofs"), &[]), ["mount-options"]);
        assert_eq!(found(usr("other", good), base("erofs"), &[]), ["layer-not-mounted"]);
        assert_eq!(found(None, base("erofs"), &[]), ["layer-not-mounted"]);
        assert_eq!(found(usr("veneer", good), None, &[]), ["base-not-mounted"]);
        assert_eq!(found(usr("sysext", good), base("erofs"), &[]), ["sysext-merged"]);
        let extension = &["/etc/extensions/x.raw"];
        for kind in ["erofs", "overlay"] {
            for fits in [None, Some(true)] {
                assert_eq!(
                    judged(usr("veneer", good), base(kind), extension, fits),
                    [""; 0],
                    "{kind} {fits:?}"
                );
            }
            let found = judged(usr("veneer", good), base(kind), extension, Some(false));
            assert_eq!(found, ["sysext-does-not-fit"], "{kind}");
        }
        assert_eq!(Facts::default().judge(), [], "a pristine boot has no mount of Veneer's");
    }
}
