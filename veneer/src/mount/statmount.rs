//! statmount(2): what one mount is. The table of all mounts takes the kernel ten times as long to write.
//!
//! rustix has no such call (its issue 1445), so the library's one unsafe block is here.

use std::borrow::Cow;
use std::ffi::{CStr, OsStr};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, StatxFlags};

use super::MountRow;

/// The number of the call, on every architecture but MIPS, where this one is none.
const STATMOUNT: libc::c_long = 457;

/// Fields (include/uapi/linux/mount.h): `STATMOUNT_SB_BASIC`, `_MNT_BASIC`, `_MNT_POINT`, `_FS_TYPE` (Linux 6.8).
const BASIC: u64 = 0x1 | 0x2 | 0x10 | 0x20;
/// `STATMOUNT_MNT_OPTS` (Linux 6.11); not there for a file system without options.
const OPTIONS: u64 = 0x80;
/// `STATMOUNT_SB_SOURCE` (Linux 6.13).
const SOURCE: u64 = 0x200;

/// `STATX_MNT_ID_UNIQUE` (Linux 6.8).
const UNIQUE: StatxFlags = StatxFlags::from_bits_retain(0x4000);

/// `struct mnt_id_req`, version 0.
#[repr(C)]
struct Question {
    size: u32,
    spare: u32,
    mount: u64,
    wanted: u64,
}

/// `struct statmount`: numbers in its first 512 bytes, then texts.
#[repr(C, align(8))]
struct Answer([u8; 4096]);

/// Where the texts begin.
const TEXTS: usize = 512;

impl Answer {
    fn number<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..at + N)?.try_into().ok()
    }

    fn bytes(&self, at: usize) -> Option<&[u8]> {
        let start = TEXTS.checked_add(usize::try_from(u32::from_ne_bytes(self.number(at)?)).ok()?)?;
        Some(CStr::from_bytes_until_nul(self.0.get(start..)?).ok()?.to_bytes())
    }

    fn text(&self, at: usize) -> Option<Cow<'_, str>> {
        self.bytes(at).map(String::from_utf8_lossy)
    }

    fn path(&self, at: usize) -> Option<PathBuf> {
        self.bytes(at).map(|bytes| OsStr::from_bytes(bytes).into())
    }

    fn has(&self, fields: u64) -> bool {
        self.number(8).is_some_and(|mask| u64::from_ne_bytes(mask) & fields == fields)
    }

    fn options(&self) -> Option<String> {
        // `SB_RDONLY`.
        let is_read_only = u32::from_ne_bytes(self.number(32)?) & 1 != 0;
        let mode = if is_read_only { "ro" } else { "rw" };
        Some(if self.has(OPTIONS) { format!("{mode},{}", self.text(4)?) } else { mode.into() })
    }

    fn seen(&self) -> Option<Seen> {
        if !self.has(BASIC | OPTIONS) {
            return None;
        }
        Some(Seen { kind: self.text(36)?.into_owned(), options: self.options()? })
    }

    fn row(&self) -> Option<MountRow> {
        if !self.has(BASIC | SOURCE) {
            return None;
        }
        let number = |at| Some(u32::from_ne_bytes(self.number(at)?));
        Some(MountRow {
            id: number(56)?.into(),
            dev: rustix::fs::makedev(number(16)?, number(20)?),
            target: self.path(108)?,
            kind: self.text(36)?.into_owned(),
            source: self.path(124)?,
            options: self.options()?,
        })
    }
}

/// What can be told of a mount at once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// File system type.
    pub(super) kind: String,
    /// As in the table: options of the file system itself, comma-separated.
    pub(super) options: String,
}

/// The mount that one sees at `path`; `None` if this kernel cannot say, or for any other reason: then the table tells.
pub(super) fn seen_at(path: &Path) -> Option<Seen> {
    answer(rustix::fs::CWD, path)?.seen()
}

/// The same as a row of the table.
pub(super) fn row_at(dir: impl AsFd, path: &Path) -> Option<MountRow> {
    answer(dir, path)?.row()
}

/// For `path` from `dir` on; if it is empty, for `dir` itself.
fn answer(dir: impl AsFd, path: &Path) -> Option<Answer> {
    let stat = rustix::fs::statx(dir, path, AtFlags::EMPTY_PATH, UNIQUE).ok()?;
    if stat.stx_mask & UNIQUE.bits() == 0 {
        return None;
    }
    ask(stat.stx_mnt_id)
}

#[expect(
    unsafe_code,
    reason = "the kernel reads and writes what the two structures say, and keeps no address of them"
)]
fn ask(mount: u64) -> Option<Answer> {
    let question = Question { size: 24, spare: 0, mount, wanted: BASIC | OPTIONS | SOURCE };
    let mut answer = Answer([0; 4096]);
    let length = answer.0.len();
    // SAFETY: `question` has the size that it says, and `answer` the one that is said here; any bytes are bytes.
    let done = unsafe { libc::syscall(STATMOUNT, &raw const question, answer.0.as_mut_ptr(), length, 0) };
    (done == 0).then_some(answer)
}

#[cfg(test)]
mod tests {
    use super::super::MountTable;
    use super::*;

    #[test]
    fn it_says_what_the_table_says() {
        let table = MountTable::read().expect("/proc is mounted");
        let release = rustix::system::uname().release().to_string_lossy().into_owned();
        let version = release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0));
        let version = version.take(2).collect::<Vec<u32>>();
        let (knows, knows_all) = (version >= vec![6, 11], version >= vec![6, 13]);
        let mut asked = 0;
        for path in ["/", "/proc", "/sys", "/dev", "/run", "/tmp", "/dev/shm"].map(Path::new) {
            let Some(row) = table.at(path) else { continue };
            match row_at(rustix::fs::CWD, path) {
                // The options are written another way, and of none nothing is said.
                Some(whole) => {
                    assert_eq!(
                        MountRow { options: String::new(), ..whole.clone() },
                        MountRow { options: String::new(), ..row.clone() }
                    );
                    assert!(whole.options.split(',').all(|word| row.has(word)), "{row:?} {whole:?}");
                }
                None => assert!(!knows_all, "{release} says nothing of {row:?}"),
            }
            let Some(seen) = seen_at(path) else {
                // Of a file system without options the kernel does not say that it has none.
                assert!(!knows || !row.options.contains(','), "{release} says nothing of {row:?}");
                continue;
            };
            assert_eq!(seen.kind, row.kind);
            assert!(seen.options.split(',').all(|word| word.is_empty() || row.has(word)), "{row:?} {seen:?}");
            asked += 1;
        }
        assert!(!knows || asked > 0, "{release} says nothing of any mount");
    }
}
