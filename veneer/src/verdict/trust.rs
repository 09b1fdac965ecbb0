//! Is this store one that may be used? What it has to be, the user said; what it is, was looked up.

use super::{Reason, Refusal};
use crate::intent::Trust;

/// A refusal if no store at all can be what is asked for.
pub(super) fn judge_trust(trust: &Trust) -> Option<Refusal> {
    if let Some(word) = trust.unknown() {
        return Some(refuse(format!(
            "require= asks for {word}, which this Veneer does not know, so that no store is taken; correct it in veneer.conf \
             (and rebuild the initramfs) or on the kernel command line: `encrypted` is known"
        )));
    }
    let (one, other) = (trust.id()?, trust.other_id()?);
    Some(refuse(format!(
        "store-id= asks for {one} and for {other}, and no store has two ids; take one of them off the kernel command line or \
         out of veneer.conf (and rebuild the initramfs)"
    )))
}

/// A refusal if the store has to be encrypted and is not; `unencrypted` says what of it.
#[must_use]
pub fn judge_encryption(trust: &Trust, unencrypted: Option<&str>) -> Option<Refusal> {
    let what = unencrypted.filter(|_| trust.wants_encryption())?;
    Some(refuse(format!(
        "require=encrypted is set, and the store is not encrypted: {what}; have one that the initramfs unlocks, such as \
         rd.veneer.store=/dev/mapper/NAME with LUKS, or take require=encrypted away where it was set"
    )))
}

/// A refusal if the store has to have another id than it has.
#[must_use]
pub fn judge_id(trust: &Trust, id: Option<&str>) -> Option<Refusal> {
    let wanted = trust.id()?;
    match id {
        Some(found) if found.eq_ignore_ascii_case(wanted) => None,
        Some(found) => Some(refuse(format!(
            "the store has the id {found}, and store-id= asks for {wanted}; attach that one, or set store-id={found} in \
             veneer.conf (and rebuild the initramfs) if this one is meant"
        ))),
        None => Some(refuse(format!(
            "the store is new and has no id yet, and store-id= asks for {wanted}; attach that one, or boot once without \
             store-id= and set the id that `veneer status` says then"
        ))),
    }
}

fn refuse(message: String) -> Refusal {
    Refusal::new(Reason::StoreUnusable, message)
}

#[cfg(test)]
mod tests {
    use super::super::{Intent, judge_intent};
    use super::*;
    use crate::intent::Cmdline;

    fn trust(words: &str) -> Trust {
        let root = std::path::Path::new("/nowhere");
        Intent::gather(root, &Cmdline::parse(words.as_bytes())).0.trust
    }

    #[track_caller]
    fn says(refusal: Option<Refusal>, words: &[&str]) {
        let refusal = refusal.expect("it is refused");
        assert_eq!(refusal.reason, Reason::StoreUnusable);
        for word in words {
            assert!(refusal.message.contains(word), "{word}: {}", refusal.message);
        }
    }

    #[test]
    fn nothing_is_asked_for_by_default() {
        let nothing = trust("quiet");
        assert_eq!(judge_trust(&nothing), None);
        assert_eq!(judge_encryption(&nothing, Some("vda is not encrypted")), None);
        assert_eq!(judge_id(&nothing, None), None);
        assert_eq!(judge_id(&nothing, Some("x")), None);
    }

    #[test]
    fn an_unencrypted_store() {
        let wanted = trust("rd.veneer.require=encrypted");
        assert_eq!(judge_encryption(&wanted, None), None);
        says(judge_encryption(&wanted, Some("vda is not encrypted")), &["vda is not encrypted", "LUKS"]);
    }

    #[test]
    fn a_store_with_another_id() {
        let wanted = trust("rd.veneer.store-id=AB-1");
        assert_eq!(judge_id(&wanted, Some("ab-1")), None);
        says(judge_id(&wanted, Some("cd-2")), &["cd-2", "ab-1"]);
        // Without /proc a store is made without an id.
        says(judge_id(&wanted, Some("")), &["ab-1"]);
        says(judge_id(&wanted, None), &["new", "ab-1", "veneer status"]);
    }

    #[test]
    fn what_no_store_can_be() {
        let judged = |words| judge_intent(&Intent { trust: trust(words), ..Intent::default() });
        assert_eq!(judged("rd.veneer.require=encrypted rd.veneer.store-id=a"), None);
        says(judged("rd.veneer.require=signed"), &["signed", "`encrypted` is known"]);
        says(judged("rd.veneer.store-id=a rd.veneer.store-id=b"), &["a", "b", "two ids"]);
    }
}
