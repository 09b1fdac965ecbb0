//! Names of units that stand for paths, by the rules of systemd.unit(5), "String Escaping for Inclusion in Unit Names",
//! and values that are to be taken literally.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What `systemd-escape --path` makes of an absolute path without `.`, `..` and doubled slashes.
pub(crate) fn escape_path(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    let bytes = bytes.strip_prefix(b"/").unwrap_or(bytes);
    if bytes.is_empty() {
        return "-".to_owned();
    }
    let escape = |(index, &byte): (usize, &u8)| match byte {
        b'/' => "-".to_owned(),
        // A name that starts with a dot would be a hidden file.
        b'.' if index == 0 => r"\x2e".to_owned(),
        b':' | b'_' | b'.' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    bytes.iter().enumerate().map(escape).collect()
}

/// A value in which `%` is a percent sign and no specifier.
pub(crate) fn literal(value: &str) -> String {
    value.replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_systemd_escape_does_it() {
        // The right-hand sides are the output of `systemd-escape --path` (systemd 252).
        let cases = [
            ("/", "-"),
            ("/dev/vda3", "dev-vda3"),
            ("/.x/.y", r"\x2ex-.y"),
            (r"/dev/disk/by-partlabel/my\x20store", r"dev-disk-by\x2dpartlabel-my\x5cx20store"),
            ("/dev/größe", r"dev-gr\xc3\xb6\xc3\x9fe"),
            ("/dev/a:b_c.d-e%f@g", r"dev-a:b_c.d\x2de\x25f\x40g"),
        ];
        for (path, name) in cases {
            assert_eq!(escape_path(Path::new(path)), name);
        }
    }

    #[test]
    fn the_stores_mount_has_the_name_that_the_library_says() {
        let name = format!("{}.mount", escape_path(Path::new(veneer::paths::STORE)));
        assert_eq!(name, veneer::paths::STORE_UNIT);
    }
}
