//! The kernel command line, split into words and keys as systemd splits it (`proc_cmdline_parse`), so that one and the
//! same line never means different things to the two.
//!
//! Words end at white space. Either kind of quote may stand anywhere in a word and hides white space; one that is never
//! closed reaches to the end. A backslash is a character like any other. In keys `-` and `_` are equal. Of a key that
//! comes twice, the last one counts.

use std::borrow::Cow;

use super::Intent;
use super::setting::Setting;
use super::warning::{Warnings, quoted};

/// What precedes each of Veneer's own keys, but for the plain `rd.veneer`.
const OWN: &str = "rd.veneer.";

/// The words of one command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cmdline {
    words: Vec<Vec<u8>>,
}

impl Cmdline {
    /// Any bytes are a command line.
    #[must_use]
    pub fn parse(line: &[u8]) -> Self {
        let mut words = Vec::new();
        let mut word: Option<Vec<u8>> = None;
        let mut quote = None;
        for &byte in line {
            match byte {
                b'\'' | b'"' if quote == Some(byte) => quote = None,
                b'\'' | b'"' if quote.is_none() => {
                    quote = Some(byte);
                    word.get_or_insert_default();
                }
                b' ' | b'\t' | b'\n' | b'\r' if quote.is_none() => words.extend(word.take()),
                _ => word.get_or_insert_default().push(byte),
            }
        }
        words.extend(word);
        Self { words }
    }

    /// The value that counts: of the last word with this key; `None` if there is no such word. A word without `=` has
    /// no value. What is not UTF-8 shows as U+FFFD.
    #[must_use]
    pub fn last(&self, key: &str) -> Option<Option<Cow<'_, str>>> {
        self.words
            .iter()
            .rev()
            .map(|word| split(word))
            .find(|(name, _)| same_key(name, key.as_bytes()))
            .map(|(_, value)| value.map(String::from_utf8_lossy))
    }

    /// Is the switch on? True for the bare word and for a value that means yes, false for any other value and if there
    /// is no such word.
    #[must_use]
    pub fn is_on(&self, key: &str) -> bool {
        self.last(key)
            .is_some_and(|value| value.is_none_or(|value| super::setting::boolean(&value) == Some(true)))
    }

    /// Takes over into the intent what is Veneer's own.
    pub(super) fn apply(&self, intent: &mut Intent, warnings: &mut Warnings) {
        for word in &self.words {
            let (key, value) = split(word);
            let setting = if same_key(key, b"rd.veneer") {
                Some(Setting::Enabled)
            } else if key.len() >= OWN.len() && same_key(&key[..OWN.len()], OWN.as_bytes()) {
                let name = String::from_utf8_lossy(&key[OWN.len()..]);
                Setting::of_cmdline(&name.replace('-', "_"))
            } else {
                continue;
            };
            let text = String::from_utf8_lossy(word);
            if matches!(text, Cow::Owned(_)) && !setting.is_some_and(Setting::is_demand) {
                warnings.add(format!("kernel command line: {} is not UTF-8, ignored", quoted(&text)));
                continue;
            }
            let Some(setting) = setting else {
                warnings.add(format!("kernel command line: unknown word {}, ignored", quoted(&text)));
                continue;
            };
            // What is UTF-8 was cut at `=`, which is a character of its own: so is the value.
            let value = value.map(String::from_utf8_lossy);
            if let Err(error) = setting.set(intent, value.as_deref()) {
                let used = setting.show(intent);
                warnings.add(format!("kernel command line: {}: {error}; using {used}", quoted(&text)));
            }
        }
    }
}

fn split(word: &[u8]) -> (&[u8], Option<&[u8]>) {
    match word.iter().position(|&byte| byte == b'=') {
        Some(at) => (&word[..at], Some(&word[at + 1..])),
        None => (word, None),
    }
}

