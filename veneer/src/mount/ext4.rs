//! A store on ext4 allocates blocks at once (`nodelalloc`). On an overlay a file that replaces another one is, to ext4,
//! simply new: its guard for replaced files (ext4(5), `auto_da_alloc`) does not see it, and with delayed allocation a power
//! cut may leave it empty.
//!
//! A remount cannot turn delayed allocation off (ext4 refuses), and the unit that mounts the store cannot say it, since
//! no other file system knows the word: so the store is mounted a second time.

use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::{major, minor};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};

use super::{MountRow, failed};
use crate::error::Result;

/// True if an ext4 that delays allocation is mounted there.
#[must_use]
pub fn delays_allocation(row: &MountRow) -> bool {
    if row.kind != "ext4" || row.has("nodelalloc") {
        return false;
    }
    // What the superblock asks for, mountinfo does not show. The directory has the kernel's name of the device.
    let device = format!("/sys/dev/block/{}:{}", major(row.dev), minor(row.dev));
    let name = fs_err::read_link(device).unwrap_or_default();
    let options = Path::new("/proc/fs/ext4").join(name.file_name().unwrap_or_default()).join("options");
    match fs_err::read_to_string(options) {
        Ok(text) => text.lines().any(|line| line == "delalloc"),
        Err(error) => {
            log::debug!("{error}");
            true
        }
    }
}

/// Mounts the store of `row` once more, so that it does not. With `for_good` its superblock asks for that from now on,
/// which spares later boots the second mount; if tune2fs(8) is there to say it.
///
/// Nothing may be open on the store. After an error it is mounted as before or not at all, as the error says.
pub fn allocate_at_once(row: &MountRow, for_good: bool) -> Result<()> {
    // Not lazily: a file system that is still in use would come back with the options that it has.
    rustix::mount::unmount(&row.target, UnmountFlags::NOFOLLOW)
        .map_err(|e| failed("unmount", &row.target, e, String::new()))?;
    if for_good {
        let mut tune2fs = Command::new("tune2fs");
        tune2fs.args(["-o", "nodelalloc"]).arg(&row.source);
        let done = tune2fs.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        // Nothing depends on it: the option of this mount is in force all the same.
        log::debug!("tune2fs -o nodelalloc {}: {done:?}", row.source.display());
    }
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::NOATIME;
    let mount = |data| rustix::mount::mount(&row.source, &row.target, "ext4", flags, data);
    let Err(first) = mount(c"nodelalloc") else {
        // The kernel says nothing where the file system was never given up, and the option is not in force.
        return if delays_allocation(row) {
            Err(failed("unmount", &row.target, Errno::BUSY, "another mount namespace has it, too".to_owned()))
        } else {
            Ok(())
        };
    };
    let what = match mount(c"") {
        Ok(()) => "it is mounted without that".to_owned(),
        Err(second) => format!("nor can it be mounted without that: {second}"),
    };
    Err(failed("mount with nodelalloc", &row.source, first, what))
}
