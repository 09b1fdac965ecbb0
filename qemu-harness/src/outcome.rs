//! What came of the last run of a scenario, kept beside what the run left: for the page about what was booted.

use std::fmt::Write as _;
use std::path::Path;

use fs_err as fs;

use crate::command;
use crate::error::{Error, Result};
use crate::run::Tally;
use crate::scenario::Scenario;

/// The name in a run's directory.
const FILE: &str = "outcome";

/// One run, to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// How many boots there were.
    pub(crate) boots: usize,
    /// How many points went well.
    pub(crate) passed: usize,
    /// How many did not.
    pub(crate) failed: usize,
    /// The day, as `2026-11-30`.
    pub(crate) day: String,
    /// The systems that were booted.
    pub(crate) systems: Vec<String>,
}

impl Outcome {
    /// Of a run that has just ended.
    pub(crate) fn of(scenario: &Scenario, tally: &Tally) -> Self {
        // Without a date the page says none.
        let day =
            command::output("asking for the day", std::process::Command::new("date").args(["-u", "+%F"]));
        Self {
            boots: scenario.boots.len(),
            passed: tally.passed,
            failed: tally.failed,
            day: day.map_or(String::new(), |(_, text)| text.trim().to_owned()),
            systems: tally.systems.clone(),
        }
    }

    /// Keeps it.
    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        fs::write(dir.join(FILE), self.text()).map_err(Error::io("keeping what came of a run"))
    }

    /// What was kept of the last run; `None` if there was none.
    pub(crate) fn read(dir: &Path) -> Option<Self> {
        fs::read_to_string(dir.join(FILE)).ok().map(|text| Self::parse(&text))
    }

    fn text(&self) -> String {
        let mut text = format!(
            "boots {}\npassed {}\nfailed {}\nday {}\n",
            self.boots, self.passed, self.failed, self.day
        );
        for system in &self.systems {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "system {system}");
        }
        text
    }

    fn parse(text: &str) -> Self {
        let mut outcome = Self::default();
        for (key, value) in text.lines().filter_map(|line| line.split_once(' ')) {
            match key {
                "boots" => outcome.boots = value.parse().unwrap_or_default(),
                "passed" => outcome.passed = value.parse().unwrap_or_default(),
                "failed" => outcome.failed = value.parse().unwrap_or_default(),
                "day" => value.clone_into(&mut outcome.day),
                "system" => outcome.systems.push(value.to_owned()),
                _ => {}
            }
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    #[test]
    fn what_is_written_is_read() {
        let outcome = Outcome {
            boots: 4,
            passed: 90,
            failed: 1,
            day: "2026-11-30".to_owned(),
            systems: vec!["Linux 6.12, systemd 257".to_owned(), "Linux 7.2, systemd 262".to_owned()],
        };
        assert_eq!(Outcome::parse(&outcome.text()), outcome);
        assert_eq!(Outcome::parse("noise\n\n"), Outcome::default());
    }
}
