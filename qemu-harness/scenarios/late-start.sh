# shellcheck shell=bash
# A layer is bound, and something is installed into it that keeps the boot from being called good.
right_base
on_layer bound
blessed
units=/usr/lib/systemd/system
mkdir -p "$units/boot-complete.target.requires"
cat > "$units/well.service" <<'END'
[Unit]
Description=A check that the system is well
Before=boot-complete.target

[Service]
Type=oneshot
ExecStart=/bin/false
END
ln -s ../well.service "$units/boot-complete.target.requires/well.service"
echo mine > /usr/share/mine
