//! What is in an initramfs: archives of the kind that the kernel unpacks, one after the other, the last of them most often
//! compressed (Documentation/driver-api/early-userspace/buffer-format.rst). Compressed ones are read through the
//! compressor's own program.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::process::{Command, Stdio};

/// An entry: its name without `/` or `./` before it, and the content if that was wanted and is at hand.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) content: Option<Vec<u8>>,
}

/// What compressed data begins with, and what reads it.
const COMPRESSORS: [(&[u8], &[&str]); 7] = [
    (b"\x28\xb5\x2f\xfd", &["zstd", "-dcq"]),
    (b"\x1f\x8b", &["gzip", "-dcq"]),
    (b"\xfd7zXZ", &["xz", "-dcq"]),
    (b"\x02\x21\x4c\x18", &["lz4", "-dcq"]),
    (b"BZh", &["bzip2", "-dcq"]),
    (b"\x89LZO", &["lzop", "-dcq"]),
    (b"\x5d\x00\x00", &["xz", "-dcq", "--format=lzma"]),
];

/// Names and contents are at most as long as this.
const LONGEST_NAME: u64 = 4096;
const LARGEST: u64 = 1024 * 1024;

/// Lists the initramfs at `path`, with the content of what `wanted` says; the error is half a sentence.
pub(crate) fn list(path: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    let mut file = BufReader::new(File::open(path).map_err(|error| error.to_string())?);
    archives(&mut file, wanted, &mut entries).map_err(|error| error.to_string())?;
    let start = file.fill_buf().map_err(|error| error.to_string())?;
    if start.is_empty() {
        return if entries.is_empty() { Err("it is empty".into()) } else { Ok(entries) };
    }
    let Some((_, words)) = COMPRESSORS.iter().find(|(magic, _)| start.starts_with(magic)) else {
        return Err("it is no archive, and compressed in no known way".into());
    };
    let at = file.stream_position().map_err(|error| error.to_string())?;
    let mut rest = file.into_inner();
    rest.seek(SeekFrom::Start(at)).map_err(|error| error.to_string())?;
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdin(rest).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("{} cannot be run: {error}", words[0]))?;
    let before = entries.len();
    let read = match child.stdout.take() {
        Some(output) => archives(&mut BufReader::new(output), wanted, &mut entries),
        None => Ok(()),
    };
    // What comes after the archive, padding or a signature, is an error to some of these programs.
    let _ = child.wait().map_err(|error| error.to_string())?;
    read.map_err(|error| format!("{} gave {error}", words[0]))?;
    if entries.len() == before { Err(format!("{} could not read it", words[0])) } else { Ok(entries) }
}

/// Reads archives up to something that is none.
fn archives(
    from: &mut impl BufRead,
    wanted: &dyn Fn(&str) -> bool,
    entries: &mut Vec<Entry>,
) -> io::Result<()> {
    loop {
        // Between two archives are as many zeros as their maker likes.
        let buffer = from.fill_buf()?;
        let zeros = buffer.iter().take_while(|byte| **byte == 0).count();
        if zeros > 0 {
            from.consume(zeros);
            continue;
        }
        if !buffer.starts_with(b"07070") {
            return Ok(());
        }
        while let Some(entry) = entry(from, wanted)? {
            entries.push(entry);
        }
    }
}

