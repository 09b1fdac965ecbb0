//! The smallest machine that Veneer accepts: an erofs base with a real pid 1, shell and loader; a store on tmpfs with one
//! blessed layer. A file stands in for the kernel's log, as some hundred lines have no business there, and a log that
//! has been full once makes each open of /dev/kmsg take a tenth of a millisecond, which no boot meets.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::mount::UnmountFlags;

use super::Result;

pub(crate) struct Place {
    pub(crate) root: PathBuf,
    assemble: PathBuf,
    veneer: PathBuf,
}

const MAKE: &str = r#"
set -eu
mount -t tmpfs bench "$T"
mkdir -p v/store v/base s/usr b/bin b/lib/systemd b/lib64 up work run over
cp /bin/sh b/bin/sh
cp /lib/systemd/systemd b/lib/systemd/systemd
cp /lib64/ld-linux-x86-64.so.2 b/lib64/
printf 'ID=debian\nVERSION_ID=13\n' > b/lib/os-release
ln -s usr/bin usr/lib usr/lib64 s/
mkfs.erofs a.erofs b > mkfs.log 2>&1
echo quiet > cmdline
: > kmsg
mount --bind kmsg /dev/kmsg
mount -o loop,ro a.erofs s/usr
"#;

impl Place {
    pub(crate) fn new(programs: &Path) -> Result<Self> {
        let root = std::env::temp_dir().join(format!("veneer-bench-{}", std::process::id()));
        std::fs::create_dir(&root)?;
        let script = format!("T={}\n{}", root.display(), MAKE.replacen("mkdir", "cd \"$T\"\nmkdir", 1));
        if !Command::new("sh").arg("-c").arg(script).status()?.success() {
            return Err("the machine could not be made".into());
        }
        let program = |name: &str| programs.join(name).canonicalize();
        let place = Place { assemble: program("veneer-assemble")?, veneer: program("veneer")?, root };
        quiet(&mut place.assemble())?;
        place.undo()?;
        Ok(place)
    }

    /// veneer-assemble on this machine.
    pub(crate) fn assemble(&self) -> Command {
        let mut command = Command::new(&self.assemble);
        self.arguments(&mut command);
        command
    }

    /// The same below strace.
    pub(crate) fn traced(&self, log: &Path) -> Command {
        let mut command = Command::new("strace");
        command.args(["-f", "-o"]).arg(log).arg(&self.assemble);
        self.arguments(&mut command);
        command
    }

    fn arguments(&self, command: &mut Command) {
        let at = |name: &str| self.root.join(name);
        command.arg("--sysroot").arg(at("s")).arg("--store").arg(at("v/store"));
        command.arg("--runtime").arg(at("run")).arg("--cmdline").arg(at("cmdline"));
    }

    /// Says that the boot came up well, as veneer-bless.service does, and takes the layer away again.
    pub(crate) fn undo(&self) -> Result<()> {
        let at = |name: &str| self.root.join(name);
        let mut bless = Command::new(&self.veneer);
        bless.arg("bless").arg("--root").arg(at("s")).arg("--store").arg(at("v/store"));
        quiet(bless.arg("--runtime").arg(at("run")))?;
        self.unmount("s/usr")?;
        self.unmount("v/base")
    }

    /// By the system call: umount(8) would have the libraries of mount(8) ready in the processor's caches.
    pub(crate) fn unmount(&self, path: &str) -> Result<()> {
        Ok(rustix::mount::unmount(self.root.join(path), UnmountFlags::empty())?)
    }

    /// mount(8) of a bare overlay with the same options.
    pub(crate) fn mount(&self) -> Command {
        let at = |name: &str| self.root.join(name).display().to_string();
        let mut command = Command::new("mount");
        command.args(["-t", "overlay", "overlay", "-o"]);
        command.arg(format!(
            "lowerdir={},upperdir={},workdir={},redirect_dir=nofollow,metacopy=off,index=off,nfs_export=off,xino=off",
            at("s/usr"),
            at("up"),
            at("work")
        ));
        command.arg(at("over"));
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // The mounts end with the namespace; only the empty directory outlives it.
        for path in ["s/usr", ""] {
            if let Err(error) = rustix::mount::unmount(self.root.join(path), UnmountFlags::DETACH) {
                eprintln!("bench: {error}");
            }
        }
        if let Err(error) = std::fs::remove_dir(&self.root) {
            eprintln!("bench: {}: {error}", self.root.display());
        }
    }
}

/// Runs a command whose success is all that matters.
pub(crate) fn quiet(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}
