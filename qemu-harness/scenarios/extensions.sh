# shellcheck shell=bash
# The extensions are merged, over the layer.
extended
check "veneer status" veneer status
systemd-sysext unmerge 2>&1 | note
