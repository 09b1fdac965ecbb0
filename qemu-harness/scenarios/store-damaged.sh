# shellcheck shell=bash
# The store's file system is damaged beyond what is repaired unasked: the bare base, and its check says so.
right_base
pristine store-unusable
like "the message names the file system" "$(status .message)" "*its ext4 could not be mounted*"
check "the journal has what the check found" sh -c 'journalctl --boot --quiet --output=cat --unit="systemd-fsck@*" | grep INCONSISTENCY'
# That the check failed is the point.
calm() { :; }
