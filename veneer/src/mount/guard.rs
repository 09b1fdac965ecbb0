//! A guarded /usr: read-only where everybody sees it, writable in a mount namespace of one's own, or for a time. It is the
//! mount that is read-only, not the overlay (mount(2), `MS_REMOUNT | MS_BIND`), so both can be true at once.

use std::path::Path;

use rustix::fs::StatVfsMountFlags;
use rustix::mount::MountFlags;

use super::table::{MountRow, MountTable};
use super::{failed, namespace, unmount};
use crate::error::{At as _, Result};

/// Makes what is mounted at `target` read-only for everybody in this mount namespace. EBUSY while a file there is open for
/// writing.
pub fn guard(target: &Path) -> Result<()> {
    set(target, MountFlags::RDONLY)
}

/// Makes it writable for everybody in this mount namespace.
pub fn unguard(target: &Path) -> Result<()> {
    set(target, MountFlags::empty())
}

/// Makes it writable for the calling thread and the programs that it starts. All other mounts stay shared with the system:
/// what these programs mount is seen by everybody.
pub fn unguard_alone(target: &Path) -> Result<()> {
    namespace::enter("make a mount namespace to write to", target)?;
    unguard(target)
}

/// Takes what others have mounted over the layer at `usr`, such as a system extension, and extensions of `etc`
/// (systemd-sysext(8)) out of the way for the calling thread and the programs that it starts: they write to what is below.
/// Everybody else goes on seeing what they see; what changes below an extension may show there only once it is merged anew.
/// True if there was anything.
pub fn uncover_alone(usr: &Path, etc: &Path) -> Result<bool> {
    let counted =
        || MountTable::read().map(|table| [(usr, covers(&table, usr)), (etc, extensions(&table, etc))]);
    if counted()?.iter().all(|(_, count)| *count == 0) {
        return Ok(false);
    }
    // Or it would be unmounted for all.
    namespace::enter_alone("make a mount namespace to write to", usr)?;
    // What is mounted here meanwhile is not seen in this namespace.
    for (target, count) in counted()? {
        (0..count).try_for_each(|_| unmount(target))?;
    }
    Ok(true)
}

/// How many mounts there are over the layer at `target`; none if no layer is there.
fn covers(table: &MountTable, target: &Path) -> usize {
    let stack = table.stack(target);
    stack.iter().rposition(MountRow::is_layer).map_or(0, |at| stack.len() - 1 - at)
}

/// How many extensions there are on top at `target`, by what systemd-confext says that they are mounted from. An overlay below
/// them is the system's own.
fn extensions(table: &MountTable, target: &Path) -> usize {
    let is_extension = |row: &&MountRow| row.kind == "overlay" && row.source == Path::new("confext");
    table.stack(target).iter().rev().take_while(is_extension).count()
}

/// Flags of a mount are set all at once: those that it has stay.
fn set(target: &Path, wanted: MountFlags) -> Result<()> {
    let has = rustix::fs::statvfs(target).reading(target)?.f_flag;
    let kept = [
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ];
    let kept = kept.iter().filter(|(seen, _)| has.contains(*seen)).fold(wanted, |all, (_, flag)| all | *flag);
    rustix::mount::mount_remount(target, MountFlags::BIND | kept, "")
        .map_err(|e| failed("set the mount flags of", target, e, String::new()))
}
