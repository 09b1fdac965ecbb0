//! `protected=`: the paths at which the base always wins. A list of patterns is added to what is there.

use std::fmt;

/// More patterns than this nobody has a use for, and each entry of a layer is held against all of them.
const MOST: usize = 1000;

/// What was said of protected paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    /// True unless the user wanted none of Veneer's own list.
    pub with_default: bool,
    /// The user's patterns, below /usr.
    pub more: Vec<String>,
}

impl Default for Protected {
    fn default() -> Self {
        Protected { with_default: true, more: Vec::new() }
    }
}

impl Protected {
    /// Adds patterns, separated by blanks; `none` takes away all that is there. After `None` it is as before.
    pub(super) fn add(&mut self, text: &str) -> Option<()> {
        if text == "none" {
            *self = Protected { with_default: false, more: Vec::new() };
            return Some(());
        }
        let mut more = self.more.clone();
        for word in text.split_ascii_whitespace() {
            let path = word.strip_prefix("/usr/").unwrap_or(word);
            let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
            if path.starts_with('/') || !path.split('/').all(plain) {
                return None;
            }
            more.push(path.to_owned());
        }
        if more.len() > MOST {
            return None;
        }
        self.more = more;
        Some(())
    }
}

impl fmt::Display for Protected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.with_default, self.more.is_empty()) {
            (true, true) => f.write_str("the default list"),
            (true, false) => write!(f, "the default list and {}", self.more.join(" ")),
            (false, true) => f.write_str("none"),
            (false, false) => f.write_str(&self.more.join(" ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_added() {
        let mut protected = Protected::default();
        assert_eq!(protected.add("lib/x/* /usr/bin/y"), Some(()));
        assert_eq!(protected.add("bin/z"), Some(()));
        assert_eq!(protected.to_string(), "the default list and lib/x/* bin/y bin/z");
        for bad in ["/etc/passwd", "a/../b", "a//b", "/usr/"] {
            assert_eq!(protected.add(bad), None, "{bad}");
        }
        assert_eq!(protected.more.len(), 3);
        assert_eq!(protected.add("none"), Some(()));
        assert_eq!(protected.to_string(), "none");
    }
}
