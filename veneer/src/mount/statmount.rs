//! statmount(2): what one mount is. The table of all mounts takes the kernel ten times as long to write.
//!
//! rustix has no such call (its issue 1445), so the library's one unsafe block is here.

use std::borrow::Cow;
use std::ffi::CStr;
use std::path::Path;

use rustix::fs::{AtFlags, StatxFlags};

/// The number of the call, on every architecture but MIPS, where this one is none.
const STATMOUNT: libc::c_long = 457;

/// What is asked for (include/uapi/linux/mount.h): `STATMOUNT_SB_BASIC` and `_FS_TYPE` (Linux 6.8), `_MNT_OPTS` (6.11).
const WANTED: u64 = 0x1 | 0x20 | 0x80;

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

    fn text(&self, at: usize) -> Option<Cow<'_, str>> {
        let start = TEXTS.checked_add(usize::try_from(u32::from_ne_bytes(self.number(at)?)).ok()?)?;
        Some(CStr::from_bytes_until_nul(self.0.get(start..)?).ok()?.to_string_lossy())
    }

    fn seen(&self) -> Option<Seen> {
        let mask = u64::from_ne_bytes(self.number(8)?);
        if mask & WANTED != WANTED {
            return None;
        }
        // `SB_RDONLY`.
        let is_read_only = u32::from_ne_bytes(self.number(32)?) & 1 != 0;
        let mode = if is_read_only { "ro" } else { "rw" };
        Some(Seen { kind: self.text(36)?.into_owned(), options: format!("{mode},{}", self.text(4)?) })
    }
}

/// A mount.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// File system type.
    pub(super) kind: String,
    /// As in the table: options of the file system itself, comma-separated.
    pub(super) options: String,
}

/// The mount that one sees at `path`; `None` if this kernel cannot say, or for any other reason: then the table tells.
pub(super) fn seen_at(path: &Path) -> Option<Seen> {
    let stat = rustix::fs::statx(rustix::fs::CWD, path, AtFlags::empty(), UNIQUE).ok()?;
    if stat.stx_mask & UNIQUE.bits() == 0 {
        return None;
    }
    ask(stat.stx_mnt_id)?.seen()
}

#[expect(
    unsafe_code,
    reason = "the kernel reads and writes what the two structures say, and keeps no address of them"
)]
fn ask(mount: u64) -> Option<Answer> {
    let question = Question { size: 24, spare: 0, mount, wanted: WANTED };
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
        let knows = version.take(2).collect::<Vec<u32>>() >= vec![6, 11];
        let mut asked = 0;
        for path in ["/", "/proc", "/sys", "/dev", "/run", "/tmp", "/dev/shm"].map(Path::new) {
            let Some(row) = table.at(path) else { continue };
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
