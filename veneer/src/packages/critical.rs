//! The critical set: packages of which the base's version runs, whatever the layer had. The kernel, the initramfs and what
//! pid 1 needs come with the base and were tested together; another libc or systemd over them is how a machine stops
//! booting, and another package manager how its database stops being readable.

use super::{Manager, Weight};

/// Names; a `*` stands for anything. One line each: libc and loader; what says which system this is; systemd; kernel and
/// modules; PAM; the package manager; Veneer, whose other half is in the base's initramfs.
const DPKG: &[&str] = &[
    "libc6",
    "libc6-*",
    "libc-bin",
    "libc-l10n",
    "locales",
    "libcrypt1",
    "base-files",
    "usrmerge",
    "usr-is-merged",
    "systemd",
    "systemd-*",
    "libsystemd*",
    "libnss-systemd",
    "libpam-systemd",
    "udev",
    "libudev1",
    "init",
    "linux-image-*",
    "linux-modules-*",
    "linux-base",
    "kmod",
    "libkmod2",
    "libpam0g",
    "libpam-modules",
    "libpam-modules-bin",
    "libpam-runtime",
    "dpkg",
    "apt",
    "apt-utils",
    "libapt-*",
    "veneer",
];

const RPM: &[&str] = &[
    "glibc",
    "glibc-*",
    "libxcrypt",
    "filesystem",
    "setup",
    "*-release",
    "*-release-common",
    "*-release-identity-*",
    "systemd",
    "systemd-*",
    "libsystemd*",
    "libudev*",
    "udev",
    "kernel",
    "kernel-*",
    "kmod",
    "kmod-libs",
    "pam",
    "pam-*",
    "pam_*",
    "authselect",
    "authselect-libs",
    "rpm",
    "rpm-*",
    "librpm*",
    "dnf",
    "dnf-*",
    "dnf5",
    "dnf5-*",
    "libdnf*",
    "python3-dnf",
    "python3-libdnf*",
    "microdnf",
    "libsolv",
    "libsolv-*",
    "librepo",
    "zypper",
    "libzypp",
    "veneer",
];

const PACMAN: &[&str] = &[
    "glibc",
    "lib32-glibc",
    "libxcrypt",
    "filesystem",
    "systemd",
    "systemd-*",
    "linux",
    "linux-*",
    "kmod",
    "pam",
    "pambase",
    "pacman",
    "pacman-*",
    "archlinux-keyring",
    "veneer",
];

/// Names that a pattern above takes in and that are nobody's business: headers, documentation, firmware.
const NOT: &[&str] = &[
    "linux-headers",
    "linux-*-headers",
    "linux-docs",
    "linux-firmware",
    "linux-firmware-*",
    "linux-api-headers",
    "linux-tools",
    "kernel-headers",
    "kernel-devel",
    "kernel-devel-*",
    "kernel-doc",
    "kernel-tools",
    "kernel-tools-*",
    "libc6-dev",
    "libc6-dev-*",
    "libc6-dbg",
    "glibc-devel",
    "glibc-headers",
    "glibc-static",
    "systemd-devel",
    "libsystemd-dev",
    "libapt-pkg-dev",
    "pam-devel",
    "rpm-devel",
    "rpm-build",
    "dbus-devel",
    "dbus-x11",
];

/// [`Weight::Critical`] for packages of the critical set, else [`Weight::Ordinary`].
#[must_use]
pub fn weight(manager: Manager, name: &str) -> Weight {
    if is_critical(manager, name) { Weight::Critical } else { Weight::Ordinary }
}

/// True if the base's version of this package always wins.
#[must_use]
pub fn is_critical(manager: Manager, name: &str) -> bool {
    let set = match manager {
        Manager::Dpkg => DPKG,
        Manager::Rpm => RPM,
        Manager::Pacman => PACMAN,
    };
    has(set, name) && !has(NOT, name)
}

fn has(patterns: &[&str], name: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.split_once('*') {
        None => *pattern == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_machine_boots_with_is_critical_and_nothing_else() {
        for (manager, yes, no) in [
            (
                Manager::Dpkg,
                &[
                    "libc6",
                    "libc6-i386",
                    "systemd",
                    "libsystemd0",
                    "linux-image-6.12.1-amd64",
                    "dpkg",
                    "libapt-pkg6.0t64",
                ][..],
                &["libc6-dev", "linux-headers-amd64", "bash", "libfoo", "ollama", "dpkg-dev", "systemdgenie"]
                    [..],
            ),
            (
                Manager::Rpm,
                &[
                    "glibc",
                    "glibc-common",
                    "systemd-libs",
                    "kernel-core",
                    "pam",
                    "rpm-libs",
                    "libdnf5",
                    "dnf5",
                ][..],
                &["kernel-devel", "bash", "rpm-build", "ollama", "systemdgenie"][..],
            ),
            (
                Manager::Pacman,
                &["glibc", "systemd", "linux", "linux-lts", "pacman", "pambase"][..],
                &["linux-firmware", "linux-headers", "linux-lts-headers", "bash"][..],
            ),
        ] {
            for name in yes {
                assert!(is_critical(manager, name), "{name}");
            }
            for name in no {
                assert!(!is_critical(manager, name), "{name}");
            }
        }
    }
}
