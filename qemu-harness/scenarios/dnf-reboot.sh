# shellcheck shell=bash
# The same base again: all is there, and the daemon starts by itself.
right_base
on_layer used
blessed
watches
same "rpm lists the base and what was installed" <(packages) <(LC_ALL=C sort "$HERE/base.packages" "$STATE/user.packages")
verified

# For the boots on the other base, and back on this one.
cp "$HERE/base.packages" "$STATE/base.packages"
status .layer.id > "$STATE/layer"
listing "$(layer)/upper" > "$STATE/listing"
foretell "${next:-/dev/disk/by-id/virtio-veneer-next}"
