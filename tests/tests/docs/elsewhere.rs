//! Commands of blocks that are not run here, since they change a disk, make an initramfs, or ask a booted machine. Where
//! they are run is a claim that can be wrong: the file named here must have these words.

use std::fs;

use crate::page::source;

/// How a line begins; the file that shows it, and what it says there.
const LIST: &[(&str, Place)] = &[
    // On disks and machines.
    ("sgdisk --new=0:0:+8G", Shown("qemu-harness/src/layout.rs", "809dc39c-fe9a-472c-9048-941c9b9958e0")),
    ("sudo dracut --force", Shown("docs/integration.md", "dracut --force")),
    ("lsinitrd", Nowhere("dracut's own tool only lists an initramfs, and there is none here")),
    ("lsblk", Shown("qemu-harness/scenarios/sealed-first.sh", "lsblk -dno PARTTYPE")),
    // The journal is that of a machine that was booted.
    ("journalctl", Shown("qemu-harness/scenarios/late-aside.sh", "VENEER_REASON=trial-failed")),
    // A real dpkg, and a power cut in it.
    (
        "sudo dpkg --configure --pending",
        Shown("qemu-harness/scenarios/power-back.sh", "dpkg --configure --pending"),
    ),
    (
        "sudo dpkg --force-confmiss",
        Shown("qemu-harness/scenarios/power-back.sh", "dpkg --force-confmiss --install"),
    ),
];

enum Place {
    Shown(&'static str, &'static str),
    /// And why that does no harm.
    Nowhere(&'static str),
}

use Place::{Nowhere, Shown};

/// The list, and what of it was met.
pub(crate) struct Elsewhere {
    met: Vec<bool>,
}

impl Elsewhere {
    pub(crate) fn new() -> Self {
        Elsewhere { met: vec![false; LIST.len()] }
    }

    /// Whether the line is run elsewhere, or nowhere.
    pub(crate) fn has(&mut self, line: &str) -> bool {
        let found = LIST.iter().position(|(begin, ..)| line.starts_with(begin));
        if let Some(found) = found {
            self.met[found] = true;
        }
        found.is_some()
    }

    /// Nothing is listed that no page shows, and what is listed is where it is said to be.
    pub(crate) fn finish(self) {
        for ((begin, place), met) in LIST.iter().zip(self.met) {
            assert!(met, "no page shows {begin}: take it off the list");
            match place {
                Nowhere(why) => eprintln!("{begin} is run nowhere: {why}"),
                Shown(file, words) => {
                    let text =
                        fs::read_to_string(source(file)).unwrap_or_else(|e| panic!("read {file}: {e}"));
                    assert!(text.contains(words), "{file} does not show {words}, as is said of {begin}");
                }
            }
        }
    }
}
