# shellcheck shell=bash
# The store is a directory of the root, which is mounted read-only in the initramfs and has no such directory yet.
right_base
on_layer bound
blessed
like "the store is that directory" "$(findmnt -no SOURCE "$STORE")" "*[[]/var/lib/veneer[]]"
like "with the flags of a store" "$(findmnt -no OPTIONS "$STORE")" "*nosuid,nodev,noexec*"
echo mine > /usr/share/mine
is "what was written is in it" "$(cat /var/lib/veneer/veneer/layers/*/upper/share/mine)" mine
