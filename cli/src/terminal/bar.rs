//! How far work is that takes more than a second: one line on standard error, if that is a terminal. It goes when
//! something else is written, and never comes into a file or a log.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Work that is done within this time needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often it moves.
const TICK: Duration = Duration::from_millis(200);

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Bytes,
    Things(&'static str),
}

struct Work {
    what: String,
    done: u64,
    /// 0 if nobody knows.
    total: u64,
    unit: Unit,
    started: Instant,
}

#[derive(Default)]
struct State {
    /// Whether there is anybody to show it to.
    is_shown: bool,
    /// Whether the thread that draws runs.
    is_ticking: bool,
    is_drawn: bool,
    work: Option<Work>,
}

static STATE: Mutex<State> =
    Mutex::new(State { is_shown: false, is_ticking: false, is_drawn: false, work: None });

fn state() -> MutexGuard<'static, State> {
    // Whoever panicked left at worst a line that is out of date.
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From here on there may be a bar.
pub(super) fn begin() {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    state().is_shown = std::io::stderr().is_terminal() && !is_dumb;
    if state().is_shown {
        // What the library copies, it counts itself.
        veneer::report::show_progress(|what, done, total| tell(what, done, total, Unit::Bytes));
    }
}

/// Says how far the work `what` is: `done` of `total`, which is 0 if it is not known. Cheap: it may be said for each entry.
pub(crate) fn tell(what: &str, done: u64, total: u64, unit: Unit) {
    let mut state = state();
    if !state.is_shown {
        return;
    }
    match &mut state.work {
        Some(work) if work.what == what => (work.done, work.total) = (done, total),
        other => *other = Some(Work { what: what.to_owned(), done, total, unit, started: Instant::now() }),
    }
    if !state.is_ticking {
        state.is_ticking = true;
        // It ends with the program: one that draws nothing is in nobody's way.
        std::thread::spawn(|| {
            loop {
                std::thread::sleep(TICK);
                draw();
            }
        });
    }
}

/// Ends the work: nothing of the bar stays.
pub(crate) fn end() {
    let mut state = state();
    erase(&mut state);
    state.work = None;
}

/// Takes the bar away for as long as something else is written to the terminal.
pub(super) fn aside(write: impl FnOnce()) {
    let mut state = state();
    erase(&mut state);
    write();
}

fn erase(state: &mut State) {
    if std::mem::take(&mut state.is_drawn) {
        show("\r\x1b[K");
    }
}

fn draw() {
    let mut state = state();
    let Some(work) = &state.work else { return };
    if work.started.elapsed() < PATIENCE {
        return;
    }
    let columns =
        rustix::termios::tcgetwinsize(std::io::stderr()).map_or(80, |size| usize::from(size.ws_col));
    let line = work.line(work.started.elapsed(), if columns == 0 { 80 } else { columns });
    show(&format!("\r{line}\x1b[K"));
    state.is_drawn = true;
}

fn show(text: &str) {
    let mut stderr = std::io::stderr().lock();
    // A terminal that is gone has nobody before it.
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

impl Work {
    /// One line that is shorter than `columns`, so that the cursor stays on it.
    fn line(&self, elapsed: Duration, columns: usize) -> String {
        let number = |count: u64| match self.unit {
            Unit::Bytes => count >> 20,
            Unit::Things(_) => count,
        };
        let unit = match self.unit {
            Unit::Bytes => "MiB",
            Unit::Things(things) => things,
        };
        let seconds = elapsed.as_secs();
        let percent = (self.done.min(self.total) * 100).checked_div(self.total);
        let numbers = match (percent, self.done) {
            (Some(percent), _) => {
                format!(
                    "{percent:3} %  {} of {} {unit}",
                    number(self.done.min(self.total)),
                    number(self.total)
                )
            }
            (None, 0) => format!("{seconds} s"),
            (None, done) => format!("{} {unit}, {seconds} s", number(done)),
        };
        let room =
            columns.saturating_sub(1 + self.what.chars().count() + numbers.chars().count() + 4).min(30);
        let line = match percent.map(|percent| usize::try_from(percent).unwrap_or(0)) {
            Some(percent) if room >= 10 => {
                let filled = room * percent / 100;
                format!("{} [{}{}] {numbers}", self.what, "#".repeat(filled), " ".repeat(room - filled))
            }
            _ => format!("{}: {numbers}", self.what),
        };
        line.chars().take(columns.saturating_sub(1)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(done: u64, total: u64, unit: Unit) -> Work {
        Work { what: "working".into(), done, total, unit, started: Instant::now() }
    }

    #[test]
    fn a_line_fits_and_tells() {
        let line = |work: &Work, columns| work.line(Duration::from_secs(3), columns);
        let bytes = work(5 << 20, 20 << 20, Unit::Bytes);
        assert_eq!(line(&bytes, 50), "working [#####               ]  25 %  5 of 20 MiB");
        assert_eq!(line(&bytes, 30), "working:  25 %  5 of 20 MiB");
        assert_eq!(line(&bytes, 10), "working: ");
        let entries = Unit::Things("entries");
        assert_eq!(line(&work(7, 0, entries), 80), "working: 7 entries, 3 s");
        assert_eq!(line(&work(0, 0, entries), 80), "working: 3 s");
        for columns in 0..100 {
            assert!(line(&bytes, columns).chars().count() < columns.max(1));
            // More than was thought is no more than all of it.
            assert!(line(&work(9, 3, entries), columns).chars().count() < columns.max(1));
        }
    }
}
