# shellcheck shell=sh
# $1 suite, $2 packages, $3 where to: a Debian tree with rpm and dnf, without what nobody looks at.
exec mmdebstrap --mode=root --variant=minbase --architectures=amd64 --include="$2" \
    --aptopt='Acquire::Check-Valid-Until "false"' --dpkgopt='force-unsafe-io' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt='path-exclude=/usr/share/zoneinfo/*' \
    --dpkgopt='path-exclude=/usr/lib/*/gconv/*' \
    "$1" "$3" http://deb.debian.org/debian
