//! The tools tree: a Debian 13 chroot with QEMU and the makers of file systems, so that the host needs only
//! mmdebstrap, and every machine builds the same images with the same versions.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache::Cache;
use crate::command;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::progress;

const PACKAGES: &str = "qemu-system-x86,mount,erofs-utils,e2fsprogs,xfsprogs,btrfs-progs,cryptsetup-bin,fdisk,ostree,swtpm,ovmf,systemd-boot-efi,dosfstools,mtools,apt-utils,util-linux,coreutils";
const MIRROR: &str = "http://deb.debian.org/debian";

/// The tree, ready to run things from.
#[derive(Debug)]
pub(crate) struct Tools {
    tree: PathBuf,
    cache: PathBuf,
}

impl Tools {
    /// The name in the cache.
    pub(crate) fn name() -> String {
        let key = Key::new("tools 1").with("packages", PACKAGES.as_bytes()).with("mirror", MIRROR.as_bytes());
        format!("tools-{}", key.short())
    }

    /// Makes the tree, or finds it.
    pub(crate) fn prepare(cache: &Cache) -> Result<Self> {
        let tree = cache.get(&Self::name(), |dir| {
            progress::step("tools: QEMU and file system makers in a chroot", || {
                let mut mmdebstrap = command::isolated("exec mmdebstrap \"$@\"");
                mmdebstrap.args(["--mode=root", "--variant=apt", "--architectures=amd64"]);
                mmdebstrap.arg(format!("--include={PACKAGES}")).arg("trixie").arg(dir).arg(MIRROR);
                command::run("mmdebstrap of the tools", &mut mmdebstrap, &cache.log("tools"))
            })
        })?;
        Ok(Self { tree, cache: cache.root().to_owned() })
    }

    /// A program of the tree. It sees the cache at the path that it has outside.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = command::isolated(
            "tree=$1 cache=$2; shift 2
            mount -t proc proc \"$tree/proc\"
            mount --rbind /dev \"$tree/dev\"
            mount -t tmpfs tmpfs \"$tree/tmp\"
            mkdir -p \"$tree$cache\"
            mount --bind \"$cache\" \"$tree$cache\"
            exec chroot \"$tree\" \"$@\"",
        );
        command.arg(&self.tree).arg(&self.cache).arg(program).env("LC_ALL", "C.UTF-8");
        command
    }

    /// Runs a program of the tree.
    pub(crate) fn run<I, S>(&self, what: &str, program: &str, args: I, log: &Path) -> Result<()>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        command::run(what, self.command(program).args(args), log)
    }
}

/// Makes sure that the host has what is used directly, installing it where that is possible.
pub(crate) fn require_host() -> Result<()> {
    const PROGRAM: &str = "mmdebstrap";
    const PACKAGES: &str = "mmdebstrap debian-archive-keyring";
    let there = || {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|dir| dir.join(PROGRAM).exists())
            && Path::new("/usr/share/keyrings/debian-archive-keyring.gpg").exists()
    };
    if there() {
        return Ok(());
    }
    progress::step(&format!("host: apt-get install {PACKAGES}"), || {
        let mut install = Command::new("sh");
        install.args(["-ec", "apt-get update -q && apt-get install -y -q --no-install-recommends $0"]);
        let log = std::env::temp_dir().join("veneer-host-packages.log");
        // Why it failed matters less than what is missing: that is what the user can act on.
        let installed = command::run("installing host packages", install.arg(PACKAGES), &log).is_ok();
        if installed && there() {
            Ok(())
        } else {
            Err(Error::MissingProgram { program: PROGRAM, packages: PACKAGES })
        }
    })
}
