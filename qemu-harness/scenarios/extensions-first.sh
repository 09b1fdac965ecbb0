# shellcheck shell=bash
# An extension of the system and one of its configuration are merged over a layer, and taken away, while packages come and go.
# From the next boot on systemd merges them early. Not to be asked later: /etc is read-only below an extension, too.
check "they are merged at boot" systemctl --quiet enable systemd-sysext.service systemd-confext.service
mkdir -p /var/lib/extensions/more/usr/lib/extension-release.d /var/lib/extensions/more/usr/bin
echo ID=_any > /var/lib/extensions/more/usr/lib/extension-release.d/extension-release.more
printf '%s\n' '#!/bin/sh' 'echo of the extension' > /var/lib/extensions/more/usr/bin/extension
chmod 755 /var/lib/extensions/more/usr/bin/extension
mkdir -p /var/lib/confexts/set/etc/extension-release.d
echo ID=_any > /var/lib/confexts/set/etc/extension-release.d/extension-release.set
echo of the extension > /var/lib/confexts/set/etc/extension.conf

check "systemd-sysext merge" systemd-sysext merge
check "systemd-confext merge" systemd-confext merge
extended
serves
is "/usr is read-only meanwhile" "$(touch /usr/.probe 2>&1)" "touch: cannot touch '/usr/.probe': Read-only file system"
like "veneer doctor says so" "$(veneer doctor 2>&1)" "*systemd-sysext unmerge*"
check "veneer status" veneer status
refuse "a package is not removed then" apt-get remove --yes tree
check "systemd-sysext unmerge" systemd-sysext unmerge
check "dpkg makes good what was cut off" dpkg --configure --pending
refuse "the extension is gone" test -e /usr/bin/extension
check "a package is removed" apt-get remove --yes tree
check "and installed" apt-get install --yes tree
check "systemd-sysext merge once more" systemd-sysext merge
extended
check "tree runs below it" tree --version
user_packages > "$STATE/user.packages"
