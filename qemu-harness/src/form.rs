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
    /// The same, found by its type on the disk that the boot loader came from; nothing is named anywhere.
    Found,
    /// As plain, with SELinux: all of it is labelled as Debian's reference policy wants it.
    Labelled,
    /// / is one file system that nobody can write to, with /usr in it. /var and what is changed in /etc are on a partition.
    Whole,
    /// The same on dm-verity.
    SealedWhole,
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
/// The size of what the firmware starts from: a kernel and an initramfs that is not compressed.
pub(crate) const ESP_MIB: u64 = 256;
const VERITY_MIB: u64 = 16;

impl Form {
    /// Whether the machine boots deployments of ostree.
    pub(crate) fn is_ostree(self) -> bool {
        matches!(self, Self::Ostree | Self::Composefs)
    }

    /// Whether /usr is in a root that nobody can write to.
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Self::Whole | Self::SealedWhole)
    }

    /// Whether systemd-repart makes the store on the first boot.
    pub(crate) fn makes_store(self) -> bool {
        matches!(self, Self::Sealed | Self::Encrypted)
    }

    /// The partition with the hash tree of the base, if that is on dm-verity.
    pub(crate) fn verity(self) -> Option<Kind> {
        match self {
            Self::Sealed | Self::Encrypted => Some(Kind::UsrVerity),
            Self::SealedWhole => Some(Kind::RootVerity),
            _ => None,
        }
    }

    /// Whether the machine has UEFI, and a boot loader.
    pub(crate) fn has_firmware(self) -> bool {
        self == Self::Found
    }

    /// Whether the machine has a TPM.
    pub(crate) fn has_tpm(self) -> bool {
        self == Self::Encrypted
    }

    /// Packages that it takes beyond those of the recipe.
    pub(crate) fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Labelled => &["selinux-policy-default", "policycoreutils", "selinux-utils"],
            _ => &[],
        }
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
            Self::Plain | Self::Fstab | Self::Found | Self::Labelled | Self::Sealed | Self::Encrypted => {
                Some(Kind::Usr)
            }
            Self::Whole | Self::SealedWhole => Some(Kind::Root),
            Self::Ostree | Self::Composefs => None,
        }
    }

    /// The partition with all that an update leaves alone.
    pub(crate) fn state(self) -> Kind {
        if self.is_whole() { Kind::Var } else { Kind::Root }
    }

    /// The partitions of a disk, with sizes in MiB, but for the store.
    pub(crate) fn partitions(self) -> &'static [(Kind, u64)] {
        match self {
            Self::Plain | Self::Fstab | Self::Labelled => &[(Kind::Root, IMAGE_MIB), (Kind::Usr, IMAGE_MIB)],
            Self::Found => &[(Kind::Esp, ESP_MIB), (Kind::Root, IMAGE_MIB), (Kind::Usr, IMAGE_MIB)],
            Self::Whole => &[(Kind::Root, IMAGE_MIB), (Kind::Var, IMAGE_MIB)],
            Self::SealedWhole => {
                &[(Kind::Root, IMAGE_MIB), (Kind::RootVerity, VERITY_MIB), (Kind::Var, IMAGE_MIB)]
            }
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
            Self::Found => format!("root=gpt-auto rw mount.usr=dissect {usr}"),
            // Every denial counts, and the kernel would drop all but ten in five seconds.
            Self::Labelled => format!(
                "{root} mount.usr=PARTLABEL=usr {usr} security=selinux selinux=1 audit=1 audit_backlog_limit=8192 \
                 sysctl.kernel.printk_ratelimit=0"
            ),
            Self::Whole => "root=PARTLABEL=root rootfstype=erofs ro".to_owned(),
            Self::SealedWhole => format!(
                "root=/dev/mapper/root rootfstype=erofs ro roothash={hash} \
                 systemd.verity_root_data=PARTLABEL=root systemd.verity_root_hash=PARTLABEL=root-verity"
            ),
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
            Self::Found => FOUND,
            Self::Labelled => LABELLED,
            Self::Whole => WHOLE,
            Self::SealedWhole => SEALED_WHOLE,
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

/// systemd-repart writes on what it makes a file system of where that belongs; a machine that finds another reboots.
const FOUND: &str = r#"
: > /etc/fstab
belongs() {
    setfattr --name=user.validatefs.mount_point --value="$1" "$1"
    setfattr --name=user.validatefs.gpt_label --value="$2" "$1"
    setfattr --name=user.validatefs.gpt_type_uuid --value="$3" "$1"
}
belongs /usr usr 8484680c-9521-48c6-9c11-b0720656f69e
belongs / root 4f68bce3-e8cd-4db1-96e7-fbcaf984b709
echo 'omit_dracutmodules+=" dm crypt ostree "' >> "$dracut"
"#;

/// The scripts of the boots are somebody who has logged in, whom this policy does not confine. nginx's own script would make
/// /var/www without a label that lets nginx read there, on any Debian.
const LABELLED: &str = r#"
echo 'PARTLABEL=root / ext4 defaults 0 1' > /etc/fstab
echo 'omit_dracutmodules+=" dm crypt ostree "' >> "$dracut"
mkdir -p /etc/systemd/system/veneer-test.service.d /var/www/html
printf '%s\n' '[Service]' 'SELinuxContext=unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023' \
    > /etc/systemd/system/veneer-test.service.d/selinux.conf
echo '/etc/veneer-test/agent -- system_u:object_r:bin_t:s0' >> /etc/selinux/default/contexts/files/file_contexts.local
"#;

/// The paths of an overlay's layers are as the initramfs sees them, which mounts it; that /var comes first, nothing else says.
const WHOLE: &str = r#"
printf '%s\n' 'PARTLABEL=root / erofs ro 0 0' 'PARTLABEL=var /var ext4 x-initrd.mount 0 2' \
    'overlay /etc overlay lowerdir=/sysroot/etc,upperdir=/sysroot/var/etc/upper,workdir=/sysroot/var/etc/work,x-initrd.mount,x-systemd.requires-mounts-for=/sysroot/var 0 0' \
    > /etc/fstab
mkdir -p /var/etc/upper /var/etc/work
echo 'omit_dracutmodules+=" dm crypt ostree "' >> "$dracut"
"#;

const SEALED_WHOLE: &str = r#"
printf '%s\n' '/dev/mapper/root / erofs ro 0 0' 'PARTLABEL=var /var ext4 x-initrd.mount 0 2' \
    'overlay /etc overlay lowerdir=/sysroot/etc,upperdir=/sysroot/var/etc/upper,workdir=/sysroot/var/etc/work,x-initrd.mount,x-systemd.requires-mounts-for=/sysroot/var 0 0' \
    > /etc/fstab
mkdir -p /var/etc/upper /var/etc/work
printf '%s\n' 'omit_dracutmodules+=" ostree "' 'add_dracutmodules+=" systemd-veritysetup "' 'add_drivers+=" dm-verity "' >> "$dracut"
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
