//! Real Debian packages and databases, made and installed with dpkg itself.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::edit::Edits;
use crate::run::{tool, within};

/// Where the database is in /usr, and what /var/lib/dpkg is a link to.
pub const DATABASE: &str = "lib/sysimage/dpkg";

/// A package to be built.
pub struct Deb {
    name: &'static str,
    version: &'static str,
    arch: &'static str,
    fields: &'static str,
    control: Edits,
    etc: Edits,
    files: Edits,
}

impl Deb {
    /// A package for all architectures whose files are given below /usr.
    pub fn new(name: &'static str, version: &'static str, files: Edits) -> Deb {
        Deb { name, version, arch: "all", fields: "", control: Edits::new(), etc: Edits::new(), files }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.name
    }

    /// With more lines in its control file.
    #[must_use]
    pub fn with(self, fields: &'static str) -> Deb {
        Deb { fields, ..self }
    }

    /// For one architecture.
    #[must_use]
    pub fn arch(self, arch: &'static str) -> Deb {
        Deb { arch, ..self }
    }

    /// With more files beside the control file: `triggers`, `conffiles`.
    #[must_use]
    pub fn control(self, control: Edits) -> Deb {
        Deb { control, ..self }
    }

    /// With files below /etc, too.
    #[must_use]
    pub fn etc(self, etc: Edits) -> Deb {
        Deb { etc, ..self }
    }

    /// Builds it below `dir`.
    pub fn build(&self, dir: &Path) -> PathBuf {
        let Deb { name, version, arch, fields, .. } = self;
        // Bases and the user may have different packages of one name and version.
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let tree = dir.join(format!("debs/{number}/{name}"));
        let usr = tree.join("usr");
        fs::create_dir_all(&usr).expect("make the package's tree");
        self.files.apply(&usr);
        self.etc.apply(&tree.join("etc"));
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: {arch}\nMaintainer: Nobody <nobody@example.org>\n\
             {fields}Description: a package of a test\n"
        );
        Edits::new().file("DEBIAN/control", control).mode("DEBIAN", 0o755).apply(&tree);
        self.control.apply(&tree.join("DEBIAN"));
        let deb = tree.with_file_name(format!("{name}_{version}_{arch}.deb"));
        let mut build = Command::new("dpkg-deb");
        tool(build.args(["--root-owner-group", "-Znone", "--build"]).arg(&tree).arg(&deb));
        fs::remove_dir_all(&tree).expect("remove the package's tree");
        deb
    }
}

/// Numbers the packages that are built.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// dpkg on the system below `root`, which has no shell to run scripts in and needs none.
pub fn dpkg(root: &Path) -> Command {
    let mut command = Command::new("dpkg");
    command.arg(format!("--root={}", root.display())).args(["--force-bad-path", "--force-unsafe-io"]);
    command.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C.UTF-8");
    command
}

/// Installs packages into the system below `root`.
#[track_caller]
pub fn install(root: &Path, debs: &[PathBuf]) {
    tool(dpkg(root).arg("--install").args(debs));
}

/// Fills a base's /usr with a system made of these packages, its database inside /usr.
pub fn fill(dir: &Path, usr: &Path, packages: &[Deb]) {
    fill_with(dir, usr, packages, |_| {});
}

/// As [`fill`], with more done to the system before its /usr is taken out of it.
pub fn fill_with(dir: &Path, usr: &Path, packages: &[Deb], more: impl FnOnce(&Path)) {
    let root = usr.with_extension("root");
    Edits::new()
        .dir("usr")
        .dir("etc")
        .file(format!("usr/{DATABASE}/status"), "")
        .file(format!("usr/{DATABASE}/available"), "")
        .dir(format!("usr/{DATABASE}/info"))
        .dir(format!("usr/{DATABASE}/updates"))
        .apply(&root);
    link_database(&root);
    for arch in packages.iter().map(|package| package.arch).filter(|arch| !["all", native()].contains(arch)) {
        tool(dpkg(&root).args(["--add-architecture", arch]));
    }
    let debs: Vec<PathBuf> = packages.iter().map(|package| package.build(dir)).collect();
    install(&root, &debs);
    more(&root);
    fs::remove_dir(usr).expect("make room for usr");
    fs::rename(root.join("usr"), usr).expect("take usr out of the system");
    fs::remove_dir_all(&root).expect("remove the rest of the system");
}

