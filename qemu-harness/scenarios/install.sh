# shellcheck shell=bash
# The first boot of a machine with an empty store: a layer is bound, and a real package is installed into it.
right_base
on_layer bound
blessed
same "dpkg lists exactly the base" <(packages) "$HERE/base.packages"
# What a boot alone leaves in the layer is nobody's change.
find "$(layer)/upper" -mindepth 1 -printf '%y %P\n' | sed 's/^/left by the boot itself: /' | note

check "apt-get update" apt-get update
check "apt-get install nginx" apt-get install --yes nginx
serves
check "apt-get check" apt-get check
is "dpkg --audit has nothing to say" "$(dpkg --audit 2>&1)" ""
user_packages > "$STATE/user.packages"
like "dpkg lists nginx" "$(cat "$STATE/user.packages")" "*nginx:*"
say "installed: $(xargs < "$STATE/user.packages")"
