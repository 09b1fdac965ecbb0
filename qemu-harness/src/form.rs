//! How a base is put on a disk: its partitions, the words of the kernel's command line that lead to it, and what an image of it
//! needs beyond the guide. One place for all that differs between them.

use crate::layout::Kind;

/// One of the ways in which a machine comes to its /usr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// /usr is a file system on a partition, named on the command line.
    Plain,
    /// The same, named in /etc/fstab alone.
    Fstab,
    /// / is one file system that nobody can write to, with /usr in it. /var and what is changed in /etc are on a partition.
    Whole,
    /// /usr is on dm-verity, and systemd-repart makes the store on the first boot: what systemd's own tools build.
    Sealed,
    /// The same, with the store encrypted, and bound to the machine's TPM.
    Encrypted,
    /// / is a deployment of ostree: a checkout of hard links. Updates come from a repository, inside of the machine.
    Ostree,
    /// The same with composefs: / is an erofs image of names, and the content is in the repository.
    Composefs,
}

/// The size of a partition that images are written to, in MiB.
pub(crate) const IMAGE_MIB: u64 = 1024;
/// The size of / where it has two deployments.
pub(crate) const OSTREE_MIB: u64 = 2048;
const VERITY_MIB: u64 = 16;

impl Form {
    /// Whether the machine boots deployments of ostree.
    pub(crate) fn is_ostree(self) -> bool {
        matches!(self, Self::Ostree | Self::Composefs)
    }

    /// Whether /usr is on dm-verity, and the store made on the first boot.
    pub(crate) fn is_sealed(self) -> bool {
        matches!(self, Self::Sealed | Self::Encrypted)
    }

    /// Whether the machine has a TPM.
    pub(crate) fn has_tpm(self) -> bool {
        self == Self::Encrypted
    }

    /// The file system that the bare /usr is seen as.
    pub(crate) fn usr_type(self) -> &'static str {
        match self {
            Self::Ostree => "ext4",
            Self::Composefs => "overlay",
            _ => "erofs",
        }
    }

    /// The partition that an update writes; with ostree the machine does that itself.
    pub(crate) fn base(self) -> Option<Kind> {
        match self {
            Self::Plain | Self::Fstab | Self::Sealed | Self::Encrypted => Some(Kind::Usr),
            Self::Whole => Some(Kind::Root),
            Self::Ostree | Self::Composefs => None,
        }
    }

    /// The partition with all that an update leaves alone.
    pub(crate) fn state(self) -> Kind {
        match self {
            Self::Whole => Kind::Var,
            _ => Kind::Root,
        }
    }

    /// The partitions of a disk, with sizes in MiB, but for the store.
    pub(crate) fn partitions(self) -> &'static [(Kind, u64)] {
        match self {
            Self::Plain | Self::Fstab => &[(Kind::Root, IMAGE_MIB), (Kind::Usr, IMAGE_MIB)],
            Self::Whole => &[(Kind::Root, IMAGE_MIB), (Kind::Var, IMAGE_MIB)],
            Self::Sealed | Self::Encrypted => {
                &[(Kind::Root, IMAGE_MIB), (Kind::Usr, IMAGE_MIB), (Kind::UsrVerity, VERITY_MIB)]
            }
            Self::Ostree | Self::Composefs => &[(Kind::Root, OSTREE_MIB)],
        }
    }

    /// The words that lead to the base; `hash` is its root hash, if it has one.
    pub(crate) fn words(self, hash: &str) -> String {
        let root = "root=PARTLABEL=root rw";
        let usr = "mount.usrfstype=erofs mount.usrflags=ro";
        match self {
            Self::Plain => format!("{root} mount.usr=PARTLABEL=usr {usr}"),
            Self::Fstab => root.to_owned(),
            Self::Whole => "root=PARTLABEL=root rootfstype=erofs ro".to_owned(),
            Self::Sealed | Self::Encrypted => format!(
                "{root} mount.usr=/dev/mapper/usr {usr} usrhash={hash} systemd.verity_usr_data=PARTLABEL=usr \
                 systemd.verity_usr_hash=PARTLABEL=usr-verity"
            ),
            // It is the boot loader's entry that says so.
            Self::Ostree | Self::Composefs => String::new(),
        }
    }

    /// What an image of this form is beyond the guide, as a shell script that runs before it: /etc/fstab, and what dracut is
    /// to take in.
    pub(crate) fn setup(self) -> &'static str {
        match self {
            Self::Plain => PLAIN,
            Self::Fstab => FSTAB,
            Self::Whole => WHOLE,
            Self::Sealed => SEALED,
            Self::Encrypted => ENCRYPTED,
            Self::Ostree => OSTREE,
            Self::Composefs => COMPOSEFS,
        }
    }
}

