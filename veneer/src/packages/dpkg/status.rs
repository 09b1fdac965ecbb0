//! The status file: stanzas of `Field: value` lines (deb822(5)), kept as the text that they were read as.

use std::fmt;

/// A package's name and architecture; `all` counts as the machine's own, as it does for dpkg.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// `Package:`.
    pub package: String,
    /// `Architecture:`, empty for `all` or none.
    pub arch: String,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.package)
    }
}

/// One package's entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stanza {
    /// Which package.
    pub name: Name,
    /// `Version:`.
    pub version: String,
    /// True if `Status:` says that files of it are there (anything but not-installed and config-files).
    pub installed: bool,
    /// The stanza as it stands, without the empty line after it.
    pub text: String,
}

impl Stanza {
    /// The value of a field on one line, or with its continuation lines; field names do not tell upper from lower
    /// case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        let mut lines = self.text.lines();
        let is_it = |line: &&str| line.split_once(':').is_some_and(|(n, _)| n.eq_ignore_ascii_case(name));
        let first = lines.by_ref().find(is_it)?;
        let mut value = first.split_once(':')?.1.trim().to_owned();
        for line in lines.take_while(|line| line.starts_with([' ', '\t'])) {
            value.push('\n');
            value.push_str(line.trim());
        }
        Some(value)
    }
}

/// Parses a status file; what has no `Package:` is no stanza.
#[must_use]
pub fn parse_status(text: &str) -> Vec<Stanza> {
    let mut stanzas = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.trim().is_empty() {
            if let Some(stanza) = stanza(&lines) {
                stanzas.push(stanza);
            }
            lines.clear();
        } else {
            lines.push(line);
        }
    }
    stanzas
}

fn stanza(lines: &[&str]) -> Option<Stanza> {
    let mut stanza = Stanza {
        name: Name { package: String::new(), arch: String::new() },
        version: String::new(),
        installed: false,
        text: lines.join("\n"),
    };
    for line in lines.iter().filter(|line| !line.starts_with([' ', '\t'])) {
        let Some((field, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        if field.eq_ignore_ascii_case("Package") {
            value.clone_into(&mut stanza.name.package);
        } else if field.eq_ignore_ascii_case("Architecture") && value != "all" {
            value.clone_into(&mut stanza.name.arch);
        } else if field.eq_ignore_ascii_case("Version") {
            value.clone_into(&mut stanza.version);
        } else if field.eq_ignore_ascii_case("Status") {
            let state = value.split_ascii_whitespace().nth(2).unwrap_or("not-installed");
            stanza.installed = !matches!(state, "not-installed" | "config-files");
        }
    }
    (!stanza.name.package.is_empty()).then_some(stanza)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stanzas_keep_their_text() {
        let text = "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2~rc1-3\n\
                    Description: x\n long\n .\n more\n\n\n\nPackage: b\nStatus: deinstall ok config-files\nArchitecture: all\n";
        let stanzas = parse_status(text);
        assert_eq!(stanzas.len(), 2);
        assert_eq!((stanzas[0].version.as_str(), stanzas[0].installed), ("1:2~rc1-3", true));
        assert!(stanzas[0].text.ends_with(" .\n more"));
        assert_eq!((stanzas[1].name.arch.as_str(), stanzas[1].installed), ("", false));
        assert_eq!(stanzas[0].field("description").as_deref(), Some("x\nlong\n.\nmore"));
    }

    #[test]
    fn noise_is_no_stanza() {
        assert!(parse_status("\0\n:\n\u{fffd}: x\nPackage:\n\n").is_empty());
    }

    /// A million: see [`crate::fuzz`].
    #[test]
    fn noise_is_composed_without_a_panic() {
        use super::super::{compose, lines};

        let good = b"Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2~rc1-3\nDepends: b (>= 1) | c, d:any [x] <y>\n\n\
            Package: b\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 2\nProvides: e\n more\n\n";
        let mut random = crate::fuzz::Random::new();
        let mut text = || String::from_utf8_lossy(&random.mangle(good)).into_owned();
        for round in 0..crate::fuzz::rounds(3000) {
            let (a, o, b) = (text(), text(), text());
            let old = parse_status(&a);
            let old = (round % 2 == 0).then_some(old.as_slice());
            let composed = compose(old, &parse_status(&o), &parse_status(&b), |name| name.package != "b");
            // Each package once, and none that nobody had.
            let names: Vec<Name> = parse_status(&composed.status).into_iter().map(|s| s.name).collect();
            let mut once = names.clone();
            once.dedup();
            assert_eq!(names, once, "{o:?} {b:?}");
            let _ = lines::triggers(&b, &o, &composed.kept);
            let _ = lines::union(&b, &o);
            let _ = lines::diversions(&b, &o, &composed.kept);
        }
    }
}
