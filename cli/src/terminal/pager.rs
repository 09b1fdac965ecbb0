//! The pager: a program that gets standard output's place for as long as the command writes.

use std::ffi::OsString;
use std::process::{Child, Command, Stdio};

/// As systemd and git have it: not for what fits a screen, colours as they are, long lines cut, `Ctrl+C` ends it.
const LESS: &str = "FRSXMK";

/// A running pager.
pub(super) struct Pager {
    child: Child,
}

impl Pager {
    /// Starts the first one that is there and puts it in the place of standard output; `None` if none is there or none is
    /// wanted.
    pub(super) fn start(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        for words in choices(&variable) {
            let mut command = Command::new(words.first()?);
            command.args(&words[1..]).stdin(Stdio::piped()).env("LESS", LESS).env("LESSCHARSET", "utf-8");
            if is_lent(&variable) {
                command.env("LESSSECURE", "1");
            }
            let Ok(mut child) = command.spawn() else { continue };
            let pipe = child.stdin.take()?;
            if rustix::stdio::dup2_stdout(&pipe).is_ok() {
                return Some(Pager { child });
            }
            // It sees the end of an empty text, and goes.
            drop(pipe);
            wait(&mut child);
        }
        None
    }

    /// Tells the pager that this was all, and waits until its reader has seen enough.
    pub(super) fn end(mut self) {
        // The pipe ends when nobody has it any more. Should that fail, the end of this program does the same.
        let closed = std::fs::File::options().write(true).open("/dev/null");
        if closed.is_ok_and(|null| rustix::stdio::dup2_stdout(&null).is_ok()) {
            wait(&mut self.child);
        }
    }
}

fn wait(child: &mut Child) {
    // What a pager ends with says nothing of the command, and one that is gone already is what was waited for.
    let _ = child.wait();
}

/// True if the rights of this program are somebody else's than the person's: a pager can start a shell.
fn is_lent(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    ["SUDO_UID", "PKEXEC_UID"].iter().any(|name| variable(name).is_some())
}

/// The pagers to try, each with its arguments. An empty variable, or `cat`, asks for none.
fn choices(variable: impl Fn(&str) -> Option<OsString>) -> Vec<Vec<String>> {
    let split =
        |text: OsString| text.to_string_lossy().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let named = ["VENEER_PAGER", "PAGER"].iter().find_map(|name| variable(name)).map(split);
    match named {
        Some(words) if words.is_empty() || words[0] == "cat" => Vec::new(),
        // Of a lent right only the pager that can be held to it is given the use.
        Some(words) if !is_lent(&variable) => vec![words, vec!["less".into()]],
        _ => vec![vec!["less".into()]],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        for (environment, expected) in [
            (&[][..], &["less"][..]),
            (&[("PAGER", "more -d")], &["more -d", "less"]),
            (&[("PAGER", "more"), ("VENEER_PAGER", "most")], &["most", "less"]),
            (&[("PAGER", "more"), ("VENEER_PAGER", "")], &[]),
            (&[("PAGER", "cat")], &[]),
            (&[("PAGER", "sh"), ("SUDO_UID", "1000")], &["less"]),
        ] {
            let variable = |name: &str| {
                environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            };
            let found: Vec<String> = choices(variable).iter().map(|words| words.join(" ")).collect();
            assert_eq!(found, expected, "{environment:?}");
        }
    }
}
