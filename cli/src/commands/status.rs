//! `veneer status`: what this boot runs on, why, and what to do about it, on one screen. Problems first.

use veneer::report::{Outcome, Status};

use super::now::Now;
use super::{count, this_boot};
use crate::args::Options;
use crate::date::date;
use crate::failure::Failure;
use crate::lines::{cut, names, tail, wrap};
use crate::packages::Packages;

/// More problems and warnings than this do not fit a screen; `--json` has them all.
const SHOWN: usize = 7;

pub(crate) fn status(options: &Options) -> Result<String, Failure> {
    let status = this_boot(options)?;
    let now = status.layer.as_ref().map(|layer| Now::look(options, layer)).transpose();
    if options.json {
        let mut all = serde_json::to_value(&status)?;
        if let Err(failure) = &now {
            log::warn!("{failure}; what the layer changes is not told");
        }
        all["now"] = serde_json::to_value(now.ok().flatten())?;
        return Ok(format!("{all}\n"));
    }
    let (now, why_not) = match now {
        Ok(now) => (now, None),
        Err(failure) => (None, Some(failure.to_string())),
    };
    Ok(describe(&status, now.as_ref(), why_not.as_deref()))
}

/// At most 24 lines of at most 80 columns.
fn describe(status: &Status, now: Option<&Now>, why_not: Option<&str>) -> String {
    let problems = status.problems.iter().map(|problem| (&problem.path, &problem.package, &problem.message));
    let warnings = now.iter().flat_map(|now| &now.warnings);
    let warnings = warnings.map(|warning| (&warning.path, &warning.package, &warning.message));
    // What is dangerous comes before what was decided.
    let all: Vec<_> = warnings.chain(problems).collect();
    let mut lines = Vec::new();
    if !all.is_empty() {
        let things = count(all.len(), "thing", "things");
        lines.push(format!("{things} to know of this layer on this base:"));
        for (path, package, message) in all.iter().take(SHOWN) {
            let about = path.as_ref().or(package.as_ref()).map_or("the layer", String::as_str);
            lines.push(cut(&format!("  {}: {message}", tail(about))));
        }
        if all.len() > SHOWN {
            lines.push(format!("  and {} more: `veneer status --json`", all.len() - SHOWN));
        }
        lines.push(String::new());
    }
    // Of a pristine boot there is little else to say, and what to do about it comes last.
    let (message, most) = match status.outcome {
        Outcome::Layer => (format!("Running with a layer: {}.", status.message), 5),
        Outcome::Pristine => {
            (format!("Running pristine ({}): {}.", status.reason.code(), status.message), 14)
        }
    };
    lines.extend(wrap(&message, most));
    let base = &status.base;
    if let Some(source) = base.source {
        let id = base.id.get(..12).unwrap_or(&base.id);
        lines.push(cut(&format!("Base: {} {}, id {id} by {}", base.os, base.version, source.word())));
    }
    if let Some(layer) = &status.layer {
        let since = now.map(|now| format!(", since {}", date(now.created))).unwrap_or_default();
        let from = layer.parent.as_ref().map(|parent| format!(", from {parent}")).unwrap_or_default();
        lines.push(cut(&format!("Layer: {}{since}{from}", layer.id)));
    }
    if status.lower.is_some_and(|lower| lower.extension_fits == Some(false)) {
        lines.push("       a system extension does not fit on top: `veneer doctor` has more".into());
    }
    if let Some(now) = now {
        if now.first_created != now.created {
            lines.push(format!("       carried over from base to base since {}", date(now.first_created)));
        }
        let id = now.store.id.as_deref().map_or("no id".into(), |id| format!("id {}", cut(id)));
        let seal = if now.store.encrypted { "encrypted" } else { "not encrypted" };
        lines.push(cut(&format!("Store: {id}, {seal}")));
        match &now.packages {
            Some(packages) => lines.extend(describe_packages(packages)),
            None => lines.push("Packages: this base has no package database in /usr".into()),
        }
        let entries = &now.entries;
        lines.push(format!(
            "Entries: {} added, {} shadowed, {} hidden; `veneer diff` lists them",
            entries.added, entries.shadowed, entries.hidden
        ));
    }
    if let Some(why_not) = why_not {
        lines.extend(wrap(&format!("What the layer changes is not told: {why_not}."), 3));
    }
    lines.join("\n") + "\n"
}

