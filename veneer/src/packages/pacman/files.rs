//! A package's `files`: the paths that it owns, relative to the root; a directory ends in a slash.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Shows `see` each path of the section `%FILES%`, relative to the root directory, and whether it is a directory.
pub fn each_path(bytes: &[u8], mut see: impl FnMut(&Path, bool)) {
    let mut inside = false;
    for line in bytes.split(|b| *b == b'\n') {
        if !inside {
            inside = line == b"%FILES%";
            continue;
        }
        if line.is_empty() {
            return;
        }
        let (path, directory) = match line.strip_suffix(b"/") {
            Some(path) => (path, true),
            None => (line, false),
        };
        see(Path::new(OsStr::from_bytes(path)), directory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_list_of_files_is_read() {
        let text = b"%FILES%\nusr/\nusr/bin/a b\nusr/\xff\n\n%BACKUP%\netc/a\t0123\n\n";
        let mut seen = Vec::new();
        each_path(text, |path, directory| seen.push((path.as_os_str().as_bytes().to_vec(), directory)));
        assert_eq!(
            seen,
            [(b"usr".to_vec(), true), (b"usr/bin/a b".to_vec(), false), (b"usr/\xff".to_vec(), false)]
        );
    }

    #[test]
    fn a_package_without_files_has_none() {
        each_path(b"", |path, _| panic!("{path:?}"));
        each_path(b"%BACKUP%\netc/a\t0123\n\n", |path, _| panic!("{path:?}"));
    }
}