/// One entry of the form `newc`; `None` for the last one.
fn entry(from: &mut impl BufRead, wanted: &dyn Fn(&str) -> bool) -> io::Result<Option<Entry>> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("a damaged archive: {what}"));
    let mut header = [0; 110];
    from.read_exact(&mut header)?;
    if !header.starts_with(b"070701") && !header.starts_with(b"070702") {
        return Err(bad("no header"));
    }
    // Thirteen numbers of eight digits: the second is the mode, the fifth the number of links, the seventh the size, the
    // twelfth the length of the name.
    let number = |index: usize| {
        let digits = std::str::from_utf8(&header[6 + index * 8..14 + index * 8]).unwrap_or_default();
        u64::from_str_radix(digits, 16).map_err(|_| bad("no number"))
    };
    let (mode, links, size, length) = (number(1)?, number(4)?, number(6)?, number(11)?);
    if length > LONGEST_NAME {
        return Err(bad("a name that is too long"));
    }
    let mut name = Vec::new();
    from.take(length).read_to_end(&mut name)?;
    skip(from, (110 + length).next_multiple_of(4) - 110 - length)?;
    let name = String::from_utf8_lossy(name.strip_suffix(b"\0").unwrap_or(&name)).into_owned();
    if name == "TRAILER!!!" {
        return Ok(None);
    }
    let name = name.trim_start_matches("./").trim_start_matches('/').to_owned();
    // Of several names of one file only the last has the content.
    let is_whole = mode & 0o170_000 == 0o100_000 && (size > 0 || links < 2);
    let content = if is_whole && size <= LARGEST && wanted(&name) {
        let mut content = Vec::new();
        from.take(size).read_to_end(&mut content)?;
        Some(content)
    } else {
        skip(from, size)?;
        None
    };
    skip(from, size.next_multiple_of(4) - size)?;
    Ok(Some(Entry { name, content }))
}

fn skip(from: &mut impl BufRead, length: u64) -> io::Result<()> {
    let copied = io::copy(&mut from.take(length), &mut io::sink())?;
    if copied == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::root::tests::Tree;

    /// An archive of these files.
    pub(crate) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut all = Vec::new();
        for (name, text) in files.iter().chain(&[("TRAILER!!!", "")]) {
            let mut numbers = [0; 13];
            (numbers[1], numbers[4], numbers[6], numbers[11]) = (0o100_644, 1, text.len(), name.len() + 1);
            all.extend_from_slice(b"070701");
            for number in numbers {
                all.extend_from_slice(format!("{number:08x}").as_bytes());
            }
            for part in [format!("{name}\0").as_bytes(), text.as_bytes()] {
                all.extend_from_slice(part);
                all.resize(all.len().next_multiple_of(4), 0);
            }
        }
        all
    }

    fn entry(name: &str, content: Option<&str>) -> Entry {
        Entry { name: name.into(), content: content.map(|text| text.as_bytes().to_vec()) }
    }

    #[test]
    fn one_archive_after_the_other() {
        let tree = Tree::new();
        let mut all = archive(&[("early", "microcode"), ("./dir/x", "wanted")]);
        all.resize(all.len().next_multiple_of(512) + 512, 0);
        let plain = [all.clone(), archive(&[("usr/lib/late", "abc")])].concat();
        let wanted = |name: &str| name == "dir/x";
        let first = [entry("early", None), entry("dir/x", Some("wanted"))];
        let read = |bytes: &[u8]| {
            tree.write("boot/initrd", bytes);
            list(&tree.path("boot/initrd"), &wanted)
        };
        let all_of_it = || first.iter().map(|e| Entry { name: e.name.clone(), content: e.content.clone() });
        let whole: Vec<Entry> = all_of_it().chain([entry("usr/lib/late", None)]).collect();
        assert_eq!(read(&plain), Ok(whole));
        for program in ["gzip", "zstd", "xz"] {
            tree.write("late", archive(&[("usr/lib/late", "abc")]));
            let packed = Command::new(program).args(["-cq"]).arg(tree.path("late")).output();
            let Ok(packed) = packed else {
                eprintln!("{program} is not there: not tried");
                continue;
            };
            let whole: Vec<Entry> = all_of_it().chain([entry("usr/lib/late", None)]).collect();
            assert_eq!(read(&[all.clone(), packed.stdout].concat()), Ok(whole), "{program}");
        }
    }

    #[test]
    fn what_is_none_is_said_so() {
        let tree = Tree::new();
        let whole = archive(&[("a", "text")]);
        let cases: [(&[u8], &str); 5] = [
            (b"", "it is empty"),
            (b"not at all", "no known way"),
            (&whole[..whole.len() - 40], "fill whole buffer"),
            (b"\x1f\x8b and more", "gzip could not read it"),
            (b"0707017777", "fill whole buffer"),
        ];
        for (bytes, why) in cases {
            tree.write("boot/initrd", bytes);
            let told = list(&tree.path("boot/initrd"), &|_| false);
            assert!(told.as_ref().is_err_and(|told| told.contains(why)), "{why}: {told:?}");
        }
    }
}
