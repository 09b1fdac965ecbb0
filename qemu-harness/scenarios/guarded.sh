# shellcheck shell=bash
# After install.sh, on the same boot, with /usr guarded: it is closed again, for everybody but package managers.
closed "after apt"
deb=$(find "$HERE/repo" -name 'tree_*.deb')
like "dpkg by itself is refused" "$(dpkg --install "$deb" 2>&1)" "*Read-only file system*"
check "veneer run lets it in" veneer run -- dpkg --install "$deb"
closed "after veneer run"

( while [ ! -e /run/stop ]; do touch /usr/.other 2> /dev/null && echo written; sleep 0.1; done > /run/others ) &
out=$(apt-get remove --yes tree 2>&1 && apt-get install --yes tree 2>&1) || out="W: failed: $out"
touch /run/stop
wait
is "apt has nothing to warn of" "$(grep '^[WE]:' <<< "$out")" ""
is "nobody else could write while it was at work" "$(cat /run/others)" ""

( tail --follow=name --lines=0 --retry /var/log/dpkg.log | sed -n '/half-installed nginx:/q' && pkill -KILL '^(dpkg|apt-get)$' ) &
refuse "apt and dpkg are killed at work" apt-get install --yes --reinstall nginx
# On a busy host a process that waits for the disk takes its time to die, and to let go of its lock.
check "they are gone" timeout 60 sh -c 'while pgrep "^(dpkg|apt-get)\$"; do sleep 0.2; done'
closed "after they were killed"
check "what was cut off is repaired" sh -c 'veneer run -- dpkg --configure --pending; apt-get install --yes --reinstall nginx'
is "dpkg --audit has nothing to say" "$(dpkg --audit 2>&1)" ""
serves
cp "$HERE/base.packages" "$STATE/base.packages"
status .layer.id > "$STATE/layer"
