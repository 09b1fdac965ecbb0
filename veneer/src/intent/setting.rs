//! One setting: its name, what values it takes, and where it goes in the intent. The command line and the configuration
//! share these, so that a value means the same in both.

use std::time::Duration;

use thiserror::Error;

use super::{Intent, Mode, StoreSourceError, VersionsPolicy};

/// The longest wait that can be asked for, in seconds. Longer is a typing mistake, and would look like a dead machine.
const LONGEST_WAIT: u64 = 3600;

/// The most boots on trial, and the most layers kept, that can be asked for.
const MOST: u32 = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    Enabled,
    Store,
    Timeout,
    Mode,
    Layer,
    Trials,
    Versions,
    Keep,
    Protected,
    Require,
    StoreId,
}

/// Why a value cannot be used.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum ValueError {
    #[error("not yes or no")]
    Boolean,
    #[error("{0}")]
    Store(#[from] StoreSourceError),
    #[error("not a number of seconds from 0 to {LONGEST_WAIT}")]
    Timeout,
    #[error("not normal or pristine")]
    Mode,
    #[error("not a layer's id (letters, digits, dashes)")]
    Layer,
    #[error("not a number from {0} to {MOST}")]
    Number(u32),
    #[error("not any, same-major or same")]
    Versions,
    #[error("not a list of patterns of paths below /usr")]
    Protected,
    #[error("not encrypted or none")]
    Require,
}

impl Setting {
    /// The setting that `rd.veneer.NAME=` stands for; `_` for dashes.
    pub(super) fn of_cmdline(name: &str) -> Option<Self> {
        Some(match name {
            "store" => Self::Store,
            "timeout" => Self::Timeout,
            "mode" => Self::Mode,
            "layer" => Self::Layer,
            "require" => Self::Require,
            "store_id" => Self::StoreId,
            _ => return None,
        })
    }

    /// The setting that `NAME=` in veneer.conf stands for, in lower case.
    pub(super) fn of_conf(name: &str) -> Option<Self> {
        Some(match name {
            // `veneer=` is what one writes who knows `rd.veneer=`.
            "enabled" | "veneer" => Self::Enabled,
            "trials" => Self::Trials,
            "versions" => Self::Versions,
            "keep" => Self::Keep,
            "protected" => Self::Protected,
            _ => return Self::of_cmdline(name),
        })
    }

    /// True for what a store has to be: the command line adds to that, and what is not understood of it is no reason to
    /// go on without it.
    pub(super) fn is_demand(self) -> bool {
        matches!(self, Self::Require | Self::StoreId)
    }

    /// Sets it; `None` is a word without a value. After an error the intent is as before, but for a demand.
    pub(super) fn set(self, intent: &mut Intent, value: Option<&str>) -> Result<(), ValueError> {
        let given = value.unwrap_or_default();
        match self {
            Self::Enabled => {
                intent.enabled = value.map_or(Some(true), boolean).ok_or(ValueError::Boolean)?;
            }
            Self::Store => intent.store = given.parse()?,
            Self::Timeout => intent.timeout = seconds(given).ok_or(ValueError::Timeout)?,
            Self::Mode => {
                intent.mode = match given.to_ascii_lowercase().as_str() {
                    "normal" => Mode::Normal,
                    "guarded" => Mode::Guarded,
                    "pristine" => Mode::Pristine,
                    _ => return Err(ValueError::Mode),
                }
            }
            Self::Layer => {
                // It becomes a part of a path.
                let known = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
                if given.len() > 64 || given.starts_with('.') || !given.chars().all(known) {
                    return Err(ValueError::Layer);
                }
                intent.layer = if given.is_empty() { None } else { Some(given.to_owned()) };
            }
            Self::Trials => intent.trials = number(given, 1)?,
            Self::Keep => intent.keep = number(given, 0)?,
            Self::Protected => intent.protected.add(given).ok_or(ValueError::Protected)?,
            Self::Require if intent.trust.require(given) => {}
            Self::Require => return Err(ValueError::Require),
            Self::StoreId => intent.trust.pin(given),
            Self::Versions => {
                intent.versions = match given.to_ascii_lowercase().replace('_', "-").as_str() {
                    "any" => VersionsPolicy::Any,
                    "same-major" => VersionsPolicy::SameMajor,
                    "same" => VersionsPolicy::Same,
                    _ => return Err(ValueError::Versions),
                }
            }
        }
        Ok(())
    }

