//! rpm's order of versions, `[epoch:]version[-release]`: rpm-version(7), and `rpm.vercmp` of its Lua.

use std::cmp::Ordering;

use super::{compare_segments, run, split_evr};

/// A version taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evr<'a> {
    /// `0` if there is none.
    pub epoch: &'a str,
    /// What lies between.
    pub version: &'a str,
    /// What follows the last hyphen, if there is one.
    pub release: Option<&'a str>,
}

impl<'a> Evr<'a> {
    /// Takes a version apart as rpm does. Every string is one.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let (epoch, version, release) = split_evr(text);
        Evr { epoch: epoch.filter(|epoch| !epoch.is_empty()).unwrap_or("0"), version, release }
    }

    /// Epoch and version only: what rpm compares where one side of a dependency names no release.
    #[must_use]
    pub fn compare_without_release(&self, other: &Self) -> Ordering {
        compare_parts(self.epoch, other.epoch).then_with(|| compare_parts(self.version, other.version))
    }

    /// The order of [`compare_rpm`].
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        self.compare_without_release(other).then_with(|| match (self.release, other.release) {
            (Some(a), Some(b)) => compare_parts(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        })
    }
}

/// Compares as `rpm.vercmp` does: a missing epoch is 0, and a version without a release is older than the same one with
/// any release.
///
/// Packages have releases always. A dependency need not name one; its release is then not compared at all, which is no
/// order: [`Evr::compare_without_release`].
#[must_use]
pub fn compare_rpm(a: &str, b: &str) -> Ordering {
    Evr::parse(a).compare(&Evr::parse(b))
}

/// Segments of digits or letters, in between a tilde, a caret or something else, of which only the place counts.
fn compare_parts(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        (a, b) = (run(a, is_separator).1, run(b, is_separator).1);
        let (Some(first_a), Some(first_b)) = (a.first(), b.first()) else {
            return compare_ends(a, b);
        };
        match (first_a, first_b) {
            (b'~', b'~') | (b'^', b'^') => (a, b) = (&a[1..], &b[1..]),
            // A tilde is older than everything; a caret is newer than the end, and older than what else may follow.
            (b'~' | b'^', _) if *first_b != b'~' => return Ordering::Less,
            (_, b'~' | b'^') | (b'^', _) => return Ordering::Greater,
            _ => {
                let ordering;
                (ordering, a, b) = compare_segments(a, b);
                if ordering.is_ne() {
                    return ordering;
                }
            }
        }
    }
}

/// One side, or both, is at its end: what is longer is newer, unless it goes on with a tilde.
fn compare_ends(a: &[u8], b: &[u8]) -> Ordering {
    match (a.first(), b.first()) {
        (Some(b'~'), _) => Ordering::Less,
        (_, Some(b'~')) => Ordering::Greater,
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

fn is_separator(byte: u8) -> bool {
    !byte.is_ascii_alphanumeric() && !matches!(byte, b'~' | b'^')
}

#[cfg(test)]
mod tests {
    use super::super::{Order, check};

    #[test]
    fn table() {
        check(
            Order::Rpm,
            "
            1.0 < 1.1
            1.9 < 1.10
            1.0 < 1.0.0
            1.0 = 1_0
            1.0 = 1..0
            1.0. = 1.0
            1.09 = 1.9
            9 < 1:0
            0:1 = 1
            :1 = 1
            1: < 1:1
            1.0~rc1 < 1.0
            1.0~ < 1.0
            1.0~~ < 1.0~
            1.0~rc1 < 1.0~rc2
            1.0 < 1.0^
            1.0^ < 1.0.1
            1.0^git1 < 1.0a
            1.0^git1 < 1.0^git2
            1.0^git1~pre < 1.0^git1
            1.0~rc1 < 1.0~rc1^git1
            1.0~rc1^git1 < 1.0
            1.0~ < 1.0^
            a < 1
            1.a < 1.1
            Z < a
            1.0 < 1.0a
            1.0 < 1.0-1
            1.0-1 < 1.0-1.fc42
            1.0-1 < 1.0-2
            1.0-1.fc41 < 1.0-1.fc42
            1.0-9 < 1.0-10
            1.0-1-1 < 1.0-2-0
            99999999999999999999 < 100000000000000000000
            '' < 1
            '' = .
            é = .
            ",
        );
    }
}
