# shellcheck shell=bash
# The user takes away what the next boot cannot do without.
right_base
on_layer bound
blessed
check "pid 1's program is removed" rm /usr/lib/systemd/systemd
