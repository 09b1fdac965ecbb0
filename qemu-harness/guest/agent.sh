#!/bin/bash
# Runs the script of this boot from the test disk and reports over virtio-serial. The system disk is changed by
# the system itself and by the script only.
here=/srv/veneer-test
exec 3>/dev/virtio-ports/veneer
if ! mount -o ro /dev/disk/by-id/virtio-veneer-test "$here"; then
    echo "Bail out! the test disk cannot be mounted" >&3
    systemctl --no-block poweroff
    exit 1
fi
# shellcheck disable=SC1091
. "$here/environment"
export HERE=$here STATUS=/run/veneer/status.json STORE=/run/initramfs/veneer/store BASE=/run/initramfs/veneer/base
export STATE=/var/lib/veneer-test LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive PAGER=cat
mkdir -p "$STATE"
if [ "$END" = shell ]; then
    exit 0
fi
# In a process of its own: a script that dies leaves no plan, and a run without a plan is a failure.
bash -u -c '. "$HERE/lib.sh"; . "$HERE/boot.sh"; finish'
journalctl --boot --no-pager --output=short-monotonic > /dev/virtio-ports/journal
sync
echo "# leaving" >&3
systemctl --no-block "$END"
