//! Against `rpm -Va --nofiles`, on a database of packages that rpmbuild made.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use veneer::packages::dependency::{Check, Kind, Member, rpm};
use veneer::packages::version::Order;
use veneer_tests::dice::Dice;
use veneer_tests::run::within;

use crate::Found;
use crate::world::{PACKAGES, any_name, some, version, virtual_name, whole_version};

const ASKERS: usize = 20;
const EACH: usize = 40;

pub(crate) fn find(dir: &Path, dice: &mut Dice) -> Found {
    let database = install(dir, &spec(dice));
    let query = |format: &str| {
        let format = format!("[{format}\\n]");
        run(Command::new("rpm").arg("--dbpath").arg(&database).args(["-qa", "--qf", &format]))
    };
    let mut check = Check::new(Order::Rpm, "");
    let mut asked = 0;
    for (tag, kind) in [("REQUIRE", Kind::Needs), ("CONFLICT", Kind::Forbids)] {
        for row in
            query(&format!("%{{=NAME}}\\t%{{{tag}NAME}}\\t%{{{tag}FLAGS}}\\t%{{{tag}VERSION}}")).lines()
        {
            let [asker, name, flags, version] = row.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{row}")
            };
            let flags = flags.parse().expect("flags");
            let member = Member { name: asker, version: "1-1", ..Member::default() };
            check.require(&member, rpm::requirement(name, flags, version, kind));
            asked += usize::from(asker.starts_with('u'));
        }
    }
    let provides = query("%{=NAME}\\t%{=EVR}\\t%{PROVIDENAME}\\t%{PROVIDEFLAGS}\\t%{PROVIDEVERSION}");
    let mut members: BTreeMap<(&str, &str), Vec<_>> = BTreeMap::new();
    for row in provides.lines() {
        let [name, evr, provided, flags, version] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        let flags = flags.parse().expect("flags");
        members.entry((name, evr)).or_default().push(rpm::provided(provided, flags, version));
    }
    for ((name, version), provides) in members {
        check.see(&Member { name, version, ..Member::default() }, provides);
    }
    let report = check.finish(&|path| {
        (0..PACKAGES).any(|number| has_file(number) && path == format!("/usr/bin/p{number}"))
    });
    assert!(report.complete);
    let ours = report.unmet.into_iter().map(|unmet| format!("{}: {}", unmet.package, unmet.requirement));
    Found { ours: ours.collect(), theirs: verify(&database), asked }
}

/// One source for all packages.
fn spec(dice: &mut Dice) -> String {
    let mut spec =
        "Name: all\nVersion: 1\nRelease: 1\nSummary: of a test\nLicense: none\nBuildArch: noarch\n\
        %description\nOf a test.\n%install\nmkdir -p %{buildroot}/usr/bin\n"
            .to_owned();
    for number in (0..PACKAGES).filter(|number| has_file(*number)) {
        writeln!(spec, "touch %{{buildroot}}/usr/bin/p{number}").expect("write into a string");
    }
    let mut package = |name: &str, lines: &[String], files: &str| {
        let lines = lines.join("\n");
        write!(
            spec,
            "%package -n {name}\nSummary: of a test\n{lines}\n%description -n {name}\nOf a test.\n\
             %files -n {name}\n{files}\n"
        )
        .expect("write into a string");
    };
    for number in 0..PACKAGES {
        let whole = whole_version(dice);
        let (epoch, rest) = whole.split_once(':').unwrap_or(("0", &whole));
        let (version, release) = rest.split_once('-').expect("a release");
        let mut lines = vec![format!("Version: {version}"), format!("Release: {release}")];
        if epoch != "0" {
            lines.push(format!("Epoch: {epoch}"));
        }
        lines.extend(some(dice, |dice| format!("Provides: {}", capability(dice, virtual_name))));
        let file = if has_file(number) { format!("/usr/bin/p{number}") } else { String::new() };
        package(&format!("p{number}"), &lines, &file);
    }
    for number in 0..ASKERS {
        let line = |dice: &mut Dice| match dice.below(10) {
            0..=4 => format!("Requires: {}", capability(dice, any_name)),
            5 => format!("Requires: /usr/bin/{}", any_name(dice)),
            6 | 7 => format!("Requires: {}", boolean(dice, Some("if"))),
            8 => format!("Conflicts: {}", capability(dice, any_name)),
            _ => format!("Conflicts: {}", boolean(dice, Some("unless"))),
        };
        let lines: Vec<String> = (0..EACH).map(|_| line(dice)).collect();
        package(&format!("u{number}"), &lines, "");
    }
    spec
}

