//! `alternatives/NAME` (update-alternatives(1)): which files may take the place of which name. Pure.
//!
//! A line `auto` or `manual`; the link; for each slave a line with its name and one with its link; an empty line; for each
//! choice a line with its path, one with its priority, and one for each slave (empty if the choice has none); an empty
//! line. Which choice is taken is in /etc/alternatives, which is not Veneer's.

use std::collections::BTreeMap;

type Line = Vec<u8>;

/// One name with its choices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Group {
    manual: bool,
    link: Line,
    /// Links by name.
    slaves: BTreeMap<Line, Line>,
    /// By path: priority, and what takes the place of each slave.
    choices: BTreeMap<Line, (Line, BTreeMap<Line, Line>)>,
}

impl Group {
    /// Reads a file; `None` if it is none of update-alternatives.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let mut lines = text.split(|b| *b == b'\n');
        let mut next = || lines.next();
        let manual = match next()? {
            b"manual" => true,
            b"auto" => false,
            _ => return None,
        };
        let mut group = Group { manual, link: next()?.to_vec(), ..Group::default() };
        let mut names = Vec::new();
        loop {
            match next()? {
                b"" => break,
                name => {
                    names.push(name.to_vec());
                    group.slaves.insert(name.to_vec(), next()?.to_vec());
                }
            }
        }
        loop {
            let path = next()?.to_vec();
            if path.is_empty() {
                return Some(group);
            }
            let priority = next()?.to_vec();
            let mut slaves = BTreeMap::new();
            for name in &names {
                let slave = next()?.to_vec();
                if !slave.is_empty() {
                    slaves.insert(name.clone(), slave);
                }
            }
            group.choices.insert(path, (priority, slaves));
        }
    }

    /// The file.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut lines: Vec<&[u8]> = vec![if self.manual { b"manual" } else { b"auto" }, &self.link];
        for (name, link) in &self.slaves {
            lines.extend([&name[..], &link[..]]);
        }
        lines.push(b"");
        for (path, (priority, slaves)) in &self.choices {
            lines.extend([&path[..], &priority[..]]);
            lines.extend(self.slaves.keys().map(|name| slaves.get(name).map_or(&b""[..], Vec::as_slice)));
        }
        lines.push(b"");
        lines.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect()
    }

    /// True if nothing is left to choose from.
    pub(super) fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }
}

/// The new base's choices and the layer's, as far as `is_there` says so of their paths; what somebody chose by hand stays
/// chosen by hand.
pub(super) fn merge(layer: &Group, new: Option<&Group>, mut is_there: impl FnMut(&[u8]) -> bool) -> Group {
    let mut merged = new.cloned().unwrap_or_default();
    if merged.link.is_empty() {
        merged.link.clone_from(&layer.link);
    }
    merged.manual = layer.manual;
    for (name, link) in &layer.slaves {
        merged.slaves.entry(name.clone()).or_insert_with(|| link.clone());
    }
    for (path, choice) in &layer.choices {
        if !merged.choices.contains_key(path) && is_there(path) {
            merged.choices.insert(path.clone(), choice.clone());
        }
    }
    merged.choices.retain(|path, _| is_there(path));
    // A slave that no choice has is of a choice that went.
    let Group { slaves, choices, .. } = &mut merged;
    slaves.retain(|name, _| {
        choices.values().any(|(_, theirs)| theirs.contains_key(name))
            || new.is_some_and(|new| new.slaves.contains_key(name))
    });
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDITOR: &str = "auto\n/usr/bin/editor\neditor.1.gz\n/usr/share/man/man1/editor.1.gz\n\n\
        /bin/ed\n-100\n/usr/share/man/man1/ed.1.gz\n/usr/bin/vim\n30\n\n\n";

    fn group(text: &str) -> Group {
        Group::parse(text.as_bytes()).expect("well-formed")
    }

    #[test]
    fn what_is_read_is_written() {
        assert_eq!(String::from_utf8(group(EDITOR).text()).expect("UTF-8"), EDITOR);
        let bare = "manual\n/usr/bin/x\n\n/usr/bin/y\n5\n\n";
        assert_eq!(group(bare).text(), bare.as_bytes());
        for bad in ["", "auto\n", "automatic\n/x\n\n\n", "auto\n/x\n\n/y\n", "auto\n/x\nslave\n"] {
            assert_eq!(Group::parse(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn choices_are_those_whose_files_are_there() {
        let layer = group(&EDITOR.replace("auto", "manual").replace("/bin/ed", "/bin/gone"));
        let new = group("auto\n/usr/bin/editor\n\n/bin/nano\n40\n/bin/hidden\n1\n\n");
        let there = |path: &[u8]| !matches!(path, b"/bin/gone" | b"/bin/hidden");
        let merged = merge(&layer, Some(&new), there);
        assert_eq!(merged.text(), b"manual\n/usr/bin/editor\n\n/bin/nano\n40\n/usr/bin/vim\n30\n\n");
        assert!(merge(&group(EDITOR), None, |_| false).is_empty());
        assert_eq!(merge(&group(EDITOR), None, |_| true), group(EDITOR));
    }

    /// A million: see [`crate::fuzz`].
    #[test]
    fn noise_is_read_without_a_panic() {
        let mut random = crate::fuzz::Random::new();
        for _ in 0..crate::fuzz::rounds(3000) {
            let (one, two) = (random.mangle(EDITOR.as_bytes()), random.mangle(EDITOR.as_bytes()));
            let (Some(one), Some(two)) = (Group::parse(&one), Group::parse(&two)) else { continue };
            let merged = merge(&one, Some(&two), |path| path.len() % 2 == 0);
            assert_eq!(merged.is_empty(), merged.choices.is_empty());
            let again = Group::parse(&merged.text());
            // A path that is empty ends the list early; nobody writes one.
            assert!(again.is_some() || merged.link.is_empty() || one.link.is_empty(), "{merged:?}");
        }
    }
}
