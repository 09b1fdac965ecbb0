//! The disk of a machine: one sparse raw file with /, /usr and the store. A base update is what it is on a real
//! machine: another image written into /usr's partition; with ostree, which has /usr in /, the machine does it.

use fs_err::os::unix::fs::FileExt as _;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::cache::Cache;
use crate::command;
use crate::error::{Error, Result};
use crate::image::Image;
use crate::layout::{Kind, Layout, MIB, Partition};
use crate::tools::Tools;

const STORE_MIB: u64 = 512;
/// A little more than packaging/repart.d/60-veneer.conf asks for at least.
const FREE_MIB: u64 = 1152;
/// The file system of a store that is to be grown: large enough for a journal.
const SHORT_MIB: u64 = 64;
/// How much is read or written at once.
const CHUNK: usize = 1 << 20;

/// What a scenario's disk has for a store when it is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// No partition at all.
    Absent,
    /// A partition full of zeros.
    Unformatted,
    /// An empty ext4.
    Ext4,
    /// An empty xfs.
    Xfs,
    /// An empty btrfs.
    Btrfs,
    /// Two partitions with the store's type and name, both with an empty ext4.
    Twice,
    /// None on the disk of the system, and on another disk of the machine one with an empty ext4.
    Elsewhere,
    /// One on each.
    Beside,
    /// Room on the disk for a partition.
    Free,
    /// The same, for an encrypted one.
    Locked,
    /// An empty ext4 that does not fill its partition.
    Short,
    /// An ext4 whose superblock is sound, and all that it needs is not.
    Damaged,
}

/// A disk in a run's directory.
#[derive(Debug)]
pub(crate) struct Disk<'a> {
    cache: &'a Cache,
    tools: &'a Tools,
    path: PathBuf,
    layout: Layout,
    store: Store,
    /// A disk with nothing but a store.
    other: Option<Box<Self>>,
}

impl<'a> Disk<'a> {
    /// Makes a disk with `image` installed.
    pub(crate) fn create(
        cache: &'a Cache,
        tools: &'a Tools,
        path: PathBuf,
        image: &Image,
        store: Store,
    ) -> Result<Self> {
        let form = image.recipe.form;
        let mut partitions = form.partitions().to_vec();
        partitions.extend_from_slice(match store {
            Store::Absent | Store::Elsewhere => &[],
            Store::Free | Store::Locked => &[(Kind::Free, FREE_MIB)],
            Store::Twice => &[(Kind::Store, STORE_MIB); 2],
            _ => &[(Kind::Store, STORE_MIB)],
        });
        let other = match store {
            Store::Elsewhere | Store::Beside => {
                let other = [(Kind::Store, STORE_MIB)];
                let other = Self::new(cache, tools, path.with_extension("other"), &other, Store::Ext4)?;
                Some(Box::new(other))
            }
            _ => None,
        };
        let disk = Self { other, ..Self::new(cache, tools, path, &partitions, store)? };
        disk.write(form.state(), &image.state())?;
        disk.write_base(image)?;
        Ok(disk)
    }

