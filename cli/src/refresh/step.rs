//! One command that makes something again.

use std::process::{Command, Stdio};

/// When it must be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum When {
    /// Before sysinit.target: what programs and modules are found by.
    Early,
    /// Before the display manager.
    Late,
}

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) when: When,
    pub(crate) program: String,
    pub(crate) arguments: Vec<String>,
}

impl Step {
    pub(crate) fn new(when: When, program: &str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
        Step { when, program: program.to_owned(), arguments }
    }

    /// Runs it; an error is a sentence with the program's own last words.
    pub(crate) fn run(&self) -> Result<(), String> {
        let output = Command::new(&self.program).args(&self.arguments).stdin(Stdio::null()).output();
        match output {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stderr);
                let last = text.trim().lines().last().unwrap_or_default().to_owned();
                Err(format!("{self} failed ({}): {last}", output.status))
            }
            Err(error) => Err(format!("cannot run {self}: {error}")),
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.program)?;
        self.arguments.iter().try_for_each(|word| write!(f, " {word}"))
    }
}
