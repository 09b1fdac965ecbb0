# shellcheck shell=bash
# The first root hash again.
right_base
on_layer used
blessed
sealed
is "the base's id is the first one" "$(status .base.id)" "$(cat "$STATE/base")"
is "the layer is the first one" "$(status .layer.id)" "$(cat "$STATE/layer")"
same "it is as it was" "$STATE/listing" <(listing "$(layer)/upper")
refuse "what was made on the other base is not there" test -e /usr/share/newer
