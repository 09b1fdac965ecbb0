# shellcheck shell=bash
# The layer stands on composefs' own layers, so that there is room for a system extension on top.
is "the layer stands on the parts of composefs" "$(status .lower.form)" flattened
is "an extension is said to fit" "$(status .lower.extension_fits)" true
mkdir -p /run/extensions/fits/usr/lib/extension-release.d
echo ID=_any > /run/extensions/fits/usr/lib/extension-release.d/extension-release.fits
echo of the extension > /run/extensions/fits/usr/lib/fits
check "systemd-sysext merge" systemd-sysext merge
is "what the extension has is there" "$(cat /usr/lib/fits)" "of the extension"
check "what the user installed is, too" tree --version
check "systemd-sysext unmerge" systemd-sysext unmerge
rm -r /run/extensions/fits
