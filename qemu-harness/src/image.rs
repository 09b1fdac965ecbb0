//! Second half of an image: Veneer on top of a tree of packages, then an initramfs by the image's own dracut, and the
//! file systems: /usr as erofs and the rest as ext4, or what ostree makes of it.

use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::cache::{self, Cache};
use crate::command;
use crate::error::{Error, Result};
use crate::firmware;
use crate::form::IMAGE_MIB;
use crate::guest;
use crate::guide;
use crate::key::Key;
use crate::loader::Entry;
use crate::ostree;
use crate::progress;
use crate::recipe::{Manager, Recipe};
use crate::stage::Stage;
use crate::tools::Tools;
use crate::tree::Tree;

/// An image in the cache: what an image builder would deliver, and what the scripts need to know of it.
#[derive(Debug)]
pub(crate) struct Image {
    /// What it was made of.
    pub(crate) recipe: &'static Recipe,
    dir: PathBuf,
    repository: PathBuf,
}

impl Image {
    /// Makes the image, or finds it.
    pub(crate) fn prepare(
        cache: &Cache,
        tools: &Tools,
        stage: &Stage,
        recipe: &'static Recipe,
    ) -> Result<Self> {
        let tree = Tree::prepare(cache, tools, recipe)?;
        let key = key(recipe, stage);
        let dir = cache.get(&name(recipe, stage), |dir| {
            progress::step(&format!("{}: Veneer, initramfs, file systems", recipe.name), || {
                Builder { cache, tools, stage, recipe, key: &key, dir }.build(&tree)
            })
        })?;
        Ok(Self { recipe, dir, repository: tree.repository() })
    }

    /// What is booted, unless the disk has a boot loader's own account of it.
    pub(crate) fn boots(&self) -> Result<Entry> {
        let hash = match self.verity() {
            None => String::new(),
            Some(_) => {
                fs::read_to_string(self.dir.join(ROOT_HASH)).map_err(Error::io("reading a root hash"))?
            }
        };
        Ok(entry(self.recipe, &self.dir, hash.trim()))
    }

    /// What the firmware starts from, if there is one.
    pub(crate) fn esp(&self) -> Option<PathBuf> {
        self.recipe.form.has_firmware().then(|| self.dir.join(ESP))
    }

    /// The kernel.
    pub(crate) fn kernel(&self) -> PathBuf {
        self.dir.join(KERNEL)
    }

    /// The file system with the base.
    pub(crate) fn base(&self) -> PathBuf {
        self.dir.join(BASE)
    }

    /// The hash tree of that, if it is sealed.
    pub(crate) fn verity(&self) -> Option<PathBuf> {
        self.recipe.form.verity().map(|_| self.dir.join(HASHES))
    }

    /// What a machine that is to be updated to this is given.
    pub(crate) fn next(&self) -> PathBuf {
        if self.recipe.form.is_ostree() { self.dir.join(ostree::REPOSITORY) } else { self.base() }
    }

    /// The file system with everything else, in the state of a machine just installed.
    pub(crate) fn state(&self) -> PathBuf {
        self.dir.join(STATE)
    }

    /// What the scripts must know of the base: its packages, one a line with its version, and what the package manager's
    /// own verification says of it.
    pub(crate) fn facts(&self) -> [PathBuf; 2] {
        FACTS.map(|name| self.dir.join(name))
    }

    /// The repository with what the scenarios install.
    pub(crate) fn repository(&self) -> &Path {
        &self.repository
    }
}

/// In an image's directory: what is booted, the base, its hash tree and the hash of that, and what is not the base.
const KERNEL: &str = "vmlinuz";
const INITRD: &str = "initrd.img";
const ESP: &str = "esp.vfat";
const BASE: &str = "base.erofs";
const HASHES: &str = "base.verity";
const ROOT_HASH: &str = "base.roothash";
pub(crate) const STATE: &str = "state.ext4";

/// Where SELinux has a file's label.
const LABEL: &str = "security.selinux";

/// An image's name in the cache.
pub(crate) fn name(recipe: &Recipe, stage: &Stage) -> String {
    format!("image-{}-{}", recipe.name, key(recipe, stage).short())
}

fn entry(recipe: &Recipe, dir: &Path, hash: &str) -> Entry {
    Entry { kernel: dir.join(KERNEL), initrd: dir.join(INITRD), words: recipe.form.words(hash) }
}

fn key(recipe: &Recipe, stage: &Stage) -> Key {
    let mut key = Key::new("image 3")
        .with("tree", recipe.tree_name().as_bytes())
        .with("version", recipe.version.as_bytes())
        .with("form", format!("{:?} {:?}", recipe.form, recipe.manager).as_bytes())
        .with("stage", stage.key().as_bytes())
        .with("build", script(recipe, stage).as_bytes())
        .with("esp", if recipe.form.has_firmware() { firmware::SCRIPT.as_bytes() } else { b"" })
        .with("ostree", if recipe.form.is_ostree() { ostree::SCRIPT.as_bytes() } else { b"" });
    for file in guest::IMAGE_FILES {
        key = key.with(file.path, file.text.as_bytes());
    }
    key
}

