# shellcheck shell=bash
# The same base again: the layer is used as it is, and the daemon starts by itself.
right_base
on_layer used
blessed
serves
same "dpkg lists the base and what was installed" <(packages) <(LC_ALL=C sort "$HERE/base.packages" "$STATE/user.packages")

# A library that the loader is not told of: after the rebase it will be.
cp /usr/lib/x86_64-linux-gnu/libmemusage.so /usr/local/lib/
refuse "the loader does not know it" sh -c "ldconfig -p | grep --quiet /usr/local/lib/libmemusage.so"

# For the boots on the other base, and back on this one.
cp "$HERE/base.packages" "$STATE/base.packages"
status .layer.id > "$STATE/layer"
listing "$(layer)/upper" > "$STATE/listing"
refuse "the layer has entries" [ ! -s "$STATE/listing" ]
# What only a boot shows cannot be told.
[ "${next:=/dev/disk/by-id/virtio-veneer-next}" = none ] || foretell "$next"
