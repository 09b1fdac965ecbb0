# shellcheck shell=bash
# The user wanted another try.
right_base
on_layer used
is "the user's file is there again" "$(cat /usr/share/mine)" mine
calm() { :; }
