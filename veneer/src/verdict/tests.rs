//! The verdict as a table.

use super::*;
use crate::base::{BaseId, IdSource};
use crate::store::{Created, LayerState, Trial};

fn base(id: &str) -> Base {
    Base {
        id: BaseId { id: id.into(), source: IdSource::Fingerprint },
        os: "debian".into(),
        version: "13".into(),
        version_id: "13".into(),
        like: Vec::new(),
        level: None,
        arch: "x86_64".into(),
    }
}

pub(super) fn layer(number: u32, id: &str, begun: u32, used: u64) -> Layer {
    Layer {
        name: LayerName::new(number, id),
        state: LayerState {
            base: base(id),
            parent: None,
            created: Created { at: 0, by: "test".into() },
            ahead: None,
        },
        trial: Trial { begun, used },
    }
}

fn name(text: &str) -> LayerName {
    LayerName::parse(text).expect("a layer's name")
}

fn pristine(verdict: &Verdict) -> Option<Reason> {
    match verdict {
        Verdict::Pristine(refusal) => Some(refusal.reason),
        _ => None,
    }
}

fn judged(layers: &[Layer], booted: &str) -> Verdict {
    let intent = Intent::default();
    judge(&Facts { intent: &intent, base: &base(booted), layers, damaged: &[], outrun: &[] })
}

#[test]
fn a_layer_that_was_put_aside_is_not_one_that_failed() {
    let layers = [layer(1, "aa", 2, 1), layer(2, "aa", Trial::PUT_ASIDE, 2)];
    let Verdict::Pristine(refusal) = judged(&layers, "aa") else { panic!("a layer that failed is used") };
    assert_eq!(refusal.reason, Reason::TrialFailed);
    assert!(refusal.message.contains("0001-aa was booted 2 times"), "{}", refusal.message);
    assert_eq!(judged(&[layer(1, "aa", 0, 1), layers[1].clone()], "aa"), Verdict::Use(name("0001-aa")));
}

#[test]
fn a_layer_that_was_made_ahead_of_what_changed_is_none() {
    let intent = Intent::default();
    let layers = [layer(1, "aa", 0, 1), layer(2, "bb", 0, 0)];
    let outrun = [layers[1].name.clone()];
    let judged = |outrun: &[LayerName]| {
        judge(&Facts { intent: &intent, base: &base("bb"), layers: &layers, damaged: &[], outrun })
    };
    assert_eq!(judged(&[]), Verdict::Use(name("0002-bb")));
    assert_eq!(judged(&outrun), Verdict::Rebase { from: name("0001-aa"), to: name("0003-bb") });
}

#[test]
fn which_layer() {
    let rows: [(&[Layer], &str, Verdict); 6] = [
        (&[], "aa", Verdict::Bind(name("0001-aa"))),
        (&[layer(1, "aa", 0, 1)], "aa", Verdict::Use(name("0001-aa"))),
        // The newest of this base, however long ago it was used.
        (&[layer(1, "aa", 0, 9), layer(3, "aa", 0, 2)], "aa", Verdict::Use(name("0003-aa"))),
        // An older healthy one before pristine.
        (&[layer(1, "aa", 1, 1), layer(3, "aa", 2, 2)], "aa", Verdict::Use(name("0001-aa"))),
        // From the one that was used last, not from the newest.
        (
            &[layer(1, "aa", 0, 9), layer(2, "bb", 0, 2)],
            "cc",
            Verdict::Rebase { from: name("0001-aa"), to: name("0003-cc") },
        ),
        // Set aside on its own base, but another base gives it another chance.
        (&[layer(1, "aa", 2, 1)], "bb", Verdict::Rebase { from: name("0001-aa"), to: name("0002-bb") }),
    ];
    for (layers, booted, expected) in rows {
        assert_eq!(judged(layers, booted), expected, "{layers:?} on {booted}");
    }
}

#[test]
fn unblessed_boots_set_a_layer_aside() {
    let rows = [(0, None), (1, None), (2, Some(Reason::TrialFailed)), (9, Some(Reason::TrialFailed))];
    for (begun, reason) in rows {
        assert_eq!(pristine(&judged(&[layer(1, "aa", begun, 1)], "aa")), reason, "{begun}");
    }
}

#[test]
fn the_source_of_an_id_is_part_of_it() {
    let mut one = layer(1, "aa", 0, 1);
    one.state.base.id.source = IdSource::Verity;
    assert!(matches!(judged(&[one], "aa"), Verdict::Rebase { .. }));
}

#[test]
fn a_damaged_layer_is_in_the_way_only_if_it_may_be_the_one() {
    let intent = Intent::default();
    let damaged = [(name("0007-bb"), "its checksum is wrong".to_owned())];
    let booted = base("aa");
    let with = |layers: &[Layer]| {
        judge(&Facts { intent: &intent, base: &booted, layers, damaged: &damaged, outrun: &[] })
    };
    assert_eq!(pristine(&with(&[])), Some(Reason::StoreCorrupt));
    assert_eq!(pristine(&with(&[layer(1, "cc", 0, 1)])), Some(Reason::StoreCorrupt));
    assert_eq!(with(&[layer(1, "aa", 0, 1)]), Verdict::Use(name("0001-aa")));
}

#[test]
fn the_users_words_come_first() {
    let layers = [layer(1, "aa", 2, 1), layer(2, "aa", 0, 2), layer(3, "bb", 0, 3)];
    let booted = base("aa");
    let with =
        |intent: &Intent| judge(&Facts { intent, base: &booted, layers: &layers, damaged: &[], outrun: &[] });
    let wanted = |id: &str| Intent { layer: Some(id.into()), ..Intent::default() };
    assert_eq!(with(&wanted("0001-aa")), Verdict::Use(name("0001-aa")));
    assert_eq!(pristine(&with(&wanted("0003-bb"))), Some(Reason::Incompatible));
    assert_eq!(pristine(&with(&wanted("../../etc"))), Some(Reason::Incompatible));
    let off = Intent { enabled: false, ..Intent::default() };
    assert_eq!(pristine(&with(&off)), Some(Reason::Disabled));
    let bare = Intent { mode: Mode::Pristine, ..Intent::default() };
    assert_eq!(pristine(&with(&bare)), Some(Reason::Disabled));
}

#[test]
fn what_a_store_says_cannot_command_a_terminal() {
    let mut old = layer(1, "aa", 0, 1);
    old.state.base.os = format!("\u{1b}]0;evil\u{7}\n{}", "x".repeat(50_000));
    let Verdict::Pristine(refusal) = judged(&[old], "bb") else { panic!("it is another system") };
    assert_eq!(refusal.reason, Reason::Incompatible);
    assert!(
        !refusal.message.contains(char::is_control) && refusal.message.len() < 1000,
        "{}",
        refusal.message
    );
}
