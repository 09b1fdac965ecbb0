//! What `veneer lint` and `veneer doctor` find: one shape, one way of showing it, one meaning of the exit status.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::args::Options;
use crate::failure::Failure;
use crate::output::print;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Veneer would not work, or not as it should.
    Error,
    /// Somebody should have a look.
    Warning,
    /// Good to know, and nothing to do.
    Note,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    /// A stable word for programs.
    pub(crate) name: &'static str,
    /// What is so: one sentence, without the full stop.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) next: String,
}

impl Finding {
    pub(crate) fn error(name: &'static str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Finding { level: Level::Error, name, message: message.into(), next: next.into() }
    }

    pub(crate) fn warning(name: &'static str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Finding { level: Level::Warning, ..Finding::error(name, message, next) }
    }

    pub(crate) fn note(name: &'static str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Finding { level: Level::Note, ..Finding::error(name, message, next) }
    }

    fn json(&self) -> Value {
        json!({ "level": self.level.word(), "name": self.name, "message": self.message, "next": self.next })
    }
}

/// Shows the findings, what matters most first; the answer is no if there is an error, and with `--strict` a warning.
pub(crate) fn tell(options: &Options, mut findings: Vec<Finding>) -> Result<String, Failure> {
    findings.sort_by_key(|finding| finding.level);
    let number = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (errors, warnings) = (number(Level::Error), number(Level::Warning));
    let text = if options.json {
        let all: Vec<Value> = findings.iter().map(Finding::json).collect();
        format!("{}\n", json!({ "errors": errors, "warnings": warnings, "findings": all }))
    } else {
        describe(&findings)
    };
    let sum = match (errors, warnings) {
        (0, 0) => "nothing is wrong".to_owned(),
        (0, _) => counted(warnings, "warning"),
        (_, 0) => counted(errors, "error"),
        _ => format!("{} and {}", counted(errors, "error"), counted(warnings, "warning")),
    };
    if errors == 0 && (warnings == 0 || !options.strict) {
        return Ok(if options.json { text } else { format!("{text}{sum}\n") });
    }
    print(&text)?;
    Err(Failure::No(sum))
}

fn describe(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let Finding { level, name, message, next } = finding;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} [{name}]: {message}\n    {next}", level.word());
    }
    text
}

fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Args, read};

    fn told(words: &[&str], levels: &[Level]) -> Result<String, String> {
        let words = words.iter().map(|word| (*word).into());
        let Ok(Args::Run(options)) = read(words) else { panic!("the words are understood") };
        let finding =
            |level: &Level| Finding { level: *level, ..Finding::error("a-name", "So it is", "Do it.") };
        tell(&options, levels.iter().map(finding).collect()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn an_error_is_a_no_and_a_warning_only_if_it_shall_be() {
        use Level::{Error, Note, Warning};
        assert_eq!(told(&["lint"], &[]), Ok("nothing is wrong\n".into()));
        assert_eq!(told(&["lint", "--strict"], &[Note]).map(|text| text.lines().count()), Ok(3));
        assert_eq!(told(&["lint"], &[Error, Warning, Error]), Err("2 errors and 1 warning".into()));
        assert_eq!(told(&["lint", "--strict"], &[Warning]), Err("1 warning".into()));
        let text = "error [a-name]: So it is\n    Do it.\n";
        assert_eq!(told(&["lint"], &[Warning]), Ok(text.replace("error", "warning") + "1 warning\n"));
    }

    #[test]
    fn programs_get_one_value() {
        let text = told(&["lint", "--json"], &[Level::Note, Level::Warning]).expect("no error");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((value["errors"].as_u64(), value["warnings"].as_u64()), (Some(0), Some(1)));
        assert_eq!(value["findings"][0]["level"], "warning");
        assert_eq!(value["findings"][1]["name"], "a-name");
    }
}
