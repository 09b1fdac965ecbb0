# shellcheck shell=bash
# The key is not there: so is no store, and nobody is asked or waits for long.
right_base
pristine store-missing
sealed
refuse "the store is not unlocked" test -e /dev/mapper/veneer
like "the message says where to look" "$(status .message)" "*systemd-cryptsetup@*"
# That the volume could not be unlocked is the point.
calm() { :; }
