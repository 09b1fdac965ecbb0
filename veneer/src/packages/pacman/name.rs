//! The name of a package's directory: `NAME-VERSION-RELEASE`, so that one listing is the list of packages.

/// Name and version (with epoch and release) that a directory of `local/` stands for; `None` if pacman would not
/// take it for a package's either.
///
/// A name may hold dashes, a version may not: the last two part them (PKGBUILD(5), pkgname and pkgver).
#[must_use]
pub fn split(directory: &str) -> Option<(&str, &str)> {
    let (before, _release) = directory.rsplit_once('-')?;
    let (name, _version) = before.rsplit_once('-')?;
    let version = &directory[name.len() + 1..];
    (!name.is_empty() && !directory.contains('/')).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_two_dashes_count() {
        assert_eq!(split("gtk-update-icon-cache-1:4.18.6-1"), Some(("gtk-update-icon-cache", "1:4.18.6-1")));
        assert_eq!(split("a-1-1"), Some(("a", "1-1")));
        assert_eq!(split("ALPM_DB_VERSION"), None);
        assert_eq!(split("a-1"), None);
        assert_eq!(split("-1-1"), None);
    }
}
