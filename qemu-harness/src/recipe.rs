//! The bases: what each image is made of. A base A is what a machine is installed with, B what it is updated to;
//! they differ in packages, package versions, kernel, os-release and file system.

use crate::form::Form;
use crate::key::Key;

/// One base, as data.
#[derive(Debug)]
pub(crate) struct Recipe {
    /// Name, also for the cache.
    pub(crate) name: &'static str,
    /// Name of the tree of packages; bases of one tree have the same sources and packages.
    pub(crate) tree: &'static str,
    /// What it is, for people.
    pub(crate) about: &'static str,
    /// Lines of sources.list; the first names the main suite.
    pub(crate) sources: &'static [&'static str],
    /// Packages beyond [`COMMON`], with `/suite` where the version is not to come from the main suite.
    pub(crate) packages: &'static [&'static str],
    /// `IMAGE_VERSION` in os-release.
    pub(crate) version: &'static str,
    /// How the base is put on a disk.
    pub(crate) form: Form,
    /// What describes its packages.
    pub(crate) manager: Manager,
}

/// Which package manager's database is in the base. All trees are Debian's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manager {
    /// dpkg, with apt.
    Dpkg,
    /// rpm, with dnf5: every Debian package is made an rpm package, see `rpm/repackage.sh`.
    Rpm,
}

/// What every base has beside the package manager and what is essential. jq and attr serve the guest scripts.
const COMMON: &[&str] = &[
    "systemd",
    "systemd-sysv",
    "udev",
    "dbus",
    "dracut",
    "kmod",
    "e2fsprogs",
    "xfsprogs",
    "btrfs-progs",
    "util-linux",
    "mount",
    "login",
    "passwd",
    "iproute2",
    "procps",
    "jq",
    "attr",
];

/// What the scenarios install: a daemon with a unit, and two packages that the other base has in a newer or in the same
/// version. Fetched when the image is made, installed by the guest.
pub(crate) const USER_PACKAGES: &[&str] = &["nginx", "tmux", "tree"];

/// Debian 13 as released.
pub(crate) static DEBIAN13_A: Recipe = Recipe {
    name: "debian13-a",
    tree: "debian13-a",
    about: "Debian 13",
    sources: &["deb http://deb.debian.org/debian trixie main"],
    // The last ones are for the sealed form, and for ostree.
    packages: &[
        "linux-image-cloud-amd64",
        "less",
        "systemd-repart",
        "systemd-cryptsetup",
        "dmsetup",
        "cryptsetup-bin",
        "tpm2-tools",
        "ostree",
        "ostree-boot",
    ],
    version: "1",
    form: Form::Plain,
    manager: Manager::Dpkg,
};

/// The same packages, sealed.
pub(crate) static SEALED_A: Recipe = DEBIAN13_A.as_form("sealed-a", "Debian 13, sealed", Form::Sealed);

/// The next build of that image: not a file differs but os-release and the stamp, and so the root hash.
pub(crate) static SEALED_B: Recipe =
    Recipe { name: "sealed-b", about: "Debian 13, sealed and rebuilt", version: "2", ..SEALED_A };

/// Debian 13 with updates, a newer kernel and tmux from backports, tmux and tree added and less dropped. The security
/// suite alone would not do: right after a point release it has nothing newer in a base of this size.
pub(crate) static DEBIAN13_B: Recipe = Recipe {
    name: "debian13-b",
    tree: "debian13-b",
    about: "Debian 13 with updates and a newer kernel",
    sources: &[
        "deb http://deb.debian.org/debian trixie main",
        "deb http://deb.debian.org/debian trixie-updates main",
        "deb http://deb.debian.org/debian trixie-backports main",
        "deb http://deb.debian.org/debian-security trixie-security main",
    ],
    packages: &[
        "linux-image-cloud-amd64/trixie-backports",
        "tmux/trixie-backports",
        "tree",
        "systemd-repart",
        "systemd-cryptsetup",
        "dmsetup",
        "cryptsetup-bin",
        "tpm2-tools",
        "ostree",
        "ostree-boot",
    ],
    version: "2",
    form: Form::Plain,
    manager: Manager::Dpkg,
};

