//! /proc/self/mountinfo, row by row: a row that libmount cannot read (an empty source, say) is no reason to lose the
//! others. A row is parsed when somebody asks for it: of some dozens, a boot looks at two or three.

use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dev, Statx, StatxAttributes, StatxFlags};
use rustix::io::Errno;

use super::overlay::SOURCE;
use super::statmount;
use crate::error::{At as _, Result};
use crate::tree::{Dir, read_whole};

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
}

impl MountRow {
    /// True for a layer, by the name that Veneer gives its overlays.
    #[must_use]
    pub fn is_layer(&self) -> bool {
        self.kind == "overlay" && self.source == Path::new(SOURCE)
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let row = libmount::mountinfo::Parser::new(line).next()?.ok()?;
        Some(MountRow {
            id: row.mount_id,
            dev: rustix::fs::makedev(number(row.major), number(row.minor)),
            target: PathBuf::from(&*row.mount_point),
            kind: row.fstype.to_string_lossy().into_owned(),
            source: PathBuf::from(&*row.mount_source),
            options: row.super_options.to_string_lossy().into_owned(),
        })
    }

    /// True if the file system's options have `option`, as a whole word.
    #[must_use]
    pub fn has(&self, option: &str) -> bool {
        self.options.split(',').any(|word| word == option)
    }
}

/// Where an open directory is.
#[derive(Debug, Clone)]
pub struct Site {
    /// The mount that it is on.
    pub mount: Option<MountRow>,
    /// The device number that its files have.
    pub dev: Dev,
    /// When it was modified.
    pub modified: Time,
}

impl Site {
    /// `mount` is asked for the mount with a device, and its number if the kernel tells it.
    fn new(dir: &Dir, mount: impl FnOnce(Dev, Option<u64>) -> Option<MountRow>) -> Result<Self> {
        let fields = StatxFlags::MNT_ID | StatxFlags::BASIC_STATS;
        let stat = rustix::fs::statx(dir, c"", AtFlags::EMPTY_PATH, fields).reading(dir.path())?;
        let dev = rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor);
        let modified = (stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec.into());
        Ok(Site { mount: mount(dev, mount_id(&stat)), dev, modified })
    }
}

/// A time of modification: seconds since 1970, and nanoseconds.
pub type Time = (i64, u64);

/// Where the open directory `dir` is; by the whole table only if the kernel cannot tell of one mount.
pub fn site(dir: &Dir) -> Result<Site> {
    match statmount::row_at(dir, Path::new("")) {
        Some(row) => Site::new(dir, |_, _| Some(row)),
        None => MountTable::read()?.site(dir),
    }
}

/// The mount that one sees at exactly `target`.
pub fn seen_at(target: &Path) -> Result<Option<MountRow>> {
    match statmount::row_at(CWD, target) {
        Some(row) => Ok(Some(row).filter(|row| row.target == target)),
        None => Ok(MountTable::read()?.at(target)),
    }
}

