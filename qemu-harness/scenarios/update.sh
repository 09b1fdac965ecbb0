# shellcheck shell=bash
# Another image was written into the /usr partition: the layer is rebased, the source layer untouched.
right_base
on_layer "${action:-rebased}"
blessed
is "its parent is the old base's layer" "$(status .layer.parent)" "$(cat "$STATE/layer")"
serves
[ ! -e "$STATE/foretold" ] || as_foretold

refreshed=$(systemctl is-active veneer-refresh-early.service veneer-refresh.service | xargs)
is "what is made from other files was made again" "$refreshed" "active active"
check "so the loader knows the library" sh -c "ldconfig -p | grep --quiet /usr/local/lib/libmemusage.so"
refuse "that is not done at every boot" test -e "$(layer)/refresh"

# Everything of the base at the base's versions, what was installed and is not in the base once and as it was, nothing else.
same "dpkg lists the new base, and of what was installed what that lacks" <(packages) <(rebased_packages)
is "no package is listed twice" "$(packages | cut -d' ' -f1 | uniq -d)" ""
check "apt-get check" apt-get check
is "dpkg --audit has nothing to say" "$(dpkg --audit 2>&1)" ""
verified
check "tmux, installed by the user and newer in this base, runs" tmux -V
is "what was held is held" "$(apt-mark showhold | sort | xargs)" "jq nginx tmux"
is "what was asked for is wanted" "$(apt-mark showmanual nginx tmux tree | sort | xargs)" "nginx tmux tree"
is "what that needs is not, whoever brings it" "$(apt-mark showauto nginx-common "libevent-core*" | sed "s,-core.*,-core," | sort | xargs)" \
    "libevent-core nginx-common"
check "tree, new in this base, is there and listed" dpkg-query --status tree
check "tree runs" tree --version
refuse "less, gone from this base, is not listed" dpkg-query --status less
refuse "less is not there" test -e /usr/bin/less

# Except where it must be: in the package database.
hides_only '^\(./\)\?lib/sysimage/dpkg'
is "no problems are reported" "$(status '.problems | length')" 0
status '.problems[].message' | note

same "the old base's layer is as it was" "$STATE/listing" <(listing "$STORE/veneer/layers/$(cat "$STATE/layer")/upper")
say "packages at other versions than on the old base: $(LC_ALL=C comm -13 "$STATE/base.packages" "$HERE/base.packages" | wc -l)"
