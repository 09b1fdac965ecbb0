# shellcheck shell=bash
# The first image again: the layer that belonged to it, as it was.
right_base
on_layer used
blessed
is "it is the layer of that base" "$(status .layer.id)" "$(cat "$STATE/layer")"
same "it is as it was" "$STATE/listing" <(listing "$(layer)/upper")
serves
is "nothing is made again" "$(systemctl is-active veneer-refresh-early.service veneer-refresh.service | xargs)" "inactive inactive"
same "dpkg lists the base and what was installed" <(packages) <(LC_ALL=C sort "$HERE/base.packages" "$STATE/user.packages")
check "apt-get check" apt-get check
check "less is back" less --version
