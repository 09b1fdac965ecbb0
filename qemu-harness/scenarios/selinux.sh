# shellcheck shell=bash
# What the boots with SELinux are asked. A message about each thing that the policy denies comes once a boot, also where it
# is not enforced.
denied() { journalctl --boot --dmesg --quiet --output=cat | grep 'avc:  denied'; }
# denials: of the messages on stdin the types of source and target, class and permission, each once.
denials() {
    sed -n 's/.*denied  { \(.*\) } for .* scontext=[^:]*:[^:]*:\([^: ]*\).* tcontext=[^:]*:[^:]*:\([^: ]*\).* tclass=\([^ ]*\).*/\2 \3 \4 \1/p' |
        awk '{ for (i = 4; i <= NF; i++) print $1, $2, $3, $i }' | LC_ALL=C sort -u
}
# of_veneer: messages that name something of Veneer's.
of_veneer() { grep -e veneer -e /usr/lib/sysimage | grep -v veneer-test; }
# mislabelled: of the paths on stdin, which have another label than the policy wants.
mislabelled() { restorecon -n -v -f - 2>&1 3>&- | LC_ALL=C sort; }

mode=$(grep -q enforcing=1 /proc/cmdline && echo Enforcing || echo Permissive)
is "SELinux is there, in the mode of this boot" "$(getenforce)" "$mode"
is "the policy is Debian's" "$(sestatus | sed -n 's/^Loaded policy name: *//p')" default
is "the script is one of somebody who has logged in" "$(id -Z)" "unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023"
