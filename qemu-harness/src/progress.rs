//! What a person sees while images build and machines boot: one line per step, with the time since the start.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

static START: OnceLock<Instant> = OnceLock::new();

/// The time since the first call.
pub(crate) fn elapsed() -> Duration {
    START.get_or_init(Instant::now).elapsed()
}

/// Prints a line with the time since the start.
pub(crate) fn say(text: &str) {
    let seconds = elapsed().as_secs();
    println!("[{:>3}:{:02}] {text}", seconds / 60, seconds % 60);
}

/// Runs one step, saying when it starts and how long it took.
pub(crate) fn step<T, E>(what: &str, run: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    say(&format!("{what} …"));
    let start = Instant::now();
    let result = run();
    let word = if result.is_ok() { "done in" } else { "FAILED after" };
    say(&format!("{what}: {word} {:.1} s", start.elapsed().as_secs_f64()));
    result
}
