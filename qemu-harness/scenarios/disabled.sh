# shellcheck shell=bash
# rd.veneer=0: nothing of Veneer ran.
right_base
bare
refuse "there is no status.json" test -e "$STATUS"
refuse "no store is mounted" findmnt "$STORE"
refuse "veneer-assemble did not run" sh -c 'journalctl --boot --no-pager | grep -i "veneer-assemble"'
