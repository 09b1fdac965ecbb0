# shellcheck shell=bash
# nginx's own script copies its page to /var/www, where the label is not what the policy has for it, on any Debian.
check "restorecon of nginx's page" restorecon -R /var/www