/// What turns the copied tree into the tree of an image-based system, in the chroot: the guide for image builders, between
/// what only the tests need.
fn script(recipe: &Recipe, stage: &Stage) -> String {
    let guide = guide::script(recipe, stage.has_veneer());
    format!("{BEFORE}{}{guide}{AFTER}{}", recipe.form.setup(), guide::labels(recipe.form))
}

const FACTS: [&str; 2] = ["base.packages", "base.verify"];

/// A machine that the tests can use, and what dracut is to do beyond the guide.
const BEFORE: &str = r#"
name=$1 version=$2 manager=$3
# What an image's os-release says of the image.
printf '%s\n' "VARIANT_ID=veneer-test" "IMAGE_ID=$name" "IMAGE_VERSION=$version" >> /usr/lib/os-release
# A machine that was set up already: no questions on the console, a console without a password.
echo 5eed5eed5eed5eed5eed5eed5eed5eed > /etc/machine-id
echo veneer-test > /etc/hostname
passwd --quiet --delete root
# Nothing may take apt's lock, or the processor, behind the scripts' back.
for timer in apt-daily apt-daily-upgrade dpkg-db-backup e2scrub_all fstrim; do
    ln -sf /dev/null "/etc/systemd/system/$timer.timer"
done
mkdir -p /srv/veneer-test
systemctl enable --quiet veneer-test.service
ldconfig
case $manager in
    Dpkg)
        rm -rf /etc/apt/sources.list.d/* /var/lib/apt/lists/* /var/cache/apt/*.bin
        echo 'deb [trusted=yes] file:/srv/veneer-test/repo ./' > /etc/apt/sources.list
        ;;
    Rpm)
        # It is there since the tree was made, in /usr/lib/sysimage/rpm.
        if [ "$version" = 1 ]; then
            rpm -e tree
        else
            rpm -e less
            rpm -U --nosignature /srv/updates/*.rpm
            # Whoever builds the image does not want it for itself.
            dnf5 -q -y --setopt=protect_running_kernel=False mark dependency helper
        fi
        rm -rf /srv/updates
        mkdir -p /etc/yum.repos.d /etc/dnf/libdnf5-plugins/actions.d
        printf '%s\n' '[local]' 'name=local' 'baseurl=file:///srv/veneer-test/repo' 'gpgcheck=0' > /etc/yum.repos.d/local.repo
        # Veneer's hook is where the README says.
        hooks=/usr/share/veneer/hooks
        [ ! -d "$hooks" ] || cp "$hooks/veneer.actions" /etc/dnf/libdnf5-plugins/actions.d/
        rpm -qa --qf '%{NAME}.%{ARCH} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n' | LC_ALL=C sort > /boot/base.packages
        rpm -Va | LC_ALL=C sort > /boot/base.verify || :
        ;;
esac
dracut=/etc/dracut.conf.d/veneer-test.conf
mkdir -p "${dracut%/*}"
# ostree's package asks for its module, whoever needs it.
rm -f "${dracut%/*}/ostree.conf"
{
    # Uncompressed, because unpacking is slow without KVM.
    echo 'compress="cat"'
    echo 'add_drivers+=" virtio_blk erofs ext4 "'
    for unit in emergency dracut-emergency rescue; do
        echo "install_items+=\" /etc/systemd/system/$unit.service.d/veneer-test.conf \""
    done
    echo 'install_items+=" /etc/veneer-test/emergency "'
} > "$dracut"
"#;

/// What the scripts must know of the base, and where the harness looks for the rest.
const AFTER: &str = r#"
if [ "$manager" = Dpkg ]; then
    dpkg-query --show --showformat '${Package}:${Architecture} ${Version}\n' | LC_ALL=C sort > /boot/base.packages
    dpkg --verify > /boot/base.verify || :
fi
rm /etc/dracut.conf.d/veneer-test.conf
kernel=$(ls /usr/lib/modules)
mv "/boot/vmlinuz-$kernel" /boot/vmlinuz
mv "/boot/initrd.img-$kernel" /boot/initrd.img
# A machine that has run on this image before: what systemd does after an update of /usr is done. The next image brings it.
journalctl --quiet --update-catalog
# A second later: mke2fs may drop the rest of the time.
touch -d "@$(($(stat -c %Y /usr) + 1))" /etc/.updated /var/.updated
"#;

struct Builder<'a> {
    cache: &'a Cache,
    tools: &'a Tools,
    stage: &'a Stage,
    recipe: &'static Recipe,
    key: &'a Key,
    dir: &'a Path,
}

impl Builder<'_> {
    fn build(&self, tree: &Tree) -> Result<()> {
        let what = "making an image";
        let root = self.dir.join("build");
        let log = |step: &str| self.cache.log(&format!("{}-{step}", self.recipe.name));

        let mut copy = command::isolated("cp -a --reflink=auto \"$1\" \"$2\"");
        command::run("copying the tree", copy.arg(tree.root()).arg(&root), &log("copy"))?;
        self.install_veneer(&root, &log("veneer"))?;
        guest::install(guest::IMAGE_FILES, &root).map_err(Error::io(what))?;

        let mut build = command::in_chroot(&root);
        let script = script(self.recipe, self.stage);
        build.args(["sh", "-euc", &script, "sh", self.recipe.name, self.recipe.version]);
        build.arg(format!("{:?}", self.recipe.manager));
        command::run(&format!("setting up {}", self.recipe.name), &mut build, &log("setup"))?;

        for name in [KERNEL, INITRD].into_iter().chain(FACTS) {
            let from = root.join("boot").join(name);
            if !from.exists() {
                let what = format!("no /boot/{name} was made");
                return Err(Error::BadTree { base: self.recipe.name, what });
            }
            fs::rename(from, self.dir.join(name)).map_err(Error::io(what))?;
        }
        if self.recipe.form.is_ostree() {
            ostree::make(self.tools, self.recipe, tree, self.dir, &log)?;
            return cache::remove_tree(&root);
        }
        let (base, state) = self.parted(&root).map_err(Error::io(what))?;
        let image = self.dir.join(BASE);
        let uuid = self.key.clone().with("of", b"usr").uuid();
        let args = ["-zlz4".as_ref(), "-U".as_ref(), uuid.as_ref(), image.as_os_str(), base.as_os_str()];
        self.tools.run("mkfs.erofs", "mkfs.erofs", args, &log("erofs"))?;

        if self.recipe.form.verity().is_some() {
            self.seal(&image, &log("verity"))?;
        }

        if self.recipe.form.has_firmware() {
            let entry = entry(self.recipe, self.dir, "");
            firmware::make_esp(self.tools, &self.dir.join(ESP), &entry, &log("esp"))?;
        }

        let label = self.recipe.form.state().label();
        let uuid = self.key.clone().with("of", b"root").uuid();
        let mut ext4 = self.tools.command("mke2fs");
        ext4.args(["-q", "-F", "-t", "ext4", "-E", "lazy_itable_init=0", "-L", label, "-U", &uuid, "-d"]);
        ext4.arg(&state).arg(self.dir.join(STATE)).arg(format!("{IMAGE_MIB}M"));
        command::run("mke2fs of /", &mut ext4, &log("ext4"))?;

        cache::remove_tree(&base)?;
        cache::remove_tree(&state)
    }

    /// Takes the tree apart, into the base and what an update leaves alone.
    fn parted(&self, root: &Path) -> std::io::Result<(PathBuf, PathBuf)> {
        let below = if self.recipe.form.is_whole() { "var" } else { "usr" };
        let apart = self.dir.join(below);
        let from = root.join(below);
        fs::rename(&from, &apart)?;
        fs::create_dir(&from)?;
        let mut label = [0_u8; 256];
        // Only some images are labelled; there, what is mounted upon is, too.
        if let Ok(length) = rustix::fs::lgetxattr(&apart, LABEL, &mut label[..]) {
            rustix::fs::lsetxattr(&from, LABEL, &label[..length], rustix::fs::XattrFlags::empty())?;
        }
        Ok(if self.recipe.form.is_whole() { (root.to_owned(), apart) } else { (apart, root.to_owned()) })
    }

    /// As packages where dpkg is, so that they are the base's; else as files that no package owns.
    fn install_veneer(&self, root: &Path, log: &Path) -> Result<()> {
        let packages = self.stage.packages();
        if self.recipe.manager != Manager::Dpkg || packages.is_empty() {
            let mut copy = command::isolated("cp -dR --preserve=mode,timestamps,links \"$1/.\" \"$2/\"");
            return command::run("installing Veneer", copy.arg(self.stage.dir()).arg(root), log);
        }
        let to = root.join("srv/packages");
        let what = "copying Veneer's packages";
        fs::create_dir_all(&to).map_err(Error::io(what))?;
        for package in packages {
            fs::copy(package, to.join(package.file_name().unwrap_or_default())).map_err(Error::io(what))?;
        }
        let mut install = command::in_chroot(root);
        install.args(["sh", "-euc", "dpkg --install /srv/packages/*.deb; rm -r /srv/packages"]);
        command::run("installing Veneer's packages", &mut install, log)
    }

    /// Makes the hash tree of /usr. UUID and salt are fixed: the root hash says what /usr holds, and nothing else.
    fn seal(&self, image: &Path, log: &Path) -> Result<()> {
        let uuid = self.key.clone().with("of", b"verity").uuid();
        let salt = uuid.replace('-', "");
        let mut verity = self.tools.command("veritysetup");
        verity.args(["format", "--uuid", &uuid, "--salt", &salt, "--root-hash-file"]);
        verity.arg(self.dir.join(ROOT_HASH)).arg(image).arg(self.dir.join(HASHES));
        command::run("veritysetup format", &mut verity, log)
    }
}
