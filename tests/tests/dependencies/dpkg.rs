//! Against `apt-get check`, on a status file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use veneer::packages::dependency::{Check, Kind, Member, MultiArch, dpkg};
use veneer::packages::version::Order;
use veneer_tests::dice::Dice;
use veneer_tests::run::within;

use crate::Found;
use crate::world::{PACKAGES, any_name, some, version, virtual_name};

/// Packages that ask, each for one thing: apt's own list is by package.
const ASKERS: usize = 1200;
const ARCHES: &[&str] = &["amd64", "amd64", "i386", "all"];

struct Package {
    name: String,
    version: &'static str,
    arch: &'static str,
    multi_arch: &'static str,
    provides: String,
}

pub(crate) fn find(dir: &Path, dice: &mut Dice) -> Found {
    let mut status = String::new();
    let mut check = Check::new(Order::Dpkg, "amd64");
    let mut asked = BTreeMap::new();
    for number in 0..ASKERS {
        let (field, kind) = *dice.one(&[
            ("Depends", Kind::Needs),
            ("Depends", Kind::Needs),
            ("Pre-Depends", Kind::Needs),
            ("Breaks", Kind::Forbids),
            ("Conflicts", Kind::Forbids),
        ]);
        let relation = if kind == Kind::Needs && dice.below(3) == 0 {
            (0..=1 + dice.below(2)).map(|_| relation(dice)).collect::<Vec<_>>().join(" | ")
        } else {
            relation(dice)
        };
        let asker = Package {
            name: format!("u{number}"),
            version: "1",
            arch: dice.one::<&str>(ARCHES),
            multi_arch: "no",
            provides: String::new(),
        };
        status += &asker.stanza(&format!("{field}: {relation}\n"));
        asked.insert(asker.name.clone(), format!("{} of {}: {field}: {relation}", asker.name, asker.arch));
        check.require(&asker.member(), dpkg::requirements(&relation, kind));
    }
    for package in base(dice) {
        status += &package.stanza("");
        check.see(&package.member(), dpkg::provides(&package.provides));
    }
    let report = check.finish(&|_| false);
    assert!(report.complete);
    Found {
        ours: report.unmet.into_iter().map(|unmet| asked[&unmet.package].clone()).collect(),
        theirs: apt(dir, &status).into_iter().map(|name| asked[&name].clone()).collect(),
        asked: ASKERS,
    }
}

fn base(dice: &mut Dice) -> Vec<Package> {
    let mut packages = Vec::new();
    for number in 0..PACKAGES {
        let mut package = Package {
            name: format!("p{number}"),
            version: version(dice),
            arch: dice.one::<&str>(ARCHES),
            multi_arch: dice.one::<&str>(&["no", "no", "same", "foreign", "allowed"]),
            provides: some(dice, provided).join(", "),
        };
        if package.arch == "all" && package.multi_arch == "same" {
            package.multi_arch = "no";
        }
        if package.multi_arch == "same" && dice.below(2) == 0 {
            let arch = if package.arch == "i386" { "amd64" } else { "i386" };
            let (name, provides) = (package.name.clone(), package.provides.clone());
            packages.push(Package { name, arch, provides, ..package });
        }
        packages.push(package);
    }
    packages
}

fn provided(dice: &mut Dice) -> String {
    let arch = *dice.one(&["", "", "", ":i386", ":any"]);
    // No `>=`: dpkg takes no notice of such a Provides at all, apt of its version only where no architecture is named.
    match dice.below(3) {
        0 => format!("{}{arch}", virtual_name(dice)),
        _ => format!("{}{arch} (= {})", virtual_name(dice), version(dice)),
    }
}

fn relation(dice: &mut Dice) -> String {
    let name = any_name(dice);
    let arch = *dice.one(&["", "", "", "", ":any", ":amd64", ":i386"]);
    match dice.below(3) {
        0 => format!("{name}{arch}"),
        _ => format!("{name}{arch} ({} {})", dice.one(&["<<", "<=", "=", ">=", ">>"]), version(dice)),
    }
}

impl Package {
    fn member(&self) -> Member<'_> {
        Member {
            name: &self.name,
            version: self.version,
            arch: if self.arch == "all" { "" } else { self.arch },
            multi_arch: MultiArch::parse(self.multi_arch),
        }
    }

    fn stanza(&self, more: &str) -> String {
        let Package { name, version, arch, multi_arch, provides } = self;
        let mut text = format!(
            "Package: {name}\nStatus: install ok installed\nMaintainer: Nobody <nobody@example.org>\n\
             Architecture: {arch}\nVersion: {version}\nMulti-Arch: {multi_arch}\nDescription: of a test\n{more}"
        );
        if !provides.is_empty() {
            writeln!(text, "Provides: {provides}").expect("write into a string");
        }
        text + "\n"
    }
}

/// The packages of which apt says that something is unmet.
fn apt(dir: &Path, status: &str) -> BTreeSet<String> {
    for below in ["lists/partial", "cache/archives/partial", "etc"] {
        fs::create_dir_all(dir.join(below)).expect("make apt's directories");
    }
    fs::write(dir.join("status"), status).expect("write the status file");
    let at = dir.display();
    let conf = format!(
        "Dir::State \"{at}\";\nDir::State::status \"{at}/status\";\nDir::State::Lists \"{at}/lists\";\n\
         Dir::Cache \"{at}/cache\";\nDir::Etc \"{at}/etc\";\nDir::Log \"{at}\";\nAPT::Architecture \"amd64\";\n\
         APT::Architectures {{ \"amd64\"; \"i386\"; }};\nDebug::NoLocking \"1\";\n"
    );
    fs::write(dir.join("apt.conf"), conf).expect("write apt's configuration");
    let mut command = Command::new("apt-get");
    command.args(["check", "-q"]).env("APT_CONFIG", dir.join("apt.conf")).env("LC_ALL", "C");
    let done = within(std::time::Duration::from_secs(60), &mut command);
    let text = done.stdout + &done.stderr;
    assert!(done.code == Some(100) && text.contains("have unmet dependencies"), "apt-get check: {text}");
    // ` u7 : Depends: p1 (> 1)`, ` u8:i386 : …`; more lines of one package are further to the right.
    let package = |line: &str| {
        let (name, _) = line.strip_prefix(' ')?.split_once(" : ")?;
        let name = name.split(':').next()?;
        (!name.starts_with(' ')).then(|| name.to_owned())
    };
    text.lines().filter_map(package).collect()
}