    /// Back to what it is when nothing is configured.
    pub(super) fn reset(self, intent: &mut Intent) {
        let default = Intent::default();
        match self {
            Self::Enabled => intent.enabled = default.enabled,
            Self::Store => intent.store = default.store,
            Self::Timeout => intent.timeout = default.timeout,
            Self::Mode => intent.mode = default.mode,
            Self::Layer => intent.layer = default.layer,
            Self::Trials => intent.trials = default.trials,
            Self::Versions => intent.versions = default.versions,
            Self::Keep => intent.keep = default.keep,
            Self::Protected => intent.protected = default.protected,
            Self::Require => intent.trust.drop_requirements(),
            Self::StoreId => intent.trust.drop_ids(),
        }
    }

    /// The value in force, as one would write it.
    pub(super) fn show(self, intent: &Intent) -> String {
        match self {
            Self::Enabled => if intent.enabled { "yes" } else { "no" }.to_owned(),
            Self::Store => intent.store.to_string(),
            Self::Timeout => intent.timeout.as_secs().to_string(),
            Self::Mode => match intent.mode {
                Mode::Normal => "normal",
                Mode::Guarded => "guarded",
                Mode::Pristine => "pristine",
            }
            .to_owned(),
            Self::Layer => intent.layer.clone().unwrap_or_else(|| "the newest healthy one".to_owned()),
            Self::Trials => intent.trials.to_string(),
            Self::Versions => match intent.versions {
                VersionsPolicy::Any => "any",
                VersionsPolicy::SameMajor => "same-major",
                VersionsPolicy::Same => "same",
            }
            .to_owned(),
            Self::Keep => intent.keep.to_string(),
            Self::Protected => intent.protected.to_string(),
            Self::Require => intent.trust.show_requirements(),
            Self::StoreId => intent.trust.id().unwrap_or("any").to_owned(),
        }
    }
}

/// The words that systemd takes for yes and no (`parse_boolean`).
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}

/// Seconds, or with a unit as systemd writes it: `90`, `90s`, `2min`.
fn seconds(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].trim() {
        "" | "s" | "sec" | "second" | "seconds" => 1,
        "m" | "min" | "minute" | "minutes" => 60,
        "h" | "hour" => 3600,
        _ => return None,
    };
    let count = decimal(digits.trim())?.checked_mul(unit)?;
    (count <= LONGEST_WAIT).then(|| Duration::from_secs(count))
}

fn number(text: &str, least: u32) -> Result<u32, ValueError> {
    decimal(text)
        .and_then(|n| u32::try_from(n).ok())
        .filter(|n| (least..=MOST).contains(n))
        .ok_or(ValueError::Number(least))
}

/// Digits only: `parse` alone would also take a sign.
fn decimal(text: &str) -> Option<u64> {
    let all_digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // What fails to parse then is too large, and refused as such a number.
    if all_digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_have_bounds_and_units() {
        let of = |text| seconds(text).map(|d| d.as_secs());
        assert_eq!(of("0"), Some(0));
        assert_eq!(of("90s"), Some(90));
        assert_eq!(of("2min"), Some(120));
        assert_eq!(of("1 h"), Some(3600));
        for bad in
            ["", "s", "-1", "+1", "1.5", "3601", "61m", "99999999999999999999", "10ms", "1 2", "infinity"]
        {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_layer_is_a_name_and_no_path() {
        let mut intent = Intent::default();
        for bad in ["../x", "a/b", ".", "..", ".hidden", "a b", "ü", &"x".repeat(65)] {
            assert_eq!(Setting::Layer.set(&mut intent, Some(bad)), Err(ValueError::Layer), "{bad}");
        }
        Setting::Layer.set(&mut intent, Some("0001-3f9c2a1b7d04")).unwrap();
        assert_eq!(intent.layer.as_deref(), Some("0001-3f9c2a1b7d04"));
        Setting::Layer.set(&mut intent, Some("")).unwrap();
        assert_eq!(intent.layer, None);
    }

    #[test]
    fn numbers_have_bounds() {
        let mut intent = Intent::default();
        assert_eq!(Setting::Trials.set(&mut intent, Some("0")), Err(ValueError::Number(1)));
        assert_eq!(Setting::Keep.set(&mut intent, Some("1001")), Err(ValueError::Number(0)));
        Setting::Keep.set(&mut intent, Some("0")).unwrap();
        assert_eq!((intent.trials, intent.keep), (2, 0));
    }
}
