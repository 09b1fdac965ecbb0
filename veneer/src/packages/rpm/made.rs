//! Headers and databases made for tests, byte by byte.

use super::database::Database;
use super::header::tag;
use super::list::List;
use crate::packages::Aliases;
use crate::packages::memory::TempDir;
use crate::tree::Dir;

/// A value of a header.
pub(super) enum Value<'a> {
    Text(&'a str),
    Texts(&'a [&'a str]),
    Numbers(&'a [u32]),
}

/// A header of these values, as a database has it.
pub(super) fn header(values: &[(u32, Value<'_>)]) -> Vec<u8> {
    let (mut index, mut data) = (Vec::new(), Vec::new());
    for (tag, value) in values {
        let (kind, count) = match value {
            Value::Text(_) => (6, 1),
            Value::Texts(texts) => (8, texts.len()),
            Value::Numbers(numbers) => {
                data.resize(data.len().next_multiple_of(4), 0);
                (4, numbers.len())
            }
        };
        let words = [*tag, kind, data.len().try_into().expect("small"), count.try_into().expect("small")];
        index.extend(words.map(u32::to_be_bytes).concat());
        match value {
            Value::Text(text) => data.extend([text.as_bytes(), &[0]].concat()),
            Value::Texts(texts) => {
                texts.iter().for_each(|text| data.extend([text.as_bytes(), &[0]].concat()));
            }
            Value::Numbers(numbers) => numbers.iter().for_each(|number| data.extend(number.to_be_bytes())),
        }
    }
    let length = |bytes: &[u8], of: usize| u32::try_from(bytes.len() / of).expect("small").to_be_bytes();
    [&length(&index, 16)[..], &length(&data, 1), &index, &data].concat()
}

/// A package by `NAME VERSION-RELEASE` and more values.
pub(super) fn package(text: &str, more: Vec<(u32, Value<'_>)>) -> Vec<u8> {
    let (name, version) = text.split_once(' ').expect("name and version");
    let (version, release) = version.split_once('-').expect("version and release");
    let mut values = vec![
        (tag::NAME, Value::Text(name)),
        (tag::VERSION, Value::Text(version)),
        (tag::RELEASE, Value::Text(release)),
        (tag::ARCH, Value::Text("x86_64")),
    ];
    values.extend(more);
    header(&values)
}

/// A database file of these headers, in rpm's own format.
pub(super) fn slots(blobs: &[Vec<u8>]) -> Vec<u8> {
    let word = |n: usize| u32::try_from(n).expect("small").to_le_bytes();
    let mut file = [&b"RpmP"[..], &word(0), &word(1), &word(1), &word(blobs.len() + 1), &[0; 12]].concat();
    let mut blocks = Vec::new();
    for (number, blob) in blobs.iter().enumerate() {
        let block = (4096 + blocks.len()) / 16;
        file.extend([&b"Slot"[..], &word(number + 1), &word(block), &word(blob.len() / 16 + 2)].concat());
        blocks.extend([&b"BlbS"[..], &word(number + 1), &word(1), &word(blob.len()), blob].concat());
        blocks.resize(blocks.len().next_multiple_of(16), 0);
    }
    while file.len() < 4096 {
        file.extend([&b"Slot"[..], &[0; 12]].concat());
    }
    [file, blocks].concat()
}

/// A database of these headers, as a list.
pub(super) fn list(blobs: &[Vec<u8>]) -> crate::Result<List> {
    let temp = TempDir::new();
    std::fs::write(temp.0.join("Packages.db"), slots(blobs)).expect("write");
    let database = Database::open(&Dir::open(&temp.0).expect("open"))?.expect("there is one");
    // The open file is enough.
    List::read(database, Aliases::default())
}
