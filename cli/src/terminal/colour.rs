//! Whether there are to be colours. Pure: the environment goes in.

use std::ffi::OsString;

/// Colours on a terminal that has them, unless somebody says otherwise: systemd's own variable
/// (<https://systemd.io/ENVIRONMENT/>), then that of all programs (<https://no-color.org>).
pub(super) fn is_wanted(variable: impl Fn(&str) -> Option<OsString>, is_terminal: bool) -> bool {
    let word = |name| variable(name).unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match word("SYSTEMD_COLORS").as_str() {
        "0" | "no" | "n" | "false" | "f" | "off" => return false,
        "1" | "yes" | "y" | "true" | "t" | "on" | "16" | "256" | "24bit" => return true,
        // `auto-16` and its like, and what nobody knows.
        _ => {}
    }
    is_terminal && word("NO_COLOR").is_empty() && !matches!(word("TERM").as_str(), "" | "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        for (environment, on_terminal, elsewhere) in [
            (&[("TERM", "xterm")][..], true, false),
            (&[], false, false),
            (&[("TERM", "dumb")], false, false),
            (&[("TERM", "xterm"), ("NO_COLOR", "1")], false, false),
            (&[("TERM", "xterm"), ("NO_COLOR", "")], true, false),
            (&[("TERM", "xterm"), ("SYSTEMD_COLORS", "0")], false, false),
            (&[("TERM", "xterm"), ("SYSTEMD_COLORS", "auto-16")], true, false),
            (&[("TERM", "dumb"), ("SYSTEMD_COLORS", "yes"), ("NO_COLOR", "1")], true, true),
        ] {
            let variable = |name: &str| {
                environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            };
            assert_eq!(is_wanted(variable, true), on_terminal, "{environment:?}");
            assert_eq!(is_wanted(variable, false), elsewhere, "{environment:?}");
        }
    }
}
