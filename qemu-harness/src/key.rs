//! Cache keys: a digest of everything that went into a thing. Two different inputs never share a key, so
//! every field goes in with its name and its length.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use fs_err as fs;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

/// A digest being built.
#[derive(Clone, Debug, Default)]
pub(crate) struct Key(Sha256);

impl Key {
    /// An empty key of the given kind; change `kind`'s number when the recipe of all such things changes.
    pub(crate) fn new(kind: &str) -> Self {
        Self::default().with("kind", kind.as_bytes())
    }

    /// Adds one named field.
    pub(crate) fn with(mut self, name: &str, value: &[u8]) -> Self {
        for part in [name.as_bytes(), value] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// Adds a whole directory: paths, modes, contents and link targets, in a fixed order.
    pub(crate) fn with_tree(mut self, dir: &Path) -> Result<Self> {
        let what = Error::io("hashing a tree");
        match self.add_dir(dir, dir) {
            Ok(()) => Ok(self),
            Err(source) => Err(what(source)),
        }
    }

    fn add_dir(&mut self, root: &Path, dir: &Path) -> std::io::Result<()> {
        let mut entries = fs::read_dir(dir)?.collect::<std::io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let name = path.strip_prefix(root).unwrap_or(&path).as_os_str().as_encoded_bytes();
            let meta = fs::symlink_metadata(&path)?;
            let mode = meta.permissions().mode().to_le_bytes();
            let content = if meta.is_symlink() {
                fs::read_link(&path)?.into_os_string().into_encoded_bytes()
            } else if meta.is_dir() {
                Vec::new()
            } else {
                fs::read(&path)?
            };
            *self = std::mem::take(self).with("path", name).with("mode", &mode).with("content", &content);
            if meta.is_dir() {
                self.add_dir(root, &path)?;
            }
        }
        Ok(())
    }

    /// The first 12 hexadecimal digits: enough for the few things that one cache holds.
    pub(crate) fn short(&self) -> String {
        self.hex()[..12].to_owned()
    }

    /// A UUID made of the digest, for file systems and partitions that must be the same in every build.
    pub(crate) fn uuid(&self) -> String {
        let hex = self.hex();
        format!("{}-{}-4{}-8{}-{}", &hex[0..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
    }

    fn hex(&self) -> String {
        let mut hex = String::new();
        for byte in self.0.clone().finalize() {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn fields_do_not_run_into_each_other() {
        let one = Key::new("t").with("a", b"bc").with("d", b"");
        let two = Key::new("t").with("a", b"b").with("cd", b"");
        assert_ne!(one.short(), two.short());
    }

    #[test]
    fn the_same_input_gives_the_same_key() {
        assert_eq!(Key::new("t").with("a", b"b").short(), Key::new("t").with("a", b"b").short());
        assert_ne!(Key::new("t").short(), Key::new("u").short());
    }

    #[test]
    fn a_uuid_has_the_form_of_version_4() {
        let uuid = Key::new("t").uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'4');
        assert_eq!(uuid.as_bytes()[19], b'8');
    }
}
