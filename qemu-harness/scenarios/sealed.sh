# shellcheck shell=bash disable=SC2034
# The base is on dm-verity.
sealed
next=none