/// Testing, where it stands today.
pub(crate) static UNSTABLE_A: Recipe = Recipe {
    name: "unstable-a",
    tree: "unstable-a",
    about: "Debian testing",
    sources: &["deb http://deb.debian.org/debian testing main"],
    packages: &["linux-image-cloud-amd64", "less", "ostree", "ostree-boot"],
    version: "1",
    form: Form::Plain,
    manager: Manager::Dpkg,
};

/// Unstable: a few weeks ahead of testing, usually in systemd, the kernel and some libraries.
pub(crate) static UNSTABLE_B: Recipe = Recipe {
    name: "unstable-b",
    tree: "unstable-b",
    about: "Debian unstable",
    sources: &["deb http://deb.debian.org/debian unstable main"],
    packages: &["linux-image-cloud-amd64", "tmux", "tree", "ostree", "ostree-boot"],
    version: "2",
    form: Form::Plain,
    manager: Manager::Dpkg,
};

/// Debian 13 with /usr in /etc/fstab alone.
pub(crate) static FSTAB_A: Recipe = DEBIAN13_A.as_form("fstab-a", "Debian 13, /usr in fstab", Form::Fstab);

/// What that is updated to.
pub(crate) static FSTAB_B: Recipe =
    DEBIAN13_B.as_form("fstab-b", "Debian 13 with updates, /usr in fstab", Form::Fstab);

/// Testing, whose systemd finds / and /usr by itself, which Debian 13's does not with /usr.
pub(crate) static FOUND_A: Recipe = UNSTABLE_A.as_form("found-a", "Debian testing, discovered", Form::Found);

/// What that is updated to.
pub(crate) static FOUND_B: Recipe = UNSTABLE_B.as_form("found-b", "Debian unstable, discovered", Form::Found);

/// Debian 13 as one file system.
pub(crate) static WHOLE_A: Recipe =
    DEBIAN13_A.as_form("whole-a", "Debian 13, all of it one erofs", Form::Whole);

/// What that is updated to.
pub(crate) static WHOLE_B: Recipe =
    DEBIAN13_B.as_form("whole-b", "Debian 13 with updates, one erofs", Form::Whole);

/// Debian 13 as one file system, sealed.
pub(crate) static SEALED_WHOLE_A: Recipe =
    DEBIAN13_A.as_form("sealed-whole-a", "Debian 13, all of it one sealed erofs", Form::SealedWhole);

/// What that is updated to.
pub(crate) static SEALED_WHOLE_B: Recipe =
    DEBIAN13_B.as_form("sealed-whole-b", "Debian 13 with updates, one sealed erofs", Form::SealedWhole);

/// Debian 13, sealed, with an encrypted store.
pub(crate) static ENCRYPTED_A: Recipe =
    DEBIAN13_A.as_form("encrypted-a", "Debian 13, sealed, with an encrypted store", Form::Encrypted);

/// What that is updated to.
pub(crate) static ENCRYPTED_B: Recipe = DEBIAN13_B.as_form(
    "encrypted-b",
    "Debian 13 with updates, sealed, with an encrypted store",
    Form::Encrypted,
);

/// Debian 13 with SELinux.
pub(crate) static SELINUX_A: Recipe =
    Recipe { tree: "selinux-a", ..DEBIAN13_A.as_form("selinux-a", "Debian 13 with SELinux", Form::Labelled) };

/// What that is updated to.
pub(crate) static SELINUX_B: Recipe = Recipe {
    tree: "selinux-b",
    ..DEBIAN13_B.as_form("selinux-b", "Debian 13 with updates and SELinux", Form::Labelled)
};

/// Debian 13 as a deployment of ostree.
pub(crate) static OSTREE_A: Recipe = DEBIAN13_A.as_form("ostree-a", "Debian 13, of ostree", Form::Ostree);

/// What that is updated to.
pub(crate) static OSTREE_B: Recipe =
    DEBIAN13_B.as_form("ostree-b", "Debian 13 with updates, of ostree", Form::Ostree);

/// Testing as a deployment with composefs, which Debian 13's ostree cannot do.
pub(crate) static COMPOSEFS_A: Recipe =
    UNSTABLE_A.as_form("composefs-a", "Debian testing, of ostree and composefs", Form::Composefs);

/// What that is updated to.
pub(crate) static COMPOSEFS_B: Recipe =
    UNSTABLE_B.as_form("composefs-b", "Debian unstable, of ostree and composefs", Form::Composefs);

