//! Which of two versions is newer: each package manager's own order, byte for byte as its tool decides.
//!
//! The three differ and none is what `sort -V` does: `1.0~rc1` is older than `1.0` for dpkg and rpm and newer for pacman.
//! Any two strings have an answer; the same two always the same one, and its reverse when they change places. Nothing is
//! allocated, and the time is linear in the length: versions come from databases that anybody may have written.

use std::cmp::Ordering;

mod dpkg;
mod pacman;
mod rpm;

pub use dpkg::compare_dpkg;
pub use pacman::compare_pacman;
pub use rpm::{Evr, compare_rpm};

/// Whose order decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// [`compare_dpkg`].
    Dpkg,
    /// [`compare_rpm`].
    Rpm,
    /// [`compare_pacman`].
    Pacman,
}

impl Order {
    /// `Less` if `a` is the older one.
    #[must_use]
    pub fn compare(self, a: &str, b: &str) -> Ordering {
        match self {
            Order::Dpkg => compare_dpkg(a, b),
            Order::Rpm => compare_rpm(a, b),
            Order::Pacman => compare_pacman(a, b),
        }
    }
}

/// The bytes before the first one that is not of this kind, and the rest.
fn run(text: &[u8], kind: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !kind(*byte)).unwrap_or(text.len());
    text.split_at(end)
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

/// Compares decimal digits as numbers of any size; none at all is zero.
fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let (_, a) = run(a, |digit| digit == b'0');
    let (_, b) = run(b, |digit| digit == b'0');
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Compares the digits or letters, whichever `a` begins with, that both begin with, and returns what follows them. A
/// number is newer than letters. rpm and pacman have this in common.
fn compare_segments<'a, 'b>(a: &'a [u8], b: &'b [u8]) -> (Ordering, &'a [u8], &'b [u8]) {
    let digits = a.first().is_some_and(u8::is_ascii_digit);
    let kind = if digits { is_digit } else { |byte: u8| byte.is_ascii_alphabetic() };
    let ((segment_a, a), (segment_b, b)) = (run(a, kind), run(b, kind));
    let ordering = match (segment_b.is_empty(), digits) {
        (true, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, true) => compare_numbers(segment_a, segment_b),
        (false, false) => segment_a.cmp(segment_b),
    };
    (ordering, a, b)
}

/// `[epoch:]version[-release]` as rpm and pacman take it apart. An epoch is digits, or nothing, before the first colon;
/// a release is what follows the last hyphen.
fn split_evr(text: &str) -> (Option<&str>, &str, Option<&str>) {
    let digits = run(text.as_bytes(), is_digit).0.len();
    let (epoch, rest) = match text.split_at(digits) {
        (epoch, rest) if rest.starts_with(':') => (Some(epoch), &rest[1..]),
        _ => (None, text),
    };
    match rest.rsplit_once('-') {
        Some((version, release)) => (epoch, version, Some(release)),
        None => (epoch, rest, None),
    }
}

/// Checks a table of `older newer` and `one = same`, in both directions.
#[cfg(test)]
fn check(order: Order, table: &str) {
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let [a, sign, b] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("not `a < b` or `a = b`: {line}");
        };
        // `''` is the empty string.
        let (a, b) = (a.trim_matches('\''), b.trim_matches('\''));
        let expected = if sign == "<" { Ordering::Less } else { Ordering::Equal };
        assert_eq!(order.compare(a, b), expected, "{line}");
        assert_eq!(order.compare(b, a), expected.reverse(), "{line}, turned round");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{Random, rounds};

    #[test]
    fn noise_has_an_order_too() {
        let mut random = Random::new();
        let seed = b"1:2.0~rc1^git20240101.0aF+dfsg_1-0.1ubuntu2:00-";
        for _ in 0..rounds(20_000) {
            let [a, b] = [(); 2].map(|()| String::from_utf8_lossy(&random.mangle(seed)).into_owned());
            for order in [Order::Dpkg, Order::Rpm, Order::Pacman] {
                assert_eq!(order.compare(&a, &a), Ordering::Equal, "{order:?} {a:?}");
                assert_eq!(order.compare(&a, &b), order.compare(&b, &a).reverse(), "{order:?} {a:?} {b:?}");
            }
        }
    }
}
