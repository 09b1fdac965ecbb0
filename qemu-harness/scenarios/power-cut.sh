# shellcheck shell=bash
# The power goes while dpkg unpacks. The word that the harness waits for comes from dpkg's own log.
right_base
on_layer bound
apt-get update > /dev/null
( tail --follow=name --retry /var/log/dpkg.log | sed -un 's/.*status half-installed nginx:.*/# now: &/p' >&3 ) &
apt-get install --yes nginx 2>&1 | note
sleep 60
fail "the power was cut in time"
