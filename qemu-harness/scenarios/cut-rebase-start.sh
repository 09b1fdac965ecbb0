# shellcheck shell=bash
# After a power cut while a layer was bound: it is there or is made now. Then enough is put into it for a rebase to take
# a while.
right_base
on_layer "$(status .layer.action)"
like "the layer is new, or was just before the cut" "$(status .layer.action)" "@(bound|used)"
blessed
is "there is one layer, and no leftover" "$(ls "$STORE/veneer/layers")" "$(status .layer.id)"

# The file system had 64 MiB of a partition of 512.
is "veneer-grow.service did its work" "$(systemctl show --property=Result --value veneer-grow.service)" success
device=$(findmnt -no SOURCE "$STORE")
room=$(findmnt -bno SIZE "$STORE") partition=$(lsblk -bdno SIZE "$device")
check "the file system fills its partition ($room of $partition bytes)" test "$room" -gt $((partition * 85 / 100))

mkdir -p /usr/share/mine/deep
for n in 1 2 3; do head -c 24M /dev/urandom > "/usr/share/mine/$n"; done
for n in $(seq 200); do echo "$n" > "/usr/share/mine/deep/$n"; done
ln /usr/share/mine/1 /usr/share/mine/linked
ln -s ../mine /usr/share/mine/deep/link
rm /usr/share/common-licenses/GPL-1
setfattr --name=user.mine --value=1 /usr/share/mine/2
(cd /usr/share && listing mine) > "$STATE/mine"
status .layer.id > "$STATE/layer"
sync
listing "$(layer)/upper" > "$STATE/listing"
