//! Real Debian packages and databases, made and installed with dpkg itself.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::edit::Edits;
use crate::run::tool;

/// Where the database is in /usr, and what /var/lib/dpkg is a link to.
pub const DATABASE: &str = "lib/sysimage/dpkg";

/// A package to be built.
pub struct Deb {
    name: &'static str,
    version: &'static str,
    fields: &'static str,
    files: Edits,
}

impl Deb {
    /// A package whose files are given below /usr.
    pub fn new(name: &'static str, version: &'static str, files: Edits) -> Deb {
        Deb { name, version, fields: "", files }
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

    /// Builds it below `dir`.
    pub fn build(&self, dir: &Path) -> PathBuf {
        let tree = dir.join(format!("debs/{}_{}", self.name, self.version));
        let usr = tree.join("usr");
        fs::create_dir_all(&usr).expect("make the package's tree");
        self.files.apply(&usr);
        let Deb { name, version, fields, .. } = self;
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\n\
             {fields}Description: a package of a test\n"
        );
        Edits::new().file("DEBIAN/control", control).mode("DEBIAN", 0o755).apply(&tree);
        let deb = tree.with_extension("deb");
        // A version has dots: what follows the last one is no extension.
        let deb = deb.with_file_name(format!("{name}_{version}.deb"));
        let mut build = Command::new("dpkg-deb");
        tool(build.args(["--root-owner-group", "-Znone", "--build"]).arg(&tree).arg(&deb));
        fs::remove_dir_all(&tree).expect("remove the package's tree");
        deb
    }
}

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
    let debs: Vec<PathBuf> = packages.iter().map(|package| package.build(dir)).collect();
    install(&root, &debs);
    fs::remove_dir(usr).expect("make room for usr");
    fs::rename(root.join("usr"), usr).expect("take usr out of the system");
    fs::remove_dir_all(&root).expect("remove the rest of the system");
}

/// Makes /var/lib/dpkg the link that it is on such systems.
pub fn link_database(root: &Path) {
    fs::create_dir_all(root.join("var/lib")).expect("make var/lib");
    symlink(format!("../../usr/{DATABASE}"), root.join("var/lib/dpkg")).expect("link the database");
}

/// Versions of the installed packages, as dpkg lists them; one listed twice has both versions here.
pub fn installed(root: &Path) -> BTreeMap<String, Vec<String>> {
    let mut query = Command::new("dpkg-query");
    query.arg(format!("--root={}", root.display()));
    let list =
        tool(query.args(["--show", "--showformat", "${binary:Package} ${Version} ${db:Status-Abbrev}\n"]));
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in list.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert!(words.len() == 3 && words[2] == "ii", "a package that is not well: {line:?}");
        versions.entry(words[0].to_owned()).or_default().push(words[1].to_owned());
    }
    versions
}

/// Fails unless dpkg itself finds nothing wrong: its audit, each file's digest, and that what it lists is there.
#[track_caller]
pub fn assert_content(root: &Path) {
    let audit = tool(dpkg(root).arg("--audit"));
    assert!(audit.trim().is_empty(), "dpkg --audit: {audit}");
    let verify = tool(dpkg(root).arg("--verify"));
    assert!(verify.trim().is_empty(), "dpkg --verify: {verify}");
    for name in installed(root).keys() {
        let mut query = Command::new("dpkg-query");
        query.arg(format!("--root={}", root.display()));
        let files = tool(query.arg("--listfiles").arg(name));
        for file in files.lines().filter(|line| line.starts_with('/')) {
            let path = root.join(file.trim_start_matches('/'));
            assert!(path.symlink_metadata().is_ok(), "{name} lists {file}, which is not there");
        }
    }
}
