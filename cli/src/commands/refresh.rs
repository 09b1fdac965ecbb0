//! `veneer refresh`: makes again, after a rebase, what is made from other files. Once all of it is done, the layer
//! remembers that, and the next boot has nothing to do. What is to be done early and was not, is done late.

use std::path::{Path, PathBuf};

use veneer::mount::{uncover_alone, unguard_alone};
use veneer::packages::{DATABASES, Manager};
use veneer::rebase::{REFRESH, REFRESH_RUNTIME};
use veneer::store::LayerName;
use veneer::tree::{Dir, Kind, split};

use super::guard::is_guarded;
use super::other::look_at_layer;
use super::{count, open, this_boot};
use crate::args::Options;
use crate::failure::Failure;
use crate::labels;
use crate::refresh::{Step, When, pending, relabel, steps};

/// In the runtime directory: what had to be done early is done.
const EARLY_DONE: &str = "refreshed-early";

pub(crate) fn refresh(options: &Options) -> Result<String, Failure> {
    let Some(layer) = this_boot(options)?.layer else {
        if options.json {
            return Ok(in_json(None, &[]));
        }
        return Ok("this boot has no layer: there is nothing to make again\n".into());
    };
    let upper = look_at_layer(options, &layer.id)?.sub(c"upper")?;
    let early_mark = options.runtime.join(EARLY_DONE);
    let early_is_due = options.early || !early_mark.exists();
    let is_due = |step: &Step| match step.when {
        When::Early => early_is_due,
        When::Late => !options.early,
    };
    // The layer's own is that of the base. What was labelled early is not looked at once more.
    let label = if early_is_due { labels::label(&options.root, &upper)? } else { None };
    let mut all = steps(|path| has_something(&upper, path), |path| list(&upper, path));
    if label.is_some() {
        all.push(relabel(&upper)?);
    }
    if !options.early {
        all.extend(dpkg_triggers(&options.root, &upper));
    }
    all.retain(|step| is_due(step) && is_there(&options.root, &step.program));
    // Labels first, then libraries and modules, then the triggers of packages, then the tables' other commands.
    all.sort_by_key(|step| (step.when, step.program != "restorecon", !step.program.starts_with("dpkg")));
    if options.dry_run && options.json {
        return Ok(in_json(Some(&layer.id), &all));
    }
    if options.dry_run {
        let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
        return Ok(lines.join("\n") + if lines.is_empty() { "" } else { "\n" });
    }
    let usr = options.root.join("usr");
    if uncover_alone(&usr, &options.root.join("etc"))? {
        log::info!(
            "extensions are merged, below which this shows after `systemd-sysext refresh` and `systemd-confext refresh`, \
             or at the next boot"
        );
    }
    if is_guarded(options) {
        unguard_alone(&usr)?;
    }
    if let Some(label) = label {
        let store = open(options)?;
        // What was made of it in the initramfs; what the policy wants instead comes right after.
        let all = |dir: Dir| label.give_all(&dir, labels::UPPER);
        let given = labels::give(&label, &store).and_then(|()| store.open_layer(&layer.id)).and_then(all);
        if let Err(error) = given {
            log::warn!("{error}; what has no SELinux label goes without, and the rest is done all the same");
        }
    }
    let mut failed = Vec::new();
    for step in &all {
        if let Err(why) = step.run() {
            log::warn!("{why}");
            failed.push(why);
        }
    }
    if !failed.is_empty() {
        return Err(Failure::Missing(format!(
            "{} of {} commands failed; the next boot tries again",
            failed.len(),
            all.len()
        )));
    }
    if options.early {
        std::fs::write(&early_mark, "").map_err(Failure::Output)?;
    } else {
        // From here on the layer is as if its packages had been installed on this base.
        let store = open(options)?;
        store.open_layer(&layer.id)?.remove_file(REFRESH)?;
        for mark in [options.runtime.join(REFRESH_RUNTIME), early_mark] {
            match std::fs::remove_file(&mark) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Failure::Output(error));
                }
                _ => {}
            }
        }
    }
    if options.json {
        return Ok(in_json(Some(&layer.id), &all));
    }
    Ok(format!("{} done\n", count(all.len(), "command", "commands")))
}

fn in_json(layer: Option<&LayerName>, steps: &[Step]) -> String {
    let commands: Vec<String> = steps.iter().map(ToString::to_string).collect();
    format!("{}\n", serde_json::json!({ "layer": layer, "commands": commands }))
}

/// What dpkg would have triggered, and the command that handles it.
fn dpkg_triggers(root: &Path, upper: &Dir) -> Vec<Step> {
    let places = DATABASES.iter().filter(|place| place.manager == Manager::Dpkg);
    let mut files = places.map(|place| root.join("usr").join(place.dir).join("triggers/File"));
    let Some(file) = files.find(|file| file.exists() && is_there(root, "dpkg-trigger")) else {
        return Vec::new();
    };
    // What cannot be read triggers nothing, and the table is still there.
    let file = std::fs::read_to_string(file).unwrap_or_default();
    let paths = pending(&file, |path| has_something(upper, path));
    if paths.is_empty() {
        return Vec::new();
    }
    let trigger =
        |path: &String| Step::new(When::Late, "dpkg-trigger", &["--no-await", "--by-package=dpkg", path]);
    let mut steps: Vec<Step> = paths.iter().map(trigger).collect();
    steps.push(Step::new(When::Late, "dpkg", &["--triggers-only", "--pending"]));
    steps
}

/// True if the layer has anything at or below `path` that is not just hiding something.
fn has_something(upper: &Dir, path: &Path) -> bool {
    let Some((above, name)) = split(path) else { return false };
    let Ok(Some(dir)) = upper.down(above) else { return false };
    match dir.stat(&name) {
        Ok(Some(stat)) => Kind::of(&stat) != Kind::Whiteout,
        _ => false,
    }
}

fn list(upper: &Dir, path: &Path) -> Vec<String> {
    let Ok(Some(dir)) = upper.down(path) else { return Vec::new() };
    let names = dir.names().unwrap_or_default();
    names.iter().filter_map(|name| name.to_str().ok().map(str::to_owned)).collect()
}

fn is_there(root: &Path, program: &str) -> bool {
    ["usr/bin", "usr/sbin", "usr/lib/systemd"].iter().any(|dir| {
        let path: PathBuf = root.join(dir).join(program);
        path.exists()
    })
}
