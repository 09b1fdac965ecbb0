//! Words of the kernel's command line, and a reboot without a kernel.

use super::of_one_boot;
use crate::disk::Store;
use crate::recipe::DEBIAN13_A;
use crate::scenario::Scenario;

/// Words that mean nothing, or are wrong: each must be warned about at most.
const NOISY: &str = "rd.veneer.nonsense=1 rd.veneer.timeout=soon rd.veneer.mode= rd.veneer.=x rd.veneer \
                     rd.veneer.layer=../../etc \"rd.veneer.store=LABEL=a b\" rd.veneer.store=auto";

pub(super) fn all() -> Vec<Scenario> {
    let all = [
        ("disabled", "rd.veneer=0: as if Veneer were not there", "rd.veneer=0", script!["disabled"]),
        (
            "pristine",
            "rd.veneer.mode=pristine: the bare base",
            "rd.veneer.mode=pristine",
            script!["pristine"],
        ),
        ("noise", "wrong words on the command line are no reason to fail", NOISY, script!["noise"]),
        ("soft-reboot", "systemctl soft-reboot keeps the layer", "", script!["soft-reboot"]),
    ];
    let of_one = |(name, about, cmdline, script)| {
        of_one_boot(&DEBIAN13_A, (name, about, Store::Ext4, cmdline, script))
    };
    all.map(of_one).into()
}
