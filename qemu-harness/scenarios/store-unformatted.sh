# shellcheck shell=bash
# The store's partition has no file system: the bare base, and nobody formats it.
right_base
pristine store-unusable
