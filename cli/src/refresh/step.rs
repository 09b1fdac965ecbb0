//! One command that makes something again.

use std::io::{ErrorKind, Write as _};
use std::process::{Command, Output, Stdio};

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
    /// What it is to read.
    pub(crate) input: Vec<u8>,
}

impl Step {
    pub(crate) fn new(when: When, program: &str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
        Step { when, program: program.to_owned(), arguments, input: Vec::new() }
    }

    /// The same, with something to read.
    pub(crate) fn with_input(self, input: Vec<u8>) -> Self {
        Step { input, ..self }
    }

    /// Runs it; an error is a sentence with the program's own last words.
    pub(crate) fn run(&self) -> Result<(), String> {
        match self.output() {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stderr);
                let last = text.trim().lines().last().unwrap_or_default().to_owned();
                Err(format!("{self} failed ({}): {last}", output.status))
            }
            Err(error) => Err(format!("cannot run {self}: {error}")),
        }
    }

    fn output(&self) -> std::io::Result<Output> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null());
        if self.input.is_empty() {
            return command.output();
        }
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take();
        std::thread::scope(|scope| {
            // Beside reading what it says: neither may wait for the other.
            let writer = scope.spawn(|| stdin.map_or(Ok(()), |mut stdin| stdin.write_all(&self.input)));
            let output = child.wait_with_output()?;
            match writer.join() {
                // One that does not read all of it says in its exit status whether that matters.
                Ok(Err(error)) if error.kind() != ErrorKind::BrokenPipe => Err(error),
                Ok(_) => Ok(output),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.program)?;
        self.arguments.iter().try_for_each(|word| write!(f, " {word}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_is_to_read_it_reads() {
        let step = |script, input| Step::new(When::Early, "sh", &["-c", script]).with_input(input);
        // More than a pipe holds, both ways.
        let much = vec![b'x'; 1 << 20];
        assert_eq!(step("test $(tee /dev/stderr | wc -c) = 1048576", much.clone()).run(), Ok(()));
        assert_eq!(step("exit 0", much.clone()).run(), Ok(()));
        assert!(step("echo no >&2; exit 1", much).run().is_err_and(|why| why.ends_with(": no")));
        assert_eq!(step("! read line", Vec::new()).run(), Ok(()));
    }
}
