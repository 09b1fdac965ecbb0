//! The status file: stanzas of `Field: value` lines (deb822(5)), kept as the bytes that they were read as.

use std::ops::Range;

use crate::order;
use crate::packages::{Package, State};

/// The whole Debian archive has three times as many.
const PACKAGE_LIMIT: usize = 20_000;

/// What dpkg says in the three words of `Status:` (dpkg-query(1)), as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// `config-files`
    Leftover,
    /// `half-installed`
    HalfInstalled,
    /// `unpacked`, `half-configured`
    Unconfigured,
    /// `triggers-awaited`, `triggers-pending`
    Triggered,
    /// `installed`
    Installed,
}

/// What a stanza says of its package, beyond what all package managers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stanza {
    /// `Architecture:` as it stands.
    pub(super) arch: String,
    /// The first word of `Status:`.
    pub(super) want: String,
    /// The last word of it.
    pub(super) stage: Stage,
    /// `Essential: yes`.
    pub(super) essential: bool,
    /// Its bytes, with the end of the last line.
    range: Range<usize>,
}

/// A status file, sorted by package.
#[derive(Debug, Default)]
pub(super) struct Status {
    text: Vec<u8>,
    packages: Vec<Package>,
    /// As many as packages; none if the packages come from elsewhere.
    stanzas: Vec<Stanza>,
    /// Entries of packages that are not installed and left nothing: dpkg remembers that somebody wants them held.
    others: Vec<(String, Range<usize>)>,
}

impl Status {
    /// Parses a status file; of two stanzas of one package the later counts, which is how the files below `updates/`
    /// change it. `native` is the machine's architecture. The error says what is wrong.
    pub(super) fn parse(text: Vec<u8>, native: &str) -> Result<Self, String> {
        let mut found = Vec::new();
        for range in stanzas(&text) {
            if found.len() >= PACKAGE_LIMIT {
                return Err(format!("it lists more than {PACKAGE_LIMIT} packages"));
            }
            found.push(entry(&text, range, native)?);
        }
        // Backwards, so that the later one comes first and stays; sorting is stable.
        found.reverse();
        order::sort_by(&mut found, |a, b| a.0.key().cmp(&b.0.key()));
        found.dedup_by(|next, kept| next.0.key() == kept.0.key());
        let mut status = Status { text, ..Status::default() };
        for (package, stanza) in found {
            match stanza {
                Ok(stanza) => {
                    status.packages.push(package);
                    status.stanzas.push(stanza);
                }
                Err(range) => status.others.push((package.name, range)),
            }
        }
        Ok(status)
    }

    /// A list of packages without their stanzas.
    pub(super) fn of(packages: Vec<Package>) -> Self {
        Status { packages, ..Status::default() }
    }

    /// Sorted by [`Package::key`].
    pub(super) fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// What the stanza of a package says.
    pub(super) fn stanza(&self, number: usize) -> Option<&Stanza> {
        self.stanzas.get(number)
    }

    /// A package's stanza, with the end of its last line.
    pub(super) fn text(&self, number: usize) -> &[u8] {
        self.stanzas.get(number).map_or(&[], |stanza| &self.text[stanza.range.clone()])
    }

    /// Names and stanzas of packages that are not there at all.
    pub(super) fn others(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.others.iter().map(|(name, range)| (name.as_str(), &self.text[range.clone()]))
    }

    /// The value of a field of a package, its lines joined by blanks; empty if there is none.
    pub(super) fn field(&self, number: usize, name: &str) -> String {
        field(self.text(number), name).unwrap_or_default()
    }
}

