//! Patterns of paths: components with at most two `*` each. Pure.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The last components of the patterns whose other components fit a directory, so that the entries of a directory are
/// held against few patterns, mostly none.
#[derive(Debug, Default)]
pub(super) struct Names<'a>(Vec<&'a str>);

impl<'a> Names<'a> {
    /// Those for the directory `dir`.
    pub(super) fn of(patterns: impl IntoIterator<Item = &'a str>, dir: &Path) -> Self {
        let fitting = |pattern: &'a str| {
            let (above, last) = pattern.rsplit_once('/').unwrap_or(("", pattern));
            let mut parts = dir.iter();
            let mut globs = above.split('/').filter(|glob| !glob.is_empty());
            let fits = globs.all(|glob| parts.next().is_some_and(|part| component(glob, part.as_bytes())));
            (fits && parts.next().is_none()).then_some(last)
        };
        Names(patterns.into_iter().filter_map(fitting).collect())
    }

    /// True if the name fits one of them.
    pub(super) fn has(&self, name: &[u8]) -> bool {
        self.0.iter().any(|glob| component(glob, name))
    }
}

fn component(glob: &str, part: &[u8]) -> bool {
    match glob.split_once('*') {
        None => glob.as_bytes() == part,
        Some((start, rest)) => match rest.rsplit_once('*') {
            None => {
                part.len() >= start.len() + rest.len()
                    && part.starts_with(start.as_bytes())
                    && part.ends_with(rest.as_bytes())
            }
            Some((middle, end)) => {
                let Some(inner) =
                    part.strip_prefix(start.as_bytes()).and_then(|p| p.strip_suffix(end.as_bytes()))
                else {
                    return false;
                };
                middle.is_empty() || inner.windows(middle.len()).any(|window| window == middle.as_bytes())
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars() {
        for (pattern, path, fits) in [
            ("lib*/ld-linux*.so*", "lib64/ld-linux-x86-64.so.2", true),
            ("lib*/ld-linux*.so*", "lib/ld-linux.so.2", true),
            ("lib*/ld-linux*.so*", "lib/ld-linux", false),
            ("a/*", "a/b", true),
            ("a/*", "a/b/c", false),
            ("a", "a/b", false),
            ("ab*ba", "aba", false),
        ] {
            let path = Path::new(path);
            let (dir, name) = (path.parent().expect("a directory"), path.file_name().expect("a name"));
            assert_eq!(Names::of([pattern], dir).has(name.as_bytes()), fits, "{pattern} {}", path.display());
        }
    }
}
