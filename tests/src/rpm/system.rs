//! rpm and dnf of a root directory, run in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode};

use crate::run::tool;

/// Makes what programs of the root directory need beside /usr.
pub fn prepare_root(root: &Path) {
    for dir in ["mnt", "var/cache", "var/tmp", "var/log", "etc/dnf"] {
        fs::create_dir_all(root.join(dir)).expect("make a directory of the root");
    }
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").expect("write passwd");
    fs::write(root.join("etc/group"), "root:x:0:\n").expect("write group");
    for (name, minor) in [("null", 3), ("zero", 5), ("urandom", 9)] {
        let device = rustix::fs::makedev(1, minor);
        let path = root.join("dev").join(name);
        rustix::fs::mknodat(CWD, path, FileType::CharacterDevice, Mode::from_raw_mode(0o666), device)
            .expect("make a device");
    }
}

/// A program of the system below `root`.
pub fn in_root(root: &Path, program: &str) -> Command {
    let mut command = Command::new("chroot");
    command.arg(root).arg(program).env_clear();
    command.env("PATH", "/usr/sbin:/usr/bin").env("LC_ALL", "C.UTF-8").env("HOME", "/root");
    command
}

/// rpm of the system below `root`.
pub fn rpm(root: &Path) -> Command {
    let mut command = in_root(root, "rpm");
    // One of them gives scripts a mount namespace, for which a chroot's root would have to be a mount.
    command.arg("--noplugins");
    command
}

/// dnf of the system below `root`, of whatever generation, without repositories and questions.
pub fn dnf(root: &Path) -> Command {
    let is_5 = root.join("usr/bin/dnf5").exists();
    let mut command = in_root(root, if is_5 { "dnf5" } else { "dnf" });
    command.args(["-q", "-y", "--setopt=localpkg_gpgcheck=0"]);
    // dnf5 refuses to disable what is not there, dnf 4 to work without.
    if !is_5 {
        command.args(["--disablerepo=*", "--releasever=1"]);
    }
    command
}

/// Copies packages to where programs of the root can read them.
fn offer(root: &Path, packages: &[PathBuf]) -> Vec<PathBuf> {
    let one = |path: &PathBuf| {
        let inside = Path::new("mnt").join(path.file_name().expect("a package has a name"));
        fs::copy(path, root.join(&inside)).expect("copy a package");
        Path::new("/").join(inside)
    };
    packages.iter().map(one).collect()
}

/// Installs packages, or upgrades to them, whatever they need.
#[track_caller]
pub fn install(root: &Path, packages: &[PathBuf]) {
    let packages = offer(root, packages);
    tool(rpm(root).args(["-U", "--nosignature", "--nodeps", "--oldpackage"]).args(packages));
}

/// Versions of the installed packages by name and architecture; one listed twice has both versions here.
pub fn installed(root: &Path) -> BTreeMap<String, Vec<String>> {
    versions(&tool(rpm(root).args(["-qa", "--qf", FORMAT])))
}

/// A package a line: name and architecture, a blank, the version. The script that makes the bases has it, too.
const FORMAT: &str = "%{NAME}.%{ARCH} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n";

/// Reads a list in that form.
pub(super) fn versions(list: &str) -> BTreeMap<String, Vec<String>> {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in list.lines() {
        let (name, version) = line.split_once(' ').expect("name and version");
        versions.entry(name.to_owned()).or_default().push(version.to_owned());
    }
    for versions in versions.values_mut() {
        versions.sort();
    }
    versions
}

/// Fails unless rpm itself finds nothing wrong: every file of every package, what they need, the database's form, and
/// each package once.
#[track_caller]
pub fn assert_content(root: &Path) {
    tool(in_root(root, "rpmdb").arg("--verifydb"));
    let verify = tool(rpm(root).arg("-Va"));
    assert!(verify.trim().is_empty(), "rpm -Va: {verify}");
    for (name, versions) in installed(root) {
        assert!(versions.len() == 1 || name.starts_with("gpg-pubkey."), "{name} is there as {versions:?}");
    }
}
