//! `veneer-generator NORMAL EARLY LATE`: the words of the kernel command line and veneer.conf in, units out, by
//! systemd.generator(7). It decides whether and when Veneer acts in this boot; what is done, veneer-assemble decides.
//!
//! Everything goes into NORMAL. It writes nothing at all outside an initramfs, when Veneer is disabled, on live media,
//! and with `systemd.volatile=yes|overlay`. It may run more than once in a boot and then gives the same.
//!
//! Environment: `VENEER_ROOT` moves every path that is read (`/proc/cmdline`, `/etc/initrd-release`, veneer.conf and its
//! drop-ins) and sends messages to stderr; `SYSTEMD_IN_INITRD` as systemd sets it.
//!
//! Exit status: 0 if all is well, and also if something of the user's was not understood; 1 if NORMAL cannot be written
//! to (what was written by then does nothing without the link that comes last); 2 for a wrong number of arguments.
//!
//! A /usr that is only in the fstab of the real root is mounted after initrd-root-fs.target, and would cover the layer. For
//! that there is a second service, between sysroot-usr.mount and initrd-fs.target.

mod circumstances;
mod output;
mod unit_name;
mod units;

use std::env;
use std::path::{Path, PathBuf};

use veneer::intent::{Cmdline, Intent};
use veneer::report::{self, Sink};

use crate::units::Units;

const UNWRITABLE: u8 = 1;
const USAGE: u8 = 2;

/// The program: reads its arguments and environment, writes units, and gives its exit status.
#[must_use]
pub fn run() -> u8 {
    let moved = env::var_os("VENEER_ROOT").map(PathBuf::from);
    let root = moved.clone().unwrap_or_else(|| "/".into());
    report::start_log("veneer-generator", if moved.is_none() { Sink::Kernel } else { Sink::Stderr });

    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [normal, _early, _late] = arguments.as_slice() else {
        eprintln!("usage: veneer-generator NORMAL EARLY LATE");
        return USAGE;
    };
    let Some(units) = wanted(&root) else { return 0 };
    if let Err(error) = output::write(&units, normal) {
        log::warn!("{error}; booting without a layer");
        return UNWRITABLE;
    }
    0
}

/// What this boot needs; `None` if Veneer has no part in it, about which there is nothing to say either.
fn wanted(root: &Path) -> Option<Units> {
    let said = env::var("SYSTEMD_IN_INITRD").ok();
    if !circumstances::in_initrd(said.as_deref(), root) {
        return None;
    }
    let (cmdline, unread) = Cmdline::read(&root.join("proc/cmdline"));
    if circumstances::is_passing(&cmdline) {
        return None;
    }
    let (intent, warnings) = Intent::gather(root, &cmdline);
    if !intent.enabled {
        return None;
    }
    for warning in unread.iter().chain(&warnings) {
        log::warn!("{warning}");
    }
    let units = Units::of(&intent).unwrap_or_else(|too_long| {
        log::warn!("{too_long}");
        Units::service()
    });
    Some(units)
}
