//! os-release(5), as far as Veneer asks it. Pure: text in, values out.

/// The fields that identify a base and say what it is compatible with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OsRelease {
    /// `ID=`, `linux` if missing (the man page's default).
    pub id: String,
    /// `ID_LIKE=`, split at blanks.
    pub like: Vec<String>,
    /// `VERSION_ID=`.
    pub version_id: String,
    /// `IMAGE_VERSION=`.
    pub image_version: String,
    /// `BUILD_ID=`.
    pub build_id: String,
    /// `VENEER_LEVEL=`.
    pub level: Option<String>,
}

impl OsRelease {
    /// More than this is no os-release file.
    pub const LIMIT: u64 = 64 * 1024;

    /// Parses the text; the last assignment of a name wins, lines that are none are passed over as shells would
    /// have been told to do.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut os = OsRelease { id: "linux".into(), ..OsRelease::default() };
        for line in text.lines() {
            let Some((name, value)) = line.trim().split_once('=') else { continue };
            let value = unquote(value.trim());
            match name {
                "ID" if !value.is_empty() => os.id = value,
                "ID_LIKE" => os.like = value.split_ascii_whitespace().map(str::to_owned).collect(),
                "VERSION_ID" => os.version_id = value,
                "IMAGE_VERSION" => os.image_version = value,
                "BUILD_ID" => os.build_id = value,
                "VENEER_LEVEL" if !value.is_empty() => os.level = Some(value),
                _ => {}
            }
        }
        os
    }

    /// The version for people: the distribution's, and which build of the image it is.
    #[must_use]
    pub fn display_version(&self) -> String {
        let build = if self.image_version.is_empty() { &self.build_id } else { &self.image_version };
        match (self.version_id.is_empty(), build.is_empty()) {
            (_, true) => self.version_id.clone(),
            (true, false) => build.clone(),
            (false, false) => format!("{} (image {build})", self.version_id),
        }
    }
}

/// Takes the quotes of a shell assignment away; within double quotes a backslash escapes `$`, `"`, `\` and `` ` ``.
fn unquote(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    let mut quote = None;
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            (None | Some('"'), '\\') => match chars.next() {
                Some(next) if quote.is_none() || matches!(next, '$' | '"' | '\\' | '`') => out.push(next),
                Some(next) => out.extend(['\\', next]),
                None => {}
            },
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_distributions_write() {
        let os = OsRelease::parse(
            "NAME=\"Fedora Linux\"\nID=fedora\nID_LIKE='rhel centos'\nVERSION_ID=43\nIMAGE_VERSION=\"43.1\"\n# x\n\n",
        );
        assert_eq!((os.id.as_str(), os.version_id.as_str()), ("fedora", "43"));
        assert_eq!(os.like, ["rhel", "centos"]);
        assert_eq!(os.display_version(), "43 (image 43.1)");
    }

    #[test]
    fn missing_id_is_linux_and_the_last_word_wins() {
        assert_eq!(OsRelease::parse("VERSION_ID=1\nVERSION_ID=2").version_id, "2");
        assert_eq!(OsRelease::parse("garbage\n\0\u{fffd}=").id, "linux");
    }

    #[test]
    fn quotes_by_the_shell_rules() {
        for (raw, plain) in
            [("a\\ b", "a b"), ("\"a\\$b\\n\"", "a$b\\n"), ("'a\\b'", "a\\b"), ("\"open", "open")]
        {
            assert_eq!(unquote(raw), plain, "{raw}");
        }
    }

    /// A million: see [`crate::fuzz`].
    #[test]
    fn noise_is_read_without_a_panic() {
        let good = b"NAME=\"A \\\"b\\\" c\"\nID=fedora\nID_LIKE='rhel centos'\nVERSION_ID=43\nVENEER_LEVEL=\"1\"\nBUILD_ID=x\n";
        let mut random = crate::fuzz::Random::new();
        for _ in 0..crate::fuzz::rounds(3000) {
            let text = random.mangle(good);
            let os = OsRelease::parse(&String::from_utf8_lossy(&text));
            // Nothing is made up: what is read is no longer than what was there (a lost byte is 3 of U+FFFD).
            assert!(!os.id.is_empty() && os.display_version().len() <= 3 * text.len() + 1);
        }
    }
}
