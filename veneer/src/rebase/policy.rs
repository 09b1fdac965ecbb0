//! What the configuration says of a rebase: the paths at which the base always wins.

use std::path::Path;

use super::pattern::Names;
use crate::intent::Protected;

/// Default of `protected=`: what a system cannot start or be logged into without, if it is not of one piece. Patterns of
/// paths below /usr; `*` stands for a component or a part of one.
pub const PROTECTED: [&str; 35] = [
    // The loader and the C library, which must be of one build.
    "lib*/ld-linux*.so*",
    "lib*/ld64.so*",
    "lib*/ld-musl-*.so*",
    "lib*/ld-*.so",
    "lib/*/ld-linux*.so*",
    "lib/*/ld-*.so",
    "lib*/libc.so*",
    "lib/*/libc.so*",
    "lib*/libc-*.so",
    "lib/*/libc-*.so",
    "lib*/libm.so.*",
    "lib/*/libm.so.*",
    "lib*/libmvec.so.*",
    "lib/*/libmvec.so.*",
    "lib*/libpthread.so.*",
    "lib/*/libpthread.so.*",
    "lib*/libdl.so.*",
    "lib/*/libdl.so.*",
    "lib*/librt.so.*",
    "lib/*/librt.so.*",
    "lib*/libresolv.so.*",
    "lib/*/libresolv.so.*",
    "lib*/libnss_files.so.*",
    "lib/*/libnss_files.so.*",
    // systemd's own programs and their private libraries.
    "lib/systemd/systemd",
    "lib/systemd/systemd-*",
    "lib*/systemd/libsystemd-*.so",
    "lib/*/systemd/libsystemd-*.so",
    "lib*/libsystemd-*.so",
    "sbin/init",
    // PAM: half of it lets nobody in.
    "lib*/libpam*.so.*",
    "lib/*/libpam*.so.*",
    "lib*/security/pam_*.so",
    "lib/*/security/pam_*.so",
    "lib/veneer/*",
];

/// The policy of a rebase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    protected: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Policy::new(&Protected::default())
    }
}

impl Policy {
    /// As the user wants it.
    #[must_use]
    pub fn new(protected: &Protected) -> Self {
        let default =
            PROTECTED.iter().filter(|_| protected.with_default).map(|pattern| (*pattern).to_owned());
        Policy { protected: default.chain(protected.more.iter().cloned()).collect() }
    }

    /// True if the base always wins at a path below /usr.
    #[must_use]
    pub fn protects(&self, path: &Path) -> bool {
        let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else { return false };
        self.protected_in(dir).has(name.as_encoded_bytes())
    }

    /// The names in the directory `dir` at which the base always wins.
    pub(super) fn protected_in(&self, dir: &Path) -> Names<'_> {
        Names::of(self.protected.iter().map(String::as_str), dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_starts_the_system_is_protected_and_little_else() {
        let policy = Policy::default();
        let is_protected = |path: &str| policy.protects(Path::new(path));
        for path in [
            "lib64/ld-linux-x86-64.so.2",
            "lib/x86_64-linux-gnu/libc.so.6",
            "lib64/libc.so.6",
            "lib/systemd/systemd",
            "lib/systemd/systemd-logind",
            "lib/x86_64-linux-gnu/security/pam_unix.so",
        ] {
            assert!(is_protected(path), "{path}");
        }
        for path in [
            "lib/systemd/system/mine.service",
            "lib/x86_64-linux-gnu/libcurl.so.4",
            "bin/bash",
            "lib/systemd",
        ] {
            assert!(!is_protected(path), "{path}");
        }
    }
}
