# shellcheck shell=bash
# A deployment of ostree is booted, and known by its checksum.
is "the base is known by its checksum" "$(status .base.source)" ostree
is "which is the deployment's" "$(status .base.id)" "$(ostree admin status | sed -n 's/^. veneer \([0-9a-f]*\)\.0.*/\1/p')"
# What the shutdown says is asked for after the reboot.
mkdir -p /var/log/journal
journalctl --flush
