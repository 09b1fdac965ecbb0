# shellcheck shell=bash
# Another image was written into the /usr partition: the layer is rebased, the source layer untouched.
right_base
on_layer rebased
blessed
is "its parent is the old base's layer" "$(status .layer.parent)" "$(cat "$STATE/layer")"
serves

# Everything of the base at the base's versions, what was installed once and as it was, nothing else.
same "dpkg lists the new base and what was installed" <(packages) <(LC_ALL=C sort "$HERE/base.packages" "$STATE/user.packages")
is "no package is listed twice" "$(packages | cut -d' ' -f1 | uniq -d)" ""
check "apt-get check" apt-get check
is "dpkg --audit has nothing to say" "$(dpkg --audit 2>&1)" ""
check "tree, new in this base, is there and listed" dpkg-query --status tree
check "tree runs" tree --version
refuse "less, gone from this base, is not listed" dpkg-query --status less
refuse "less is not there" test -e /usr/bin/less

# Nothing of the base is hidden by the layer, except where it must be: in the package database.
upper=$(layer)/upper
shadows=$(
    cd "$upper" || exit
    find . ! -type d -printf '%P\n' | grep -v '^lib/sysimage/dpkg/' | while read -r path; do
        [ ! -e "$BASE/$path" ] && [ ! -L "$BASE/$path" ] || echo "$path"
    done
)
is "the layer hides no file of the new base" "$shadows" ""
# dpkg renames new directories into place, which makes them opaque: harmless only while the base has none there.
opaque=$(
    cd "$upper" || exit
    find . -mindepth 1 -type d -exec getfattr --name=trusted.overlay.opaque {} + 2>/dev/null |
        sed -n 's/^# file: //p' | while read -r path; do
        [ ! -d "$BASE/$path" ] || echo "$path"
    done
)
is "no directory of the layer hides one of the new base" "$opaque" ""
is "no problems are reported" "$(status '.problems | length')" 0
status '.problems[].message' | note

same "the old base's layer is as it was" "$STATE/listing" <(listing "$STORE/veneer/layers/$(cat "$STATE/layer")/upper")
say "packages at other versions than on the old base: $(LC_ALL=C comm -13 "$STATE/base.packages" "$HERE/base.packages" | wc -l)"