/// The architecture that a status file's packages are of: that of dpkg itself, else the one of most; empty if all are of
/// `all`.
pub(super) fn native(text: &[u8]) -> String {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for range in stanzas(text) {
        let stanza = &text[range];
        let Some(arch) = field(stanza, "Architecture").filter(|arch| arch != "all") else { continue };
        if field(stanza, "Package").as_deref() == Some("dpkg") {
            return arch;
        }
        match counts.iter().position(|(found, _)| *found == arch) {
            Some(at) => counts[at].1 += 1,
            // There are a dozen in the world.
            None if counts.len() < 50 => counts.push((arch, 1)),
            None => {}
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or(String::new(), |(arch, _)| arch)
}

/// Where the stanzas are: what empty lines part.
fn stanzas(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let mut start = None;
        while at < text.len() {
            let length = text[at..].iter().position(|b| *b == b'\n').map_or(text.len() - at, |end| end + 1);
            let (from, line) = (at, &text[at..at + length]);
            at += length;
            match (line.trim_ascii().is_empty(), start) {
                (true, Some(start)) => return Some(start..from),
                (true, None) => {}
                (false, _) => start = start.or(Some(from)),
            }
        }
        start.map(|start| start..text.len())
    })
}

/// Lines of a stanza with their ends.
pub(super) fn lines(stanza: &[u8]) -> impl Iterator<Item = &[u8]> {
    stanza.split_inclusive(|b| *b == b'\n')
}

/// The name of the field that begins on a line, and its value there; `None` for a line that goes on with another.
pub(super) fn begins(line: &[u8]) -> Option<(&[u8], &[u8])> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return None;
    }
    let colon = line.iter().position(|b| *b == b':')?;
    Some((&line[..colon], line[colon + 1..].trim_ascii()))
}

fn field(stanza: &[u8], name: &str) -> Option<String> {
    let mut lines = lines(stanza);
    let named = |field: &[u8]| field.eq_ignore_ascii_case(name.as_bytes());
    let (_, first) = lines.by_ref().filter_map(begins).find(|(field, _)| named(field))?;
    let mut value = first.to_vec();
    for line in lines.take_while(|line| line.starts_with(b" ") || line.starts_with(b"\t")) {
        value.push(b' ');
        value.extend_from_slice(line.trim_ascii());
    }
    Some(String::from_utf8_lossy(&value).into_owned())
}

/// A package with its stanza, or with the range of a stanza that speaks of no package that is there.
type Entry = (Package, Result<Stanza, Range<usize>>);

