//! The one log voice: `log` with the kernel's ring buffer behind it, which the console shows and the journal reads.

use log::{LevelFilter, Log, Metadata, Record};

/// The kernel drops records of more than about 976 bytes (PRINTKRB_RECORD_MAX) without storing any of it.
const LINE_LIMIT: usize = 900;

/// Where messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// To /dev/kmsg, or to standard error where there is no such device, as in containers.
    Kernel,
    /// To standard error.
    Stderr,
}

/// Sends log messages of level Info and above to `sink`. `name` is what the lines begin with.
pub fn start_log(name: &'static str, sink: Sink) {
    let kernel = match sink {
        // Missing, or not for this user: standard error it is, so nothing is lost.
        Sink::Kernel => kernlog::KernelLog::with_level(LevelFilter::Info).ok(),
        Sink::Stderr => None,
    };
    // A second start in one process keeps the first one's logger: nothing is lost.
    let _ = log::set_boxed_logger(Box::new(Voice { name, kernel }));
    log::set_max_level(LevelFilter::Info);
}

struct Voice {
    name: &'static str,
    /// Missing in containers and for users who may not write it.
    kernel: Option<kernlog::KernelLog>,
}

impl Log for Voice {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= LevelFilter::Info
    }

    fn log(&self, record: &Record<'_>) {
        let text = one_line(&record.args().to_string(), LINE_LIMIT);
        match &self.kernel {
            Some(kernel) => kernel.log(
                &Record::builder()
                    .level(record.level())
                    .target(self.name)
                    .args(format_args!("{text}"))
                    .build(),
            ),
            None => eprintln!("{}: {text}", self.name),
        }
    }

    fn flush(&self) {}
}

/// The text as one line of at most about `limit` bytes, with nothing in it that a terminal would obey: parts of it may
/// come from a store that was in other hands.
#[must_use]
pub fn one_line(text: &str, limit: usize) -> String {
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() > limit {
        let end = (0..=limit).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
        line.truncate(end);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_between_characters() {
        let long = "é".repeat(1000);
        let line = one_line(&long, LINE_LIMIT);
        assert!(line.len() < LINE_LIMIT + 4 && line.ends_with('…'));
        assert_eq!(one_line("a\n\u{9b}b", LINE_LIMIT), "a  b");
    }
}
