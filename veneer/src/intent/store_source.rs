//! Where the store is: a value that was checked once, so that whatever is made of it (a unit, a mount) needs no check.
//!
//! Its text has no control characters, its paths are absolute, normal and without `..`; parsing its own display gives
//! the same value.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;

use crate::paths;

/// The store as named by `rd.veneer.store=` or `store=`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StoreSource {
    /// The partition that the udev rule found on the boot disk.
    #[default]
    Auto,
    /// By the name in the partition table.
    PartLabel(String),
    /// By the partition's UUID in the partition table.
    PartUuid(String),
    /// By the file system's label.
    Label(String),
    /// By the file system's UUID.
    Uuid(String),
    /// A device node or a link to one, below `/dev`.
    Device(PathBuf),
    /// A directory of the real root, named by its path there.
    Dir(PathBuf),
}

/// Why a text names no store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StoreSourceError {
    /// Nothing, or nothing after the `=` or the `dir:`.
    #[error("nothing is named")]
    Empty,
    /// A NUL, a newline or another control character.
    #[error("there is a control character in it")]
    Control,
    /// A path that is not absolute.
    #[error("the path does not start with /")]
    Relative,
    /// A path with `..` in it.
    #[error("the path has .. in it")]
    Parent,
    /// A path that ends in a space or a backslash: a unit file cannot hold it.
    #[error("the path ends in a space or a backslash")]
    Ending,
    /// Longer than any name that the kernel takes.
    #[error("it is too long")]
    Long,
    /// None of the known forms.
    #[error(
        "it is none of auto, PARTLABEL=, PARTUUID=, LABEL=, UUID=, /dev/… and dir:/… (a directory is written dir:/path)"
    )]
    Form,
}

impl StoreSource {
    /// The device to wait for and to mount; `None` for a directory. A path that udev makes, by its own encoding.
    #[must_use]
    pub fn device(&self) -> Option<PathBuf> {
        let (by, name) = match self {
            Self::Auto => return Some(paths::STORE_DEVICE.into()),
            Self::Device(path) => return Some(path.clone()),
            Self::Dir(_) => return None,
            Self::PartLabel(name) => ("partlabel", name),
            Self::PartUuid(name) => ("partuuid", name),
            Self::Label(name) => ("label", name),
            Self::Uuid(name) => ("uuid", name),
        };
        Some(format!("/dev/disk/by-{by}/{}", encode_devnode_name(name)).into())
    }
}

impl FromStr for StoreSource {
    type Err = StoreSourceError;

    fn from_str(text: &str) -> Result<Self, StoreSourceError> {
        if text.is_empty() {
            return Err(StoreSourceError::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(StoreSourceError::Control);
        }
        // A unit's name ends at 255 bytes and escaping makes four of one; what fits no unit cannot be waited for.
        if text.len() > 1024 {
            return Err(StoreSourceError::Long);
        }
        if text.eq_ignore_ascii_case("auto") {
            return Ok(Self::Auto);
        }
        if let Some(path) = text.strip_prefix("dir:") {
            return Ok(Self::Dir(normal(path)?));
        }
        if text.starts_with("/dev/") {
            let path = normal(text)?;
            return if path == Path::new("/dev") {
                Err(StoreSourceError::Empty)
            } else {
                Ok(Self::Device(path))
            };
        }
        let (tag, value) = text.split_once('=').ok_or(StoreSourceError::Form)?;
        // As in /etc/fstab, the value may have quotes of its own.
        let value = unquote(value);
        let of: fn(String) -> Self = match tag.to_ascii_uppercase().as_str() {
            "PARTLABEL" => Self::PartLabel,
            "LABEL" => Self::Label,
            "PARTUUID" => |value| Self::PartUuid(lower_uuid(value)),
            "UUID" => |value| Self::Uuid(lower_uuid(value)),
            _ => return Err(StoreSourceError::Form),
        };
        if value.is_empty() { Err(StoreSourceError::Empty) } else { Ok(of(value.to_owned())) }
    }
}

impl fmt::Display for StoreSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            // Quotes only where parsing would take away the value's own.
            Self::PartLabel(name) if unquote(name) != name => write!(f, "PARTLABEL=\"{name}\""),
            Self::Label(name) if unquote(name) != name => write!(f, "LABEL=\"{name}\""),
            Self::PartLabel(name) => write!(f, "PARTLABEL={name}"),
            Self::Label(name) => write!(f, "LABEL={name}"),
            Self::PartUuid(name) => write!(f, "PARTUUID={name}"),
            Self::Uuid(name) => write!(f, "UUID={name}"),
            Self::Device(path) => write!(f, "{}", path.display()),
            Self::Dir(path) => write!(f, "dir:{}", path.display()),
        }
    }
}

/// Without a pair of quotes around it.
pub(crate) fn unquote(text: &str) -> &str {
    ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(text)
}

