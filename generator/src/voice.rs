//! Where messages go: the kernel's log, as there is no other one when generators run. Lines about another root than the
//! machine's own (`VENEER_ROOT`) are none of its business and go to stderr, and so do all if there is no /dev/kmsg.

use log::{LevelFilter, Log, Metadata, Record};

/// The kernel drops a record of about 976 bytes and more, header included, without a word.
const LONGEST: usize = 900;

/// To be called once, before the first message.
pub(crate) fn set_up(of_this_machine: bool) {
    if of_this_machine && kernlog::init().is_ok() {
        return;
    }
    // An error means that there is a logger already, and then messages have a place to go.
    drop(log::set_logger(&Stderr));
    log::set_max_level(LevelFilter::Info);
}

/// One line that is certain to arrive.
pub(crate) fn warn(text: &str) {
    log::warn!(target: "veneer-generator", "{}", cut(text));
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        eprintln!("{}: {}", record.target(), record.args());
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = format!("x{}", "é".repeat(600));
        assert_eq!(cut(&long).len(), 899);
    }
}
