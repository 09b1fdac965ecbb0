//! What a terminal would show, as plain text: a guest's console has colours and titles for a terminal that is not
//! there.

use std::path::Path;

use fs_err as fs;

/// The last lines of a file, for people.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let Ok(bytes) = fs::read(path) else { return format!("({} cannot be read)", path.display()) };
    let text = plain(&String::from_utf8_lossy(&bytes));
    let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Whether a terminal would show `text`.
pub(crate) fn shows(path: &Path, text: &str) -> bool {
    // The file appears with QEMU; until then nothing is shown.
    fs::read(path).is_ok_and(|bytes| plain(&String::from_utf8_lossy(&bytes)).contains(text))
}

/// Drops escape sequences (ECMA-48's CSI and OSC, and two-character ones) and control characters.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => match chars.next() {
                Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                // Ended by BEL, or by ESC and a backslash.
                Some(']') => match chars.find(|c| matches!(c, '\x07' | '\x1b' | '\n')) {
                    Some('\x1b') => drop(chars.next()),
                    Some('\n') => plain.push('\n'),
                    _ => {}
                },
                _ => {}
            },
            '\n' | '\t' => plain.push(c),
            c if c.is_control() => {}
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn colours_and_titles_are_dropped() {
        assert_eq!(plain("[\x1b[0;32m  OK  \x1b[0m] Reached\r\n"), "[  OK  ] Reached\n");
        assert_eq!(plain("a\x1b]3008;end=1\x1b\\b\x1b]0;t\x07c"), "abc");
        assert_eq!(plain("cut off \x1b["), "cut off ");
        assert_eq!(plain("never ended \x1b]0;t\nnext"), "never ended \nnext");
    }
}
