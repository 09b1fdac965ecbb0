# shellcheck shell=bash
is "it is on the other disk" "$(lsblk -ndo pkname "$(findmnt -no SOURCE "$STORE")")" "$(basename "$(readlink -f /dev/disk/by-id/virtio-veneer-other)")"
