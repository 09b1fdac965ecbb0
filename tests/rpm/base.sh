# shellcheck shell=sh
# $1 a tree (tree.sh), $2 where to: what is in $2/build becomes packages, the tree and they become images of bases.
tree=$1
out=$2
mkdir -p "$out/root" "$out/work" "$tree/build"
mount -t proc proc "$tree/proc"
mount --rbind /dev "$tree/dev"
mount --bind "$out/build" "$tree/build"

# Files of other groups would be packaged as root's: here they are.
find "$tree/usr" ! -gid 0 -exec sh -c 'for f; do m=$(stat -c %a "$f"); chgrp -h 0 "$f"; [ -h "$f" ] || chmod "$m" "$f"; done' sh {} +

# What is in the tree's own /usr is packaged where it is: links within one mount cost nothing.
rm -rf "$tree/buildroot"
for set in base a b c user; do
    chroot "$tree" rpmbuild -bb --quiet --define "_topdir /build/top/$set" --buildroot /buildroot \
        --define '_build_id_links none' --define '_binary_payload w.ufdio' --define '__os_install_post %{nil}' \
        --define 'debug_package %{nil}' --define '_unpackaged_files_terminate_build 0' \
        --define 'source_date_epoch_from_changelog 0' "/build/$set.spec"
    rm -rf "$tree/buildroot"
done
umount "$tree/build"
rm -rf "$out/rpms" && mkdir "$out/rpms"
for set in base a b c user; do
    mkdir "$out/rpms/$set"
    mv "$out/build/top/$set"/RPMS/*/*.rpm "$out/rpms/$set/"
done

# A root directory made of the trees $1 (overlayfs's lowerdir), in which what is said goes into $out/$2.
enter() {
    mkdir "$out/$2"
    mount -t overlay -o "lowerdir=$1,upperdir=$out/$2,workdir=$out/work" overlay "$out/root"
    mount -t proc proc "$out/root/proc"
    mount --rbind /dev "$out/root/dev"
    mount --bind "$out/rpms" "$out/root/mnt"
}

# Its /usr as an image. One UUID for all: reproducible images look like this.
leave() {
    run rpm -qa --qf '%{NAME}.%{ARCH} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n' > "$out/$1.list"
    umount "$out/root/mnt"
    umount "$out/root/proc"
    umount -l "$out/root/dev"
    mkfs.erofs --quiet -U 5ca1ab1e-0000-4000-8000-00000000babe "$out/$1.erofs" "$out/root/usr"
    umount "$out/root"
    rm -rf "$out/work" && mkdir "$out/work"
}

database=/usr/lib/sysimage/rpm
run() { chroot "$out/root" "$@"; }

enter "$tree" a
mkdir -p "$out/root$database"
echo "%_dbpath $database" > "$out/root/usr/lib/rpm/macros.d/macros.image"
run sh -c 'rpm -i --justdb --nodeps --noscripts --nosignature /mnt/base/*.rpm'
run sh -c 'rpm -i --nosignature /mnt/a/*.rpm'
leave a

enter "$out/a:$tree" b
run sh -c 'rpm -U --nosignature /mnt/b/*.rpm'
run rpm -e leftover libneeded libsona
if [ -e "$out/root/usr/bin/dnf5" ]; then
    # Whoever built this image did not ask for it.
    run dnf5 -q -y --setopt=protect_running_kernel=False mark dependency helper
fi
leave b

enter "$out/b:$out/a:$tree" c
run sh -c 'rpm -U --nosignature /mnt/c/*.rpm'
leave c

# The same for every generation of rpm.
if [ ! -e "$tree/usr/bin/dnf5" ]; then
    enter "$out/b:$out/a:$tree" elsewhere
    mkdir -p "$out/root/usr/share/rpm"
    cp -a "$out/root$database/." "$out/root/usr/share/rpm/"
    rm -rf "$out/root$database"
    echo "%_dbpath /usr/share/rpm" > "$out/root/usr/lib/rpm/macros.d/macros.image"
    leave elsewhere

    enter "$out/b:$out/a:$tree" ndb
    run sh -c "rpmdb --exportdb > /tmp/all && rm -rf $database/*"
    printf '%%_dbpath %s\n%%_db_backend ndb\n' "$database" > "$out/root/usr/lib/rpm/macros.d/macros.image"
    run sh -c 'rpmdb --importdb < /tmp/all'
    leave ndb
fi

rm -rf "$out/a" "$out/b" "$out/c" "$out/elsewhere" "$out/ndb" "$out/build" "$out/root" "$out/work" "$out/rpms/base"
