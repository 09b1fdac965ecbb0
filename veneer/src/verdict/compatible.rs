//! May a layer made for one base be carried over to another?

use crate::base::Base;
use crate::intent::VersionsPolicy;

/// What stands against it, in words; `None` if nothing does.
#[must_use]
pub fn difference(recorded: &Base, booted: &Base, versions: VersionsPolicy) -> Option<String> {
    if recorded.arch != booted.arch {
        return Some(format!("another architecture ({} and {})", recorded.arch, booted.arch));
    }
    let names = |base: &Base, other: &Base| base.like.contains(&other.os);
    if recorded.os != booted.os && !names(recorded, booted) && !names(booted, recorded) {
        return Some("another distribution, and neither names the other in ID_LIKE=".into());
    }
    if let (Some(old), Some(new)) = (&recorded.level, &booted.level) {
        if old != new {
            return Some(format!("the image's VENEER_LEVEL= changed from {old} to {new}"));
        }
    }
    let major = |version: &str| version.split(['.', '-']).next().unwrap_or_default().to_owned();
    let (old, new) = (&recorded.version_id, &booted.version_id);
    match versions {
        VersionsPolicy::Any => None,
        VersionsPolicy::SameMajor if major(old) == major(new) => None,
        VersionsPolicy::SameMajor => {
            Some(format!("versions=same-major, and the versions are {old} and {new}"))
        }
        VersionsPolicy::Same if old == new => None,
        VersionsPolicy::Same => Some(format!("versions=same, and the versions are {old} and {new}")),
    }
}

#[cfg(test)]
mod tests {
    use super::VersionsPolicy::{Any, Same, SameMajor};
    use super::*;
    use crate::base::{BaseId, IdSource};

    fn base(os: &str, version: &str) -> Base {
        Base {
            id: BaseId { id: "00".into(), source: IdSource::Stamp },
            os: os.into(),
            version: version.into(),
            version_id: version.into(),
            like: Vec::new(),
            level: None,
            arch: "x86_64".into(),
        }
    }

    #[test]
    fn the_table() {
        let like = |mut b: Base, of: &str| {
            b.like = vec![of.into()];
            b
        };
        let level = |mut b: Base, level: &str| {
            b.level = Some(level.into());
            b
        };
        let arch = |mut b: Base| {
            b.arch = "aarch64".into();
            b
        };
        let fedora = || base("fedora", "43");
        let rows = [
            (fedora(), base("fedora", "44"), Any, true),
            (fedora(), base("fedora", "44"), SameMajor, false),
            (base("debian", "13.1"), base("debian", "13.2"), SameMajor, true),
            (base("debian", "13.1"), base("debian", "13.2"), Same, false),
            (base("debian", "13.1"), base("debian", "13.1"), Same, true),
            (fedora(), base("debian", "43"), Any, false),
            (fedora(), like(base("rakuos", "43"), "fedora"), Any, true),
            (like(base("rakuos", "43"), "fedora"), fedora(), Any, true),
            (level(fedora(), "1"), level(fedora(), "2"), Any, false),
            (level(fedora(), "1"), fedora(), Any, true),
            (fedora(), arch(fedora()), Any, false),
        ];
        for (old, new, policy, fits) in rows {
            let found = difference(&old, &new, policy);
            assert_eq!(found.is_none(), fits, "{} to {}: {found:?}", old.describe(), new.describe());
        }
    }
}
