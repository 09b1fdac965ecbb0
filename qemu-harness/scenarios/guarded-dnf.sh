# shellcheck shell=bash
# After dnf-install.sh, on the same boot, with /usr guarded: it is closed again, however dnf5 ends.
shut_again() { timeout 20 sh -c 'while touch /usr/.probe 2> /dev/null; do sleep 0.2; done'; }
shut_again
closed "after dnf5"
refuse "rpm by itself is refused" rpm -e mine
check "the package is still there" rpm -q mine
check "veneer run lets it in" veneer run -- rpm -e mine
closed "after veneer run"
refuse "the package is gone" rpm -q mine

check "dnf5 remove" dnf5 remove -y helper
check "dnf5 install" dnf5 install -y helper mine
shut_again
closed "after dnf5 once more"

# No hook is between the question to the user and rpm's own look at /usr: it is open while dnf5 asks.
sleep 1000 | dnf5 remove mine > /run/asks 2>&1 &
check "dnf5 asks its user" timeout 60 sh -c 'until grep -q "Is this ok" /run/asks; do sleep 0.2; done'
pkill -KILL '^dnf5$'
pkill '^sleep$'
wait
shut_again
closed "after dnf5 was killed while it asked"
check "the package is still there" rpm -q mine
check "dnf5 that only asks" dnf5 repoquery --installed mine
shut_again
closed "after that"

# A package manager that is killed at work.
sleep 1000 &
check "a hook opens /usr" veneer guard open $!
check "it is open" sh -c 'touch /usr/.probe && rm /usr/.probe'
kill -KILL $!
wait
shut_again
closed "after the package manager was killed"
is "the unit ended well" "$(systemctl show --property=Result --value "veneer-guard@*" | sort -u | xargs)" ""
