//! The partition table as arithmetic: a list of partitions, in order, with no gaps, so that a partition can be
//! written and read at its offset without any loop device.

use std::fmt::Write as _;

use crate::key::Key;

/// Bytes in a MiB.
pub(crate) const MIB: u64 = 1 << 20;
const SECTORS_PER_MIB: u64 = MIB / 512;

/// The type of a partition, by UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What the firmware starts from.
    Esp,
    /// The root of x86-64, by the Discoverable Partitions Specification.
    Root,
    /// The hash tree of that, likewise.
    RootVerity,
    /// /usr of x86-64, likewise.
    Usr,
    /// The hash tree of that, likewise.
    UsrVerity,
    /// /var, likewise.
    Var,
    /// Veneer's store.
    Store,
    /// No partition, but the room for one.
    Free,
}

impl Kind {
    fn uuid(self) -> &'static str {
        match self {
            Self::Esp => "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
            Self::Root => "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
            Self::RootVerity => "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5",
            Self::Usr => "8484680c-9521-48c6-9c11-b0720656f69e",
            Self::UsrVerity => "77ff5f63-e7b6-4633-acf4-1565b864c0e6",
            Self::Var => "4d21b016-b534-45c2-a9fb-5c16e091fd2d",
            Self::Store => "809dc39c-fe9a-472c-9048-941c9b9958e0",
            Self::Free => "00000000-0000-0000-0000-000000000000",
        }
    }

    /// Its name, which is that of what is on it, too.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Esp => "esp",
            Self::Root => "root",
            Self::RootVerity => "root-verity",
            Self::Usr => "usr",
            Self::UsrVerity => "usr-verity",
            Self::Var => "var",
            Self::Store => "veneer",
            Self::Free => "",
        }
    }
}

/// A partition with its place on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    /// What it is for.
    pub(crate) kind: Kind,
    /// First byte.
    pub(crate) offset: u64,
    /// Length in bytes.
    pub(crate) bytes: u64,
}

/// All partitions of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout(Vec<Partition>);

impl Layout {
    /// Lays partitions of the given sizes (in MiB) one after the other.
    pub(crate) fn new(partitions: &[(Kind, u64)]) -> Self {
        // The first MiB is the table's.
        let mut offset = MIB;
        let mut placed = Vec::new();
        for &(kind, mib) in partitions {
            placed.push(Partition { kind, offset, bytes: mib * MIB });
            offset += mib * MIB;
        }
        Self(placed)
    }

    /// The first partition of a kind.
    pub(crate) fn find(&self, kind: Kind) -> Option<Partition> {
        self.0.iter().copied().find(|partition| partition.kind == kind)
    }

    /// All partitions of a kind.
    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = Partition> + '_ {
        self.0.iter().copied().filter(move |partition| partition.kind == kind)
    }

    /// The size of the disk: a MiB more at the end for the second table.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.last().map_or(MIB, |last| last.offset + last.bytes) + MIB
    }

    /// The table as sfdisk reads it. UUIDs are fixed: two runs make the same disk.
    pub(crate) fn sfdisk(&self) -> String {
        let uuid = |n: usize| Key::new("partition").with("number", &n.to_le_bytes()).uuid();
        let mut text = format!("label: gpt\nlabel-id: {}\nunit: sectors\nfirst-lba: 2048\n\n", uuid(0));
        for (n, partition) in self.0.iter().enumerate().filter(|(_, partition)| partition.kind != Kind::Free)
        {
            let start = partition.offset / 512;
            let size = partition.bytes / MIB * SECTORS_PER_MIB;
            let (kind, name) = (partition.kind.uuid(), partition.kind.label());
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "start={start}, size={size}, type={kind}, uuid={}, name=\"{name}\"",
                uuid(n + 1)
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Layout, MIB};

    #[test]
    fn partitions_follow_each_other_after_the_table() {
        let layout = Layout::new(&[(Kind::Root, 10), (Kind::Usr, 20), (Kind::Store, 5)]);
        assert_eq!(layout.find(Kind::Root).unwrap().offset, MIB);
        assert_eq!(layout.find(Kind::Usr).unwrap().offset, 11 * MIB);
        assert_eq!(layout.find(Kind::Store).unwrap().offset, 31 * MIB);
        assert_eq!(layout.bytes(), 37 * MIB);
    }

    #[test]
    fn a_disk_may_have_no_store_or_two() {
        assert_eq!(Layout::new(&[(Kind::Root, 1)]).find(Kind::Store), None);
        let two = Layout::new(&[(Kind::Store, 1), (Kind::Store, 2)]);
        assert_eq!(two.all(Kind::Store).map(|p| p.bytes / MIB).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn free_room_is_on_the_disk_and_not_in_the_table() {
        let layout = Layout::new(&[(Kind::Usr, 20), (Kind::Free, 5)]);
        assert_eq!(layout.bytes(), 27 * MIB);
        assert_eq!(layout.sfdisk().lines().filter(|line| line.starts_with("start=")).count(), 1);
    }

    #[test]
    fn the_table_counts_in_sectors_and_gives_every_partition_its_own_uuid() {
        let text = Layout::new(&[(Kind::Root, 2), (Kind::Store, 1)]).sfdisk();
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("start=")).collect();
        assert!(lines[0].starts_with("start=2048, size=4096, type=4f68bce3-"));
        assert!(lines[1].starts_with("start=6144, size=2048, type=809dc39c-"));
        assert!(lines[1].ends_with("name=\"veneer\""));
        let uuid = |line: &str| line.split("uuid=").nth(1).unwrap()[..36].to_owned();
        assert_ne!(uuid(lines[0]), uuid(lines[1]));
    }
}
