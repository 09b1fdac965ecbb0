#!/bin/sh
# dracut module of Veneer: puts the generator, the assembling program and what the store needs into the initramfs.
# Works with dracut 106 to 112. Opt-in: /usr/lib/dracut/dracut.conf.d/50-veneer.conf asks for it.
# shellcheck disable=SC2154 # dracut sets moddir, hostonly, systemdutildir and the like.

check() {
    # Each refusal names its cause: a module that is silently left out shows only at the next boot.
    if ! require_binaries "$systemdutildir/systemd" > /dev/null 2>&1; then
        derror "veneer: there is no systemd to put into the initramfs, and Veneer works only in a systemd initramfs"
        return 1
    fi
    case " $omit_dracutmodules " in
        *" systemd "* | *" systemd-initrd "*)
            derror "veneer: dracut is told to omit systemd, and Veneer works only in a systemd initramfs"
            return 1
            ;;
    esac
    # Found in /lib/modules of the kernel that the image is for, built in or as a module.
    if ! require_kernel_modules overlay > /dev/null 2>&1; then
        derror "veneer: kernel $kernel has no overlay file system, without which there is no layer"
        return 1
    fi
    return 255
}

# The definitions that have systemd-repart make the store on the first boot, if the image has any (repart.d(5)).
store_definitions() {
    # Directories may be missing, which is the usual case, and makes for a bad exit status whatever is found.
    grep -lis '^[[:space:]]*Type[[:space:]]*=[[:space:]]*809dc39c-fe9a-472c-9048-941c9b9958e0' \
        "${dracutsysrootdir-}"/usr/lib/repart.d/*.conf "${dracutsysrootdir-}"/etc/repart.d/*.conf
}

# The lines of crypttab(5) that unlock the store, if veneer.conf has it on a volume.
unlocking() {
    # Files and directories may be missing, which is the usual case.
    # shellcheck disable=SC2013 # words are what is wanted
    for _volume in $(sed -n 's,^[[:space:]]*store[[:space:]]*=[[:space:]]*/dev/mapper/\([^[:space:]]*\).*,\1,p' \
        "${dracutsysrootdir-}"/usr/lib/veneer.conf "${dracutsysrootdir-}"/usr/lib/veneer.conf.d/*.conf \
        "${dracutsysrootdir-}"/etc/veneer.conf "${dracutsysrootdir-}"/etc/veneer.conf.d/*.conf 2> /dev/null); do
        grep -s "^${_volume}[[:space:]]" "${dracutsysrootdir-}/etc/crypttab"
    done
    unset _volume
}

depends() {
    # systemd-initrd brings initrd-root-fs.target, to which the layer belongs, and udev through systemd-udevd.
    _modules="systemd systemd-initrd"
    if [ -n "$(store_definitions)" ]; then
        # Not without the program: what a module depends on and does not get takes the module away, too.
        if require_binaries systemd-repart > /dev/null 2>&1; then
            _modules="$_modules systemd-repart"
        else
            derror "veneer: repart.d asks for a store on first boot, but there is no systemd-repart to make it"
        fi
    fi
    if [ -n "$(unlocking)" ]; then
        # That brings what unlocks with a TPM and the like, where there is what it needs.
        if require_binaries "$systemdutildir/systemd-cryptsetup" > /dev/null 2>&1; then
            _modules="$_modules systemd-cryptsetup"
        else
            derror "veneer: the store is encrypted, but there is no systemd-cryptsetup to unlock it"
        fi
    fi
    echo "$_modules"
    unset _modules
}

cmdline() {
    # The configuration is carried in the image; only what this boot was told in addition is worth repeating.
    # shellcheck disable=SC2013 # words are what is wanted
    for _word in $(cat /proc/cmdline); do
        case "$_word" in
            rd.veneer | rd.veneer=* | rd.veneer.*) printf ' %s' "$_word" ;;
        esac
    done
    unset _word
}

installkernel() {
    # With hostonly set, dracut leaves out what the building machine has not loaded. The overlay is mounted in the
    # initramfs only, and ext4 is what a new store is formatted with: both must be there before they are first used.
    hostonly="" instmods overlay ext4
    # Some 2 MiB, so these two come into generic images, and where the machine uses them already. For a first store
    # on one of them in a hostonly image: add_drivers+=" xfs ".
    instmods xfs btrfs
}

install() {
    inst_multiple \
        "$systemdutildir/system-generators/veneer-generator" \
        /usr/lib/veneer/veneer-assemble
    # No links into targets' wants: the generator makes them, so that a Veneer which is off leaves nothing behind.
    inst_simple "$systemdsystemunitdir/veneer-assemble.service"
    inst_simple "$systemdsystemunitdir/veneer-assemble-fstab.service"
    inst_rules 61-veneer.rules

    # The store is checked before it is mounted. Only ext4 has a checker that does something at boot: fsck.xfs and
    # fsck.btrfs do nothing, as these file systems recover when they are mounted.
    # tune2fs has a new ext4 allocate blocks at once, see mount/ext4.rs.
    inst_multiple -o \
        "$systemdutildir/systemd-fsck" \
        "$systemdsystemunitdir/systemd-fsck@.service" \
        /etc/e2fsck.conf \
        fsck fsck.ext4 e2fsck tune2fs

    # systemd-repart's own module leaves out the programs that it formats with.
    # shellcheck disable=SC2046 # file names of packages, without blanks
    set -- $(store_definitions)
    if [ $# -gt 0 ]; then
        # shellcheck disable=SC2013 # words are what is wanted
        for _format in $(sed -n 's/^[[:space:]]*Format[[:space:]]*=[[:space:]]*\([a-z0-9]*\).*/\1/p' "$@"); do
            inst_multiple -o "mkfs.$_format" /etc/mke2fs.conf
        done
        unset _format
    fi

    # In generic images too: whether and with which store Veneer runs must not depend on who built the initramfs.
    inst_multiple -o \
        /usr/lib/veneer.conf "/usr/lib/veneer.conf.d/*.conf" \
        /usr/local/lib/veneer.conf "/usr/local/lib/veneer.conf.d/*.conf" \
        /etc/veneer.conf "/etc/veneer.conf.d/*.conf"

    # Also into an image for any machine, for which dracut leaves crypttab(5) out; and the key, if it is a file.
    unlocking | while read -r _volume _device _key _rest; do
        grep -qs "^${_volume}[[:space:]]" "$initdir/etc/crypttab" ||
            printf '%s\n' "$_volume $_device $_key $_rest" >> "$initdir/etc/crypttab"
        case "$_key" in
            /dev/*) ;;
            /*) inst_simple "$_key" ;;
        esac
    done
}
