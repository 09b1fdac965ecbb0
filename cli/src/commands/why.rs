//! `veneer why PATH`: where a path below /usr comes from, and what a rebase decided about it.

use std::ffi::CStr;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::{Component, Path, PathBuf};

use veneer::changes::{Change, at};
use veneer::report::display_path;
use veneer::store::{Layer, LayerName, Store};
use veneer::tree::{Dir, split};

use super::diff::bare_base;
use super::no_store;
use super::other::{Other, look_at_layer};
use crate::args::Options;
use crate::failure::Failure;
use crate::owner::owners;

/// A line of what a rebase left: `verdicts`, or `quarantine/list`, whose verdict is in the file's name.
struct Line {
    path: String,
    verdict: Option<String>,
    why: String,
}

impl Line {
    fn parse(text: &str) -> Option<Self> {
        let line: serde_json::Value = serde_json::from_str(text).ok()?;
        let text = |key: &str| Some(line.get(key)?.as_str()?.to_owned());
        Some(Line { path: text("path")?, verdict: text("verdict"), why: text("why")? })
    }
}

pub(crate) fn why(options: &Options) -> Result<String, Failure> {
    let word = options.word.as_deref().unwrap_or_default();
    let below = below_usr(&options.root, Path::new(word)).ok_or_else(|| {
        Failure::No(format!("{word} is not below /usr, and Veneer looks after nothing else"))
    })?;
    let source = Other::source(options)?;
    let layer = look_at_layer(options, &source.name)?;
    let base = bare_base(options)?;
    let change = at(&layer.sub(c"upper")?, &base, &below)?;
    let in_base = match split(&below) {
        Some((above, name)) => match base.down(above)? {
            Some(dir) => dir.stat(&name)?.is_some(),
            None => false,
        },
        None => true,
    };
    let path = Path::new("/usr").join(&below);
    let full = path.to_string_lossy().into_owned();
    let package = owners(&options.root, std::slice::from_ref(&full)).remove(&full);
    let decisions = decisions(options, &source, &display_path(&path))?;
    if options.json {
        let said: Vec<_> = decisions
            .iter()
            .map(|(layer, line)| serde_json::json!({ "layer": layer, "verdict": line.verdict, "why": line.why }))
            .collect();
        let all = serde_json::json!({
            "path": display_path(&path), "change": change.map(Change::word), "base": in_base, "package": package,
            "decisions": said,
        });
        return Ok(format!("{all}\n"));
    }
    let whence = match change {
        Some(Change::Added) => "of the layer; the base has nothing there",
        Some(Change::Shadowed) => "of the layer, which shadows the base's",
        Some(Change::Hidden) => "hidden by the layer; the base has it",
        None if in_base => "of the base",
        None => "nowhere: neither the layer nor the base has it",
    };
    let mut text = format!("{}: {whence}\n", display_path(&path));
    // Writing to a String cannot fail.
    let _ = match &package {
        Some(package) => writeln!(text, "package: {package}"),
        None => writeln!(text, "package: none"),
    };
    for (layer, line) in decisions {
        let verdict = line.verdict.as_deref().unwrap_or("set aside");
        // As above.
        let _ = writeln!(text, "when layer {layer} was derived: {verdict}, since {}", line.why);
    }
    Ok(text)
}

/// The path below /usr, whatever links lead there: `/bin/sh` is /usr/bin/sh. The last name is taken as it is.
fn below_usr(root: &Path, path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?;
    let absolute = std::path::absolute(path).ok()?;
    let inside = root.join(absolute.parent()?.strip_prefix("/").ok()?);
    // What is hidden may be below a directory that is not there any more.
    let (root, parent) = (root.canonicalize().ok()?, inside.canonicalize().unwrap_or(inside));
    let parent = parent.strip_prefix(&root).ok()?.strip_prefix("usr").ok()?;
    let below = parent.join(name);
    below.components().all(|part| matches!(part, Component::Normal(_))).then_some(below)
}

/// What was decided about the path, or a directory that it is in, when the layer and those that it comes from were
/// derived; the latest first.
fn decisions(options: &Options, source: &Layer, path: &str) -> Result<Vec<(LayerName, Line)>, Failure> {
    let contents =
        Store::look(&options.store, options.store_is_mount).map_err(|absent| no_store(options, absent))?;
    let mut found = Vec::new();
    let mut next = Some(source.name.clone());
    while let Some(name) = next {
        // A parent that was removed took its knowledge along.
        let Some(layer) = contents.layers.iter().find(|layer| layer.name == name) else { break };
        let dir = look_at_layer(options, &name)?;
        for line in lines(&dir, c"verdicts", path)? {
            found.push((name.clone(), line));
        }
        if let Some(quarantine) = dir.sub_if_there(c"quarantine")? {
            for line in lines(&quarantine, c"list", path)? {
                if !found.iter().any(|(layer, known)| *layer == name && known.path == line.path) {
                    found.push((name.clone(), line));
                }
            }
        }
        next = layer.state.parent.clone().filter(|parent| *parent < name);
    }
    Ok(found)
}

fn lines(dir: &Dir, file: &CStr, path: &str) -> Result<Vec<Line>, Failure> {
    if dir.stat(file)?.is_none() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for line in BufReader::new(dir.file(file)?).lines() {
        let line = line.map_err(Failure::Output)?;
        // A line that was cut off by a full store says nothing.
        let Some(line) = Line::parse(&line) else { continue };
        let is_in = path
            .strip_prefix(line.path.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if is_in {
            found.push(line);
        }
    }
    Ok(found)
}
