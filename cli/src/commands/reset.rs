//! `veneer reset`: an empty layer for the next boot. The one that is there stays until `veneer gc`.

use veneer::apply::apply;
use veneer::intent::{Cmdline, Intent};
use veneer::mount;
use veneer::observe::{Machine, Places};
use veneer::paths;
use veneer::plan::plan_fresh;
use veneer::tree::Dir;

use super::ask::ask;
use super::record::running_base;
use super::{open, this_boot};
use crate::args::Options;
use crate::failure::Failure;

pub(crate) fn reset(options: &Options) -> Result<String, Failure> {
    let status = this_boot(options)?;
    let store = open(options)?;
    let contents = store.contents()?;
    let of_base = contents.layers.iter().rev().find(|layer| layer.state.base.id.id == status.base.id);
    let Some(present) = of_base else {
        return Err(Failure::No("this base has no layer yet: there is nothing to start anew".into()));
    };
    let base = present.state.base.clone();
    let what = format!(
        "The next boot starts with an empty layer for {}: what was installed and changed in /usr will not be there.\n\
         Layer {name} stays; `veneer use {name}` brings it back, until `veneer gc` removes it.\n",
        base.describe(),
        name = present.name
    );
    ask(options, &what, "Start anew?")?;
    // Without a layer the bare base is /usr itself.
    let usr = match status.layer {
        Some(_) => running_base(options)?,
        None => Dir::open(&options.root.join("usr"))?,
    };
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
    Ok(format!(
        "the next boot uses the empty layer {}; `veneer use {}` brings back what was\n",
        plan.layer, present.name
    ))
}
