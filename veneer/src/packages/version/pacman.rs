//! pacman's order of versions, `[epoch:]pkgver[-pkgrel]`: vercmp(8). Neither `~` nor `^` means anything to it.

use std::cmp::Ordering;

use super::{compare_segments, run, split_evr};

/// Compares as `vercmp` does: a missing epoch is 0, and pkgrel counts only if both have one.
///
/// Therefore this is no order in the strict sense: `1.0-1` is equal to `1.0`, and `1.0` to `1.0-2`. What is installed
/// has a pkgrel always.
#[must_use]
pub fn compare_pacman(a: &str, b: &str) -> Ordering {
    let ((epoch_a, version_a, release_a), (epoch_b, version_b, release_b)) = (split_evr(a), split_evr(b));
    compare_parts(or_zero(epoch_a), or_zero(epoch_b))
        .then_with(|| compare_parts(version_a, version_b))
        .then_with(|| release_a.zip(release_b).map_or(Ordering::Equal, |(a, b)| compare_parts(a, b)))
}

fn or_zero(epoch: Option<&str>) -> &str {
    epoch.filter(|epoch| !epoch.is_empty()).unwrap_or("0")
}

/// Segments of digits or letters. Of what separates them the length counts, longer is newer.
fn compare_parts(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    if a == b {
        return Ordering::Equal;
    }
    while !(a.is_empty() || b.is_empty()) {
        let (separator_a, separator_b);
        ((separator_a, a), (separator_b, b)) = (run(a, is_separator), run(b, is_separator));
        if a.is_empty() || b.is_empty() {
            break;
        }
        if separator_a.len() != separator_b.len() {
            return separator_a.len().cmp(&separator_b.len());
        }
        let ordering;
        (ordering, a, b) = compare_segments(a, b);
        if ordering.is_ne() {
            return ordering;
        }
    }
    compare_ends(a.first(), b.first())
}

/// One side, or both, is at its end: what goes on is newer, unless it goes on with a letter, as in `1.0rc1`.
fn compare_ends(a: Option<&u8>, b: Option<&u8>) -> Ordering {
    match (a, b) {
        (Some(letter), _) if letter.is_ascii_alphabetic() => Ordering::Less,
        (_, Some(letter)) if letter.is_ascii_alphabetic() => Ordering::Greater,
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

fn is_separator(byte: u8) -> bool {
    !byte.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::super::{Order, check};

    #[test]
    fn table() {
        check(
            Order::Pacman,
            "
            1.0 < 1.1
            1.9 < 1.10
            1.09 = 1.9
            1.0 < 1.0.0
            1.0 < 1.0.
            1.0 < 1..0
            1.0 = 1_0
            9 < 1:0
            0:1 = 1
            :1 = 1
            1.0rc1 < 1.0
            1.0a < 1.0
            1.0a < 1.0b
            1.0a < 1.0.a
            1.0 < 1.0.a
            1.0 < 1.0~rc1
            1.0-1 = 1.0
            1.0-1 < 1.0-1.1
            1.0-1 < 1.0-2
            1.0-9 < 1.0-10
            a < 1
            Z < a
            99999999999999999999 < 100000000000000000000
            '' < 1
            a < ''
            ",
        );
    }
}
