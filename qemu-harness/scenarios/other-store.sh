# shellcheck shell=bash
# Another file system for the store: bound, written to, clean afterwards (which the harness checks).
right_base
on_layer bound
blessed
check "apt-get update" apt-get update
check "apt-get install nginx" apt-get install --yes nginx
serves
say "the store is $(findmnt -no FSTYPE "$STORE")"