/// Unstable as a system of rpm packages, with rpm 6 and dnf5.
pub(crate) static DNF_A: Recipe = Recipe {
    name: "dnf-a",
    tree: "dnf",
    about: "rpm and dnf5",
    sources: &["deb http://deb.debian.org/debian unstable main"],
    packages: &["linux-image-cloud-amd64", "less", "tree", "rpm", "dnf5", "createrepo-c"],
    version: "1",
    form: Form::Plain,
    manager: Manager::Rpm,
};

/// A later build of that: newer packages, tree added and less dropped.
pub(crate) static DNF_B: Recipe =
    Recipe { name: "dnf-b", about: "rpm and dnf5, newer packages", version: "2", ..DNF_A };

/// All of them.
pub(crate) static ALL: &[&Recipe] = &[
    &DEBIAN13_A,
    &DEBIAN13_B,
    &SEALED_A,
    &SEALED_B,
    &UNSTABLE_A,
    &UNSTABLE_B,
    &FSTAB_A,
    &FSTAB_B,
    &FOUND_A,
    &FOUND_B,
    &WHOLE_A,
    &WHOLE_B,
    &SEALED_WHOLE_A,
    &SEALED_WHOLE_B,
    &ENCRYPTED_A,
    &ENCRYPTED_B,
    &SELINUX_A,
    &SELINUX_B,
    &OSTREE_A,
    &OSTREE_B,
    &COMPOSEFS_A,
    &COMPOSEFS_B,
    &DNF_A,
    &DNF_B,
];

/// Makes a Debian tree a system of rpm packages.
pub(crate) const REPACKAGE: &str = include_str!("../rpm/repackage.sh");

/// The spec files that it takes: what a user can install, and what a later build of the base has.
pub(crate) const SPECS: [(&str, &str); 2] =
    [("user.spec", include_str!("../rpm/user.spec")), ("updates.spec", include_str!("../rpm/updates.spec"))];

impl Recipe {
    /// The same packages, put on a disk in another way.
    const fn as_form(&self, name: &'static str, about: &'static str, form: Form) -> Self {
        Self { name, about, form, ..*self }
    }

    /// The main suite: the third word of the first source.
    pub(crate) fn suite(&self) -> &'static str {
        self.sources.first().and_then(|line| line.split(' ').nth(2)).unwrap_or_default()
    }

    /// All packages asked for, as mmdebstrap's `--include` takes them.
    pub(crate) fn include(&self) -> String {
        [COMMON, self.packages, self.form.packages()].concat().join(",")
    }

    /// The key of the tree of packages. What is installed on top of it has a key of its own.
    pub(crate) fn key(&self) -> Key {
        // The number changes when tree.rs makes something else of the same recipe.
        let key = Key::new("tree 1")
            .with("name", self.tree.as_bytes())
            .with("sources", self.sources.join("\n").as_bytes())
            .with("include", self.include().as_bytes());
        match self.manager {
            Manager::Dpkg => key.with("user", USER_PACKAGES.join(",").as_bytes()),
            Manager::Rpm => {
                SPECS.iter().fold(key.with("repackage", REPACKAGE.as_bytes()), |key, (name, text)| {
                    key.with(name, text.as_bytes())
                })
            }
        }
    }

    /// The tree's name in the cache.
    pub(crate) fn tree_name(&self) -> String {
        format!("tree-{}-{}", self.tree, self.key().short())
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, DEBIAN13_A, Recipe};

    #[test]
    fn every_base_has_a_name_and_every_tree_a_key_of_its_own() {
        for (i, one) in ALL.iter().enumerate() {
            for other in &ALL[i + 1..] {
                assert_ne!(one.name, other.name);
                assert_eq!(one.tree == other.tree, one.key().short() == other.key().short());
            }
        }
    }

    #[test]
    fn every_base_has_a_main_suite() {
        assert_eq!(DEBIAN13_A.suite(), "trixie");
        assert!(ALL.iter().all(|recipe| !recipe.suite().is_empty()));
    }

    #[test]
    fn a_changed_package_list_changes_the_key_and_the_about_text_does_not() {
        let same = Recipe { about: "x", ..DEBIAN13_A };
        assert_eq!(same.tree_name(), DEBIAN13_A.tree_name());
        let other = Recipe { packages: &["linux-image-cloud-amd64"], ..DEBIAN13_A };
        assert_ne!(other.tree_name(), DEBIAN13_A.tree_name());
    }
}