    /// Makes a disk with nothing but a store on it, if that.
    fn new(
        cache: &'a Cache,
        tools: &'a Tools,
        path: PathBuf,
        partitions: &[(Kind, u64)],
        store: Store,
    ) -> Result<Self> {
        let what = "making a disk";
        let layout = Layout::new(partitions);
        let file = fs::File::create(&path).map_err(Error::io(what))?;
        file.set_len(layout.bytes()).map_err(Error::io(what))?;
        let mut sfdisk = tools.command("sh");
        let script = "printf %s \"$1\" | sfdisk --quiet --no-reread --no-tell-kernel \"$2\"";
        sfdisk.args(["-euc", script, "sh", &layout.sfdisk()]).arg(&path);
        command::run("sfdisk", &mut sfdisk, &cache.log("sfdisk"))?;

        let disk = Self { cache, tools, path, layout, store, other: None };
        for partition in disk.layout.all(Kind::Store) {
            match store {
                Store::Absent | Store::Elsewhere | Store::Free | Store::Locked | Store::Unformatted => {}
                Store::Ext4 | Store::Beside | Store::Twice => {
                    disk.format(partition, partition.bytes / MIB)?;
                }
                Store::Short => disk.format(partition, SHORT_MIB)?,
                Store::Damaged => {
                    disk.format(partition, partition.bytes / MIB)?;
                    disk.damage(partition)?;
                }
                Store::Xfs => disk.format_apart(partition, &["mkfs.xfs", "-q"])?,
                Store::Btrfs => disk.format_apart(partition, &["mkfs.btrfs", "--quiet"])?,
            }
        }
        Ok(disk)
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file of the machine's other disk, if it has one.
    pub(crate) fn other(&self) -> Option<&Path> {
        self.other.as_deref().map(Self::path)
    }

    /// The base update: writes the image's base over the one that is there, unless the machine has done it itself.
    pub(crate) fn write_base(&self, image: &Image) -> Result<()> {
        let Some(kind) = image.recipe.form.base() else { return Ok(()) };
        if let (Some(kind), Some(hashes)) = (image.recipe.form.verity(), image.verity()) {
            self.write(kind, &hashes)?;
        }
        if let Some(esp) = image.esp() {
            self.write(Kind::Esp, &esp)?;
        }
        self.write(kind, &image.base())
    }

    /// Whether the base's partition still is the image, byte by byte; with ostree, whether the content of every deployment
    /// is what its commit says.
    pub(crate) fn has_base(&self, image: &Image) -> Result<bool> {
        let what = "comparing the base's partition with its image";
        let Some(kind) = image.recipe.form.base() else { return self.has_deployments() };
        let Some(partition) = self.layout.find(kind) else { return Ok(false) };
        let disk = fs::File::open(&self.path).map_err(Error::io(what))?;
        let mut file = fs::File::open(image.base()).map_err(Error::io(what))?;
        let (mut wanted, mut got) = (vec![0; CHUNK], vec![0; CHUNK]);
        let mut at = partition.offset;
        loop {
            let n = file.read(&mut wanted).map_err(Error::io(what))?;
            if n == 0 {
                return Ok(true);
            }
            disk.read_exact_at(&mut got[..n], at).map_err(Error::io(what))?;
            if got[..n] != wanted[..n] {
                return Ok(false);
            }
            at += n as u64;
        }
    }

    /// A file is one inode with an object of the repository, or composefs takes it from there.
    fn has_deployments(&self) -> Result<bool> {
        let Some(partition) = self.layout.find(Kind::Root) else { return Ok(false) };
        let script =
            "mount -o ro,noload,loop,offset=$2 \"$1\" /mnt; ostree fsck --quiet --repo=/mnt/ostree/repo";
        let mut fsck = self.tools.command("sh");
        fsck.args(["-euc", script, "sh"]).arg(&self.path).arg(partition.offset.to_string());
        Ok(command::output("ostree fsck", &mut fsck)?.0)
    }

    /// The names in a directory of the root's file system.
    pub(crate) fn names(&self, dir: &str) -> Result<Vec<String>> {
        let list = self.debugfs(&format!("ls -p {dir}"))?;
        // /inode/mode/user/group/name/size/
        Ok(list.lines().filter_map(|line| line.split('/').nth(5)).map(str::to_owned).collect())
    }

    /// Copies a file out of the root's file system.
    pub(crate) fn extract(&self, path: &str, to: &Path) -> Result<()> {
        self.debugfs(&format!("dump {path} {}", to.display())).map(drop)
    }

    fn debugfs(&self, request: &str) -> Result<String> {
        let offset = self.layout.find(Kind::Root).map_or(0, |partition| partition.offset);
        let at = format!("{}?offset={offset}", self.path.display());
        // After a power cut there may be a journal to replay, which a look does without.
        let mut debugfs = self.tools.command("debugfs");
        Ok(command::output("debugfs", debugfs.args(["-c", "-R", request, &at]))?.1)
    }

    /// What is wrong with the store's file system after the machine is off; `None` if it is clean and sound,
    /// or if there is none to look at.
    pub(crate) fn store_damage(&self) -> Result<Option<String>> {
        if let Some(damage) = self.other.as_ref().map_or(Ok(None), |other| other.store_damage())? {
            return Ok(Some(damage));
        }
        match self.store {
            // Nobody is to repair a damaged one unasked, and into a locked one only its machine looks.
            Store::Absent | Store::Elsewhere | Store::Unformatted | Store::Damaged | Store::Locked => {
                return Ok(None);
            }
            Store::Xfs => return self.damage_apart(&["xfs_repair", "-n"]),
            Store::Btrfs => return self.damage_apart(&["btrfs", "check", "--readonly"]),
            Store::Ext4 | Store::Beside | Store::Twice | Store::Short | Store::Free => {}
        }
        // The first partition in free room begins where that does.
        for partition in self.layout.all(Kind::Store).chain(self.layout.all(Kind::Free)) {
            let at = format!("{}?offset={}", self.path.display(), partition.offset);
            // What dumpe2fs -h prints; but that program takes the `=` for a LABEL=.
            let mut debugfs = self.tools.command("debugfs");
            let (_, head) = command::output("debugfs", debugfs.args(["-R", "show_super_stats -h", &at]))?;
            let state = head.lines().find_map(|line| line.strip_prefix("Filesystem state:")).map(str::trim);
            if state != Some("clean") || head.contains("needs_recovery") {
                return Ok(Some(head));
            }
            let mut e2fsck = self.tools.command("e2fsck");
            let (sound, text) = command::output("e2fsck", e2fsck.args(["-f", "-n", &at]))?;
            if !sound {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    fn format(&self, partition: Partition, mib: u64) -> Result<()> {
        let mut ext4 = self.tools.command("mke2fs");
        ext4.args(["-q", "-F", "-t", "ext4", "-E"]);
        ext4.arg(format!("lazy_itable_init=0,lazy_journal_init=0,offset={}", partition.offset));
        ext4.arg(&self.path).arg(format!("{mib}M"));
        command::run("mke2fs of the store", &mut ext4, &self.cache.log("store"))
    }

    /// Writes noise over what follows the superblock: the descriptors of the groups, bitmaps, the root's inode.
    fn damage(&self, partition: Partition) -> Result<()> {
        let what = "damaging a store";
        let disk = fs::OpenOptions::new().write(true).open(&self.path).map_err(Error::io(what))?;
        disk.write_all_at(&vec![0xa5; CHUNK], partition.offset + 4096).map_err(Error::io(what))
    }

    /// Formats with a program that knows no offsets: a file of its own, copied into the partition.
    fn format_apart(&self, partition: Partition, mkfs: &[&str]) -> Result<()> {
        let path = self.path.with_extension("store");
        let file = fs::File::create(&path).map_err(Error::io("making a store"))?;
        file.set_len(partition.bytes).map_err(Error::io("making a store"))?;
        let mut command = self.tools.command(mkfs[0]);
        command.args(&mkfs[1..]).arg(&path);
        command::run("mkfs of the store", &mut command, &self.cache.log("store"))?;
        self.write(Kind::Store, &path)?;
        fs::remove_file(&path).map_err(Error::io("removing a store's file"))
    }

    /// What a checker that knows no offsets says of the store; `None` if it is content.
    fn damage_apart(&self, check: &[&str]) -> Result<Option<String>> {
        let what = "reading the store";
        let path = self.path.with_extension("store");
        let Some(partition) = self.layout.find(Kind::Store) else { return Ok(None) };
        let mut disk = fs::File::open(&self.path).map_err(Error::io(what))?;
        disk.seek(SeekFrom::Start(partition.offset)).map_err(Error::io(what))?;
        let mut file = fs::File::create(&path).map_err(Error::io(what))?;
        std::io::copy(&mut disk.take(partition.bytes), &mut file).map_err(Error::io(what))?;
        let (sound, text) =
            command::output(check[0], self.tools.command(check[0]).args(&check[1..]).arg(&path))?;
        fs::remove_file(&path).map_err(Error::io("removing a store's file"))?;
        Ok((!sound).then_some(text))
    }

    /// Copies an image into the first partition of a kind. Zeros are written too, unless the place is a hole:
    /// what was there before must not shine through.
    fn write(&self, kind: Kind, image: &Path) -> Result<()> {
        let what = "writing a partition";
        let Some(partition) = self.layout.find(kind) else { return Ok(()) };
        let mut from = fs::File::open(image).map_err(Error::io(what))?;
        let bytes = from.metadata().map_err(Error::io(what))?.len();
        if bytes > partition.bytes {
            let what = image.display().to_string();
            return Err(Error::TooLarge { what, bytes, room: partition.bytes });
        }
        let mut disk =
            fs::OpenOptions::new().read(true).write(true).open(&self.path).map_err(Error::io(what))?;
        disk.seek(SeekFrom::Start(partition.offset)).map_err(Error::io(what))?;
        let (mut chunk, mut old, zeros) = (vec![0; CHUNK], vec![0; CHUNK], vec![0; CHUNK]);
        let mut at = partition.offset;
        loop {
            let n = from.read(&mut chunk).map_err(Error::io(what))?;
            if n == 0 {
                return Ok(());
            }
            disk.read_exact_at(&mut old[..n], at).map_err(Error::io(what))?;
            at += n as u64;
            if chunk[..n] == zeros[..n] && old[..n] == zeros[..n] {
                disk.seek(SeekFrom::Start(at)).map_err(Error::io(what))?;
            } else {
                disk.write_all(&chunk[..n]).map_err(Error::io(what))?;
            }
        }
    }
}
