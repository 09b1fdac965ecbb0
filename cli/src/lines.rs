//! Lines that fit a terminal of the smallest size that people have.

pub(crate) const COLUMNS: usize = 80;

/// The line, with its end cut off where it is too long.
pub(crate) fn cut(line: &str) -> String {
    if line.chars().count() <= COLUMNS {
        return line.to_owned();
    }
    let mut short: String = line.chars().take(COLUMNS - 1).collect();
    short.push('…');
    short
}

/// A path with its beginning cut off where it is too long to leave room for what is said of it.
pub(crate) fn tail(path: &str) -> String {
    const MOST: usize = COLUMNS / 2;
    match path.chars().count().checked_sub(MOST) {
        Some(more) if more > 0 => format!("…{}", path.chars().skip(more + 1).collect::<String>()),
        _ => path.to_owned(),
    }
}

/// What a line is not broken in: words, and commands in backquotes, which people copy.
fn words(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split('`').enumerate();
    let marked = parts.map(|(number, part)| match number % 2 {
        0 => part.to_owned(),
        _ => format!("`{}`", part.replace(' ', "\u{a0}")),
    });
    let whole = marked.collect::<String>();
    let words: Vec<String> = whole
        .split([' ', '\n'])
        .filter(|word| !word.is_empty())
        .map(|word| word.replace('\u{a0}', " "))
        .collect();
    words.into_iter()
}

/// The text on as many lines as it takes, but not more than `most`.
pub(crate) fn wrap(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words(text) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= COLUMNS => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.push_str(" …");
        }
    }
    lines.iter().map(|line| cut(line)).collect()
}

/// `12 added: nginx, ollama, …`: as many names as may fit a line with something before it.
pub(crate) fn names(what: &str, all: impl ExactSizeIterator<Item = String>) -> String {
    let mut line = format!("{} {what}:", all.len());
    let mut left = all.len();
    for name in all {
        // Room for the head of a line and for the rest's number.
        if line.chars().count() + name.chars().count() > COLUMNS - 26 {
            break;
        }
        left -= 1;
        line.push_str(if line.ends_with(':') { " " } else { ", " });
        line.push_str(&name);
    }
    if left > 0 {
        line = format!("{line} and {left} more");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_longer_than_a_line() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"é".repeat(200)).chars().count(), COLUMNS);
        assert_eq!((tail("/usr/bin/x"), tail(&"é".repeat(200)).chars().count()), ("/usr/bin/x".into(), 40));
        let wrapped = wrap(&"some words ".repeat(100), 3);
        assert!(
            wrapped.len() == 3 && wrapped.iter().all(|line| line.chars().count() <= COLUMNS),
            "{wrapped:?}"
        );
        assert!(wrapped[2].ends_with('…'), "{wrapped:?}");
        assert_eq!(wrap("two words", 3), ["two words"]);
        let command = format!("{} `veneer retry` brings it back", "x".repeat(71));
        assert_eq!(wrap(&command, 3)[1], "`veneer retry` brings it back");
        let few = ["a".to_owned(), "b".to_owned()];
        assert_eq!(names("added", few.into_iter()), "2 added: a, b");
        let many = vec!["package".to_owned(); 30];
        assert_eq!(
            names("added", many.into_iter()),
            "30 added: package, package, package, package, package and 25 more"
        );
    }
}
