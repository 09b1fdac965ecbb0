# shellcheck shell=bash
# The first boot of a machine with an empty store: a layer is bound, and a real package is installed into it.
right_base
on_layer bound
blessed
same "dpkg lists exactly the base" <(packages) "$HERE/base.packages"
# What a boot alone leaves in the layer is nobody's change.
find "$(layer)/upper" -mindepth 1 -printf '%y %P\n' | sed 's/^/left by the boot itself: /' | note

check "apt-get update" apt-get update
# The next base has tmux in a newer version, and tree in the same.
check "apt-get install" apt-get install --yes nginx tmux tree
recorded nginx
serves
check "apt-get check" apt-get check
is "dpkg --audit has nothing to say" "$(dpkg --audit 2>&1)" ""
user_packages > "$STATE/user.packages"
for package in nginx tmux tree; do
    like "dpkg lists $package" "$(cat "$STATE/user.packages")" "*$package:*"
done
say "installed: $(xargs < "$STATE/user.packages")"
# One of the base, one that stays the user's, one that the base will bring.
check "apt-mark hold" apt-mark hold jq nginx tmux
