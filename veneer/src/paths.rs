//! Where things are on a running machine. Programs take each of these as an argument, so that tests move them.

/// Mount point of the store. Below `/run/initramfs`, which systemd leaves mounted across switch-root and until the
/// very end of the shutdown: unmounting the store under a live overlay succeeds and leaves a journal to recover.
pub const STORE: &str = "/run/initramfs/veneer/store";

/// What the generator calls the mount unit of [`STORE`] (its path, escaped by the rules of systemd.unit(5)).
pub const STORE_UNIT: &str = "run-initramfs-veneer-store.mount";

/// The running system's view of what this boot did.
pub const RUNTIME: &str = "/run/veneer";

/// A file in the runtime directory: /usr is guarded in this boot.
pub const GUARDED: &str = "guarded";

/// A file in the runtime directory: /usr was not there when veneer-assemble came, and /etc/fstab names one. The unit
/// veneer-assemble-fstab.service has its name.
pub const WAITING: &str = "waiting-for-usr";

/// The real root as the initramfs sees it.
pub const SYSROOT: &str = "/sysroot";

/// The kernel's command line.
pub const CMDLINE: &str = "/proc/cmdline";

/// GPT partition type of a store: Veneer's own, so that no other tool's partition is ever taken for one.
pub const STORE_TYPE_UUID: &str = "809dc39c-fe9a-472c-9048-941c9b9958e0";

/// The link that Veneer's udev rule makes to the store partition on the boot disk.
pub const STORE_DEVICE: &str = "/dev/disk/veneer/store";
