# shellcheck shell=bash
# After two power cuts while a layer was derived: the new layer, whole, and the old one as it was.
right_base
on_layer "$(status .layer.action)"
like "the layer is derived now, or was just before the cut" "$(status .layer.action)" "@(rebased|used)"
say "after the power cuts the layer was $(status .layer.action)"
blessed
is "its parent is the old base's layer" "$(status .layer.parent)" "$(cat "$STATE/layer")"
same "everything of the user's is there" "$STATE/mine" <(cd /usr/share && listing mine)
refuse "what was removed is still away" test -e /usr/share/common-licenses/GPL-1
same "the old base's layer is as it was" "$STATE/listing" <(listing "$STORE/veneer/layers/$(cat "$STATE/layer")/upper")
is "no leftover is there" "$(find "$STORE/veneer/layers" -mindepth 1 -maxdepth 1 | wc -l)" 2
check "apt-get check" apt-get check
