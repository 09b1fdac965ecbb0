# shellcheck shell=bash disable=SC1091
# What the scripts of the boots are written with. Results go to fd 3 as TAP; a line with "> " is for people.
points=0 broken=0

say() { printf '> %s\n' "$*" >&3; }
# show COMMAND: for people: a command line and what it prints.
show() {
    say "\$ $1"
    eval "$1" 2>&1 | sed 's/^/>   /' >&3
}
# shot NAME COMMAND: for a picture: what a command line prints on a terminal, as hexadecimal digits.
shot() {
    local text
    text=$(SYSTEMD_COLORS=1 TERM=xterm PAGER="" script --quiet --command "$2" /dev/null < /dev/null | od -An -v -tx1 | tr -d ' \n')
    printf '* %s %s\n' "$1" "$(printf '%s\n' "$2" | od -An -v -tx1 | tr -d ' \n')$text" >&3
    refuse "$1 prints something" [ -z "$text" ]
}
note() { sed 's/^/# /' >&3; }
# keep VALUE: what `{kept}` on the command line of the boots that follow stands for.
keep() { printf '= %s\n' "$1" >&3; }

pass() { points=$((points + 1)); printf 'ok %d - %s\n' "$points" "$1" >&3; }
fail() {
    points=$((points + 1)) broken=$((broken + 1))
    printf 'not ok %d - %s\n' "$points" "$1" >&3
    shift
    [ $# -eq 0 ] || printf '%s\n' "$@" | head -n 60 | note
}

# check TEXT COMMAND…: the command succeeds.
check() {
    local text=$1 out
    shift
    if out=$("$@" 2>&1); then pass "$text"; else fail "$text" "$* ended with $?:" "$out"; fi
}
# refuse TEXT COMMAND…: the command fails.
refuse() {
    local text=$1 out
    shift
    if out=$("$@" 2>&1); then fail "$text" "$* succeeded:" "$out"; else pass "$text"; fi
}
# is TEXT GOT WANTED
is() { if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "got:    $2" "wanted: $3"; fi; }
# like TEXT GOT PATTERN: a pattern of the shell.
# shellcheck disable=SC2053
like() { if [[ $2 == $3 ]]; then pass "$1"; else fail "$1" "got:    $2" "wanted: $3"; fi; }
# same TEXT FILE FILE
same() {
    local out
    if out=$(diff -u "$2" "$3" 2>&1); then pass "$1"; else fail "$1" "$out"; fi
}

# status FILTER: one value of status.json.
status() { jq -r "$1" "$STATUS"; }
# on_usr: the type of what is on top at /usr; the base stays mounted below the layer.
on_usr() { findmnt -no FSTYPE /usr | tail -n 1; }
# on_layer ACTION: the boot runs on a layer, got in this way.
on_layer() {
    if [ ! -e "$STATUS" ]; then
        fail "status.json says that a layer is mounted" "$STATUS is missing"
        return
    fi
    is "a layer is mounted" "$(status .outcome)" layer
    is "its reason is ok" "$(status .reason)" ok
    is "the layer was $1" "$(status .layer.action)" "$1"
    is "/usr is an overlay" "$(on_usr)" overlay
    is "the bare base is to be seen beside the store" "$(findmnt -no FSTYPE "$BASE" | tail -n 1)" "$BASE_TYPE"
    refuse "the bare base cannot be written" touch "$BASE/.probe"
    # A directory of the root has the root's options.
    if [ "$(findmnt -no FSTYPE,FSROOT "$STORE" | xargs)" = "ext4 /" ]; then
        check "ext4 allocates blocks at once" \
            grep -x nodelalloc "/proc/fs/ext4/$(basename "$(readlink -f "$(findmnt -no SOURCE "$STORE")")")/options"
    fi
    if [ -e /run/veneer/guarded ]; then
        closed "at boot"
        return
    fi
    # The time goes back, too: whether a layer is as it was is asked later.
    check "/usr is writable" sh -c \
        'touch -r /usr /run/usr-time && echo probe > /usr/.probe && rm /usr/.probe && touch -r /run/usr-time /usr'
    [ "$(status .outcome)" = layer ] || jq . "$STATUS" | note
}
# closed WHEN: /usr is guarded, and read-only.
closed() {
    is "/usr is read-only $1" "$(touch /usr/.probe 2>&1)" "touch: cannot touch '/usr/.probe': Read-only file system"
}
# blessed: the boot came up well, and Veneer knows.
blessed() { is "the boot was blessed" "$(systemctl is-active veneer-bless.service)" active; }
# pristine REASON: the boot runs on the bare base, and says why.
pristine() {
    if [ ! -e "$STATUS" ]; then
        fail "status.json says why the base is bare" "$STATUS is missing"
    else
        is "the base is bare" "$(status .outcome)" pristine
        is "the reason is $1" "$(status .reason)" "$1"
        is "no layer is named" "$(status .layer)" null
        refuse "the message is not empty" [ -z "$(status .message)" ]
        say "message: $(status .message)"
    fi
    bare
}
# bare: /usr is the image and nothing else.
bare() {
    is "/usr is the image itself" "$(on_usr)" "$BASE_TYPE"
    refuse "/usr cannot be written" touch /usr/.probe
    same "dpkg lists exactly the base" <(packages) "$HERE/base.packages"
}

# packages: everything that the package manager lists, with versions.
packages() {
    if [ -e /usr/lib/sysimage/rpm ]; then
        rpm -qa --qf '%{NAME}.%{ARCH} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n'
    else
        dpkg-query --show --showformat '${Package}:${Architecture} ${Version}\n'
    fi | LC_ALL=C sort
}
# user_packages: what is there beyond the base.
user_packages() { LC_ALL=C comm -23 <(packages) "$HERE/base.packages"; }
# rebased_packages: what is to be there on this base: all of it, and of what the user had installed what it lacks.
rebased_packages() {
    LC_ALL=C sort "$HERE/base.packages" \
        <(awk 'NR == FNR { base[$1]; next } !($1 in base)' "$HERE/base.packages" "$STATE/user.packages")
}
# verified: the package manager's own verification of every file finds no more than on the bare base. What is in /etc is
# not the base's.
verified() {
    local found
    found=$(if [ -e /usr/lib/sysimage/rpm ]; then rpm -Va; else dpkg --verify | grep -v ' /etc/'; fi 2>&1 | LC_ALL=C sort |
        LC_ALL=C comm -23 - <(LC_ALL=C sort "$HERE/base.verify"))
    is "every file of every package is as it should be" "$found" ""
}
# hides_only PATTERN: what the layer has is nowhere over something of the base, except at what matches.
hides_only() {
    local shadows opaque upper
    upper=$(layer)/upper
    shadows=$(
        cd "$upper" || exit
        find . ! -type d -printf '%P\n' | grep -v "$1" | while read -r path; do
            [ ! -e "$BASE/$path" ] && [ ! -L "$BASE/$path" ] || echo "$path"
        done
    )
    is "the layer hides no file of the new base" "$shadows" ""
    # dpkg renames new directories into place, which makes them opaque: harmless only while the base has none there.
    opaque=$(
        cd "$upper" || exit
        find . -mindepth 1 -type d -exec getfattr --name=trusted.overlay.opaque {} + 2>/dev/null |
            sed -n 's/^# file: //p' | grep -v "$1" | while read -r path; do
            [ ! -d "$BASE/$path" ] || echo "$path"
        done
    )
    is "no directory of the layer hides one of the new base" "$opaque" ""
}
# recorded NAME: a transaction has just brought a file of that name, and its hook has brought the record up to date: there is nothing
# left to do for one that is asked for.
recorded() {
    local before record
    record=$(layer)/record
    before=$(sums "$record")
    check "the record knows of the transaction" grep -rqw "$1" "$record"
    check "veneer record" veneer record
    is "it had nothing left to do" "$(sums "$record")" "$before"
}
sums() { (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -r0 sha256sum); }
# right_base: the base is the one that this boot is about.
right_base() {
    is "os-release is of $BASE_NAME" "$(. /etc/os-release; echo "$IMAGE_ID $IMAGE_VERSION")" "$BASE_NAME $BASE_VERSION"
    check "the kernel has its modules" test -d "/usr/lib/modules/$(uname -r)"
}
# sealed: the base is on dm-verity, and that is what it is known by.
sealed() {
    local hash at=$BASE
    # Without a layer the base is /usr itself.
    mountpoint -q "$at" || at=/usr
    hash=$(tr ' ' '\n' < /proc/cmdline | sed -n 's/^\(usr\|root\)hash=//p')
    like "/usr's device is dm-verity" "$(cat "/sys/dev/block/$(mountpoint -d "$at")/dm/uuid")" "CRYPT-VERITY-*"
    is "the base is known by verity" "$(status .base.source)" verity
    is "the base's id is the root hash" "$(status .base.id)" "$hash"
}
# encrypted: the store is on a LUKS2 volume.
encrypted() {
    is "the store is on an unlocked volume" "$(findmnt -no SOURCE "$STORE")" /dev/mapper/veneer
    like "which is of LUKS2" "$(cat "/sys/dev/block/$(mountpoint -d "$STORE")/dm/uuid")" "CRYPT-LUKS2-*"
}
# extended: the extensions of the scenario are merged over the layer.
extended() {
    is "a system extension is on top of /usr" "$(findmnt -no SOURCE /usr | tail -n 1)" sysext
    is "what it has is there" "$(extension)" "of the extension"
    is "the one of /etc, too" "$(cat /etc/extension.conf)" "of the extension"
}
# page: what the web server of the scenarios serves.
page() {
    exec 4<> /dev/tcp/127.0.0.1/80 || return
    printf 'GET / HTTP/1.0\r\n\r\n' >&4
    cat <&4
    exec 4>&-
}
serves() {
    is "nginx.service is active" "$(systemctl is-active nginx.service)" active
    like "it serves its page" "$(page)" "*Welcome to nginx*"
}
# wanted: what dnf5 says that somebody wants for itself.
wanted() { dnf5 repoquery --userinstalled --queryformat '%{name}\n' | LC_ALL=C sort; }
# watches: the daemon of the scenarios with rpm runs.
watches() {
    is "watcher.service is active" "$(systemctl is-active watcher.service)" active
    # As a script it is slower than what is asked here.
    timeout 60 sh -c 'until [ -s /run/watcher ]; do sleep 1; done'
    is "it has what it needs" "$(cat /run/watcher)" watching
}
# listing DIR: everything about every entry below DIR.
listing() {
    (
        cd "$1" || exit
        # A directory's size is the file system's affair: it tells in which order the names came.
        find . \( -type d -printf '%P %y %m %U:%G %T@\n' \) -o -printf '%P %y %m %U:%G %s %T@ %l\n' | LC_ALL=C sort
        find . -type f -print0 | LC_ALL=C sort -z | xargs -r0 sha256sum
        find . -print0 | LC_ALL=C sort -z | xargs -r0 getfattr --no-dereference --match=- --dump --encoding=hex 2>&1
    )
}
# layer: the directory of the layer that is mounted.
layer() { echo "$STORE/veneer/layers/$(status .layer.id)"; }

# foretell BASE: what the update to that base will do, by `veneer check`.
foretell() {
    local done=0
    veneer check --base "$1" --json --verbose > "$STATE/foretold" 2> "$STATE/foretold.errors" || done=$?
    # 1: there is something to look at.
    like "veneer check looks at the next base" "$done" "[01]"
    note < "$STATE/foretold.errors"
    say "veneer check took $({ TIMEFORMAT=%R; time veneer check --base "$1" > /dev/null 2>&1; } 2>&1) s"
}
# as_foretold: this boot did exactly that.
as_foretold() {
    same "what the boot did to each entry was told beforehand" \
        <(jq -r '.entries[] | "\(.path) \(.verdict): \(.why)"' "$STATE/foretold" | LC_ALL=C sort) \
        <(jq -r '"\(.path) \(.verdict): \(.why)"' "$(layer)/verdicts" | LC_ALL=C sort)
    same "so were the problems" <(jq -S .problems[] "$STATE/foretold") <(jq -S .problems[] "$STATUS")
    same "so was the base" <(jq -S '.base | {id, source}' "$STATE/foretold") <(jq -S '.base | {id, source}' "$STATUS")
}
timings() {
    say "boot: $(systemd-analyze time 2>&1 | head -n 1)"
    [ ! -e "$STATUS" ] || say "veneer-assemble measured: $(jq -c .timings_us "$STATUS")"
}
calm() {
    # Degraded is what a unit that failed makes of a system.
    is "no unit failed" "$(systemctl --failed --no-legend --plain | cut -d' ' -f1 | xargs)" ""
}
finish() {
    calm
    # systemd drops a unit to break a cycle, and goes on.
    is "no unit waits for itself" "$(journalctl --boot --quiet --output=cat _PID=1 | grep 'ordering cycle')" ""
    timings
    # For the table of what was booted.
    printf '@ Linux %s, systemd %s\n' "$(uname -r)" "$(systemctl --version | sed -n '1s/^[^(]*(\([^)]*\)).*/\1/p')" >&3
    printf '1..%d\ndone\n' "$points" >&3
}
