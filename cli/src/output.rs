//! Standard output. A reader that went away (`| head`) is no reason to complain; a full disk is.

use std::io::{ErrorKind, Write as _};

use crate::failure::Failure;
use crate::terminal::Out;

/// Prints a text.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = Out::new();
    done(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// What became of printing.
pub(crate) fn done(written: std::io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Output(error)),
        _ => Ok(()),
    }
}

/// A line on standard error. Where that cannot be written, there is nobody to tell.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