/// udev's links have the UUIDs of GPT and of most file systems in lower case, people paste either. Short ones (FAT's)
/// are upper case in udev too and stay as they are.
fn lower_uuid(text: String) -> String {
    let is_uuid = text.len() == 36 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if is_uuid { text.to_ascii_lowercase() } else { text }
}

/// Absolute, no doubled or trailing slashes, no `.`; `..` is refused as it may lead anywhere by a link.
fn normal(path: &str) -> Result<PathBuf, StoreSourceError> {
    if path.is_empty() {
        return Err(StoreSourceError::Empty);
    }
    if !path.starts_with('/') {
        return Err(StoreSourceError::Relative);
    }
    let path = Path::new(path);
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(StoreSourceError::Parent);
    }
    let path: PathBuf = path.components().collect();
    if path.as_os_str().as_encoded_bytes().ends_with(b" ")
        || path.as_os_str().as_encoded_bytes().ends_with(b"\\")
    {
        return Err(StoreSourceError::Ending);
    }
    Ok(path)
}

/// A name as udev writes it into a link: letters, digits, `#+-.:=@_` and everything beyond ASCII stay, any other byte
/// becomes `\xNN` (systemd's `encode_devnode_name`, libblkid's `blkid_encode_string`).
fn encode_devnode_name(name: &str) -> String {
    let encode = |c: char| {
        if !c.is_ascii() || c.is_ascii_alphanumeric() || "#+-.:=@_".contains(c) {
            c.to_string()
        } else {
            format!("\\x{:02x}", u32::from(c))
        }
    };
    name.chars().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<StoreSource, StoreSourceError> {
        text.parse()
    }

    #[test]
    fn every_form_has_its_device_and_comes_back_from_its_display() {
        let cases = [
            ("auto", "/dev/disk/veneer/store"),
            ("PARTLABEL=my store", r"/dev/disk/by-partlabel/my\x20store"),
            ("PARTLABEL=a/b%c", r"/dev/disk/by-partlabel/a\x2fb\x25c"),
            (r"LABEL=back\slash", r"/dev/disk/by-label/back\x5cslash"),
            ("LABEL=größe", "/dev/disk/by-label/größe"),
            ("LABEL=a=b", "/dev/disk/by-label/a=b"),
            ("LABEL=\"'quoted'\"", r"/dev/disk/by-label/\x27quoted\x27"),
            ("UUID=6A7B-12CD", "/dev/disk/by-uuid/6A7B-12CD"),
            (
                "PARTUUID=809dc39c-fe9a-472c-9048-941c9b9958e0",
                "/dev/disk/by-partuuid/809dc39c-fe9a-472c-9048-941c9b9958e0",
            ),
            ("/dev/mapper/store", "/dev/mapper/store"),
        ];
        for (text, device) in cases {
            let source = parse(text).unwrap();
            assert_eq!(source.device().unwrap(), Path::new(device), "{text}");
            assert_eq!(source.to_string(), text);
        }
        let dir = parse("dir:/var/lib/veneer").unwrap();
        assert_eq!(dir.device(), None);
        assert_eq!(dir.to_string(), "dir:/var/lib/veneer");
    }

    #[test]
    fn other_spellings_are_brought_to_one() {
        assert_eq!(parse("AUTO"), Ok(StoreSource::Auto));
        assert_eq!(parse("partlabel='x y'"), Ok(StoreSource::PartLabel("x y".into())));
        assert_eq!(
            parse("UUID=809DC39C-FE9A-472C-9048-941C9B9958E0"),
            parse("UUID=809dc39c-fe9a-472c-9048-941c9b9958e0")
        );
        assert_eq!(parse("dir://var/./lib//veneer/"), Ok(StoreSource::Dir("/var/lib/veneer".into())));
        assert_eq!(parse("/dev//vda3"), Ok(StoreSource::Device("/dev/vda3".into())));
    }

    #[test]
    fn what_could_lead_astray_is_refused() {
        use StoreSourceError as E;
        let cases = [
            ("", E::Empty),
            ("LABEL=", E::Empty),
            ("LABEL=\"\"", E::Empty),
            ("dir:", E::Empty),
            ("/dev/", E::Empty),
            ("dir:var", E::Relative),
            ("dir:/var/../etc", E::Parent),
            ("/dev/../etc/shadow", E::Parent),
            ("LABEL=a\nb", E::Control),
            ("dir:/a\0b", E::Control),
            ("dir:/a ", E::Ending),
            ("/dev/a\\", E::Ending),
            ("/var/lib/veneer", E::Form),
            ("tmpfs", E::Form),
            ("ID=x", E::Form),
        ];
        for (text, error) in cases {
            assert_eq!(parse(text), Err(error), "{text:?}");
        }
        assert_eq!(parse(&format!("LABEL={}", "x".repeat(1024))), Err(E::Long));
    }
}
