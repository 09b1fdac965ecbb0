#!/bin/sh
# Makes a Debian base as an image builder would, with its package database inside /usr: DIR/usr.erofs, DIR/root (all but
# /usr), DIR/count, and DIR/debs with what a user installs there. Run by the tests, once, into a cache.
#
# debian-base.sh DIR SOURCES INCLUDE USER
#   SOURCES   lines of sources.list, parted by semicolons; the first one's suite is the base
#   INCLUDE   packages beyond `important`, parted by commas; /SUITE after a name takes it from there
#   USER      what the user installs, parted by blanks, in the same form; fetched with what it needs
set -eu

inside() {
    env -i PATH=/usr/sbin:/usr/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"
}

# While mmdebstrap still has lists and a resolver in there. One package at a time: what one of them needs may be what
# another one replaces.
if [ "$1" = --fetch ]; then
    dir=$2 user=$3 root=$4
    for package in $user; do
        inside apt-get -qq clean
        inside apt-get -qq install --yes --download-only --no-install-recommends "$package" > /dev/null
        mkdir -p "$dir/debs/${package%%/*}"
        mv "$root"/var/cache/apt/archives/*.deb "$dir/debs/${package%%/*}"
    done
    exit
fi

dir=$1 sources=$2 include=$3 user=$4
root=$dir/root
suite=$(printf '%s' "${sources%%;*}" | cut -d ' ' -f 3)
mkdir -p "$root" "$dir/debs"

# A list that was right some weeks ago is right here: everything is signed all the same.
printf '%s\n' "$sources" | tr ';' '\n' | sed 's/^ *//' |
    INITRD=No mmdebstrap --mode=root --variant=important --architectures=amd64 --quiet \
        --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Apt::Install-Recommends "false"' \
        --include="$include" --customize-hook="'$0' --fetch '$dir' '$user' \"\$1\"" "$suite" "$root" -

inside sh -euc '
    mkdir -p /usr/lib/sysimage
    mv /var/lib/dpkg /usr/lib/sysimage/dpkg
    ln -s ../../usr/lib/sysimage/dpkg /var/lib/dpkg
    dpkg-query --show | wc -l' > "$dir/count"
rm -rf "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/* "$root"/var/lib/apt/lists/* \
    "$root"/var/cache/apt/*.bin "$root"/var/log/*
mkfs.erofs --quiet -zlz4 -U 5ca1ab1e-0000-4000-8000-00000000babe "$dir/usr.erofs" "$root/usr" > /dev/null
rm -rf --one-file-system "${root:?}/usr"
mkdir "$root/usr"
