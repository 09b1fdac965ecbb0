//! pacman's `name`, `name>=version`, `libfoo.so=1-64`: PKGBUILD(5), depends and provides.

use super::{Capability, Kind, Op, Provided, Requirement, Wants};

/// Reads a line of `%DEPENDS%` or `%CONFLICTS%`.
#[must_use]
pub fn requirement(text: &str, kind: Kind) -> Requirement {
    let text = text.trim();
    let wants = provided(text).map_or(Wants::Unknown, |part| Wants::One(Capability::from(part)));
    Requirement { text: text.to_owned(), wants, kind }
}

/// Reads a line of `%PROVIDES%`; `None` if it names nothing.
#[must_use]
pub fn provided(text: &str) -> Option<Provided<'_>> {
    // What it is good for may follow.
    let text = text.split_once(": ").map_or(text, |(text, _)| text).trim();
    let at = text.find(['<', '=', '>']).unwrap_or(text.len());
    let (name, rest) = text.split_at(at);
    if name.is_empty() {
        return None;
    }
    let signs = if rest.starts_with("<=") || rest.starts_with(">=") { 2 } else { 1 };
    let version = match rest.split_at_checked(signs) {
        Some((sign, version)) => Some((Op::from_sign(sign)?, version)),
        None => None,
    };
    Some(Provided { name, version, arch: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        for (text, name, version) in [
            ("glibc", "glibc", None),
            ("glibc>=2.38", "glibc", Some((Op::FROM, "2.38"))),
            ("a<1", "a", Some((Op::LESS, "1"))),
            ("a>1:2-3", "a", Some((Op::GREATER, "1:2-3"))),
            ("a<=1", "a", Some((Op::UP_TO, "1"))),
            ("libfoo.so=1-64", "libfoo.so", Some((Op::EQUAL, "1-64"))),
            ("python-x: for the X of it", "python-x", None),
            ("a=1: why", "a", Some((Op::EQUAL, "1"))),
        ] {
            let got = provided(text).expect("something");
            assert_eq!((got.name, got.version), (name, version), "{text}");
        }
        assert!(provided("=1").is_none() && provided("").is_none());
    }
}
