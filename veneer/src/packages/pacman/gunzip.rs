//! A gzip file (RFC 1952) in memory, inflated piece by piece: what comes out needs no more room than deflate's window.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// How far back deflate refers.
const WINDOW: usize = 32 * 1024;

/// Flags of the header.
const HEADER_CHECKSUM: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;

/// Shows `see` the content of the first member, at most `limit` bytes of it. Returns false if it is not gzip, damaged,
/// or longer. Checksums are left alone: what is read here is compared with files, which only a true digest can match.
pub(super) fn gunzip(bytes: &[u8], limit: usize, mut see: impl FnMut(&[u8])) -> bool {
    let Some(mut input) = deflated(bytes) else { return false };
    let mut inflator = Box::new(DecompressorOxide::new());
    let mut window = vec![0; WINDOW];
    let (mut at, mut sum) = (0, 0);
    loop {
        let (status, taken, made) = decompress(&mut inflator, input, &mut window, at, 0);
        input = input.get(taken..).unwrap_or_default();
        sum += made;
        if sum > limit {
            return false;
        }
        see(window.get(at..at + made).unwrap_or_default());
        at = (at + made) % WINDOW;
        match status {
            TINFLStatus::Done => return true,
            TINFLStatus::HasMoreOutput => {}
            _ => return false,
        }
    }
}

/// What follows the header.
fn deflated(bytes: &[u8]) -> Option<&[u8]> {
    let (header, mut rest) = bytes.split_at_checked(10)?;
    let flags = header[3];
    // Magic, and deflate, the only method that there is.
    if header[..3] != [0x1f, 0x8b, 8] {
        return None;
    }
    if flags & EXTRA != 0 {
        let (length, after) = rest.split_at_checked(2)?;
        rest = after.get(usize::from(u16::from_le_bytes([length[0], length[1]]))..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|b| *b == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & HEADER_CHECKSUM != 0 { rest.get(2..) } else { Some(rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf 'hello hello hello\n' | gzip --best`, the name in the header made by hand.
    const HELLO: &[u8] = b"\x1f\x8b\x08\x08\0\0\0\0\x02\x03name\0\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x90\x5c\0\x96\xb3\x01\x0b\x12\0\0\0";

    fn text(bytes: &[u8], limit: usize) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        gunzip(bytes, limit, |piece| text.extend_from_slice(piece)).then_some(text)
    }

    #[test]
    fn inflates_within_its_limit() {
        assert_eq!(text(HELLO, 18).as_deref(), Some(&b"hello hello hello\n"[..]));
        assert_eq!(text(HELLO, 17), None);
        assert_eq!(text(&HELLO[..20], 100), None);
        assert_eq!(text(b"", 100), None);
        assert_eq!(text(b"plain text, longer than a header", 100), None);
    }

    #[test]
    fn noise_is_inflated_without_a_panic_and_within_bounds() {
        let mut random = crate::fuzz::Random::new();
        for _ in 0..crate::fuzz::rounds(3000) {
            let mut sum = 0;
            gunzip(&random.mangle(HELLO), 100_000, |piece| sum += piece.len());
            assert!(sum <= 100_000);
        }
    }
}
