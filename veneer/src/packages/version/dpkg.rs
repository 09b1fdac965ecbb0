//! dpkg's order of versions, `[epoch:]upstream[-revision]`: deb-version(7).

use std::cmp::Ordering;

use super::{compare_numbers, is_digit, run};

/// Compares as `dpkg --compare-versions` does. A missing epoch is 0, a missing revision is equal to `0`.
///
/// What dpkg refuses as malformed has a place in the order as well: an epoch that is no number is compared like any
/// other part.
#[must_use]
pub fn compare_dpkg(a: &str, b: &str) -> Ordering {
    let ([epoch_a, upstream_a, revision_a], [epoch_b, upstream_b, revision_b]) = (split(a), split(b));
    compare_parts(epoch_a, epoch_b)
        .then_with(|| compare_parts(upstream_a, upstream_b))
        .then_with(|| compare_parts(revision_a, revision_b))
}

/// Epoch (before the first colon), upstream version, revision (after the last hyphen).
fn split(text: &str) -> [&[u8]; 3] {
    let (epoch, rest) = text.split_once(':').unwrap_or(("", text));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    [epoch, upstream, revision].map(str::as_bytes)
}

/// By turns a text without digits and a number, until something differs or both are at their end.
fn compare_parts(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !(a.is_empty() && b.is_empty()) {
        let ((text_a, rest_a), (text_b, rest_b)) = (run(a, is_text), run(b, is_text));
        let ((number_a, rest_a), (number_b, rest_b)) = (run(rest_a, is_digit), run(rest_b, is_digit));
        let ordering = compare_texts(text_a, text_b).then_with(|| compare_numbers(number_a, number_b));
        if ordering.is_ne() {
            return ordering;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

fn is_text(byte: u8) -> bool {
    !byte.is_ascii_digit()
}

/// A tilde is before the end of the text, the end before letters, letters before everything else.
fn compare_texts(a: &[u8], b: &[u8]) -> Ordering {
    let place = |byte: Option<&u8>| match byte {
        Some(b'~') => (0, 0),
        None => (1, 0),
        Some(letter) if letter.is_ascii_alphabetic() => (2, *letter),
        Some(other) => (3, *other),
    };
    let differs = a.iter().zip(b).position(|(x, y)| x != y).unwrap_or(a.len().min(b.len()));
    place(a.get(differs)).cmp(&place(b.get(differs)))
}

#[cfg(test)]
mod tests {
    use super::super::{Order, check};

    #[test]
    fn table() {
        check(
            Order::Dpkg,
            "
            1.0 < 1.1
            1.9 < 1.10
            1.09 = 1.9
            1.0 < 1.0.0
            9 < 1:0
            0:1.0 = 1.0
            01:1 = 1:1
            1:2:3 < 1:2:4
            4294967297:1 < 4294967298:1
            1.0~rc1 < 1.0
            1.0~~ < 1.0~
            1.0~~a < 1.0~
            1.0~ < 1.0
            1.0~rc1 < 1.0~rc1-1
            1.0~rc1-1 < 1.0-1
            1.0a < 1.0+
            1.0 < 1.0a
            1.0Z < 1.0a
            1.0- = 1.0
            1.0-0 = 1.0
            1.0-0~ < 1.0
            1.0-1 < 1.0-1.1
            1.0-1 < 1.0.1
            1.0-1-1 < 1.0-1-2
            1.0-2-1 < 1.0-10-1
            1.0-1~bpo1 < 1.0-1
            1.0-1 < 1.0-1+b1
            1.0-1 < 1.0-1ubuntu1
            1a1 < 1a.1
            99999999999999999999 < 100000000000000000000
            000000000000000000001 = 1
            '' < 1
            '' = 0
            2.36-9+deb12u9 < 2.36-9+deb12u14
            ",
        );
    }
}
