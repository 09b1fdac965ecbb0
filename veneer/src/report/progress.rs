//! Long work says how far it is: to the kernel log, which the console shows, and to plymouth where that has the screen.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// Work shorter than this says nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// The kernel log is no place for more.
const STEP: Duration = Duration::from_secs(3);

/// Who is told instead of the log: what is done, and how many bytes of how many.
type Shown = fn(&str, u64, u64);

static SHOWN: OnceLock<Shown> = OnceLock::new();

/// Tells `shown` how far work is, at every step of it, instead of the log: a terminal has a bar for it.
pub fn show_progress(shown: Shown) {
    // The first one stays: a program has one terminal.
    let _ = SHOWN.set(shown);
}

/// How far a piece of work is, in bytes.
#[derive(Debug)]
pub struct Progress {
    what: String,
    total: u64,
    done: u64,
    started: Instant,
    said: Option<Instant>,
    limit: Duration,
    parts: Vec<(&'static str, Duration)>,
}

impl Progress {
    /// Begins. `what` is words such as "carrying layer 0001-… over"; `total` is 0 if it is not known; after `limit`
    /// the work is to give up.
    #[must_use]
    pub fn start(what: String, total: u64, limit: Duration) -> Self {
        Progress { what, total, done: 0, started: Instant::now(), said: None, limit, parts: Vec::new() }
    }

    /// Counts `bytes` more. An error once the time is over.
    pub fn advance(&mut self, bytes: u64) -> Result<()> {
        self.done = self.done.saturating_add(bytes);
        let elapsed = self.started.elapsed();
        if elapsed > self.limit {
            return Err(Error::Slow { what: self.what.clone(), seconds: self.limit.as_secs() });
        }
        if let Some(shown) = SHOWN.get() {
            shown(&self.what, self.done, self.total);
            return Ok(());
        }
        let due = self.said.map_or(elapsed > PATIENCE, |said| said.elapsed() > STEP);
        if due {
            self.said = Some(Instant::now());
            say(&self.line());
        }
        Ok(())
    }

    /// Ends a part of the work.
    pub fn part(&mut self, name: &'static str) {
        let before: Duration = self.parts.iter().map(|(_, took)| *took).sum();
        self.parts.push((name, self.started.elapsed().saturating_sub(before)));
    }

    /// Ends: a last word if there was a first one. Returns how long each part took, in order.
    #[must_use]
    pub fn finish(self) -> Vec<(&'static str, Duration)> {
        if self.said.is_some() {
            let elapsed = self.started.elapsed();
            let speed = self.done.checked_div(u64::try_from(elapsed.as_millis()).unwrap_or(1).max(1));
            let speed = mebibytes(speed.unwrap_or(0).saturating_mul(1000));
            say(&format!(
                "{}: done, {} MiB in {} s ({speed} MiB/s)",
                self.what,
                mebibytes(self.done),
                elapsed.as_secs()
            ));
        }
        self.parts
    }

    fn line(&self) -> String {
        let done = mebibytes(self.done);
        // The estimate counts whole blocks, so the end may come a little before or after it.
        match (self.done.min(self.total) * 100).checked_div(self.total) {
            Some(percent) => format!("{}: {percent} %, {done} of {} MiB", self.what, mebibytes(self.total)),
            None => format!("{}: {done} MiB", self.what),
        }
    }
}

fn mebibytes(bytes: u64) -> u64 {
    bytes >> 20
}

fn say(line: &str) {
    log::info!("{line}");
    // plymouth's daemon keeps its process number here; without it nobody has the screen.
    if !Path::new("/run/plymouth/pid").exists() {
        return;
    }
    let text = format!("--text={line}");
    let told = Command::new("plymouth")
        .args(["display-message", &text])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if let Err(error) = told {
        log::debug!("plymouth: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_work_is_silent_and_long_work_ends() {
        let mut progress = Progress::start("x".into(), 4 << 20, Duration::from_secs(60));
        assert!(progress.advance(1 << 20).is_ok() && progress.said.is_none());
        assert_eq!(progress.line(), "x: 25 %, 1 of 4 MiB");
        progress.limit = Duration::ZERO;
        assert!(matches!(progress.advance(0), Err(Error::Slow { .. })));
    }

    #[test]
    fn an_unknown_end_has_no_percentage() {
        let mut progress = Progress::start("x".into(), 0, Duration::from_secs(60));
        assert!(progress.advance(5 << 20).is_ok());
        assert_eq!(progress.line(), "x: 5 MiB");
    }
}
