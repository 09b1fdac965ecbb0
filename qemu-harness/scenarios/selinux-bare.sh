# shellcheck shell=bash
# The bare base: what the policy denies and what is mislabelled there is not the layer's, and not counted later.
right_base
pristine disabled
find /usr -xdev | mislabelled > "$STATE/mislabelled"
say "mislabelled in the bare base: $(wc -l < "$STATE/mislabelled")"
note < "$STATE/mislabelled"
denied > "$STATE/denied"
denials < "$STATE/denied" > "$STATE/denials"
refuse "the policy denies something on the bare base" [ ! -s "$STATE/denials" ]
say "denied on the bare base: $(wc -l < "$STATE/denials")"
note < "$STATE/denied"
is "none of it is Veneer's" "$(of_veneer < "$STATE/denied")" ""
