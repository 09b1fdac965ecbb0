# shellcheck shell=bash
# The key is not there: so is no store, and nobody is asked or waits for long.
right_base
pristine store-missing
sealed
refuse "the store is not unlocked" test -e /dev/mapper/veneer
