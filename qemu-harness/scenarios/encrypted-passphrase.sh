# shellcheck shell=bash
# And this time it is a passphrase.
sealed
encrypted
