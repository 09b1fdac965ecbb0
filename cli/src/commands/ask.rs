//! Asking before something goes that nobody can bring back.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use crate::args::Options;
use crate::failure::Failure;
use crate::output::{print, say};
use crate::terminal::end_work;

/// Goes on if the user says so: by `--yes`, or at the terminal after what is to happen was shown there.
pub(crate) fn ask(options: &Options, what: &str, question: &str) -> Result<(), Failure> {
    if options.yes {
        return Ok(());
    }
    let (stdin, mut stderr) = (std::io::stdin(), std::io::stderr());
    if !stdin.is_terminal() || !stderr.is_terminal() {
        // Standard output is for the answer.
        if options.json {
            say(what.trim_end());
        } else {
            print(what)?;
        }
        return Err(Failure::No("nothing was changed; --yes does it".into()));
    }
    end_work();
    write!(stderr, "{what}{question} [y/N] ").and_then(|()| stderr.flush()).map_err(Failure::Output)?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).map_err(Failure::Output)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Failure::No("nothing was changed".into()))
    }
}
