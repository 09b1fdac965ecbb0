# shellcheck shell=bash
# rd.veneer.layer=: this one, although a newer one would do.
right_base
on_layer used
blessed
like "it is the layer that was named" "$(status .layer.id)" "0001-*"
is "with what was in it" "$(cat /usr/share/mine)" older
