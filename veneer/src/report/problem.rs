//! What the user should know of a layer on its base.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The kind of a problem; a stable word for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// An entry of the user's is in quarantine, and the base's is visible.
    Quarantined,
    /// Something of the user's at a path that is always the base's is in quarantine.
    Protected,
    /// A change of the user's was kept although the base has a say in it.
    Kept,
    /// A change of mode, owner or attributes gave way to the base's.
    Metadata,
    /// What the user had removed is hidden although the base may have changed it.
    Hidden,
    /// Where the user had removed something, something of the base's is visible.
    Shown,
    /// The user's version of a package gave way to the base's.
    HandedBack,
    /// A package that the user had removed is there again.
    Returned,
    /// A kept package needs something that this base does not have.
    Dependency,
    /// A package that the base no longer has is gone.
    Dropped,
    /// A package of the old base that the user has in another version, and that the new base does not have, stays.
    Orphaned,
    /// The installation of a package was cut off before the base changed: it stays so, or the base's is used.
    Unfinished,
    /// The layer could not be treated as the rules say; the message says what was done instead.
    Limited,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Its kind.
    pub kind: ProblemKind,
    /// The package that it is about.
    pub package: Option<String>,
    /// The path that it is about, from `/usr` on; bytes that are not UTF-8 as `\xNN`.
    pub path: Option<String>,
    /// What happened and what can be done.
    pub message: String,
}

impl Problem {
    /// A problem of the layer as a whole.
    #[must_use]
    pub fn of_layer(kind: ProblemKind, message: String) -> Self {
        Problem { kind, package: None, path: None, message }
    }

    /// A problem of a path.
    #[must_use]
    pub fn of_path(kind: ProblemKind, path: &Path, message: String) -> Self {
        Problem { kind, package: None, path: Some(display_path(path)), message }
    }

    /// A problem of a package.
    #[must_use]
    pub fn of_package(kind: ProblemKind, package: &str, message: String) -> Self {
        Problem { kind, package: Some(package.to_owned()), path: None, message }
    }
}

/// A path as text that loses nothing: bytes that are not UTF-8, control characters and the backslash itself are
/// written as `\xNN`.
#[must_use]
pub fn display_path(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() || c == '\\' {
                let mut utf8 = [0; 4];
                escape(&mut text, c.encode_utf8(&mut utf8).as_bytes());
            } else {
                text.push(c);
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text
}

fn escape(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "\\x{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_a_text_of_its_own() {
        let path = Path::new(std::ffi::OsStr::from_bytes(b"/usr/a\xffb\\x\n\xc3\xa9"));
        assert_eq!(display_path(path), "/usr/a\\xffb\\x5cx\\x0a\u{e9}");
    }
}
