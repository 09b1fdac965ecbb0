# shellcheck shell=bash
# The power goes in the initramfs.
fail "the power was cut before this script"
