//! The lines of the `shadowed` file: one an entry of the old base, or a name that it did not have. Pure.

use std::ffi::CString;
use std::fmt::Write as _;

use rustix::fs::FileType;

use super::entry::OldEntry;
use crate::hex;

/// Types by their letter, as find(1) prints them.
const TYPES: [(char, FileType); 7] = [
    ('f', FileType::RegularFile),
    ('l', FileType::Symlink),
    ('d', FileType::Directory),
    ('c', FileType::CharacterDevice),
    ('b', FileType::BlockDevice),
    ('p', FileType::Fifo),
    ('s', FileType::Socket),
];

/// Appends the line of `name`; `None` stands for "the base has nothing there".
pub(super) fn push(text: &mut String, name: &[u8], entry: Option<&OldEntry>) {
    let Some(entry) = entry else {
        text.push_str("- ");
        push_name(text, name);
        text.push('\n');
        return;
    };
    let letter = TYPES.iter().find(|(_, kind)| *kind == entry.kind).map_or('?', |(letter, _)| *letter);
    // Writing to a String cannot fail.
    let _ = write!(text, "{letter} {:o} {} {} {} ", entry.mode, entry.uid, entry.gid, entry.number);
    match &entry.digest {
        Some(digest) => text.push_str(&hex::encode(digest)),
        None => text.push('-'),
    }
    text.push(' ');
    if entry.xattrs.is_empty() {
        text.push('-');
    }
    for (at, (attribute, sum)) in entry.xattrs.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        push_name(text, attribute.to_bytes());
        text.push('=');
        text.push_str(&hex::encode(sum));
    }
    text.push(' ');
    push_name(text, name);
    text.push('\n');
}

/// Reads a line without its end; `None` if it is none that [`push`] makes.
pub(super) fn parse(line: &str) -> Option<(CString, Option<OldEntry>)> {
    let (letter, rest) = line.split_once(' ')?;
    if letter == "-" {
        return Some((name(rest)?, None));
    }
    let kind = TYPES.iter().find(|(known, _)| letter.chars().eq([*known])).map(|(_, kind)| *kind)?;
    let mut words = rest.split(' ');
    let mut word = || words.next();
    let mode = u32::from_str_radix(word()?, 8).ok().filter(|mode| *mode <= 0o7777)?;
    let (uid, gid, number) = (word()?.parse().ok()?, word()?.parse().ok()?, word()?.parse().ok()?);
    let digest = match word()? {
        "-" => None,
        text => Some(hex::decode(text.as_bytes())?),
    };
    let mut xattrs = Vec::new();
    match word()? {
        "-" => {}
        list => {
            for item in list.split(',') {
                let (attribute, sum) = item.rsplit_once('=')?;
                xattrs.push((CString::new(unescape(attribute)?).ok()?, hex::decode(sum.as_bytes())?));
            }
        }
    }
    let name = name(word()?)?;
    if word().is_some() {
        return None;
    }
    Some((name, Some(OldEntry { kind, number, mode, uid, gid, digest, xattrs })))
}

/// A single component.
fn name(text: &str) -> Option<CString> {
    let bytes = unescape(text)?;
    let plain = !bytes.is_empty() && !bytes.contains(&b'/') && bytes != b"." && bytes != b"..";
    plain.then(|| CString::new(bytes).ok())?
}

/// Writes bytes as one word: what is not plain ASCII, and what separates words, as `\NN` in hexadecimal digits.
pub(super) fn push_name(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        match byte {
            b'\\' | b',' | b'=' | 0..=b' ' | 0x7f.. => {
                text.push('\\');
                text.push_str(&hex::encode(&[*byte]));
            }
            plain => text.push(char::from(*plain)),
        }
    }
}

pub(super) fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        if *first == b'\\' {
            let digits = rest.get(..2)?;
            bytes.push(hex::decode::<1>(digits)?[0]);
            rest = &rest[2..];
        } else {
            bytes.push(*first);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> OldEntry {
        OldEntry {
            kind: FileType::RegularFile,
            number: 7,
            mode: 0o4755,
            uid: 0,
            gid: 8,
            digest: Some([0xab; 32]),
            xattrs: vec![(c"user.a=b,c".into(), [1; 16]), (c"user.z".into(), [2; 16])],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for name in [&b"plain"[..], b"a b\n\\", b"\xff\xc3=,", b"-", b"..."] {
            for entry in [None, Some(entry()), Some(OldEntry { digest: None, xattrs: Vec::new(), ..entry() })]
            {
                let mut text = String::new();
                push(&mut text, name, entry.as_ref());
                let line = text.strip_suffix('\n').expect("a line");
                assert!(line.is_ascii() && !line.contains('\n'));
                let (read, found) = parse(line).expect("its own line");
                assert_eq!((read.to_bytes(), &found), (name, &entry));
            }
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_no_names() {
        for line in ["- a/b", "- \\2f", "- ..", "- .", "- ", "-", "- \\00", "x 1 2", "f 10000 0 0 0 - - a"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    /// A million: see [`crate::fuzz`].
    #[test]
    fn noise_is_read_without_a_panic() {
        let mut good = String::new();
        push(&mut good, b"na me", Some(&entry()));
        let mut random = crate::fuzz::Random::new();
        for _ in 0..crate::fuzz::rounds(3000) {
            let text = random.mangle(good.as_bytes());
            if let Some((name, found)) = parse(String::from_utf8_lossy(&text).trim_end_matches('\n')) {
                let mut again = String::new();
                push(&mut again, name.to_bytes(), found.as_ref());
                assert_eq!(parse(again.trim_end_matches('\n')), Some((name, found)));
            }
        }
    }
}
