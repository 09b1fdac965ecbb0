//! The completions in packaging/completions offer what the parser accepts, no less and no more: the shells are asked.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::args::read;

/// In it a command stands as `Some("status") =>`, and an option as `Long("json")`.
const PARSER: &str = include_str!("args.rs");

/// What prints, for the words of a line as arguments, what is offered for the last of them: one a line, maybe with more after
/// it. `$0` is where the completions are; `veneer layers` answers with $LAYERS.
const SHELLS: [&[&str]; 3] = [
    &[
        "bash",
        "--norc",
        "-c",
        r#"veneer() { echo "$LAYERS"; }; source "$0/veneer.bash"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _veneer; printf '%s\n' "${COMPREPLY[@]}""#,
    ],
    // zsh's own functions are replaced by some that print what they are to complete.
    &[
        "zsh",
        "-f",
        "-c",
        r#"setopt extended_glob
        veneer() { echo $LAYERS }
        _arguments() {
            for spec; do
                case $spec in
                    2:*:\(*\)) print -rl -- ${=${${spec##*\(}%\)}} ;;
                    ([0-9]|\*:)*) ;;
                    *) print -r -- ${${spec##\([^\)]#\)}#\*} ;;
                esac
            done
            state=command
            return 1
        }
        _describe() { print -rl -- ${(P)2} }
        _veneer() { local words=("$@") CURRENT=$#; source $0/_veneer }
        unsetopt function_argzero
        _veneer "$@""#,
    ],
    &[
        "fish",
        "--no-config",
        "-c",
        r#"function veneer; echo $LAYERS; end
        source $argv[1]/veneer.fish; complete -C "$argv[2..]""#,
    ],
];

fn offered(shell: &[&str], line: &[&str]) -> BTreeSet<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/completions");
    let layers = serde_json::json!([
        { "id": "0001-3f9c2a1b7d04", "base": { "id": "3f9c2a1b7d04aa", "source": "stamp" }, "parent": null },
        { "id": "0002-5b1d7e90ac33", "damaged": "why" },
    ]);
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).arg(&dir).args(line).env("LAYERS", layers.to_string());
    let out = command.output().unwrap_or_else(|e| panic!("run {}: {e}", shell[0]));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(said.is_empty(), "{} {line:?}: {said}", shell[0]);
    let text = String::from_utf8(out.stdout).expect("text");
    let words = text.lines().filter_map(|line| line.split(['\t', '[', '=', ':']).next());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The words that stand in the parser between these.
fn words(before: &str, after: &str) -> BTreeSet<String> {
    let rest = PARSER.split(before).skip(1);
    rest.filter_map(|rest| rest.split_once(after)).map(|(word, _)| word.to_owned()).collect()
}

fn commands() -> BTreeSet<String> {
    words("Some(\"", "\") => ").into_iter().filter(|word| !word.contains('"')).collect()
}

/// Whether the option may follow the command, whatever else that needs, and whether or not the option has a value.
fn accepts(command: &str, option: &str) -> bool {
    let more: [&[&str]; 4] = [&[], &["/x"], &["--base=/x"], &["shut"]];
    let forms = [option.to_owned(), format!("{option}=/x")];
    forms.iter().any(|option| {
        more.iter().any(|more| {
            let words = [command, option].into_iter().chain(more.iter().copied());
            read(words.map(Into::into)).is_ok()
        })
    })
}

#[test]
fn commands_are_offered() {
    assert!(commands().len() >= 15, "{:?}", commands());
    for shell in SHELLS {
        for line in [&["veneer", ""][..], &["veneer", "--json", "--root", "/x", ""]] {
            let mut offered = offered(shell, line);
            offered.retain(|word| !word.starts_with('-'));
            assert_eq!(offered, commands(), "{} {line:?}", shell[0]);
        }
    }
}

#[test]
fn options_are_offered_where_they_are_accepted() {
    let options: BTreeSet<String> = words("Long(\"", "\")").iter().map(|word| format!("--{word}")).collect();
    assert!(options.len() >= 12, "{options:?}");
    // What follows `run` is another command.
    for command in commands().iter().filter(|command| *command != "run") {
        let accepted: BTreeSet<&String> = options.iter().filter(|option| accepts(command, option)).collect();
        for shell in SHELLS {
            let offered = offered(shell, &["veneer", command, "--"]);
            let offered: BTreeSet<&String> = offered.iter().filter(|word| word.starts_with("--")).collect();
            assert_eq!(offered, accepted, "{} for {command}", shell[0]);
        }
    }
}

#[test]
fn layers_are_offered() {
    for shell in SHELLS {
        let offered = offered(shell, &["veneer", "use", ""]);
        let mut layers: Vec<_> = offered.iter().filter(|word| !word.starts_with('-')).collect();
        layers.sort();
        assert_eq!(layers, ["0001-3f9c2a1b7d04", "0002-5b1d7e90ac33"], "{}", shell[0]);
    }
}