/// Not every package has one.
fn has_file(number: usize) -> bool {
    number % 10 != 9
}

fn capability(dice: &mut Dice, name: fn(&mut Dice) -> String) -> String {
    let name = name(dice);
    match dice.below(4) {
        0 => name,
        1 => format!("{name} = {}", version(dice)),
        _ => format!("{name} {} {}", dice.one(&["<", "<=", "=", ">=", ">"]), version(dice)),
    }
}

/// rpmbuild lets `if` only be required and `unless` only be forbidden, and allows either only far out.
fn boolean(dice: &mut Dice, condition: Option<&str>) -> String {
    let operand = |dice: &mut Dice| match dice.below(6) {
        0 => boolean(dice, None),
        1 => jointly(dice),
        _ => capability(dice, any_name),
    };
    let list: Vec<String> = (0..=1 + dice.below(2)).map(|_| operand(dice)).collect();
    match (condition, dice.below(5)) {
        (Some(condition), 0 | 1) => {
            let otherwise = list.get(2).map(|what| format!(" else {what}")).unwrap_or_default();
            format!("({} {condition} {}{otherwise})", list[0], list[1])
        }
        (_, 2) => jointly(dice),
        (_, even) => format!("({})", list.join(if even % 2 == 0 { " and " } else { " or " })),
    }
}

fn jointly(dice: &mut Dice) -> String {
    let one = |dice: &mut Dice| {
        let name = if dice.below(2) == 0 { virtual_name } else { any_name };
        capability(dice, name)
    };
    let (a, b, c) = (one(dice), one(dice), one(dice));
    match dice.below(4) {
        0 => format!("({a} with {b})"),
        1 => format!("({a} without {b})"),
        2 => format!("(({a} or {b}) with {c})"),
        _ => format!("({a} with ({b} or {c}))"),
    }
}

/// A database with all of them, and nothing else.
fn install(dir: &Path, spec: &str) -> std::path::PathBuf {
    let file = dir.join("all.spec");
    fs::write(&file, spec).expect("write the spec");
    let top = format!("_topdir {}", dir.display());
    // Payloads are empty; the quickest compression is none.
    run(Command::new("rpmbuild")
        .args(["-bb", "--quiet", "--nodeps", "--define", &top, "--define", "_binary_payload w0.gzdio"])
        .args(["--define", "__os_install_post %{nil}", "--define", "_build_id_links none"])
        .arg(&file));
    let database = dir.join("db");
    let mut command = Command::new("rpm");
    command.arg("--dbpath").arg(&database).args(["-i", "--justdb", "--nodeps", "--noscripts"]);
    // Debian's rpm refuses to install without it, others do not know it.
    if Path::new("/etc/debian_version").exists() {
        command.arg("--force-debian");
    }
    for entry in fs::read_dir(dir.join("RPMS/noarch")).expect("the packages are there") {
        command.arg(entry.expect("a package").path());
    }
    run(&mut command);
    database
}

/// `package: requirement` of everything that rpm finds unmet.
fn verify(database: &Path) -> BTreeSet<String> {
    let mut command = Command::new("rpm");
    command.arg("--dbpath").arg(database).args(["-Va", "--nofiles"]).env("LC_ALL", "C");
    let done = within(Duration::from_secs(60), &mut command);
    let line = |line: &str| {
        // A conflict is said of the package that is in the way.
        let (requirement, asker) = line
            .strip_prefix('\t')?
            .split_once(" is needed by (installed) ")
            .or_else(|| line.strip_prefix('\t')?.split_once(" conflicts with (installed) "))?;
        Some(format!("{}: {requirement}", asker.strip_suffix("-1-1.noarch")?))
    };
    let said = done.stdout.lines().chain(done.stderr.lines()).filter(|line| line.starts_with('\t'));
    said.map(|text| line(text).unwrap_or_else(|| panic!("not understood: {text}"))).collect()
}

fn run(command: &mut Command) -> String {
    let done = within(Duration::from_secs(120), command.env("LC_ALL", "C"));
    assert_eq!(done.code, Some(0), "{command:?}\n{}{}", done.stdout, done.stderr);
    done.stdout
}
