# shellcheck shell=bash
# There is no store: the bare base, soon, with the reason.
right_base
pristine store-missing
