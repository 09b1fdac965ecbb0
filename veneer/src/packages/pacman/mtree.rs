//! A package's `mtree` (mtree(5), gzip): the digests of its files as they were packed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::gunzip::gunzip;
use crate::hex;
use crate::packages::Digest;

/// A longer line is none of makepkg's: a path, a few numbers and a digest.
const LINE_LIMIT: usize = 64 * 1024;

/// Shows `see` path (relative to the root directory) and digest of each file, until `limit` bytes are inflated.
/// Returns false if the file cannot be read to its end: what was shown is right all the same.
pub fn each_digest(bytes: &[u8], limit: usize, mut see: impl FnMut(&Path, Digest)) -> bool {
    let mut line = Vec::new();
    let mut whole = true;
    let read = gunzip(bytes, limit, |piece| {
        for part in piece.split_inclusive(|b| *b == b'\n') {
            line.extend_from_slice(part);
            if let Some(text) = line.strip_suffix(b"\n") {
                entry(text, &mut see);
                line.clear();
            } else if line.len() > LINE_LIMIT {
                whole = false;
                line.clear();
            }
        }
    });
    entry(&line, &mut see);
    read && whole
}

/// `./PATH KEYWORD=VALUE …`
fn entry(line: &[u8], see: &mut impl FnMut(&Path, Digest)) {
    let mut words = line.split(|b| *b == b' ').filter(|word| !word.is_empty());
    // Comments, `/set` and makepkg's own files (`./.PKGINFO`) are none of a package's files.
    let Some(path) = words.next().and_then(|word| word.strip_prefix(b"./")).map(unescaped) else { return };
    if matches!(path.first(), None | Some(b'.' | b'/')) {
        return;
    }
    let digests = words.filter_map(digest);
    // The stronger one, if there are two.
    let best = digests.max_by_key(|digest| matches!(digest, Digest::Sha256(_)));
    if let Some(digest) = best {
        see(Path::new(OsStr::from_bytes(&path)), digest);
    }
}

fn digest(word: &[u8]) -> Option<Digest> {
    let equals = word.iter().position(|b| *b == b'=')?;
    let value = &word[equals + 1..];
    match &word[..equals] {
        b"sha256digest" | b"sha256" => hex::decode(value).map(Digest::Sha256),
        b"md5digest" | b"md5" => hex::decode(value).map(Digest::Md5),
        _ => None,
    }
}

/// Undoes `\ooo`: libarchive writes every byte like that that is not a plain character.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if let (b'\\', Some(byte)) = (first, octal(after)) {
            bytes.push(byte);
            rest = &after[3..];
        } else {
            bytes.push(*first);
        }
    }
    bytes
}

fn octal(text: &[u8]) -> Option<u8> {
    let digits = text.get(..3)?;
    let number = digits.iter().try_fold(0_u32, |n, b| Some(n * 8 + char::from(*b).to_digit(8)?))?;
    u8::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::PathBuf;
    use std::process::{Command, Stdio};

    use super::*;

    const TEXT: &str = "#mtree\n/set type=file uid=0 gid=0 mode=644\n\
        ./.PKGINFO time=17.0 size=370 sha256digest=c65cd37282904d601136721a456395c9fe7cb049d5fe979b95893d522038d06f\n\
        ./usr time=17.0 mode=755 type=dir\n\
        ./usr/bin/l time=17.0 mode=777 type=link link=foo\\040bar\n\
        ./usr/a\\040b\\303\\274\\134x time=17.0 size=2 md5digest=401b30e3b8b5d629635a5c613cdb7919 \
        sha256digest=73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac\n\
        ./usr/old size=2 md5digest=401b30e3b8b5d629635a5c613cdb7919\n\
        ./usr/wrong size=2 md5digest=401b30e3 sha256digest=zz\n\
        ./usr/cut md5digest=401b30e3b8b5d629635a5c613cdb7919";

    fn gzipped(text: &[u8]) -> Vec<u8> {
        // Stored blocks need no compressor.
        let mut bytes = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec();
        let length = u16::try_from(text.len()).expect("a short text");
        bytes.push(1);
        bytes.extend(length.to_le_bytes());
        bytes.extend((!length).to_le_bytes());
        bytes.extend(text);
        bytes.extend([0; 8]);
        bytes
    }

    fn read(bytes: &[u8]) -> (bool, Vec<(PathBuf, Digest)>) {
        let mut seen = Vec::new();
        let whole = each_digest(bytes, 1 << 20, |path, digest| seen.push((path.to_owned(), digest)));
        (whole, seen)
    }

    #[test]
    fn reads_paths_and_the_strongest_digests() {
        let (whole, seen) = read(&gzipped(TEXT.as_bytes()));
        assert!(whole);
        let names: Vec<&str> = seen.iter().map(|(path, _)| path.to_str().expect("UTF-8")).collect();
        assert_eq!(names, ["usr/a b\u{fc}\\x", "usr/old", "usr/cut"]);
        assert!(matches!(seen[0].1, Digest::Sha256(sum) if sum[..3] == [0x73, 0xcb, 0x38]));
        assert!(matches!(seen[1].1, Digest::Md5(sum) if sum[15] == 0x19));
    }

    #[test]
    fn what_is_longer_than_a_piece_comes_out_whole() {
        let mut text = Vec::new();
        for n in 0..3000 {
            writeln!(text, "./usr/share/{n} time=17.0 size={n} md5digest={n:032x}")
                .expect("write into memory");
        }
        let gzip = Command::new("gzip").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut gzip = gzip.expect("start gzip");
        gzip.stdin.take().expect("its input").write_all(&text).expect("feed gzip");
        let bytes = gzip.wait_with_output().expect("gzip's output").stdout;
        let (whole, seen) = read(&bytes);
        assert!(whole && seen.len() == 3000);
        let right = |(n, (path, digest)): (u128, &(PathBuf, Digest))| {
            path.to_str() == Some(&format!("usr/share/{n}")) && *digest == Digest::Md5(n.to_be_bytes())
        };
        assert!((0..).zip(&seen).all(right));
        assert!(!each_digest(&bytes, 1000, |_, _| {}));
    }

    #[test]
    fn noise_is_read_without_a_panic() {
        let good = gzipped(TEXT.as_bytes());
        let mut random = crate::fuzz::Random::new();
        for _ in 0..crate::fuzz::rounds(3000) {
            read(&random.mangle(&good));
            // Past gzip, too.
            let text = random.mangle(TEXT.as_bytes());
            if u16::try_from(text.len()).is_ok() {
                let (_, seen) = read(&gzipped(&text));
                assert!(seen.iter().all(|(path, _)| path.is_relative()), "{text:?}");
            }
        }
    }
}
