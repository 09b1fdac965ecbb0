//! What a person at a terminal gets and a pipe does not: colours, a pager for what is long, and how far the work is.
//! The commands write plain text and know nothing of it.

mod bar;
mod colour;
mod log;
mod out;
mod pager;
mod paint;

pub(crate) use bar::{Unit, end as end_work, tell};
pub(crate) use log::start_log;
pub(crate) use out::Out;

use std::io::IsTerminal as _;

use pager::Pager;

/// What the command's output is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Output {
    /// True if it may be longer than a screen.
    pub(crate) is_long: bool,
    /// True if it is for people.
    pub(crate) is_text: bool,
}

/// The terminal, from before the first word of the output to after the last.
pub(crate) struct Terminal {
    pager: Option<Pager>,
}

impl Terminal {
    /// Begins. What is on standard output must be asked before a pager takes its place.
    pub(crate) fn begin(output: Output) -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        out::set_colour(output.is_text && colour::is_wanted(|name| std::env::var_os(name), is_terminal));
        bar::begin();
        let pager = (output.is_long && is_terminal).then(|| Pager::start(|name| std::env::var_os(name)));
        Terminal { pager: pager.flatten() }
    }

    /// Ends: nothing more is written to standard output, and the reader has seen it.
    pub(crate) fn end(self) {
        bar::end();
        if let Some(pager) = self.pager {
            pager.end();
        }
    }
}
