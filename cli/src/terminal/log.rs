//! Messages on the way: lines on standard error, beside which no bar stays.

use log::{LevelFilter, Log, Metadata, Record};
use veneer::report::one_line;

use super::bar;

/// Longer than any message of Veneer's own, in bytes.
const LIMIT: usize = 4096;

/// Sends log messages of level Info and above to standard error.
pub(crate) fn start_log() {
    // A second start in one process keeps the first one's logger: nothing is lost.
    let _ = log::set_logger(&Voice);
    log::set_max_level(LevelFilter::Info);
}

struct Voice;

impl Log for Voice {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= LevelFilter::Info
    }

    fn log(&self, record: &Record<'_>) {
        bar::aside(|| eprintln!("veneer: {}", one_line(&record.args().to_string(), LIMIT)));
    }

    fn flush(&self) {}
}
