# shellcheck shell=bash
# A newer build of the image: other packages, a newer version of one that the user had installed. No network, no .rpm.
right_base
on_layer rebased
blessed
is "its parent is the old base's layer" "$(status .layer.parent)" "$(cat "$STATE/layer")"
watches
as_foretold

same "rpm lists the new base, and of what was installed what that lacks" <(packages) <(rebased_packages)
is "no package is listed twice" "$(packages | cut -d' ' -f1 | uniq -d)" ""
is "the base's newer version is the one that counts" "$(rpm -q helper)" "helper-1.5-1.noarch"
is "and runs" "$(helper)" "helper 1.5"
check "with what it has" test -e /usr/share/helper/new
refuse "and nothing of the old one" test -e /usr/share/helper/old
check "tree, new in this base, is there" sh -c "rpm -q tree && tree --version"
refuse "less, gone from this base, is not listed" rpm -q less
refuse "less is not there" test -e /usr/bin/less
verified
check "rpm's database is sound" rpmdb --verifydb
is "dnf5 check has nothing to say" "$(dnf5 check 2>&1)" ""
wanted > "$STATE/wanted-later"
is "what the user asked for is wanted still, what that needs is not" \
    "$(grep -xE 'helper|libwatch|mine|watcher' "$STATE/wanted-later" | xargs)" "helper mine watcher"
hides_only '^\(./\)\?lib/sysimage/\(rpm\|libdnf5\)'
is "no problems are reported" "$(status '.problems | length')" 0
status '.problems[].message' | note
same "the old base's layer is as it was" "$STATE/listing" <(listing "$STORE/veneer/layers/$(cat "$STATE/layer")/upper")

# Life goes on.
check "dnf5 remove" dnf5 remove -y mine
refuse "it is gone" rpm -q mine
is "the record knows of the transaction" "$(grep -rlw mine "$(layer)/record")" ""
check "rpm --rebuilddb" rpm --rebuilddb
say "packages at other versions than on the old base: $(LC_ALL=C comm -13 "$STATE/base.packages" "$HERE/base.packages" | wc -l)"
