//! `veneer reset`: an empty layer for the next boot. The one that is there stays until `veneer gc`.

use veneer::apply::apply;
use veneer::intent::{Cmdline, Intent};
use veneer::mount;
use veneer::observe::{Machine, Places};
use veneer::paths;
use veneer::plan::plan_fresh;
use veneer::report::Status;
use veneer::store::Store;
use veneer::tree::Dir;

use super::ask::ask;
use super::record::running_base;
use super::{no_layer, open, this_boot};
use crate::args::Options;
use crate::failure::Failure;
use crate::packages::Packages;
use crate::wanted::Wanted;

pub(crate) fn reset(options: &Options) -> Result<String, Failure> {
    let status = this_boot(options)?;
    let store = open(options)?;
    let contents = store.contents()?;
    let of_base = contents.layers.iter().rev().find(|layer| layer.state.base.id.id == status.base.id);
    let Some(present) = of_base else {
        return Err(no_layer(&contents, "this base has no layer yet: there is nothing to start anew".into()));
    };
    let base = present.state.base.clone();
    // Without a layer the bare base is /usr itself.
    let usr = match status.layer {
        Some(_) => running_base(options)?,
        None => Dir::open(&options.root.join("usr"))?,
    };
    let wanted = if options.soft { Some(wanted(options, &status, &store, &usr)?) } else { None };
    let what = format!(
        "The next boot starts with an empty layer for {}: what was installed and changed in /usr will not be there.\n\
         Layer {name} stays; `veneer use {name}` brings it back, until `veneer gc` removes it.\n",
        base.describe(),
        name = present.name
    );
    ask(options, &what, "Start anew?")?;
    let file = wanted.as_ref().map(|wanted| wanted.keep(&options.root)).transpose()?;
    let site = mount::site(&usr)?;
    let machine = Machine { usr, site, base };
    let (intent, _) = Intent::gather(&options.root, &Cmdline::parse(b""));
    let places = Places {
        root: options.root.clone(),
        sysroot: options.root.clone(),
        store: options.store.clone(),
        store_is_mount: options.store_is_mount,
        runtime: options.runtime.clone(),
        cmdline: paths::CMDLINE.into(),
    };
    let plan = plan_fresh(&contents, &machine.base);
    apply(&plan, &store, &machine, &places, &intent, None)
        .map_err(|refusal| Failure::Missing(format!("{} ({})", refusal.message, refusal.reason.code())))?;
    let again = wanted.as_ref().and_then(|wanted| {
        wanted.command(|program| {
            ["bin", "sbin"].iter().any(|dir| options.root.join("usr").join(dir).join(program).exists())
        })
    });
    if options.json {
        let all = serde_json::json!({
            "layer": plan.layer, "put_away": present.name, "wanted": wanted, "file": file, "command": again,
        });
        return Ok(format!("{all}\n"));
    }
    let mut text = format!(
        "the next boot uses the empty layer {}; `veneer use {}` brings back what was\n",
        plan.layer, present.name
    );
    if let Some(file) = file {
        let again = again.map_or_else(
            || "no package was added by name: there is nothing to install again\n".to_owned(),
            |again| {
                format!(
                    "after the reboot, this installs your packages again (kept in {}):\n{again}\n",
                    file.display()
                )
            },
        );
        text.push_str(&again);
    }
    Ok(text)
}

/// What the user asked for, of the layer that runs: only of that one the package manager can be asked.
fn wanted(options: &Options, status: &Status, store: &Store, base: &Dir) -> Result<Wanted, Failure> {
    let Some(running) = &status.layer else {
        return Err(Failure::No(
            "no layer runs, so its packages cannot be told; `veneer reset` does without the list".into(),
        ));
    };
    let upper = store.open_layer(&running.id)?.sub(c"upper")?;
    let packages = Packages::read(&Dir::open(&options.root.join("usr"))?, &upper, base)?;
    let packages = packages.ok_or_else(|| {
        Failure::No(
            "this base has no package database: there is no list to keep; `veneer reset` does without".into(),
        )
    })?;
    Ok(Wanted::of(&packages, &options.root))
}
