# shellcheck shell=bash
# Better an older layer of this base than none.
right_base
on_layer used
blessed
like "it is the older one" "$(status .layer.id)" "0001-*"
is "with what was in it" "$(cat /usr/share/mine)" older
check "veneer retry" veneer retry
