//! Against `pacman -Dk`, on a database of directories.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use veneer::packages::dependency::{Check, Kind, Member, What, pacman};
use veneer::packages::version::Order;
use veneer_tests::dice::Dice;
use veneer_tests::run::within;

use crate::Found;
use crate::world::{PACKAGES, any_name, some, version, virtual_name, whole_version};

const ASKERS: usize = 40;
const EACH: usize = 30;

pub(crate) fn find(dir: &Path, dice: &mut Dice) -> Found {
    fs::create_dir_all(dir.join("local")).expect("make the database");
    fs::write(dir.join("local/ALPM_DB_VERSION"), "9\n").expect("write the database's version");
    let mut check = Check::new(Order::Pacman, "");
    for number in 0..ASKERS {
        let name = format!("u{number}");
        let depends: Vec<String> = (0..EACH).map(|_| capability(dice, any_name)).collect();
        let conflicts = some(dice, |dice| capability(dice, any_name));
        let member = Member { name: &name, version: "1-1", ..Member::default() };
        check.require(&member, depends.iter().map(|text| pacman::requirement(text, Kind::Needs)));
        check.require(&member, conflicts.iter().map(|text| pacman::requirement(text, Kind::Forbids)));
        write(dir, member, &[("DEPENDS", &depends), ("CONFLICTS", &conflicts)]);
    }
    for number in 0..PACKAGES {
        let (name, version) = (format!("p{number}"), whole_version(dice));
        let provides = some(dice, |dice| capability(dice, virtual_name));
        let member = Member { name: &name, version: &version, ..Member::default() };
        check.see(&member, provides.iter().filter_map(|text| pacman::provided(text)));
        write(dir, member, &[("PROVIDES", &provides)]);
    }
    let report = check.finish(&|_| false);
    assert!(report.complete);
    let line = |unmet: veneer::packages::dependency::Unmet| match unmet.what {
        What::Conflict { .. } => format!("{}: conflict", unmet.package),
        _ => format!("{}: {}", unmet.package, unmet.requirement),
    };
    Found { ours: report.unmet.into_iter().map(line).collect(), theirs: verify(dir), asked: ASKERS * EACH }
}

fn capability(dice: &mut Dice, name: fn(&mut Dice) -> String) -> String {
    let name = name(dice);
    match dice.below(4) {
        0 => name,
        1 => format!("{name}={}", version(dice)),
        _ => format!("{name}{}{}", dice.one(&["<", "<=", "=", ">=", ">"]), version(dice)),
    }
}

fn write(dir: &Path, member: Member<'_>, fields: &[(&str, &Vec<String>)]) {
    let Member { name, version, .. } = member;
    let package = dir.join(format!("local/{name}-{version}"));
    fs::create_dir(&package).expect("make a package's directory");
    let mut desc = format!("%NAME%\n{name}\n\n%VERSION%\n{version}\n\n%ARCH%\nany\n\n");
    for (field, lines) in fields {
        desc.extend(["%", field, "%\n", &lines.join("\n"), "\n\n"]);
    }
    fs::write(package.join("desc"), desc).expect("write desc");
    fs::write(package.join("files"), "").expect("write files");
}

fn verify(dir: &Path) -> BTreeSet<String> {
    let mut command = Command::new("pacman");
    command.args(["-Dk", "--config", "/dev/null", "--dbpath"]).arg(dir).env("LC_ALL", "C");
    let done = within(Duration::from_secs(60), &mut command);
    // `error: missing 'p1>2' dependency for 'u3'`, `error: 'u3' conflicts with 'p1'`
    let line = |line: &str| {
        let words: Vec<&str> = line.split('\'').collect();
        Some(match words[..] {
            [first, what, " dependency for ", package, ""] if first.ends_with("missing ") => {
                format!("{package}: {what}")
            }
            [_, package, " conflicts with ", _, ""] => format!("{package}: conflict"),
            _ => return None,
        })
    };
    let said = done.stderr.lines().filter(|line| line.starts_with("error"));
    said.map(|text| line(text).unwrap_or_else(|| panic!("not understood: {text}"))).collect()
}
