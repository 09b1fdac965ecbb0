//! The manual pages and the documents name all that there is: commands, options, keys of the configuration, reasons,
//! verdicts. What they say of them, people read.

use std::fs;
use std::path::{Path, PathBuf};

use veneer_tests::status::REASONS;

fn source(path: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("read {}: {e}", path.display()))
}

/// Every word that `before` introduces in `text`, up to `after`.
fn words<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split_once(after)).map(|(word, _)| word).collect()
}

#[track_caller]
fn names_all(page: &str, wanted: &[String]) {
    let text = source(page);
    assert!(!wanted.is_empty(), "nothing to look for in {page}");
    let missing: Vec<_> = wanted.iter().filter(|word| !text.contains(*word)).collect();
    assert!(missing.is_empty(), "{page} does not name {missing:?}");
}

#[test]
fn commands_and_options() {
    let arguments = source("cli/src/args.rs");
    let commands = arguments.lines().filter_map(|line| line.trim().strip_prefix("Some(\""));
    let commands = commands.filter_map(|line| line.split_once("\") => Command::"));
    let commands: Vec<String> = commands.map(|(word, _)| format!("*{word}*")).collect();
    let options = words(&arguments, "Arg::Long(\"", "\")").into_iter().map(|word| format!("--{word}"));
    assert!(commands.len() >= 8, "{commands:?}");
    names_all("docs/man/veneer.8.scd", &commands);
    names_all("docs/man/veneer.8.scd", &options.collect::<Vec<_>>());
    let assemble = source("dracut-module/src/args.rs");
    let options = words(&assemble, "Arg::Long(\"", "\")").into_iter();
    let options: Vec<String> =
        options.filter(|word| !["help", "version"].contains(word)).map(|word| format!("--{word}")).collect();
    names_all("docs/man/veneer-generator.8.scd", &options);
}

#[test]
fn keys_of_the_configuration() {
    let template = source("dracut-module/veneer.conf");
    let keys = template.lines().filter_map(|line| line.strip_prefix('#')?.split_once('='));
    let keys = keys.filter(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
    let keys: Vec<String> = keys.map(|(key, _)| format!("*{key}=*")).collect();
    assert!(keys.len() >= 11, "{keys:?}");
    names_all("docs/man/veneer.conf.5.scd", &keys);
}

#[test]
fn reasons() {
    let reasons: Vec<String> =
        REASONS.iter().filter(|code| **code != "ok").map(|code| format!("*{code}*")).collect();
    names_all("docs/man/veneer.8.scd", &reasons);
}

/// A variant's name as JSON has it.
fn kebab(name: &str) -> String {
    let mut word = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(c.to_ascii_lowercase());
    }
    word
}

/// The variants of the enum `name`, without what they carry.
fn variants(path: &str, name: &str) -> Vec<String> {
    let text = source(path);
    let body = words(&text, &format!("enum {name} {{\n"), "\n}\n");
    let lines = body.first().unwrap_or_else(|| panic!("{path} has no {name}")).lines();
    // Four blanks: fields of a variant have eight.
    let names = lines.filter_map(|line| line.strip_prefix("    "));
    let names = names.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    names.map(|line| kebab(line.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or(line))).collect()
}

#[test]
fn kinds_of_problems_and_warnings() {
    let warnings = variants("cli/src/warnings/mod.rs", "WarningKind");
    names_all("docs/man/veneer.8.scd", &warnings.iter().map(|word| format!("*{word}*")).collect::<Vec<_>>());
    let problems = variants("veneer/src/report/problem.rs", "ProblemKind");
    let quoted = |all: &[String]| all.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>();
    for schema in ["status", "check"] {
        let page = format!("docs/schemas/{schema}.json");
        names_all(&page, &quoted(&warnings));
        names_all(&page, &quoted(&problems));
    }
    names_all("docs/schemas/status.json", &REASONS.map(|code| format!("\"{code}\"")));
}

/// Every command that answers in JSON has a schema, and every schema a command.
#[test]
fn schemas() {
    let arguments = source("cli/src/args.rs");
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas");
    let names =
        fs::read_dir(&dir).expect("list the schemas").map(|entry| entry.expect("an entry").file_name());
    let names: Vec<String> =
        names.filter_map(|name| Some(name.to_str()?.strip_suffix(".json")?.to_owned())).collect();
    for name in names.iter().filter(|name| *name != "rebase-dry-run") {
        assert!(arguments.contains(&format!("Some(\"{name}\")")), "{name} is no command");
    }
    // What `run` prints is the program's own.
    for name in words(&arguments, "Some(\"", "\") => ").into_iter().filter(|name| *name != "run") {
        assert!(names.iter().any(|found| found == name), "docs/schemas has no {name}.json");
    }
}

#[test]
fn every_reason_is_explained() {
    let rows: Vec<String> = REASONS.iter().map(|code| format!("\n| `{code}` |")).collect();
    names_all("docs/how-it-works.md", &rows);
    let headings: Vec<String> = REASONS.iter().map(|code| format!("\n### `{code}`\n")).collect();
    names_all("docs/troubleshooting.md", &headings);
    let picture: Vec<String> = REASONS.iter().map(|code| (*code).to_owned()).collect();
    names_all("docs/pictures/verdict.svg", &picture);
}

/// Each is the first of its row.
#[track_caller]
fn has_rows(page: &str, words: &[String], mark: &str) {
    names_all(page, &words.iter().map(|word| format!("\n| {mark}{word}{mark} |")).collect::<Vec<_>>());
}

#[test]
fn every_verdict_is_explained() {
    let page = "docs/how-it-works.md";
    has_rows(page, &variants("veneer/src/verdict/mod.rs", "Verdict"), "");
    let actions = variants("veneer/src/store/layer.rs", "Action");
    names_all(page, &actions.iter().map(|word| format!("| `{word}` |")).collect::<Vec<_>>());
    let judge = source("veneer/src/rebase/judge/mod.rs");
    let entries: Vec<String> = words(&judge, "=> \"", "\",").into_iter().map(str::to_owned).collect();
    assert!(entries.len() >= 9, "{entries:?}");
    has_rows(page, &entries, "`");
    let packages = variants("veneer/src/packages/verdict.rs", "Verdict");
    let packages: Vec<String> =
        packages.iter().map(|word| word.replace('-', "").to_ascii_uppercase()).collect();
    assert!(packages.len() >= 8, "{packages:?}");
    has_rows(page, &packages, "");
    has_rows(page, &variants("veneer/src/base/identity.rs", "IdSource"), "`");
}

#[test]
fn every_kind_of_problem_and_warning_is_explained() {
    let page = "docs/troubleshooting.md";
    has_rows(page, &variants("veneer/src/report/problem.rs", "ProblemKind"), "`");
    has_rows(page, &variants("cli/src/warnings/mod.rs", "WarningKind"), "`");
}

#[test]
fn units_of_the_running_system() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/units");
    let names = fs::read_dir(&dir).expect("list the units").map(|entry| entry.expect("an entry").file_name());
    let names = names.filter_map(|name| name.into_string().ok()).filter(|name| name.ends_with(".service"));
    names_all("docs/man/dracut-veneer.7.scd", &names.map(|name| format!("*{name}*")).collect::<Vec<_>>());
}
