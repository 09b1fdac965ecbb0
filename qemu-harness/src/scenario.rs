//! A scenario as a value: a disk, and boots of it one after the other. A boot says what it starts from, what its
//! script is and how it ends; what is true after every boot is checked after every boot (see run.rs).

use std::time::Duration;

use crate::disk::Store;
use crate::recipe::Recipe;

/// How a boot ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// The script comes to its end, then the machine is shut down and powered off.
    PowerOff,
    /// The same with a reboot.
    Reboot,
    /// The power is cut as soon as the report has this text.
    PowerCut(&'static str),
    /// The power is cut as soon as the console shows this text, in the initramfs: the script is never reached.
    EarlyPowerCut(&'static str),
    /// The system itself refuses to boot, and says so: the script is never reached.
    Refused,
}

/// One boot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Boot {
    /// What happens, for people.
    pub(crate) title: &'static str,
    /// The base; if it is another than on the disk, the disk is updated first.
    pub(crate) base: &'static Recipe,
    /// Words added to the kernel's command line. `{kept}` stands for what an earlier boot's script kept (see lib.sh).
    pub(crate) cmdline: &'static str,
    /// What the guest runs.
    pub(crate) script: &'static str,
    /// How it ends.
    pub(crate) ends: Ends,
    /// When it is taken for hung. Generous: only a failing run waits for it.
    pub(crate) deadline: Duration,
    /// A base whose /usr is on another disk of the machine, for looking at.
    pub(crate) next: Option<&'static Recipe>,
    /// A credential that the machine's firmware passes to systemd, as `NAME=VALUE` (systemd.system-credentials(7)).
    pub(crate) credential: Option<&'static str>,
    /// MiB a second that the system disk does at most, so that work on it takes a while on any host.
    pub(crate) disk_speed: Option<u32>,
}

impl Boot {
    /// A boot with nothing special about it.
    pub(crate) const fn new(title: &'static str, base: &'static Recipe, script: &'static str) -> Self {
        Self {
            title,
            base,
            cmdline: "",
            script,
            ends: Ends::PowerOff,
            deadline: Duration::from_secs(900),
            disk_speed: None,
            next: None,
            credential: None,
        }
    }
}

/// A disk and its boots.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// Name on the command line.
    pub(crate) name: &'static str,
    /// What it shows, for people.
    pub(crate) about: &'static str,
    /// What the disk has for a store at first. The base is the first boot's.
    pub(crate) store: Store,
    /// In order; after one that does not come to its proper end the rest is not run.
    pub(crate) boots: Vec<Boot>,
}
