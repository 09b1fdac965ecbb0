//! Is this a boot that Veneer has a part in? Pure, but for the question whether this is an initramfs at all.

use std::path::Path;

use veneer::intent::Cmdline;

/// In the initramfs? systemd says so since 251; before, the file that every initramfs of systemd has does.
pub(crate) fn in_initrd(said: Option<&str>, root: &Path) -> bool {
    match said {
        Some("1" | "yes" | "true" | "on") => true,
        Some("0" | "no" | "false" | "off") => false,
        _ => root.join("etc/initrd-release").exists(),
    }
}

/// Is the root one that forgets? Then the system is meant to be as its image is: live media (dracut's dmsquash-live,
/// Debian's live-boot, Ubuntu's casper, Arch's archiso) and systemd.volatile= without a /usr to keep.
pub(crate) fn is_passing(cmdline: &Cmdline) -> bool {
    let root_is_live = cmdline.last("root").flatten().is_some_and(|root| root.starts_with("live:"));
    let boot_is_live = cmdline.last("boot").flatten().is_some_and(|boot| boot == "live" || boot == "casper");
    root_is_live
        || boot_is_live
        || cmdline.is_on("rd.live.image")
        || cmdline.last("archisobasedir").is_some()
        || cmdline.is_on("systemd.volatile")
        || cmdline.last("systemd.volatile").flatten().is_some_and(|mode| mode == "overlay")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_and_volatile_systems_are_left_alone() {
        for line in [
            "rd.live.image",
            "root=live:CDLABEL=Fedora quiet",
            "boot=live components",
            "boot=casper",
            "archisobasedir=arch",
            "systemd.volatile",
            "systemd.volatile=yes",
            "systemd.volatile=1",
            "systemd.volatile=overlay",
            "systemd.volatile=no systemd.volatile=overlay",
        ] {
            assert!(is_passing(&Cmdline::parse(line.as_bytes())), "{line}");
        }
    }

    #[test]
    fn others_are_not() {
        for line in [
            "",
            "root=/dev/vda2 ro",
            "root=live:x root=UUID=1",
            "rd.live.image=0",
            "rd.live.ram=1",
            "boot=/dev/vda1",
            "systemd.volatile=state",
            "systemd.volatile=no",
        ] {
            assert!(!is_passing(&Cmdline::parse(line.as_bytes())), "{line}");
        }
    }
}
