# shellcheck shell=bash
# The old deployment is made the default again.
check "ostree admin set-default" ostree admin set-default 1
ostree admin status | note
