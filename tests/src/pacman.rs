//! Real packages for pacman and real databases, made as makepkg makes them and installed with pacman itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::edit::Edits;
use crate::run::{Finished, tool, within};

/// Where the database is in /usr, as in images of Arch.
pub const DATABASE: &str = "lib/sysimage/lib/pacman";

/// A package to be built.
#[derive(Clone)]
pub struct Pkg {
    name: &'static str,
    version: &'static str,
    fields: &'static [(&'static str, &'static str)],
    script: Option<&'static str>,
    files: Edits,
}

impl Pkg {
    /// A package whose files are given below /usr; its version has epoch and release.
    pub fn new(name: &'static str, version: &'static str, files: Edits) -> Pkg {
        Pkg { name, version, fields: &[], script: None, files }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// With more lines in its `.PKGINFO`: `depend`, `provides`, `conflict`, `replaces`, `backup`.
    #[must_use]
    pub fn with(self, fields: &'static [(&'static str, &'static str)]) -> Pkg {
        Pkg { fields, ..self }
    }

    /// With a scriptlet (`.INSTALL`).
    #[must_use]
    pub fn script(self, text: &'static str) -> Pkg {
        Pkg { script: Some(text), ..self }
    }

    /// Builds it below `dir`.
    pub fn build(&self, dir: &Path) -> PathBuf {
        let Pkg { name, version, .. } = self;
        let tree = dir.join(format!("pkgs/{name}-{version}"));
        let usr = tree.join("usr");
        fs::create_dir_all(&usr).expect("make the package's tree");
        self.files.apply(&usr);
        let mut info = format!(
            "pkgname = {name}\npkgbase = {name}\npkgver = {version}\npkgdesc = a package of a test\n\
             builddate = 1700000000\npackager = Nobody <nobody@example.org>\nsize = 1\narch = any\n"
        );
        for (field, value) in self.fields {
            writeln!(info, "{field} = {value}").expect("write into a string");
        }
        fs::write(tree.join(".PKGINFO"), info).expect("write .PKGINFO");
        if let Some(script) = self.script {
            fs::write(tree.join(".INSTALL"), script).expect("write .INSTALL");
        }
        let mut names: Vec<String> = [".PKGINFO"].map(str::to_owned).to_vec();
        names.extend(self.script.map(|_| ".INSTALL".to_owned()));
        names.extend(files_below(&tree).into_iter().filter(|name| !name.starts_with('.')));
        let list = tree.with_extension("list");
        fs::write(&list, names.join("\0")).expect("write the list of files");

        // Options and order are makepkg's own.
        let mtree = tree.join(".MTREE");
        let mut make = bsdtar(&tree, &list);
        make.args(["--format=mtree", "--options=!all,use-set,type,uid,gid,mode,time,size,md5,sha256,link"]);
        tool(make.arg("-cf").arg(&mtree));
        tool(Command::new("gzip").args(["-n", "-S", ".gz"]).arg(&mtree));
        fs::rename(tree.join(".MTREE.gz"), &mtree).expect("name .MTREE");
        names.insert(0, ".MTREE".to_owned());
        fs::write(&list, names.join("\0")).expect("write the list of files");
        // A version has dots: what follows the last one is no extension.
        let package = tree.with_file_name(format!("{name}-{version}-any.pkg.tar"));
        tool(bsdtar(&tree, &list).arg("-cf").arg(&package));
        fs::remove_dir_all(&tree).expect("remove the package's tree");
        package
    }
}

/// bsdtar, about to archive the files that `list` names.
fn bsdtar(tree: &Path, list: &Path) -> Command {
    let mut command = Command::new("bsdtar");
    command.env("LC_ALL", "C.UTF-8").arg("--no-recursion").args(["--uid", "0", "--gid", "0"]);
    command.arg("-C").arg(tree).args(["--null", "--files-from"]).arg(list);
    command
}

/// All paths below a directory, in order.
fn files_below(tree: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut todo = vec![PathBuf::new()];
    while let Some(dir) = todo.pop() {
        for entry in tree.join(&dir).read_dir().expect("list a package's directory") {
            let entry = entry.expect("list a package's directory");
            let path = dir.join(entry.file_name());
            if entry.file_type().expect("a file's type").is_dir() {
                todo.push(path.clone());
            }
            found.push(path.to_str().expect("names of a test's files are UTF-8").to_owned());
        }
    }
    found.sort();
    found
}

/// pacman on the system below `root`.
pub fn pacman(root: &Path) -> Command {
    let mut command = Command::new("pacman");
    command.env("LC_ALL", "C.UTF-8").arg("--root").arg(root);
    command.arg("--dbpath").arg(root.join("usr").join(DATABASE));
    command.arg("--config").arg(root.join("etc/pacman.conf"));
    command.arg("--logfile").arg("/dev/null").arg("--hookdir").arg(root.join("etc/pacman.d/hooks"));
    command.arg("--noconfirm");
    command
}

/// Writes the configuration that such systems have.
pub fn configure(root: &Path) {
    let text = format!("[options]\nDBPath = /usr/{DATABASE}/\nArchitecture = auto\nSigLevel = Never\n");
    Edits::new().file("etc/pacman.conf", text).dir("etc/pacman.d/hooks").apply(root);
}

/// Installs packages into the system below `root`.
#[track_caller]
pub fn install(root: &Path, packages: &[PathBuf]) {
    tool(pacman(root).arg("-U").args(packages));
}

/// Installs packages as dependencies of others.
#[track_caller]
pub fn install_as_dependency(root: &Path, packages: &[PathBuf]) {
    tool(pacman(root).args(["-U", "--asdeps"]).args(packages));
}

/// Removes a package that others may need.
#[track_caller]
pub fn remove(root: &Path, name: &str) {
    tool(pacman(root).args(["-R", "--nodeps", "--nodeps", name]));
}

/// Fills a base's /usr with a system made of these packages, its database inside /usr, and all but those that are named
/// there installed as a dependency.
pub fn fill(dir: &Path, usr: &Path, packages: &[Pkg], explicit: &[&str]) {
    let root = usr.with_extension("root");
    Edits::new().dir(format!("usr/{DATABASE}")).dir("etc").apply(&root);
    configure(&root);
    let (wanted, needed): (Vec<&Pkg>, Vec<&Pkg>) =
        packages.iter().partition(|package| explicit.contains(&package.name));
    let build = |packages: Vec<&Pkg>| packages.iter().map(|package| package.build(dir)).collect::<Vec<_>>();
    for (packages, mark) in [(build(needed), "--asdeps"), (build(wanted), "--asexplicit")] {
        if !packages.is_empty() {
            tool(pacman(&root).args(["-U", "--nodeps", mark]).args(packages));
        }
    }
    fs::remove_dir(usr).expect("make room for usr");
    fs::rename(root.join("usr"), usr).expect("take usr out of the system");
    fs::remove_dir_all(&root).expect("remove the rest of the system");
}

/// Versions of the installed packages by the directories of the database: one that is there twice has both here.
pub fn installed(root: &Path) -> BTreeMap<String, Vec<String>> {
    let local = root.join("usr").join(DATABASE).join("local");
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in local.read_dir().expect("list the database") {
        let name = entry.expect("list the database").file_name().into_string().expect("names are UTF-8");
        if name == "ALPM_DB_VERSION" {
            continue;
        }
        let mut parts = name.rsplitn(3, '-');
        let (release, version) = (parts.next().expect("a release"), parts.next().expect("a version"));
        let package = parts.next().unwrap_or_else(|| panic!("{name} in the database is no package"));
        versions.entry(package.to_owned()).or_default().push(format!("{version}-{release}"));
    }
    for list in versions.values_mut() {
        list.sort();
    }
    versions
}

/// The packages that the user asked for, as pacman lists them.
pub fn explicit(root: &Path) -> Vec<String> {
    tool(pacman(root).args(["-Qqe"])).lines().map(str::to_owned).collect()
}

/// What pacman's check of its database says, which it does not always say with its exit code.
pub fn database_check(root: &Path) -> Finished {
    within(std::time::Duration::from_secs(60), pacman(root).arg("-Dk"))
}

/// Fails unless pacman itself finds nothing wrong: each file by its mtree, the database, and that it lists the directories
/// that are there.
#[track_caller]
pub fn assert_content(root: &Path) {
    let check = database_check(root);
    assert!(check.code == Some(0) && check.stderr.is_empty(), "pacman -Dk: {check:?}");
    assert_files(root);
}

/// As [`assert_content`], for a system whose dependencies do not hold.
#[track_caller]
pub fn assert_files(root: &Path) {
    let files = within(std::time::Duration::from_secs(60), pacman(root).arg("-Qkk"));
    let altered = |line: &&str| !line.contains(", 0 altered files") && !line.trim().is_empty();
    let wrong: Vec<&str> = files.stdout.lines().filter(altered).collect();
    assert!(files.code == Some(0) && files.stderr.is_empty() && wrong.is_empty(), "pacman -Qkk: {files:?}");
    let mut listed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in tool(pacman(root).arg("-Q")).lines() {
        let (name, version) = line.split_once(' ').expect("name and version");
        listed.entry(name.to_owned()).or_default().push(version.to_owned());
    }
    assert_eq!(listed, installed(root), "what pacman lists, and the directories of its database");
    let once = listed.iter().all(|(_, versions)| versions.len() == 1);
    assert!(once, "a package is there twice: {listed:?}");
}

/// The file that holds the lock of a transaction: none may be left.
pub fn lock(root: &Path) -> PathBuf {
    root.join("usr").join(DATABASE).join("db.lck")
}

/// Leaves a lock as a transaction that was cut off does.
pub fn leave_lock(root: &Path) {
    File::create(lock(root)).expect("make the lock");
}
