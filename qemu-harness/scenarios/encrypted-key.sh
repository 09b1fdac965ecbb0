# shellcheck shell=bash disable=SC2034
# This time a file of the initramfs has the key.
sealed
encrypted
next=none