fn same_key(a: &[u8], b: &[u8]) -> bool {
    let one = |&byte: &u8| if byte == b'-' { b'_' } else { byte };
    a.iter().map(one).eq(b.iter().map(one))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Mode, StoreSource};
    use super::*;

    fn words(line: &str) -> Vec<String> {
        Cmdline::parse(line.as_bytes()).words.iter().map(|w| String::from_utf8(w.clone()).unwrap()).collect()
    }

    fn intent(line: &str) -> (Intent, Vec<String>) {
        let (mut intent, mut warnings) = (Intent::default(), Warnings::default());
        Cmdline::parse(line.as_bytes()).apply(&mut intent, &mut warnings);
        (intent, warnings.into_list().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn words_are_split_as_systemd_splits_them() {
        assert_eq!(words("a  b\tc\n"), ["a", "b", "c"]);
        assert_eq!(words(r#"a="b c" 'd e' f"g"h"#), ["a=b c", "d e", "fgh"]);
        assert_eq!(words(r#"a="it's" '"'"#), ["a=it's", "\""]);
        assert_eq!(words(r"a\ b c\n"), [r"a\", "b", r"c\n"]);
        assert_eq!(words(r#"a="b \" c"#), [r"a=b \", "c"]);
        assert_eq!(words(r#"a "b c"#), ["a", "b c"]);
        assert_eq!(words(r#""" b"#), ["", "b"]);
    }

    #[test]
    fn the_last_word_counts() {
        let line = Cmdline::parse(b"root=a quiet root=b rd.live.image=0 ro quiet=1");
        assert_eq!(line.last("root"), Some(Some("b".into())));
        assert_eq!(line.last("ro"), Some(None));
        assert_eq!(line.last("rw"), None);
        assert!(line.is_on("quiet") && line.is_on("ro") && !line.is_on("rd.live.image") && !line.is_on("rw"));
        assert_eq!(line.last("rd.live-image"), None);
        assert_eq!(Cmdline::parse(b"a-b_c=1").last("a_b-c"), Some(Some("1".into())));
    }

    #[test]
    fn own_words_are_taken_over() {
        let (got, warnings) = intent(
            r#"rd.veneer=0 rd.veneer.store="LABEL=my store" rd.veneer.timeout=3s rd.veneer.mode=pristine rd.veneer.layer=0002-ab rd.veneer"#,
        );
        assert_eq!(warnings, Vec::<String>::new());
        assert_eq!(
            got,
            Intent {
                enabled: true,
                store: StoreSource::Label("my store".into()),
                timeout: Duration::from_secs(3),
                mode: Mode::Pristine,
                layer: Some("0002-ab".into()),
                ..Intent::default()
            }
        );
        assert!(!intent("rd.veneer rd.veneer=off").0.enabled);
        assert_eq!(intent("xrd.veneer=0 veneer=0 rd.veneers=0 rd.veneer2=0"), (Intent::default(), vec![]));
    }

    #[test]
    fn what_is_not_understood_keeps_the_former_value() {
        let (got, warnings) =
            intent("rd.veneer.timeout=5 rd.veneer.timeout=soon rd.veneer.colour=red rd.veneer.store");
        assert_eq!(got, Intent { timeout: Duration::from_secs(5), ..Intent::default() });
        assert_eq!(
            warnings,
            [
                "kernel command line: \"rd.veneer.timeout=soon\": not a number of seconds from 0 to 3600; using 5",
                "kernel command line: unknown word \"rd.veneer.colour=red\", ignored",
                "kernel command line: \"rd.veneer.store\": nothing is named; using auto",
            ]
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_told_only_where_they_are_ours() {
        let (mut intent, mut warnings) = (Intent::default(), Warnings::default());
        Cmdline::parse(b"noise\xff\xfe \0\0 rd.veneer.store=LABEL=\xff rd.veneer.\xff=1")
            .apply(&mut intent, &mut warnings);
        assert_eq!(intent, Intent::default());
        let list = warnings.into_list();
        assert_eq!(list.len(), 2);
        assert!(
            list.iter().all(|warning| warning.to_string().ends_with("is not UTF-8, ignored")),
            "{list:?}"
        );
    }
}
