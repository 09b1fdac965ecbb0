//! What a file system's superblock says of its identity. Pure: the bytes in, the constant part of them out.
//!
//! Read-only formats (erofs, squashfs) are described whole by theirs: sizes, build time and checksum, so that two
//! builds with one UUID differ. Writable ones are asked only for what mkfs wrote and nothing changes later.

/// Bytes that [`Kind::identity`] wants to see from [`Kind::offset`] on.
pub(super) const LENGTH: usize = 1024;

/// File systems whose superblock is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ext4,
    Erofs,
    Squashfs,
    Xfs,
    Btrfs,
}

impl Kind {
    /// By the name in mountinfo.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "ext4" | "ext3" | "ext2" => Kind::Ext4,
            "erofs" => Kind::Erofs,
            "squashfs" => Kind::Squashfs,
            "xfs" => Kind::Xfs,
            "btrfs" => Kind::Btrfs,
            _ => return None,
        })
    }

    /// Where the superblock starts, in bytes.
    pub(super) fn offset(self) -> u64 {
        match self {
            Kind::Ext4 | Kind::Erofs => 1024,
            Kind::Squashfs | Kind::Xfs => 0,
            Kind::Btrfs => 64 * 1024,
        }
    }

    /// The constant bytes; none if the magic number is not there. Offsets are those of the kernel's headers.
    pub(super) fn identity(self, bytes: &[u8]) -> Vec<u8> {
        let (magic_at, magic, constant): (usize, &[u8], &[std::ops::Range<usize>]) = match self {
            // s_uuid; s_hash_seed; s_mkfs_time (fs/ext4/ext4.h); not the size, which growing changes
            Kind::Ext4 => (0x38, b"\x53\xef", &[0x68..0x78, 0xec..0xfc, 0x108..0x10c]),
            // struct erofs_super_block is 128 bytes, all of them written once (fs/erofs/erofs_fs.h)
            Kind::Erofs => (0, b"\xe2\xe1\xf5\xe0", std::slice::from_ref(&(0..128))),
            // struct squashfs_super_block is 96 bytes, all of them written once (fs/squashfs/squashfs_fs.h)
            Kind::Squashfs => (0, b"hsqs", std::slice::from_ref(&(0..96))),
            // sb_uuid (fs/xfs/libxfs/xfs_format.h)
            Kind::Xfs => (0, b"XFSB", std::slice::from_ref(&(32..48))),
            // fsid (include/uapi/linux/btrfs_tree.h)
            Kind::Btrfs => (0x40, b"_BHRfS_M", std::slice::from_ref(&(0x20..0x30))),
        };
        let has_magic = bytes.get(magic_at..magic_at + magic.len()) == Some(magic);
        if !has_magic {
            return Vec::new();
        }
        constant.iter().filter_map(|range| bytes.get(range.clone())).flatten().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_while_mounted_does_not_count() {
        let mut bytes = vec![0; 1024];
        bytes[0x38..0x3a].copy_from_slice(b"\x53\xef");
        bytes[0x68] = 7;
        let before = Kind::Ext4.identity(&bytes);
        bytes[0x2c] = 9; // s_mtime
        assert_eq!(Kind::Ext4.identity(&bytes), before);
        bytes[0x108] = 1; // s_mkfs_time
        assert_ne!(Kind::Ext4.identity(&bytes), before);
    }

    #[test]
    fn short_or_foreign_bytes_are_no_identity() {
        for kind in [Kind::Ext4, Kind::Erofs, Kind::Squashfs, Kind::Xfs, Kind::Btrfs] {
            assert!(kind.identity(&[]).is_empty());
            assert!(kind.identity(&[0; 1024]).is_empty());
        }
    }

    /// A million: see [`crate::fuzz`].
    #[test]
    fn noise_is_no_identity() {
        let mut good = vec![0; 256];
        good[0x38..0x3a].copy_from_slice(b"\x53\xef");
        good[0x40..0x48].copy_from_slice(b"_BHRfS_M");
        let mut random = crate::fuzz::Random::new();
        for round in 0..crate::fuzz::rounds(3000) {
            let magics: [&[u8]; 3] = [b"XFSB", b"hsqs", b"\xe2\xe1\xf5\xe0"];
            good[..4].copy_from_slice(magics[round % 3]);
            let bytes = random.mangle(&good);
            for kind in [Kind::Ext4, Kind::Erofs, Kind::Squashfs, Kind::Xfs, Kind::Btrfs] {
                assert!(kind.identity(&bytes).len() <= 128);
            }
        }
    }
}