/// Whether something is mounted at `path`; `None` if the kernel does not say (before Linux 5.8).
#[must_use]
pub fn is_mount_point(path: &Path) -> Option<bool> {
    let stat = match rustix::fs::statx(CWD, path, AtFlags::NO_AUTOMOUNT, StatxFlags::TYPE) {
        Ok(stat) => stat,
        Err(error) => return (error == Errno::NOENT).then_some(false),
    };
    let is_told = stat.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT);
    is_told.then(|| stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// The mounts of this process's namespace, in the order of the kernel: the later of two at one place is on top.
#[derive(Debug, Default)]
pub struct MountTable {
    text: Vec<u8>,
}

impl MountTable {
    /// Reads the running table.
    pub fn read() -> Result<Self> {
        let path = Path::new(MOUNTINFO);
        let file: File = fs_err::File::open(path).opening(path)?.into();
        Ok(MountTable { text: read_whole(&file, LIMIT, path)? })
    }

    /// Takes proc_pid_mountinfo(5) text; rows that are none are passed over.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        MountTable { text: text.to_vec() }
    }

    fn lines(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        // A very long row may come in two pieces: without its end it is none.
        self.text.split_inclusive(|b| *b == b'\n').filter_map(|line| line.strip_suffix(b"\n"))
    }

    fn rows(&self) -> impl DoubleEndedIterator<Item = MountRow> {
        self.lines().filter_map(MountRow::parse)
    }

    fn numbered(&self, id: u64) -> Option<MountRow> {
        let (start, is) = (format!("{id} "), |row: &MountRow| row.id == id);
        self.lines().filter(|line| line.starts_with(start.as_bytes())).find_map(MountRow::parse).filter(is)
    }

    /// The topmost mount at exactly `target`.
    #[must_use]
    pub fn at(&self, target: &Path) -> Option<MountRow> {
        self.rows().rev().find(|row| row.target == target)
    }

    /// All mounts at exactly `target`, the topmost last.
    #[must_use]
    pub fn stack(&self, target: &Path) -> Vec<MountRow> {
        self.rows().filter(|row| row.target == target).collect()
    }

    /// The mount that one sees at `path`, whatever links lead there, if it is the one that is looked for.
    pub fn seen_at(&self, path: &Path, is_it: impl Fn(&MountRow) -> bool) -> Result<Option<MountRow>> {
        if let Some(row) = self.at(path).filter(&is_it) {
            return Ok(Some(row));
        }
        let stat = rustix::fs::statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID).reading(path)?;
        let row = match mount_id(&stat) {
            Some(id) => self.numbered(id),
            None => self.at(&fs_err::canonicalize(path).reading(path)?),
        };
        Ok(row.filter(is_it))
    }

    /// Where the open directory `dir` is.
    fn site(&self, dir: &Dir) -> Result<Site> {
        Site::new(dir, |dev, id| id.map_or_else(|| self.holding(dir.path(), dev), |id| self.numbered(id)))
    }

    /// The mount of device `dev` that `path` lies on: the longest target that leads to it.
    fn holding(&self, path: &Path, dev: Dev) -> Option<MountRow> {
        let leads = |row: &MountRow| path.starts_with(&row.target);
        let length = |row: &MountRow| row.target.as_os_str().as_bytes().len();
        // btrfs and some stacked file systems show another device number in stat than in mountinfo.
        let same = self.rows().filter(|row| row.dev == dev).filter(leads).max_by_key(length);
        same.or_else(|| self.rows().filter(leads).max_by_key(length))
    }

    /// An overlay whose upper directory is below `store`.
    #[must_use]
    pub fn overlay_below(&self, store: &Path) -> Option<MountRow> {
        let is_below = |word: &str| {
            word.strip_prefix("upperdir=").is_some_and(|upper| Path::new(upper).starts_with(store))
        };
        // The field before the file system's type is a dash, and blanks in other fields are written as `\040`.
        let may_be = |line: &&[u8]| line.windows(11).any(|word| word == b" - overlay ");
        let mut rows = self.lines().filter(may_be).filter_map(MountRow::parse);
        rows.find(|row| row.kind == "overlay" && row.options.split(',').any(is_below))
    }
}

/// The number of the mount. Kernels before 5.8 do not tell it.
fn mount_id(stat: &Statx) -> Option<u64> {
    (stat.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(stat.stx_mnt_id)
}

const MOUNTINFO: &str = "/proc/self/mountinfo";

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
        assert_eq!(table.at(Path::new("/usr")).map(|row| row.kind), Some("overlay".into()));
        let stack: Vec<String> = table.stack(Path::new("/usr")).into_iter().map(|row| row.kind).collect();
        assert_eq!(stack, ["erofs", "overlay"]);
        let lower = table.holding(Path::new("/usr"), rustix::fs::makedev(254, 2));
        assert_eq!(lower.map(|row| row.source), Some("/dev/vda2".into()));
        assert_eq!(table.numbered(30).map(|row| row.source), Some("/dev/vda2".into()));
        assert_eq!((table.numbered(3), table.numbered(31)), (None, None));
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
            assert!(table.rows().count() <= text.split(|b| *b == b'\n').count());
            let _: Option<MountRow> = table.holding(Path::new("/usr"), 0);
            let overlay = table.overlay_below(Path::new("/s"));
            assert!(overlay.is_none_or(|row| row.kind == "overlay"));
        }
    }
}
