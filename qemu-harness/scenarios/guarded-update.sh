# shellcheck shell=bash
# The next base, with /usr guarded: the layer is rebased, and what has to be made again is made all the same.
right_base
on_layer rebased
blessed
is "its parent is the old base's layer" "$(status .layer.parent)" "$(cat "$STATE/layer")"
serves
refreshed=$(systemctl is-active veneer-refresh-early.service veneer-refresh.service | xargs)
is "what is made from other files was made again" "$refreshed" "active active"
refuse "that is not done at every boot" test -e "$(layer)/refresh"
same "dpkg lists the new base, and of what was installed what that lacks" <(packages) <(rebased_packages)
verified
check "apt-get check" apt-get check
closed "after that"
