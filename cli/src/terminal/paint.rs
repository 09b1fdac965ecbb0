//! Colours for the words that the commands print. Pure: a line in, the same line with colours out. No character of it
//! changes, so that what a person sees on a terminal is what a program reads from a pipe.

/// How a part looks, by the numbers of ECMA-48's SGR: of the terminal's own sixteen colours, which its owner chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Bold,
    Faint,
    Good,
    Change,
    Bad,
    /// Somebody should look at it.
    Warning,
}

impl Style {
    fn numbers(self) -> &'static str {
        match self {
            Style::Bold => "1",
            Style::Faint => "2",
            Style::Good => "32",
            Style::Change => "33",
            Style::Bad => "31",
            Style::Warning => "1;33",
        }
    }
}

/// Words at the beginning of a line that is about a path: what a layer changes, and verdicts.
const WORDS: [(&str, Style); 12] = [
    ("added", Style::Good),
    ("shadowed", Style::Change),
    ("hidden", Style::Bad),
    ("keep", Style::Good),
    ("metadata", Style::Change),
    ("drop", Style::Faint),
    ("quarantine", Style::Warning),
    ("hide", Style::Bad),
    ("unhide", Style::Change),
    ("merge-directory", Style::Faint),
    ("merge-metadata", Style::Change),
    ("displace", Style::Warning),
];

/// Beginnings of lines.
const BEGINNINGS: [(&str, Style); 12] = [
    ("Running with a layer", Style::Good),
    ("Running pristine", Style::Warning),
    ("Base:", Style::Bold),
    ("Layer:", Style::Bold),
    ("Layer 0", Style::Bold),
    ("Packages:", Style::Bold),
    ("Entries:", Style::Bold),
    ("package:", Style::Bold),
    ("Guarded:", Style::Bold),
    ("error [", Style::Bad),
    ("warning [", Style::Warning),
    ("note [", Style::Faint),
];

/// What stands out wherever it is in a line about a layer.
const MARKS: [(&str, Style); 4] = [
    (", put aside", Style::Warning),
    ("  damaged: ", Style::Bad),
    (" unblessed boot", Style::Change),
    ("was left unfinished", Style::Change),
];

/// The line with its colours.
pub(super) fn paint(line: &str) -> String {
    let Some((at, style)) = first_part(line) else { return line.to_owned() };
    let (part, rest) = line.split_at(at);
    let mut painted = wrap(part, style);
    match rest.rfind("  (") {
        // The package of a path, or the reason of a verdict.
        Some(at) if rest.ends_with(')') => {
            painted.push_str(&rest[..at]);
            painted.push_str(&wrap(&rest[at..], Style::Faint));
        }
        _ => painted.push_str(&marks(rest)),
    }
    painted
}

fn wrap(text: &str, style: Style) -> String {
    format!("\x1b[{}m{text}\x1b[0m", style.numbers())
}

/// What the line begins with: how long that is, and how it looks.
fn first_part(line: &str) -> Option<(usize, Style)> {
    if let Some((_, style)) = BEGINNINGS.iter().find(|(beginning, _)| line.starts_with(beginning)) {
        // Up to the sentence's colon, or the label's.
        return Some((line.find(':').map_or(line.len(), |colon| colon + 1), *style));
    }
    let (word, rest) = line.split_once(' ')?;
    if let Some((_, style)) =
        WORDS.iter().find(|(known, _)| *known == word && rest.trim_start().starts_with('/'))
    {
        return Some((word.len(), *style));
    }
    // `  /usr/bin/tool: a problem with it`, and the same of a package.
    if let Some((about, _)) = line.strip_prefix("  ").and_then(|line| line.split_once(": ")) {
        let is_name = !about.is_empty() && !about.contains(' ');
        return is_name.then_some((2 + about.len(), Style::Change));
    }
    // `/usr/bin/tool: of the base`.
    if line.starts_with('/') {
        return line.find(": ").map(|at| (at, Style::Bold));
    }
    if line.ends_with(" to know of this layer on this base:") {
        return Some((line.len(), Style::Warning));
    }
    is_layer(word).then_some((word.len(), Style::Bold))
}

/// `0001-3f9c2a1b7d04`.
fn is_layer(word: &str) -> bool {
    word.split_once('-').is_some_and(|(number, base)| {
        number.len() >= 4
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && base.len() == 12
            && base.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn marks(rest: &str) -> String {
    for (mark, style) in MARKS {
        if let Some((before, after)) = rest.split_once(mark) {
            return format!("{before}{}{after}", wrap(mark, style));
        }
    }
    rest.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without the colours.
    fn plain(mut text: &str) -> String {
        let mut plain = String::new();
        while let Some((before, rest)) = text.split_once("\x1b[") {
            plain.push_str(before);
            text = rest.split_once('m').expect("an end").1;
        }
        plain + text
    }

    #[test]
    fn the_table() {
        for (line, painted) in [
            ("added    /usr/bin/x", "\x1b[32madded\x1b[0m    /usr/bin/x"),
            ("hidden   /usr/x/  (x)", "\x1b[31mhidden\x1b[0m   /usr/x/\x1b[2m  (x)\x1b[0m"),
            ("keep             /usr/x  (why)", "\x1b[32mkeep\x1b[0m             /usr/x\x1b[2m  (why)\x1b[0m"),
            ("Running pristine (disabled): x: y.", "\x1b[1;33mRunning pristine (disabled):\x1b[0m x: y."),
            ("Running with a layer: x", "\x1b[32mRunning with a layer:\x1b[0m x"),
            ("Base: debian 13", "\x1b[1mBase:\x1b[0m debian 13"),
            ("Layer 0001-3f9c2a1b7d04 on x 2:", "\x1b[1mLayer 0001-3f9c2a1b7d04 on x 2:\x1b[0m"),
            ("error [a-name]: x: y", "\x1b[31merror [a-name]:\x1b[0m x: y"),
            ("  /usr/x: gone", "\x1b[33m  /usr/x\x1b[0m: gone"),
            ("/usr/x: of the base", "\x1b[1m/usr/x\x1b[0m: of the base"),
            (
                "2 things to know of this layer on this base:",
                "\x1b[1;33m2 things to know of this layer on this base:\x1b[0m",
            ),
            (
                "0001-3f9c2a1b7d04  for x, put aside",
                "\x1b[1m0001-3f9c2a1b7d04\x1b[0m  for x\x1b[1;33m, put aside\x1b[0m",
            ),
            ("added to it was more", "added to it was more"),
            ("the next boot uses layer 0001", "the next boot uses layer 0001"),
            ("", ""),
        ] {
            assert_eq!(paint(line), painted);
            assert_eq!(plain(&paint(line)), line);
        }
    }

    #[test]
    fn no_character_changes() {
        let parts = [
            "added ",
            "/usr",
            ": ",
            "  (",
            ")",
            "  ",
            "é",
            ", put aside",
            "0001-3f9c2a1b7d04",
            "Base",
            ":",
            " ",
        ];
        for number in 0..parts.len().pow(4) {
            let line: String = (0..4).map(|at| parts[number / parts.len().pow(at) % parts.len()]).collect();
            assert_eq!(plain(&paint(&line)), line);
        }
    }
}
