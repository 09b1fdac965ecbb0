# shellcheck shell=bash
# Both disks have a store, and the boot loader's disk is the one that counts.
like "the boot loader names its disk" "$(echo /sys/firmware/efi/efivars/LoaderDevicePartUUID-*)" "*-4a67b082-*"
is "systemd finds /usr by its type" "$(findmnt -no SOURCE "$BASE")" "$(readlink -f /dev/disk/by-designator/usr)"
is "the store is on the same disk" "$(lsblk -ndo pkname "$(findmnt -no SOURCE "$STORE")")" "$(basename "$(readlink -f /dev/disk/by-id/virtio-system)")"
check "the other disk has one, too" test -e /dev/disk/by-id/virtio-veneer-other-part1
# An overlay has no device that could be looked at.
like "the base is found to be where it belongs" "$(journalctl --boot --no-pager --output=cat --unit=systemd-validatefs@sysroot-usr.service)" "*'/sysroot/usr' passed validation*"
refuse "the layer says nothing of that" getfattr --name=user.validatefs.mount_point /usr
