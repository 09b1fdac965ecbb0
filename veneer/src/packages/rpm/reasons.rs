//! What dnf5 remembers of packages beside rpm's database: why each is there ("User" asked for it), where it came from,
//! and groups. Small TOML files in a directory of /usr, merged entry by entry. Pure.
//!
//! The files are written by a program and have one form: a version, then one table of entries, each either a value
//! (`"name" = {…}`) or a table of its own (`[table."name"]`). An entry is never looked into.

use std::collections::BTreeMap;

use crate::order;

/// A file's entries, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasons<'a> {
    /// What stands before the table: the version.
    head: &'a str,
    entries: BTreeMap<&'a str, Entry<'a>>,
}

/// An entry as it is written, from its key or heading on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry<'a> {
    Value(&'a str),
    Table(&'a str),
}

/// Where an entry of the new file comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The new base's file.
    New,
    /// The layer's, and from the new base's if it has none there.
    Layer,
    /// From wherever it was changed: the layer's if that differs from the old base's, else the new base's. If the old
    /// base's is not known, the new base's if there is one.
    Changed,
    /// It is no more.
    Nowhere,
}

impl<'a> Reasons<'a> {
    /// Reads the entries of `table`. `None` if the file has another form than dnf5 gives it.
    #[must_use]
    pub fn parse(text: &'a str, table: &str) -> Option<Self> {
        let mut found = Reasons::default();
        // The table of its own that is being read: its key and where it begins.
        let mut own: Option<(&str, usize)> = None;
        let mut inside = false;
        let mut at = 0;
        while at < text.len() {
            let statement = &text[at..at + statement_length(&text[at..])?];
            let start = at;
            at += statement.len();
            let line = statement.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(heading) = line.strip_prefix('[') {
                let heading = heading.strip_suffix(']')?;
                own = match heading.strip_prefix(table)? {
                    "" => None,
                    key => Some((unquoted(key.strip_prefix('.')?)?, start)),
                };
                inside = true;
            }
            match own {
                Some((key, start)) => {
                    found.entries.insert(key, Entry::Table(text[start..at].trim()));
                }
                None if line.starts_with('[') => {}
                None if inside => {
                    let key = unquoted(line.split_once('=')?.0.trim())?;
                    found.entries.insert(key, Entry::Value(line));
                }
                None => found.head = text[..at].trim(),
            }
        }
        Some(found)
    }

    /// Merges three files of one kind. `from` says where the entry of a key comes from.
    #[must_use]
    pub fn merge(old: Option<&Self>, layer: &Self, new: &Self, from: impl Fn(&str) -> From) -> Reasons<'a> {
        let keys = order::set(layer.entries.keys().chain(new.entries.keys()).copied());
        let mut merged = Reasons { head: new.head, entries: BTreeMap::new() };
        if new.head.is_empty() {
            merged.head = layer.head;
        }
        for key in keys {
            let (theirs, ours) = (layer.entries.get(key), new.entries.get(key));
            let entry = match (from(key), old.map(|old| old.entries.get(key))) {
                (From::Nowhere, _) => None,
                (From::New, _) => ours,
                (From::Layer, _) => theirs.or(ours),
                (From::Changed, Some(before)) if before == theirs => ours,
                (From::Changed, Some(_)) => theirs,
                (From::Changed, None) => ours.or(theirs),
            };
            if let Some(entry) = entry {
                merged.entries.insert(key, *entry);
            }
        }
        merged
    }

    /// The entries as they are written, by key.
    pub fn each(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.entries.iter().map(|(key, Entry::Value(text) | Entry::Table(text))| (*key, *text))
    }

    /// True if there is nothing in it that is not in `other`, and the other way round.
    #[must_use]
    pub fn has_entries_of(&self, other: &Self) -> bool {
        self.entries == other.entries
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self, table: &str) -> String {
        let mut text = format!("{}\n\n[{table}]\n", self.head);
        // Values first: after the heading of another table they would be that one's.
        for entry in self.entries.values() {
            if let Entry::Value(value) = entry {
                text.extend([value, "\n"]);
            }
        }
        for entry in self.entries.values() {
            if let Entry::Table(table) = entry {
                text.extend(["\n", table, "\n"]);
            }
        }
        text
    }
}

/// The first line and those after it that belong to it, as long as a bracket of a value is open; `None` if one is never
/// closed, or a text not in its line.
fn statement_length(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match (quote, byte) {
            (Some(_), b'\n') => return None,
            (Some(b'"'), b'\\') => {
                bytes.next();
            }
            (Some(mark), byte) if mark == byte => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'[' | b'{') => depth += 1,
            (None, b']' | b'}') => depth = depth.checked_sub(1)?,
            (None, b'\n') if depth == 0 => return Some(at + 1),
            _ => {}
        }
    }
    (depth == 0 && quote.is_none()).then_some(text.len())
}

