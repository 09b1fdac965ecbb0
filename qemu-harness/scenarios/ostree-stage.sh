# shellcheck shell=bash disable=SC2034
# The update, as ostree does it: pulled, checked out, and waiting for the reboot. The layer is changed after it, too.
mount -o ro /dev/disk/by-id/virtio-veneer-next /mnt
check "ostree pulls the update" unshare --mount sh -c 'mount -o remount,rw /sysroot && ostree pull-local /mnt veneer/test'
umount /mnt
check "and stages it" ostree admin deploy --stage --os=veneer veneer/test
check "it waits for the reboot" test -e /run/ostree/staged-deployment
is "Veneer waits with it" "$(systemctl is-active veneer-staged.service)" active
is "the disk itself is mounted read-only" "$(findmnt -no OPTIONS /sysroot | cut -d, -f1)" ro
next=staged
