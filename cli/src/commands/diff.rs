//! `veneer diff [--base DIR]`: every change that the layer makes to its base, or would make to another one.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use veneer::changes::{Change, each};
use veneer::report::display_path;
use veneer::tree::{Dir, Kind};

use super::other::{Other, look_at_layer};
use super::record::running_base;
use super::this_boot;
use crate::args::Options;
use crate::failure::Failure;
use crate::output::done;
use crate::owner::owners;
use crate::terminal::Out;

/// Packages are asked for so many paths at once.
const BATCH: usize = 2000;

pub(crate) fn diff(options: &Options) -> Result<String, Failure> {
    let source = Other::source(options)?;
    let upper = look_at_layer(options, &source.name)?.sub(c"upper")?;
    let base = bare_base(options)?;
    let mut out = Out::new();
    let mut rows: Vec<(PathBuf, Change, Kind)> = Vec::new();
    let mut failed = None;
    let mut flush = |rows: &mut Vec<(PathBuf, Change, Kind)>| {
        // A reader that went away is no reason to complain, and none to ask for packages on end.
        if failed.is_none() {
            failed = print(options, rows, &mut out).err();
        }
        rows.clear();
    };
    each(&upper, &base, |path, change, kind| {
        rows.push((path.to_path_buf(), change, kind));
        if rows.len() >= BATCH {
            flush(&mut rows);
        }
        Ok(())
    })?;
    flush(&mut rows);
    done(failed.or(out.flush().err()).map_or(Ok(()), Err)).map(|()| String::new())
}

/// What the layer is held against: the base that was named, or the one of this boot.
pub(super) fn bare_base(options: &Options) -> Result<Dir, Failure> {
    if options.base.is_some() {
        return Ok(Other::find(options)?.machine.usr);
    }
    match this_boot(options)?.layer {
        Some(_) => running_base(options),
        // Without a layer the bare base is /usr itself.
        None => Ok(Dir::open(&options.root.join("usr"))?),
    }
}

fn print(
    options: &Options,
    rows: &[(PathBuf, Change, Kind)],
    out: &mut impl std::io::Write,
) -> std::io::Result<()> {
    let full = |path: &Path| Path::new("/usr").join(path).to_string_lossy().into_owned();
    let paths: Vec<String> = rows.iter().map(|(path, ..)| full(path)).collect();
    let owners = owners(&options.root, &paths);
    for ((path, change, kind), full) in rows.iter().zip(&paths) {
        let (word, package) = (change.word(), owners.get(full));
        let shown = display_path(&Path::new("/usr").join(path));
        if options.json {
            let line = serde_json::json!({ "path": shown, "change": word, "package": package });
            writeln!(out, "{line}")?;
        } else {
            let slash = if *kind == Kind::Directory { "/" } else { "" };
            let of = package.map(|package| format!("  ({package})")).unwrap_or_default();
            writeln!(out, "{word:8} {shown}{slash}{of}")?;
        }
    }
    Ok(())
}
