# shellcheck shell=bash
# The first image again: the layer that belonged to it, as it was.
right_base
on_layer used
blessed
is "it is the layer of that base" "$(status .layer.id)" "$(cat "$STATE/layer")"
same "it is as it was" "$STATE/listing" <(listing "$(layer)/upper")
watches
is "it is the user's helper" "$(helper)" "helper 1.0"
same "rpm lists the base and what was installed" <(packages) <(LC_ALL=C sort "$HERE/base.packages" "$STATE/user.packages")
same "the same is wanted" <(wanted) "$STATE/wanted"
is "dnf5 check has nothing to say" "$(dnf5 check 2>&1)" ""
check "less is back" less --version