fn describe_packages(packages: &Packages) -> Vec<String> {
    let (added, removed) = (&packages.added, &packages.removed);
    let mut lines = Vec::new();
    if !added.is_empty() {
        lines.push(names("added", added.iter().map(|one| one.name.clone())));
    }
    if !packages.overridden.is_empty() {
        let versions = |one: &crate::packages::Overridden| {
            format!("{} {} (base {})", one.layer.name, one.layer.version, one.base_version)
        };
        lines.push(names("overridden", packages.overridden.iter().map(versions)));
    }
    if !removed.is_empty() {
        lines.push(names("removed", removed.iter().map(|one| one.name.clone())));
    }
    if lines.is_empty() {
        return vec!["Packages: the base's, unchanged".into()];
    }
    let head = |number: usize| if number == 0 { "Packages: " } else { "          " };
    lines.iter().enumerate().map(|(number, line)| cut(&format!("{}{line}", head(number)))).collect()
}

#[cfg(test)]
mod tests {
    use veneer::mount::Form;
    use veneer::packages::Manager;
    use veneer::report::{Problem, ProblemKind, StatusLower};
    use veneer::store::Action;

    use super::super::now::StoreNow;
    use super::*;
    use crate::lines::COLUMNS;
    use crate::packages::{One, Overridden};
    use crate::warnings::{Counts, Warning, WarningKind};

    fn many() -> (Status, Now) {
        let text = r#"{"format":1,"outcome":"layer","reason":"ok","message":"/usr has the layer 0012-3f9c2a1b7d04",
            "base":{"id":"3f9c2a1b7d043f9c2a1b7d043f9c2a1b7d04","source":"fingerprint","os":"debian","version":"13"},
            "layer":{"id":"0012-3f9c2a1b7d04","parent":"0011-aaaaaaaaaaaa","action":"rebased"},
            "problems":[],"timings_us":{}}"#;
        let mut status: Status = serde_json::from_str(text).expect("a status");
        status.message = "a long story of what happened and what can be done ".repeat(20);
        let path = std::path::PathBuf::from(format!("/usr/{}", "deep/".repeat(40)));
        let problem = Problem::of_path(ProblemKind::Kept, &path, "it was kept ".repeat(9));
        status.problems = vec![problem; 300];
        status.lower = Some(StatusLower { form: Form::Stacked, extension_fits: Some(false) });
        let one = |number| One {
            name: format!("package-{number}"),
            arch: String::new(),
            version: "1.0-1".into(),
            wanted: false,
        };
        let all: Vec<One> = (0..500).map(one).collect();
        let overridden = all.iter().map(|one| Overridden {
            layer: one.clone(),
            base_version: "0.9".into(),
            is_older: false,
        });
        let warning = Warning {
            kind: WarningKind::UnownedPrivilege,
            package: None,
            path: Some("/usr/bin/mine".into()),
            message: "it is setuid".into(),
        };
        let packages = Packages {
            manager: Manager::Dpkg,
            overridden: overridden.collect(),
            removed: all.clone(),
            added: all,
        };
        let now = Now {
            created: 1_795_596_000,
            first_created: 0,
            store: StoreNow { id: Some("x".repeat(4000)), encrypted: false },
            packages: Some(packages),
            entries: Counts { added: 123_456, shadowed: 123_456, hidden: 123_456 },
            warnings: vec![warning],
        };
        (status, now)
    }

    #[test]
    fn it_fits_one_screen_and_dangers_come_first() {
        assert_eq!(Action::Rebased, many().0.layer.expect("a layer").action);
        let (status, now) = many();
        let text = describe(&status, Some(&now), None);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() <= 24, "{} lines\n{text}", lines.len());
        assert!(lines.iter().all(|line| line.chars().count() <= COLUMNS), "{text}");
        assert_eq!(lines[0], "301 things to know of this layer on this base:");
        assert!(lines[1].contains("/usr/bin/mine: it is setuid"), "{text}");
        let extension = "a system extension does not fit";
        for words in ["package-0 1.0-1 (base 0.9)", "500 removed: package-0", "since 2026-11-25", extension] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let lower = StatusLower { form: Form::Flattened, extension_fits: Some(true) };
        let text = describe(&Status { lower: Some(lower), ..status.clone() }, Some(&now), None);
        assert!(!text.contains("extension"), "{text}");
        let text = describe(&status, None, Some(&"no permission ".repeat(50)));
        assert!(text.lines().count() <= 24, "{text}");
    }
}
