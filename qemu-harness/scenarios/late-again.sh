# shellcheck shell=bash
# The user wanted another try.
right_base
on_layer used
like "it is the newest layer again" "$(status .layer.id)" "0002-*"
is "the user's file is there again" "$(cat /usr/share/mine)" mine
calm() { :; }
keep "$(basename "$STORE"/veneer/layers/0001-*)"
