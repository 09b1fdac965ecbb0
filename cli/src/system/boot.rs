//! What this boot did, by its own report.

use veneer::report::{Outcome, Status};
use veneer::verdict::Reason;

use crate::finding::Finding;

pub(crate) fn judge(status: Option<&Status>) -> Vec<Finding> {
    let Some(status) = status else {
        return vec![Finding::error(
            "not-run",
            "Veneer did not run in this boot: it is turned off, or not in the initramfs, or it failed before it could say why",
            "Ask `journalctl -b -u veneer-assemble.service`; make the initramfs again with `dracut --force`.",
        )];
    };
    let mut found = Vec::new();
    if status.outcome == Outcome::Pristine {
        let message = format!("this boot is pristine ({}): {}", status.reason.code(), status.message);
        let finding = match status.reason {
            Reason::Disabled => {
                Finding::note("pristine", message, "Nothing is to be done if that was asked for.")
            }
            _ => Finding::error(
                "pristine",
                message,
                "Mend what it says, and reboot; veneer(8) has the reasons.",
            ),
        };
        found.push(finding);
    }
    if !status.problems.is_empty() {
        let message = format!("of the layer on this base there are {} things to know", status.problems.len());
        found.push(Finding::warning("problems", message, "`veneer status` tells them."));
    }
    found
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::finding::Level;
    use crate::image::tests::names;

    /// A report as veneer-assemble writes it.
    pub(crate) fn status(reason: &str, layer: &str) -> Status {
        let outcome = if reason == "ok" { "layer" } else { "pristine" };
        let layer = match layer {
            "" => "null".to_owned(),
            layer => format!(r#"{{"id":"{layer}","parent":null,"action":"used"}}"#),
        };
        let text = format!(
            r#"{{"format":1,"outcome":"{outcome}","reason":"{reason}","message":"so it is","base":{{"id":"ab","source":"stamp",
            "os":"debian","version":"13"}},"layer":{layer},"problems":[],"timings_us":{{}}}}"#
        );
        serde_json::from_str(&text).expect("a report")
    }

    #[test]
    fn a_pristine_boot_is_an_error_unless_it_was_asked_for() {
        assert_eq!(names(&judge(None)), ["not-run"]);
        assert_eq!(judge(Some(&status("ok", "0001-ab"))), []);
        let level =
            |reason| judge(Some(&status(reason, ""))).first().map(|finding| (finding.name, finding.level));
        assert_eq!(level("disabled"), Some(("pristine", Level::Note)));
        assert_eq!(level("store-missing"), Some(("pristine", Level::Error)));
        let mut told = status("ok", "0001-ab");
        let kind = veneer::report::ProblemKind::Limited;
        told.problems.push(veneer::report::Problem::of_layer(kind, "x".into()));
        assert_eq!(names(&judge(Some(&told))), ["problems"]);
    }
}
