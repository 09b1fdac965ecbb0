#!/bin/sh
# Builds the packages of three managers with their own tools, from what git tracks, and compares what is in them with what
# `make install` installs: every file, its mode, and where links lead. The programs are compiled once, from the source of the
# first package.
set -eu

cd "$(dirname "$0")/.."
dir=$(realpath -m "${CARGO_TARGET_DIR:-target}")/packages-test
packages=$dir/packages
rm -rf "$dir"/*/release/veneer "$dir"/*/release/veneer-assemble "$dir/trees"
mkdir -p "$dir/trees"

# quietly WHAT COMMAND...
quietly() {
    what=$1
    shift
    echo "$what" >&2
    "$@" > "$dir/log" 2>&1 || { tail -n 30 "$dir/log"; echo "not ok: $what, all of it in $dir/log" >&2; exit 1; }
}

# listed TREE: what is in it. Package managers compress manual pages, and add documents and licenses.
listed() {
    (cd "$1" && find . ! -type d ! -path './.[A-Z]*' \
        ! \( -path './usr/share/doc/*' ! -path '*/schemas/*' \) ! -path './usr/share/licenses/*' \
        -printf '%M %p %l\n') | sed 's,\(/man/man[0-9]/[^ ]*\)\.gz,\1,' | LC_ALL=C sort
}

# compare KIND HOOKS PACKAGE...
failed=0
compare() {
    kind=$1 hooks=$2
    shift 2
    quietly "make install HOOKS='$hooks'" make install TARGET_DIR="$dir" DESTDIR="$dir/trees/$kind-install" HOOKS="$hooks" \
        dnf4pluginsdir="$python/dnf-plugins"
    mkdir "$dir/trees/$kind"
    for package; do
        case $package in
            *.deb) dpkg-deb --extract "$package" "$dir/trees/$kind" ;;
            *) bsdtar -xpf "$package" -C "$dir/trees/$kind" ;;
        esac
    done
    listed "$dir/trees/$kind-install" > "$dir/trees/expected"
    listed "$dir/trees/$kind" > "$dir/trees/is"
    if diff -u "$dir/trees/expected" "$dir/trees/is"; then
        echo "ok: $kind has what make install installs, $(wc -l < "$dir/trees/is") files in $# packages"
    else
        echo "not ok: $kind"
        failed=1
    fi
}

python=$(python3 -Ic 'import sys; print("/usr/lib/python%d.%d/site-packages" % sys.version_info[:2])')
quietly "dpkg-buildpackage" make deb TARGET_DIR="$dir"
quietly "rpmbuild" make rpm TARGET_DIR="$dir"
quietly "makepkg" make arch TARGET_DIR="$dir"

compare deb apt "$packages"/deb/*.deb
compare rpm 'dnf5 dnf4' "$packages"/rpm/RPMS/*/*.rpm
compare arch alpm "$packages"/arch/*.pkg.tar.*

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
is=$(dpkg-deb --field "$packages"/deb/veneer_*.deb Version)
[ "${is%-*}" = "$version" ] || { echo "not ok: debian/changelog is of $is, Cargo.toml of $version"; failed=1; }

# apt's hook is for the administrator to change.
conffiles=$(dpkg-deb --info "$packages"/deb/veneer_*.deb conffiles)
[ "$conffiles" = /etc/apt/apt.conf.d/90veneer ] || { echo "not ok: conffiles are $conffiles"; failed=1; }

exit "$failed"