/// This machine's architecture, as dpkg names it.
pub fn native() -> &'static str {
    static NATIVE: OnceLock<String> = OnceLock::new();
    NATIVE.get_or_init(|| tool(Command::new("dpkg").arg("--print-architecture")).trim().to_owned())
}

/// Another one.
pub fn foreign() -> &'static str {
    if native() == "i386" { "amd64" } else { "i386" }
}

/// One of dpkg's helpers on the system below `root`.
pub fn helper(root: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(format!("--root={}", root.display())).env("LC_ALL", "C.UTF-8");
    command
}

/// Makes /var/lib/dpkg the link that it is on such systems.
pub fn link_database(root: &Path) {
    fs::create_dir_all(root.join("var/lib")).expect("make var/lib");
    symlink(format!("../../usr/{DATABASE}"), root.join("var/lib/dpkg")).expect("link the database");
}

/// Removes packages, with what they left in /etc.
#[track_caller]
pub fn purge(root: &Path, names: &[&str]) {
    tool(dpkg(root).arg("--purge").args(names));
}

/// What apt says of the dependencies, if this machine has apt: empty if they hold.
pub fn unmet(root: &Path) -> String {
    let apt = root.join("apt");
    fs::create_dir_all(apt.join("lists/partial")).expect("make apt's directories");
    let mut check = Command::new("apt-get");
    let status = root.join("usr").join(DATABASE).join("status");
    for (key, value) in [
        ("Dir", &apt),
        ("Dir::State", &apt),
        ("Dir::State::status", &status),
        ("Dir::Cache", &apt),
        ("Dir::Etc", &apt),
    ] {
        check.arg("-o").arg(format!("{key}={}", value.display()));
    }
    check
        .args(["-o", "Debug::NoLocking=1", "-o"])
        .arg(format!("APT::Architecture={}", native()))
        .arg("check");
    let done = within(Duration::from_secs(60), check.env("LC_ALL", "C.UTF-8"));
    fs::remove_dir_all(&apt).expect("remove apt's directories");
    if done.code == Some(0) { String::new() } else { format!("{}{}", done.stdout, done.stderr) }
}

/// What dpkg lists: version and state (`ii`: installed and wanted) of each package; one listed twice has both here.
pub fn listed(root: &Path) -> BTreeMap<String, Vec<String>> {
    let mut query = Command::new("dpkg-query");
    query.arg(format!("--root={}", root.display()));
    let list =
        tool(query.args(["--show", "--showformat", "${binary:Package}\t${Version} ${db:Status-Abbrev}\n"]));
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in list.lines() {
        let (name, rest) = line.split_once('\t').expect("a name and what it is");
        all.entry(name.to_owned()).or_default().push(rest.trim().to_owned());
    }
    all
}

/// Versions of the installed packages, as dpkg lists them; one listed twice has both versions here.
pub fn installed(root: &Path) -> BTreeMap<String, Vec<String>> {
    let version = |text: String| {
        text.strip_suffix(" ii").unwrap_or_else(|| panic!("a package that is not well: {text}")).to_owned()
    };
    let versions = |all: Vec<String>| all.into_iter().map(version).collect();
    listed(root).into_iter().map(|(name, all)| (name, versions(all))).collect()
}

/// Fails unless dpkg itself finds nothing wrong: its audit, each file's digest, and that what it lists is there.
#[track_caller]
pub fn assert_content(root: &Path) {
    let audit = tool(dpkg(root).arg("--audit"));
    assert!(audit.trim().is_empty(), "dpkg --audit: {audit}");
    let verify = tool(dpkg(root).arg("--verify"));
    assert!(verify.trim().is_empty(), "dpkg --verify: {verify}");
    for name in listed(root).keys() {
        let mut query = Command::new("dpkg-query");
        query.arg(format!("--root={}", root.display()));
        let files = tool(query.arg("--listfiles").arg(name));
        let mut lines = files.lines().peekable();
        while let Some(line) = lines.next() {
            // Where a file is diverted, the line after it says to where.
            let diverted = lines.next_if(|next| next.contains("diverted "));
            let file = diverted.and_then(|line| line.rsplit(": ").next()).unwrap_or(line);
            let path = root.join(file.trim_start_matches('/'));
            let there = !file.starts_with('/') || path.symlink_metadata().is_ok();
            assert!(there, "{name} lists {line}, which is not there: {diverted:?}");
        }
    }
}