/// A key, bare or in quotes; `None` for one with an escape, or of several parts.
fn unquoted(key: &str) -> Option<&str> {
    for mark in ['"', '\''] {
        if let Some(inside) = key.strip_prefix(mark).and_then(|key| key.strip_suffix(mark)) {
            return (!inside.contains(['\\', mark])).then_some(inside);
        }
    }
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (!key.is_empty() && key.chars().all(bare)).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: &str = "version = \"1.0\"\n\n[packages]\n\"bash.x86_64\" = {reason = \"User\"}\n\
                          \"empty.noarch\" = {reason = \"Dependency\", x = [\n\"]\",\n]}\n\n";

    #[test]
    fn what_dnf5_writes_stays_as_it_is() {
        let reasons = Reasons::parse(VALUES, "packages").expect("good");
        assert_eq!(reasons.entries.keys().copied().collect::<Vec<_>>(), ["bash.x86_64", "empty.noarch"]);
        assert_eq!(reasons.text("packages").trim(), VALUES.trim());
        assert_eq!(reasons.each().next(), Some(("bash.x86_64", "\"bash.x86_64\" = {reason = \"User\"}")));
        let tables = "version = \"1.0\"\n\n[packages]\n\n[packages.\"a.x\"]\nreason = \"User\"\n\n[packages.b]\nn = [\n1,\n]\n";
        let reasons = Reasons::parse(tables, "packages").expect("good");
        assert_eq!(reasons.entries["b"], Entry::Table("[packages.b]\nn = [\n1,\n]"));
        assert_eq!(reasons.text("packages"), tables);
        let empty = Reasons::parse("", "packages").expect("an empty file is one");
        assert!(empty.entries.is_empty());
    }

    #[test]
    fn other_forms_are_none() {
        for text in [
            "[other]\na = 1\n",
            "[packages]\na b = 1\n",
            "[packages]\nnothing\n",
            "[packages.a.b]\nc = 1\n",
            "[packages\n",
            "[packages]\n\"a\\nb\" = 1\n",
        ] {
            assert_eq!(Reasons::parse(text, "packages"), None, "{text}");
        }
    }

    #[test]
    fn entries_come_from_where_they_should() {
        let file = |rows: &[(&str, &str)]| {
            let rows = rows.iter().map(|(key, value)| format!("\"{key}\" = {{reason = \"{value}\"}}\n"));
            format!("version = \"1.0\"\n\n[packages]\n{}", rows.collect::<String>())
        };
        let a = file(&[("marked", "Dependency"), ("same", "User"), ("gone", "User"), ("unmarked", "User")]);
        let o = file(&[
            ("marked", "User"),
            ("same", "User"),
            ("gone", "User"),
            ("mine", "User"),
            ("back", "User"),
            ("removed", "User"),
        ]);
        let b = file(&[
            ("marked", "Dependency"),
            ("same", "Group"),
            ("back", "Dependency"),
            ("removed", "User"),
            ("unmarked", "User"),
            ("new", "User"),
        ]);
        let parse = |text| Reasons::parse(text, "packages").expect("good");
        let from = |key: &str| match key {
            "mine" | "back" => From::Layer,
            "removed" => From::Nowhere,
            "new" => From::New,
            _ => From::Changed,
        };
        let (a, o, b) = (parse(&a), parse(&o), parse(&b));
        let merged = Reasons::merge(Some(&a), &o, &b, from).text("packages");
        let expected = file(&[
            ("back", "User"),
            ("marked", "User"),
            ("mine", "User"),
            ("new", "User"),
            ("same", "Group"),
        ]);
        assert_eq!(merged, expected);
        // The old base's file is not known: what the new base says of its own packages counts.
        let merged = Reasons::merge(None, &o, &b, from);
        assert_eq!(merged.entries["marked"], b.entries["marked"]);
        assert_eq!(merged.entries["gone"], o.entries["gone"]);
    }

    /// A million: see [`crate::fuzz`].
    #[test]
    fn noise_is_read_without_a_panic() {
        let mut random = crate::fuzz::Random::new();
        for _ in 0..crate::fuzz::rounds(3000) {
            let mut text = || String::from_utf8_lossy(&random.mangle(VALUES.as_bytes())).into_owned();
            let (one, other) = (text(), text());
            let (Some(one), Some(other)) =
                (Reasons::parse(&one, "packages"), Reasons::parse(&other, "packages"))
            else {
                continue;
            };
            let merged = Reasons::merge(None, &one, &other, |_| From::Layer).text("packages");
            let again = Reasons::parse(&merged, "packages");
            assert!(again.is_some_and(|again| again.text("packages") == merged), "{merged:?}");
        }
    }
}
