//! /proc/self/mountinfo, row by row: a row that libmount cannot read (an empty source, say) is no reason to lose the
//! others.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dev, StatxFlags};

use crate::error::{At as _, Result};
use crate::tree::read_whole;

/// What Veneer asks of a mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountRow {
    /// The mount's number in this boot.
    pub id: u64,
    /// Device number of the file system.
    pub dev: Dev,
    /// Where it is mounted.
    pub target: PathBuf,
    /// File system type.
    pub kind: String,
    /// What is mounted: a device, a file, or a word.
    pub source: PathBuf,
    /// Options of the file system itself, comma-separated.
    pub options: String,
    /// Options of this mount of it, comma-separated.
    pub flags: String,
}

impl MountRow {
    /// True if the file system's options have `option`, as a whole word.
    #[must_use]
    pub fn has(&self, option: &str) -> bool {
        self.options.split(',').any(|word| word == option)
    }
}

/// The mounts of this process's namespace, in the order of the kernel: the later of two at one place is on top.
#[derive(Debug, Clone, Default)]
pub struct MountTable {
    rows: Vec<MountRow>,
}

impl MountTable {
    /// Reads the running table.
    pub fn read() -> Result<Self> {
        let path = Path::new("/proc/self/mountinfo");
        let file = fs_err::File::open(path).opening(path)?;
        Ok(Self::parse(&read_whole(file.file(), LIMIT, path)?))
    }

    /// Parses proc_pid_mountinfo(5) text; rows that are none are left out.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let lines = text.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        let rows = lines.filter_map(|line| libmount::mountinfo::Parser::new(line).next()?.ok());
        let rows = rows.map(|row| MountRow {
            id: row.mount_id,
            dev: rustix::fs::makedev(number(row.major), number(row.minor)),
            target: PathBuf::from(&*row.mount_point),
            kind: row.fstype.to_string_lossy().into_owned(),
            source: PathBuf::from(&*row.mount_source),
            options: row.super_options.to_string_lossy().into_owned(),
            flags: row.mount_options.to_string_lossy().into_owned(),
        });
        MountTable { rows: rows.collect() }
    }

    /// The topmost mount at exactly `target`.
    #[must_use]
    pub fn at(&self, target: &Path) -> Option<&MountRow> {
        self.rows.iter().rev().find(|row| row.target == target)
    }

    /// The mount that one sees at `path`, whatever links lead there.
    pub fn seen_at(&self, path: &Path) -> Result<Option<&MountRow>> {
        let stat = rustix::fs::statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID).reading(path)?;
        if stat.stx_mask & StatxFlags::MNT_ID.bits() != 0 {
            return Ok(self.rows.iter().find(|row| row.id == stat.stx_mnt_id));
        }
        // Kernels before 5.8 do not tell the mount.
        let path = fs_err::canonicalize(path).reading(path)?;
        Ok(self.at(&path))
    }

    /// The mount of device `dev` that `path` lies on: the longest target that leads to it.
    #[must_use]
    pub fn holding(&self, path: &Path, dev: Dev) -> Option<&MountRow> {
        let leads = |row: &&MountRow| path.starts_with(&row.target);
        let length = |row: &&MountRow| row.target.as_os_str().as_bytes().len();
        // btrfs and some stacked file systems show another device number in stat than in mountinfo.
        let same = self.rows.iter().filter(|row| row.dev == dev).filter(leads).max_by_key(length);
        same.or_else(|| self.rows.iter().filter(leads).max_by_key(length))
    }

    /// An overlay whose upper directory is below `store`.
    #[must_use]
    pub fn overlay_below(&self, store: &Path) -> Option<&MountRow> {
        let is_below = |word: &str| {
            word.strip_prefix("upperdir=").is_some_and(|upper| Path::new(upper).starts_with(store))
        };
        self.rows.iter().find(|row| row.kind == "overlay" && row.options.split(',').any(is_below))
    }
}

/// No table is larger than this, not even with the kernel's 100 000 mounts.
const LIMIT: u64 = 64 * 1024 * 1024;

/// A device number's half. The kernel's fit in 20 bits; what does not was not written by it.
fn number(half: impl TryInto<u32>) -> u32 {
    half.try_into().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"21 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n\
        30 21 254:2 / /usr ro,relatime shared:2 - erofs /dev/vda2 ro\n\
        31 21 0:40 / /odd rw - tmpfs  rw\n\
        not a row\n\
        40 30 0:50 / /usr rw,relatime shared:3 - overlay veneer rw,lowerdir=/b,upperdir=/s/up,workdir=/s/w\n";

    #[test]
    fn the_topmost_mount_counts() {
        let table = MountTable::parse(TABLE);
        assert_eq!(table.at(Path::new("/usr")).map(|r| r.kind.as_str()), Some("overlay"));
        let lower = table.holding(Path::new("/usr"), rustix::fs::makedev(254, 2));
        assert_eq!(lower.map(|r| r.source.as_path()), Some(Path::new("/dev/vda2")));
    }

    #[test]
    fn an_overlay_is_found_by_its_upper() {
        let table = MountTable::parse(TABLE);
        assert!(table.overlay_below(Path::new("/s")).is_some());
        assert!(table.overlay_below(Path::new("/s/u")).is_none());
    }

    /// A million: see [`crate::fuzz`].
    #[test]
    fn noise_is_no_row_and_no_panic() {
        let mut random = crate::fuzz::Random::new();
        for _ in 0..crate::fuzz::rounds(3000) {
            let text = random.mangle(TABLE);
            let table = MountTable::parse(&text);
            assert!(table.rows.len() <= text.split(|b| *b == b'\n').count());
            let _: Option<&MountRow> = table.holding(Path::new("/usr"), 0);
            let _: Option<&MountRow> = table.overlay_below(Path::new("/s"));
        }
    }
}
