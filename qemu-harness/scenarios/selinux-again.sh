# shellcheck shell=bash
# Packages come and go as ever, also where the policy is enforced.
check "apt-get remove" apt-get remove --yes tree
refuse "it is gone" test -e /usr/bin/tree
check "apt-get install" apt-get install --yes tree
recorded tree
check "it runs" tree --version
check "veneer status answers" veneer status
check "veneer diff, too" veneer diff
