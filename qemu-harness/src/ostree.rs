//! An image as ostree has it: a commit, a disk with that deployed, and a repository to update from.

use std::path::{Path, PathBuf};

use crate::command;
use crate::error::Result;
use crate::form::OSTREE_MIB;
use crate::image;
use crate::recipe::Recipe;
use crate::tools::Tools;
use crate::tree::Tree;

/// The file system with the repository, in an image's directory.
pub(crate) const REPOSITORY: &str = "repo.ext4";

/// What makes a commit and a deployment, in a chroot whose ostree is the base's own, with the image's directory at /mnt.
///
/// Of /etc the commit has the default in /usr/etc, of /var nothing: that is the stateroot's, and is what the tree has.
/// The deployment's directory is left mutable: the immutable bit would keep it from being removed here, and mke2fs does not
/// copy it.
pub(crate) const SCRIPT: &str = r#"
cd /mnt
version=$1 tree=build
modules=$tree/usr/lib/modules/$(ls "$tree/usr/lib/modules")
# Newer kernel packages have it there.
[ -e "$modules/vmlinuz" ] || cp vmlinuz "$modules/vmlinuz"
cp initrd.img "$modules/initramfs.img"
mv "$tree/etc" "$tree/usr/etc"
mv "$tree/var" var
for dir in boot dev proc run sys tmp; do
    rm -rf "${tree:?}/$dir"
    mkdir "$tree/$dir"
done
mkdir "$tree/var" "$tree/sysroot"
ln -s sysroot/ostree "$tree/ostree"
for dir in home mnt opt srv; do
    rm -rf "var/$dir"
    mv "$tree/$dir" "var/$dir"
    ln -s "var/$dir" "$tree/$dir"
done
mv "$tree/root" var/roothome
ln -s var/roothome "$tree/root"

ostree --repo=repo init --mode=bare
ostree --repo=repo commit --branch=veneer/test --tree=dir="$tree" --timestamp="@$version" \
    --add-metadata-string=version="$version"

mkdir root
ostree admin init-fs --modern root
ostree admin stateroot-init --sysroot=root veneer
ostree --repo=root/ostree/repo config set sysroot.bootloader none
ostree --repo=root/ostree/repo config set sysroot.readonly true
ostree --repo=root/ostree/repo pull-local repo veneer/test
rm -rf root/ostree/deploy/veneer/var
mv var root/ostree/deploy/veneer/var
OSTREE_SYSROOT_DEBUG=mutable-deployments ostree admin deploy --sysroot=root --os=veneer --karg=root=PARTLABEL=root --karg=rw veneer/test
"#;

/// Makes all of it of the tree `build` in `dir`.
pub(crate) fn make(
    tools: &Tools,
    recipe: &Recipe,
    tree: &Tree,
    dir: &Path,
    log: &impl Fn(&str) -> PathBuf,
) -> Result<()> {
    let mut ostree = command::isolated(
        "tree=$1 dir=$2; shift 2
        mount -t proc proc \"$tree/proc\"
        mount --rbind /dev \"$tree/dev\"
        mount -t tmpfs tmpfs \"$tree/tmp\"
        mount --bind \"$dir\" \"$tree/mnt\"
        exec chroot \"$tree\" \"$@\"",
    );
    ostree.arg(tree.root()).arg(dir).args(["sh", "-euc", SCRIPT, "sh", recipe.version]);
    command::run("making a deployment of ostree", ostree.env("LC_ALL", "C.UTF-8"), &log("ostree"))?;
    for (name, from, mib) in [(image::STATE, "root", OSTREE_MIB), (REPOSITORY, "repo", OSTREE_MIB / 2)] {
        let mut ext4 = tools.command("mke2fs");
        // fs-verity is what composefs wants for its objects.
        ext4.args([
            "-q",
            "-F",
            "-t",
            "ext4",
            "-O",
            "verity",
            "-b",
            "4096",
            "-E",
            "lazy_itable_init=0",
            "-L",
            from,
            "-d",
        ]);
        ext4.arg(dir.join(from)).arg(dir.join(name)).arg(format!("{mib}M"));
        command::run("mke2fs of a deployment", &mut ext4, &log("ext4"))?;
        crate::cache::remove_tree(&dir.join(from))?;
    }
    Ok(())
}
