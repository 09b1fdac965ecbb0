# shellcheck shell=bash
# The first boot of an image as systemd's tools build it: /usr is on dm-verity, and there is no store yet.
right_base
on_layer bound
blessed
sealed

device=$(findmnt -no SOURCE "$STORE")
like "systemd-repart made the store in the initramfs" \
    "$(journalctl --boot --no-pager --output=short-monotonic --unit=systemd-repart.service)" "*localhost systemd-repart*Adding new partition*"
is "it has the type of a store" "$(lsblk -dno PARTTYPE "$device")" 809dc39c-fe9a-472c-9048-941c9b9958e0
is "it is formatted with ext4" "$(findmnt -no FSTYPE "$STORE")" ext4
check "it has the size that was asked for" test "$(lsblk -bdno SIZE "$device")" -ge $((1 << 30))

echo mine > /usr/share/mine
echo edited >> /usr/share/debianutils/shells
lsblk -dno PARTUUID "$device" > "$STATE/partition"
status .base.id > "$STATE/base"
status .layer.id > "$STATE/layer"
listing "$(layer)/upper" > "$STATE/listing"
