# shellcheck shell=bash
# What a layer is about: packages of the user's, and changes by hand, of which the next base has its own version of one.
on_layer bound
check "apt-get update" apt-get update
check "apt-get install" apt-get install --yes nginx tmux
echo "# patched" >> /usr/bin/linux-version
rm /usr/bin/mcookie
chmod 700 /usr/bin/dmesg
check "veneer record" veneer record
# The base that comes next, as an updater has it before the reboot.
mkdir -p /run/next/usr
check "the next base can be mounted" mount -o ro /dev/disk/by-id/virtio-veneer-next /run/next/usr
shot diff 'veneer diff | head -n 24'
shot check 'veneer check --base /run/next'
umount /run/next/usr
