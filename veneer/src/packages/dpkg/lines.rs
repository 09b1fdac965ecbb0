//! Small files of lines, merged by what the old base had: `arch` and `statoverride`. Pure.

use crate::order;

/// The lines of a file that are not empty.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| *b == b'\n').filter(|line| !line.is_empty())
}

/// The new base's lines and those that the user added, less those that the user removed. `key` says what there may be one
/// line of; the user's wins. `old` is `None` if the old base is not known.
pub(super) fn merge<'a>(
    old: Option<&'a [u8]>,
    layer: &'a [u8],
    new: &'a [u8],
    key: impl Fn(&'a [u8]) -> &'a [u8],
) -> Vec<u8> {
    let old = old.map(|old| order::set(lines(old)));
    let theirs = order::set(lines(layer));
    let had = |line: &[u8]| old.as_ref().is_some_and(|old| old.contains(line));
    let added: Vec<&[u8]> = lines(layer).filter(|line| !had(line)).collect();
    let taken = order::set(added.iter().map(|line| key(line)));
    let stay = lines(new).filter(|line| !taken.contains(key(line)) && (theirs.contains(line) || !had(line)));
    let mut text = Vec::new();
    for line in stay.chain(added.iter().copied()) {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    text
}

/// A line of `statoverride` (dpkg-statoverride(1)): `USER GROUP MODE PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Override<'a> {
    /// A name, or `#` and a number.
    pub(super) user: &'a [u8],
    /// A name, or `#` and a number.
    pub(super) group: &'a [u8],
    /// Permission bits.
    pub(super) mode: u32,
    /// From the root on.
    pub(super) path: &'a [u8],
}

/// Reads a line.
pub(super) fn parse_override(line: &[u8]) -> Option<Override<'_>> {
    let mut words = line.splitn(4, |b| *b == b' ');
    let (user, group, mode, path) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let mode = u32::from_str_radix(std::str::from_utf8(mode).ok()?, 8).ok().filter(|mode| *mode <= 0o7777)?;
    Some(Override { user, group, mode, path })
}

/// What a line of `statoverride` is about: one line a path.
pub(super) fn override_path(line: &[u8]) -> &[u8] {
    parse_override(line).map_or(line, |line| line.path)
}

/// The lines of `merged` that `new` lacks: the user's.
pub(super) fn added<'a>(merged: &'a [u8], new: &[u8]) -> Vec<&'a [u8]> {
    let there = order::set(lines(new));
    lines(merged).filter(|line| !there.contains(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(old: Option<&str>, layer: &str, new: &str) -> String {
        let text = merge(old.map(str::as_bytes), layer.as_bytes(), new.as_bytes(), override_path);
        String::from_utf8(text).expect("UTF-8")
    }

    #[test]
    fn the_users_lines_are_merged_into_the_bases() {
        let (dbus, x, y) = (
            "root messagebus 4754 /usr/lib/dbus\n",
            "root adm 0755 /usr/bin/x\n",
            "root adm 2755 /usr/bin/y\n",
        );
        let both = |a: &str, b: &str| format!("{a}{b}");
        assert_eq!(merged(Some(dbus), &both(dbus, x), dbus), both(dbus, x));
        assert_eq!(merged(Some(dbus), &both(dbus, x), y), both(y, x), "the base drops its own");
        assert_eq!(merged(Some(&both(dbus, x)), dbus, &both(dbus, x)), dbus, "the user removed one");
        assert_eq!(merged(None, &both(dbus, x), y), format!("{y}{dbus}{x}"));
        let mine = "root mine 4755 /usr/lib/dbus\n";
        assert_eq!(
            merged(Some(dbus), mine, "root other 0755 /usr/lib/dbus\n"),
            mine,
            "one line a path, the user's"
        );
    }

    #[test]
    fn overrides_are_read() {
        let line = parse_override(b"root #12 4755 /usr/bin/a b").expect("good");
        assert_eq!(line, Override { user: b"root", group: b"#12", mode: 0o4755, path: b"/usr/bin/a b" });
        for bad in [&b""[..], b"root root 4755", b"root root 9 /x", b"root root 77777 /x", b"root root -1 /x"]
        {
            assert_eq!(parse_override(bad), None);
        }
    }
}
