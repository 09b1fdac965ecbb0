//! A warning: something of the user's that was not understood, where it is, and what is used instead.
//!
//! Nothing that a user writes stops a boot, so there are no errors here; and as the lines end up in the kernel's log,
//! which is small and rate-limited, there are few of them and each is short.

use std::fmt;

/// The most warnings that are kept; of the others only the number is told.
const MOST: usize = 12;

/// The most characters of the user's own text that one warning repeats.
const QUOTED: usize = 60;

/// One thing that was not understood. Its text is one line, says where and what, and ends with what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning(String);

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The warnings of one reading, bounded.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    kept: Vec<Warning>,
    more: usize,
}

impl Warnings {
    pub(crate) fn add(&mut self, text: impl Into<String>) {
        if self.kept.len() < MOST {
            self.kept.push(Warning(text.into()));
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn into_list(mut self) -> Vec<Warning> {
        if self.more > 0 {
            self.kept.push(Warning(format!("and {} more like these; each is ignored", self.more)));
        }
        self.kept
    }
}

/// The user's text, fit for one line of a log: escaped, in quotes, cut.
pub(crate) fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(QUOTED).flat_map(char::escape_debug).collect();
    let dots = if text.chars().nth(QUOTED).is_some() { "…" } else { "" };
    format!("\"{cut}{dots}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_the_user_stays_on_one_short_line() {
        assert_eq!(quoted("a\nb\0\"c"), r#""a\nb\0\"c""#);
        assert_eq!(quoted(&"x".repeat(61)), format!("\"{}…\"", "x".repeat(60)));
    }

    #[test]
    fn a_flood_is_counted() {
        let mut warnings = Warnings::default();
        for n in 0..100 {
            warnings.add(n.to_string());
        }
        let list = warnings.into_list();
        assert_eq!(list.len(), MOST + 1);
        assert_eq!(list[MOST].to_string(), "and 88 more like these; each is ignored");
    }
}