const PLAIN: &str = r#"
echo 'PARTLABEL=root / ext4 defaults 0 1' > /etc/fstab
echo 'omit_dracutmodules+=" dm crypt ostree "' >> "$dracut"
"#;

const FSTAB: &str = r#"
printf '%s\n' 'PARTLABEL=root / ext4 defaults 0 1' 'PARTLABEL=usr /usr erofs ro 0 0' > /etc/fstab
echo 'omit_dracutmodules+=" dm crypt ostree "' >> "$dracut"
"#;

/// The paths of an overlay's layers are as the initramfs sees them, which mounts it.
const WHOLE: &str = r#"
printf '%s\n' 'PARTLABEL=root / erofs ro 0 0' 'PARTLABEL=var /var ext4 x-initrd.mount 0 2' \
    'overlay /etc overlay lowerdir=/sysroot/etc,upperdir=/sysroot/var/etc/upper,workdir=/sysroot/var/etc/work,x-initrd.mount 0 0' \
    > /etc/fstab
mkdir -p /var/etc/upper /var/etc/work
echo 'omit_dracutmodules+=" dm crypt ostree "' >> "$dracut"
"#;

const SEALED: &str = r#"
echo 'PARTLABEL=root / ext4 defaults 0 1' > /etc/fstab
printf '%s\n' 'omit_dracutmodules+=" ostree "' 'add_dracutmodules+=" systemd-veritysetup "' 'add_drivers+=" dm-verity "' >> "$dracut"
"#;

/// A key in the initramfs is none to keep a secret with: it is there to show that the way is a way.
const ENCRYPTED: &str = r#"
echo 'PARTLABEL=root / ext4 defaults 0 1' > /etc/fstab
printf '%s\n' 'omit_dracutmodules+=" ostree "' 'add_dracutmodules+=" systemd-veritysetup "' 'add_drivers+=" dm-verity "' >> "$dracut"
printf %s 'a key for tests' > /etc/veneer-test/key
chmod 600 /etc/veneer-test/key
echo 'install_items+=" /etc/veneer-test/key "' >> "$dracut"
"#;

const OSTREE: &str = r#"
# / is for ostree to mount.
: > /etc/fstab
printf '%s\n' 'omit_dracutmodules+=" dm crypt "' 'add_dracutmodules+=" ostree "' >> "$dracut"
mkdir -p /usr/lib/ostree
printf '%s\n' '[sysroot]' 'readonly=true' '[composefs]' 'enabled=no' > /usr/lib/ostree/prepare-root.conf
"#;

const COMPOSEFS: &str = r#"
# / is for ostree to mount.
: > /etc/fstab
printf '%s\n' 'omit_dracutmodules+=" dm crypt "' 'add_dracutmodules+=" ostree "' 'add_drivers+=" loop "' >> "$dracut"
mkdir -p /usr/lib/ostree
printf '%s\n' '[sysroot]' 'readonly=true' '[composefs]' 'enabled=yes' > /usr/lib/ostree/prepare-root.conf
"#;
