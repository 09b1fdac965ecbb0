//! The mounts of this namespace, read from mountinfo, comparable before and after a boot.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// One mount, without the numbers that differ from run to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What part of the file system is seen.
    pub root: PathBuf,
    /// Where it is.
    pub point: PathBuf,
    /// The mount's own options.
    pub options: String,
    /// The file system's type.
    pub kind: String,
    /// Its source.
    pub source: String,
    /// The file system's options.
    pub filesystem: String,
}

impl Mount {
    /// Whether one of the mount's or the file system's options is this word.
    pub fn has(&self, word: &str) -> bool {
        self.options.split(',').chain(self.filesystem.split(',')).any(|option| option == word)
    }
}

/// All mounts, oldest first.
pub fn all() -> Vec<Mount> {
    let text = std::fs::read_to_string("/proc/self/mountinfo").expect("read /proc/self/mountinfo");
    text.lines().map(|line| parse(line).unwrap_or_else(|| panic!("not a mountinfo line: {line}"))).collect()
}

/// The topmost mount at exactly this path.
pub fn at(path: &Path) -> Option<Mount> {
    all().into_iter().rfind(|mount| mount.point == path)
}

fn parse(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ').skip(3);
    let mut after = after.splitn(3, ' ');
    Some(Mount {
        root: unescape(before.next()?),
        point: unescape(before.next()?),
        options: before.next()?.to_owned(),
        kind: after.next()?.to_owned(),
        source: after.next()?.to_owned(),
        filesystem: after.next()?.to_owned(),
    })
}

/// Octal escapes stand for blanks, tabs, newlines and backslashes.
fn unescape(text: &str) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = rest.get(1..4).and_then(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 8).ok());
        if let (b'\\', Some(code)) = (first, code) {
            bytes.push(code);
            rest = &rest[4..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    OsString::from_vec(bytes).into()
}