fn entry(text: &[u8], range: Range<usize>, native: &str) -> Result<Entry, String> {
    let bytes = &text[range.clone()];
    let mut package = Package::default();
    let mut stanza = Stanza {
        arch: String::new(),
        want: String::new(),
        stage: Stage::Installed,
        essential: false,
        range: range.clone(),
    };
    let mut stage = None;
    for line in lines(bytes) {
        if line.contains(&0) {
            return Err("it has bytes that are no text".into());
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            continue;
        }
        let Some((name, value)) = begins(line) else { return Err("it has a line that is no field".into()) };
        let text = || String::from_utf8_lossy(value).into_owned();
        if name.eq_ignore_ascii_case(b"Package") {
            package.name = text();
        } else if name.eq_ignore_ascii_case(b"Architecture") {
            stanza.arch = text();
        } else if name.eq_ignore_ascii_case(b"Version") {
            package.version = text();
        } else if name.eq_ignore_ascii_case(b"Essential") {
            stanza.essential = value == b"yes";
        } else if name.eq_ignore_ascii_case(b"Status") {
            let words: Vec<&[u8]> = value.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty()).collect();
            let [want, _, state] = words[..] else {
                return Err("it has a Status that is not three words".into());
            };
            stanza.want = String::from_utf8_lossy(want).into_owned();
            stage = match state {
                b"not-installed" => None,
                b"config-files" => Some(Stage::Leftover),
                b"half-installed" => Some(Stage::HalfInstalled),
                b"unpacked" | b"half-configured" => Some(Stage::Unconfigured),
                b"triggers-awaited" | b"triggers-pending" => Some(Stage::Triggered),
                b"installed" => Some(Stage::Installed),
                _ => return Err("it has a Status that dpkg does not know".into()),
            };
        }
    }
    if package.name.is_empty() {
        return Err("it has a stanza without a package's name".into());
    }
    if stanza.arch != "all" && stanza.arch != native {
        package.arch.clone_from(&stanza.arch);
    }
    let Some(stage) = stage else { return Ok((package, Err(range))) };
    if package.version.is_empty() {
        return Err(format!("it has no version of {}", crate::report::one_line(&package.name, 100)));
    }
    stanza.stage = stage;
    package.state = match stage {
        Stage::Leftover => State::Leftover,
        Stage::HalfInstalled => State::Partial,
        Stage::Unconfigured | Stage::Triggered | Stage::Installed => State::Installed,
    };
    Ok((package, Ok(stanza)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Package: b\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n\n\n\n\
        Package: a\nEssential: yes\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 1:2~rc1-3\n\
        Description: x\n long\n .\n more\n\n\
        Package: a\nStatus: install reinstreq half-installed\nArchitecture: i386\nVersion: 2\n\n\
        Package: never\nStatus: hold ok not-installed\n";

    fn parse(text: &str) -> Status {
        Status::parse(text.as_bytes().to_vec(), "amd64").expect("well-formed")
    }

    #[test]
    fn packages_are_sorted_and_stanzas_keep_their_text() {
        let status = parse(TEXT);
        let rows: Vec<_> = status.packages().iter().map(|p| (p.key(), p.version.as_str(), p.state)).collect();
        let expected = [
            (("a", ""), "1:2~rc1-3", State::Installed),
            (("a", "i386"), "2", State::Partial),
            (("b", ""), "1", State::Leftover),
        ];
        assert_eq!(rows, expected);
        let stanza = status.stanza(0).expect("there");
        assert_eq!((stanza.want.as_str(), stanza.essential, stanza.arch.as_str()), ("hold", true, "amd64"));
        assert!(status.text(0).starts_with(b"Package: a\n") && status.text(0).ends_with(b" .\n more\n"));
        assert_eq!(status.field(0, "description"), "x long . more");
        let others: Vec<_> = status.others().map(|(name, text)| (name, text.len())).collect();
        assert_eq!(others, [("never", 45)]);
    }

    #[test]
    fn a_later_stanza_takes_an_earlier_ones_place() {
        let update = "Package: a\nStatus: install ok unpacked\nArchitecture: amd64\nVersion: 3\n\n\
                      Package: b\nStatus: deinstall ok not-installed\nArchitecture: all\n";
        let status = parse(&format!("{TEXT}\n{update}"));
        let rows: Vec<_> = status.packages().iter().map(|p| (p.key(), p.version.as_str())).collect();
        assert_eq!(rows, [(("a", ""), "3"), (("a", "i386"), "2")]);
    }

    #[test]
    fn the_machines_architecture_is_dpkgs_or_that_of_most() {
        assert_eq!(native(TEXT.as_bytes()), "i386");
        let more = format!("{TEXT}\nPackage: c\nArchitecture: amd64\n\nPackage: dpkg\nArchitecture: amd64\n");
        assert_eq!(native(more.as_bytes()), "amd64");
        assert_eq!(native(b"Package: a\nArchitecture: all\n"), "");
    }

    #[test]
    fn what_is_no_status_file_is_refused() {
        for text in [
            "Package: a\nStatus: install ok installed\n\0\n",
            "Package: a\nStatus: install ok installed\nVersion: 1\nno field\n",
            "Status: install ok installed\nVersion: 1\n",
            "Package: a\nStatus: install ok\nVersion: 1\n",
            "Package: a\nStatus: install ok well\nVersion: 1\n",
            "Package: a\nStatus: install ok installed\n",
        ] {
            assert!(Status::parse(text.into(), "").is_err(), "{text:?}");
        }
        assert!(parse("").packages().is_empty());
        assert!(parse("\n \n").packages().is_empty());
    }

    /// A million: see [`crate::fuzz`].
    #[test]
    fn noise_is_read_without_a_panic() {
        let mut random = crate::fuzz::Random::new();
        for _ in 0..crate::fuzz::rounds(3000) {
            let text = random.mangle(TEXT.as_bytes());
            let native = native(&text);
            let Ok(status) = Status::parse(text, &native) else { continue };
            let packages = status.packages();
            assert!(packages.windows(2).all(|two| two[0].key() < two[1].key()));
            for number in 0..=packages.len() {
                assert!(status.field(number, "version").len() <= status.text(number).len());
            }
        }
    }
}
