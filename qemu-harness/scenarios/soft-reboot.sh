# shellcheck shell=bash
# Only userspace starts anew, no initramfs: the layer must still be there. /run tells which time this is.
if [ ! -e /run/veneer-soft ]; then
    echo mine > /usr/share/mine
    findmnt -no OPTIONS /usr | tail -n 1 > /run/veneer-soft
    systemctl soft-reboot
    # Until everything is stopped.
    sleep infinity
fi
right_base
on_layer bound
is "it is the same overlay" "$(findmnt -no OPTIONS /usr | tail -n 1)" "$(cat /run/veneer-soft)"
is "what was written before is there" "$(cat /usr/share/mine)" mine
check "it was a soft reboot" sh -c 'journalctl --boot --quiet --output=cat | grep -i "soft-reboot"'
blessed
