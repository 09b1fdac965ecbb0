//! What a store has to be to be used: `require=` and `store-id=`.
//!
//! Invariants: the kernel command line, which whoever sits at the boot loader may write, adds to what the configuration
//! asks for and takes nothing away; and what is not understood is asked for all the same, as something that no store is.

/// The most of what is not understood that is kept, in characters.
const QUOTED: usize = 60;

/// What the store has to be. The default asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    encrypted: bool,
    unknown: Option<String>,
    id: Option<String>,
    other_id: Option<String>,
}

impl Trust {
    /// True if all that the store's file system keeps on disks has to be encrypted.
    #[must_use]
    pub fn wants_encryption(&self) -> bool {
        self.encrypted
    }

    /// The first requirement that is none of those that are known.
    #[must_use]
    pub fn unknown(&self) -> Option<&str> {
        self.unknown.as_deref()
    }

    /// The id that the store has to have.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Another id that it has to have as well.
    #[must_use]
    pub fn other_id(&self) -> Option<&str> {
        self.other_id.as_deref()
    }

    /// Asks for what a list of words says; false if one of them is not known.
    pub(super) fn require(&mut self, words: &str) -> bool {
        let mut known = true;
        for word in words.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty()) {
            if word.eq_ignore_ascii_case("encrypted") {
                self.encrypted = true;
            } else if !is_nothing(word) {
                known = false;
                self.unknown.get_or_insert_with(|| word.chars().take(QUOTED).collect());
            }
        }
        known
    }

    /// Asks for a store with this id; nothing is no id.
    pub(super) fn pin(&mut self, id: &str) {
        let id: String = id.trim().chars().take(QUOTED).flat_map(char::to_lowercase).collect();
        match &self.id {
            _ if id.is_empty() => {}
            None => self.id = Some(id),
            Some(first) if *first == id => {}
            Some(_) => self.other_id = Some(id),
        }
    }

    pub(super) fn drop_requirements(&mut self) {
        (self.encrypted, self.unknown) = (false, None);
    }

    pub(super) fn drop_ids(&mut self) {
        (self.id, self.other_id) = (None, None);
    }

    pub(super) fn show_requirements(&self) -> String {
        match (&self.unknown, self.encrypted) {
            (Some(_), _) => "no store at all, as it may be one that is not to be used",
            (None, true) => "encrypted",
            (None, false) => "none",
        }
        .to_owned()
    }
}

/// The word that asks for nothing.
pub(super) fn is_nothing(word: &str) -> bool {
    word.eq_ignore_ascii_case("none")
}

#[cfg(test)]
mod tests {
    use super::super::{Cmdline, Intent, conf};
    use super::*;
    use crate::intent::warning::Warnings;

    /// What a configuration and then a command line ask for, and how many warnings there are.
    fn read(conf: &[u8], line: &[u8]) -> (Trust, usize) {
        let (mut intent, mut warnings) = (Intent::default(), Warnings::default());
        conf::apply(conf, "veneer.conf", &mut intent, &mut warnings);
        Cmdline::parse(line).apply(&mut intent, &mut warnings);
        (intent.trust, warnings.into_list().len())
    }

    #[test]
    fn the_stricter_of_both_wins() {
        let encrypted = Trust { encrypted: true, ..Trust::default() };
        for (conf, line) in [
            ("require=encrypted", ""),
            ("Require = Encrypted", "rd.veneer.require=none rd.veneer.require="),
            ("require=encrypted", "rd.veneer.require"),
            ("", "rd.veneer.require=encrypted rd.veneer.require=none"),
            ("require=none", "rd.veneer.require=encrypted"),
            ("require=\nrequire=\"encrypted, none\"", ""),
        ] {
            assert_eq!(read(conf.as_bytes(), line.as_bytes()), (encrypted.clone(), 0), "{conf:?} {line:?}");
        }
        // A later file of the configuration takes back what an earlier one asks for.
        for conf in ["require=encrypted\nrequire=", "require=encrypted\nrequire=none\nstore-id=a\nstore-id="]
        {
            assert_eq!(read(conf.as_bytes(), b""), (Trust::default(), 0), "{conf:?}");
        }
        assert_eq!(read(b"", b"rd.veneer.require rd.veneer.store-id="), (Trust::default(), 0));
    }

    #[test]
    fn what_is_not_known_is_asked_for_all_the_same() {
        for (conf, line, word) in [
            (&b"require=signed"[..], &b""[..], "signed"),
            (b"require=encrypted,tpm", b"", "tpm"),
            (b"", b"rd.veneer.require=yes", "yes"),
            (b"require=none", b"rd.veneer.require=encrypted,x", "x"),
            (b"require=enc\xffrypted", b"", "enc\u{fffd}rypted"),
            (b"", b"rd.veneer.require=\xff", "\u{fffd}"),
        ] {
            let (trust, warnings) = read(conf, line);
            assert_eq!((trust.unknown(), warnings), (Some(word), 1));
        }
        assert_eq!(read(b"require=x\nrequire=encrypted\n", b"").0.unknown(), Some("x"));
        assert_eq!(read(b"require=x\nrequire=\n", b"").0, Trust::default());
    }

    #[test]
    fn one_id_is_pinned_and_two_are_too_many() {
        let ids = |conf: &[u8], line: &[u8]| {
            let (trust, _) = read(conf, line);
            (trust.id().map(str::to_owned), trust.other_id().map(str::to_owned))
        };
        let (a, b) = (Some("a-1".to_owned()), Some("b".to_owned()));
        assert_eq!(ids(b"store-id=A-1", b""), (a.clone(), None));
        assert_eq!(
            ids(b"store_id = \"a-1\"", b"rd.veneer.store-id=A-1 rd.veneer.store_id="),
            (a.clone(), None)
        );
        assert_eq!(ids(b"store-id=x\nstore-id=a-1", b""), (a.clone(), None), "the last file counts");
        assert_eq!(ids(b"store-id=a-1", b"rd.veneer.store-id=b"), (a.clone(), b.clone()));
        assert_eq!(ids(b"", b"rd.veneer.store-id=a-1 rd.veneer.store-id=b"), (a, b));
        assert_eq!(ids(b"store-id=\xff", b""), (Some("\u{fffd}".into()), None));
        assert_eq!(ids(b"", b"rd.veneer.store-id=\xff"), (Some("\u{fffd}".into()), None));
        let (id, _) = ids(&[b"store-id=".to_vec(), vec![b'x'; 5000]].concat(), b"");
        assert_eq!(id.map(|id| id.len()), Some(QUOTED));
    }
}
