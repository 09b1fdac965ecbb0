# shellcheck shell=bash
# A system of rpm packages: dnf5 installs a daemon with what it needs, something of the user's own, and a package that
# the next base will have, too.
right_base
on_layer bound
blessed
same "rpm lists exactly the base" <(packages) "$HERE/base.packages"
is "dnf5 check has nothing to say" "$(dnf5 check 2>&1)" ""
wanted > "$STATE/base.wanted"

check "dnf5 install" dnf5 install -y watcher helper mine
recorded mine
check "the daemon is enabled" sh -c "systemctl daemon-reload && systemctl enable --now watcher.service"
watches
is "it is the user's helper" "$(helper)" "helper 1.0"
user_packages > "$STATE/user.packages"
is "rpm lists what was installed, and what that needs" "$(cut -d. -f1 "$STATE/user.packages" | xargs)" "helper libwatch mine watcher"
wanted > "$STATE/wanted"
is "what was asked for is wanted, what that needs is not" \
    "$(LC_ALL=C comm -23 "$STATE/wanted" "$STATE/base.wanted" | xargs)" "helper mine watcher"
