# shellcheck shell=bash
# Another root hash is another base, even if hardly a file differs.
right_base
on_layer rebased
blessed
sealed
refuse "the base's id is another one" [ "$(status .base.id)" = "$(cat "$STATE/base")" ]
is "the layer's parent is the old base's layer" "$(status .layer.parent)" "$(cat "$STATE/layer")"
is "the store is the one that the first boot made" \
    "$(lsblk -dno PARTUUID "$(findmnt -no SOURCE "$STORE")")" "$(cat "$STATE/partition")"
is "the user's file is there" "$(cat /usr/share/mine)" mine
same "the old base's layer is as it was" "$STATE/listing" <(listing "$STORE/veneer/layers/$(cat "$STATE/layer")/upper")
echo newer > /usr/share/newer
