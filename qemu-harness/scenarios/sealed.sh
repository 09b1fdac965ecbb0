# shellcheck shell=bash
# The base is on dm-verity.
sealed
