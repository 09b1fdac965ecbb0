//! A package's `desc`: sections of a `%FIELD%` line and the lines below it up to an empty one.

/// What a package says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desc {
    /// `%NAME%`
    pub name: String,
    /// `%VERSION%`: epoch, version and release.
    pub version: String,
    /// `%ARCH%`
    pub arch: String,
    /// True unless `%REASON%` says that it came as a dependency of another.
    pub explicit: bool,
    /// `%BUILDDATE%` and `%PACKAGER%`: what two builds of one version differ in.
    pub build: String,
    /// `%DEPENDS%`
    pub depends: Vec<String>,
    /// `%PROVIDES%`
    pub provides: Vec<String>,
    /// `%CONFLICTS%`
    pub conflicts: Vec<String>,
    /// `%REPLACES%`
    pub replaces: Vec<String>,
}

impl Desc {
    /// Reads a `desc`; `None` if it does not say whose it is.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut desc = Desc { explicit: true, ..Desc::default() };
        for section in sections(text) {
            let one = || section.values().next().unwrap_or_default().to_owned();
            let all = || section.values().map(str::to_owned).collect();
            match section.field {
                "%NAME%" => desc.name = one(),
                "%VERSION%" => desc.version = one(),
                "%ARCH%" => desc.arch = one(),
                // 0 is explicit, 1 dependency; what else pacman would refuse is not a wish of the user's.
                "%REASON%" => desc.explicit = one() == "0",
                "%BUILDDATE%" | "%PACKAGER%" => {
                    desc.build.push_str(&one());
                    desc.build.push('\n');
                }
                "%DEPENDS%" => desc.depends = all(),
                "%PROVIDES%" => desc.provides = all(),
                "%CONFLICTS%" => desc.conflicts = all(),
                "%REPLACES%" => desc.replaces = all(),
                _ => {}
            }
        }
        (!desc.name.is_empty() && !desc.version.is_empty()).then_some(desc)
    }
}

/// The text of a `desc` with another reason for being installed; all else stays as it is.
#[must_use]
pub fn with_reason(text: &str, explicit: bool) -> String {
    let mut new = String::with_capacity(text.len() + 16);
    let mut from = 0;
    for section in sections(text).filter(|section| section.field == "%REASON%") {
        new.push_str(&text[from..section.start]);
        // The empty line after it goes with it.
        from = section.end + usize::from(text[section.end..].starts_with('\n'));
    }
    new.push_str(&text[from..]);
    if !new.is_empty() && !new.ends_with('\n') {
        new.push('\n');
    }
    // Explicit is what a package without this section is.
    if !explicit {
        new.push_str(if new.is_empty() || new.ends_with("\n\n") { "" } else { "\n" });
        new.push_str("%REASON%\n1\n\n");
    }
    new
}

/// A section, from its field to the empty line that ends it.
struct Section<'a> {
    /// With both percent signs.
    field: &'a str,
    body: &'a str,
    /// Where it begins and ends in the text.
    start: usize,
    end: usize,
}

impl<'a> Section<'a> {
    fn values(&self) -> impl Iterator<Item = &'a str> {
        self.body.split_terminator('\n')
    }
}

/// The sections of a text. Lines outside of any are passed over, as pacman does.
fn sections(text: &str) -> impl Iterator<Item = Section<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let start = text.len() - rest.len();
            let (field, below) = first_line(rest)?;
            rest = below;
            if !(field.len() > 2 && field.starts_with('%') && field.ends_with('%')) {
                continue;
            }
            while let Some((_, after)) = first_line(rest).filter(|(line, _)| !line.is_empty()) {
                rest = after;
            }
            let body = &below[..below.len() - rest.len()];
            return Some(Section { field, body, start, end: text.len() - rest.len() });
        }
    })
}

fn first_line(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    Some(text.split_once('\n').unwrap_or((text, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOO: &str = "%NAME%\nfoo\n\n%VERSION%\n2:1.0-1\n\n%DESC%\n%odd%\n\n%URL%\n\n\n%ARCH%\nany\n\n%BUILDDATE%\n17\n\n\
        %PACKAGER%\nMe <me@example.org>\n\n%REASON%\n1\n\n%REPLACES%\noldfoo\n\n%DEPENDS%\nglibc>=2.3\nlibbar.so=1-64\n\n\
        %CONFLICTS%\nbar<2\n\n%PROVIDES%\nvirt=3\n\n%XDATA%\npkgtype=pkg\n\n";

    #[test]
    fn reads_what_pacman_writes() {
        let desc = Desc::parse(FOO).expect("a desc");
        assert_eq!(
            (desc.name.as_str(), desc.version.as_str(), desc.arch.as_str()),
            ("foo", "2:1.0-1", "any")
        );
        assert!(!desc.explicit);
        assert_eq!(desc.build, "17\nMe <me@example.org>\n");
        assert_eq!(desc.depends, ["glibc>=2.3", "libbar.so=1-64"]);
        assert_eq!(desc.provides, ["virt=3"]);
        assert_eq!(desc.conflicts, ["bar<2"]);
        assert_eq!(desc.replaces, ["oldfoo"]);
    }

    #[test]
    fn without_a_reason_the_user_asked_for_it() {
        assert!(Desc::parse("%NAME%\na\n\n%VERSION%\n1-1\n").expect("a desc").explicit);
        assert_eq!(Desc::parse("%NAME%\n\n%VERSION%\n1-1\n"), None);
        assert_eq!(Desc::parse(""), None);
    }

    #[test]
    fn only_the_reason_changes() {
        let explicit = with_reason(FOO, true);
        assert_eq!(explicit, FOO.replace("%REASON%\n1\n\n", ""));
        let back = with_reason(&explicit, false);
        assert_eq!(back, format!("{explicit}%REASON%\n1\n\n"));
        assert_eq!(with_reason("%NAME%\na", true), "%NAME%\na\n");
        assert_eq!(with_reason("%NAME%\na", false), "%NAME%\na\n\n%REASON%\n1\n\n");
    }

    /// A million: see [`crate::fuzz`].
    #[test]
    fn noise_is_read_without_a_panic() {
        let mut random = crate::fuzz::Random::new();
        for _ in 0..crate::fuzz::rounds(3000) {
            let text = String::from_utf8_lossy(&random.mangle(FOO.as_bytes())).into_owned();
            for explicit in [true, false] {
                let new = with_reason(&text, explicit);
                if let Some(desc) = Desc::parse(&text) {
                    assert_eq!(Desc::parse(&new), Some(Desc { explicit, ..desc }), "{text:?}");
                }
            }
        }
    }
}
