# shellcheck shell=sh
# Runs in a Debian tree with rpm: makes it a system of rpm packages. Each of its packages becomes one with its files in
# /usr, so that lists of files, digests, and the needs and provisions that rpmbuild finds are those of a real system, and
# rpm's database, in /usr, tells the truth about it; dpkg's goes. Leaves /srv/repo, what the user can install, and
# /srv/updates, what a later build of the image has in newer versions. $1 is a directory with the spec files of both.
specs=$1

# What becomes newer in the later build: ordinary packages, beside those of updates.spec.
newer="attr jq kmod libsystemd0 procps xfsprogs"

database=/usr/lib/sysimage/rpm
mkdir -p "$database" /build /srv/repo
printf '%%_dbpath %s\n' "$database" > /usr/lib/rpm/macros.d/macros.image

# Owners other than root would have to be provided by some package.
find /usr \( ! -uid 0 -o ! -gid 0 \) -exec sh -c 'for f; do
    mode=$(stat -c %a "$f"); chown -h 0:0 "$f"; [ -h "$f" ] || chmod "$mode" "$f"; done' sh {} +

# package NAME VERSION RELEASE-SUFFIX < LIST: a part of a spec file.
# Names that Veneer's critical set and others know from rpm's world; and what packages of that world provide.
package() {
    name=$1 version=${2#*:} epoch='' provides=''
    case $2 in *:*) epoch="Epoch: ${2%%:*}" ;; esac
    case $version in *-*) release=${version##*-} version=${version%-*} ;; *) release=1 ;; esac
    case $name in
        libc6) name=glibc provides='Provides: rtld(GNU_HASH)' ;;
        libc-bin) name=glibc-common ;;
        bash) provides='Provides: /bin/bash' ;;
        dash) provides='Provides: /bin/sh /bin/dash' ;;
    esac
    printf '%s\n' "%package -n $name" "Summary: $name" "Version: $(echo "$version" | tr - _)" "Release: $release$3" \
        "$epoch" "$provides" "%description -n $name" "From Debian." "%files -n $name" "%defattr(-,root,root)"
    cat
}

# The whole system as one spec file: for each package what it lists below /usr, under the name on a merged /usr. A file
# that two packages list, since one diverts it, is the first one's.
dpkg-query --show --showformat '${Package} ${Version} ${binary:Package}\n' > /build/packages
while read -r _ _ full; do
    dpkg-query --listfiles "$full" | sed -nE "s,^(/(bin|sbin|lib|lib64)/),/usr\1,; s,^/usr/.,$full &,p"
done < /build/packages | while read -r full path; do
    if [ -h "$path" ] || [ -f "$path" ]; then
        echo "f $full \"$path\""
    elif [ -d "$path" ]; then
        echo "d $full %dir \"$path\""
    fi
done | awk '{ full = $2; line = substr($0, length($1) + length($2) + 3)
    if ($1 == "d" ? !seen[full, line]++ : !seen[line]++) print line > "/build/list." full }'
head() { printf '%s\n' "Name: spec-$1" "Version: 1" "Release: 1" "Summary: many" "License: none" "%description" "many"; }
{
    head base
    printf '%s\n' '%install' 'mkdir -p %{buildroot}' 'cp -al /usr %{buildroot}/'
    while read -r name version full; do
        touch "/build/list.$full"
        package "$name" "$version" '' < "/build/list.$full"
    done < /build/packages
} > /build/base.spec
{
    head newer
    printf '%s\n' '%install' 'mkdir -p %{buildroot}' 'cp -al /usr %{buildroot}/'
    while read -r name version full; do
        case " $newer " in
            *" $name "*)
                file=/usr/share/doc/$name/copyright
                # What is in the build root is the tree's own file, until it is written anew.
                echo "sed --in-place '\$a Built once more.' %{buildroot}$file"
            ;;
        esac
    done < /build/packages
    while read -r name version full; do
        case " $newer " in *" $name "*) package "$name" "$version" .1 < "/build/list.$full" ;; esac
    done < /build/packages
} > /build/newer.spec
cp "$specs"/*.spec /build/

for set in base newer updates user; do
    rpmbuild -bb --quiet --define "_topdir /build/$set" --buildroot /buildroot \
        --define '_build_id_links none' --define '_binary_payload w.ufdio' --define '__os_install_post %{nil}' \
        --define 'debug_package %{nil}' --define '_unpackaged_files_terminate_build 0' \
        --define '__requires_exclude_from ^/usr/lib/modules/' --define '__provides_exclude_from ^/usr/lib/modules/' \
        --define 'source_date_epoch_from_changelog 0' "/build/$set.spec"
    rm -rf /buildroot
done
rpm -i --justdb --nodeps --noscripts --nosysusers --noplugins --nosignature /build/base/RPMS/*/*.rpm
mkdir /srv/updates
mv /build/newer/RPMS/*/*.rpm /build/updates/RPMS/*/*.rpm /srv/updates/
mv /build/user/RPMS/*/*.rpm /srv/repo/
createrepo_c --quiet /srv/repo
rm -rf /build /var/lib/dpkg /var/lib/apt /var/cache/apt
