//! What status.json cannot say, since it is written before the system runs: what the layer is and changes now.

use serde::Serialize;
use veneer::intent::{Cmdline, Intent};
use veneer::observe;
use veneer::rebase::Policy;
use veneer::report::StatusLayer;
use veneer::store::{Layer, Store};
use veneer::tree::Dir;

use super::no_store;
use super::other::look_at_layer;
use super::record::running_base;
use crate::args::Options;
use crate::failure::Failure;
use crate::packages::Packages;
use crate::warnings::{self, Counts, Warning, warnings};

/// The object `now` beside what status.json has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Now {
    /// When the layer was made, in seconds since 1970: by the rebase, if it was derived.
    pub(crate) created: u64,
    /// When the first of the layers that it comes from was made, as far as they are still there.
    pub(crate) first_created: u64,
    pub(crate) store: StoreNow,
    /// Null without a package database.
    pub(crate) packages: Option<Packages>,
    pub(crate) entries: Counts,
    pub(crate) warnings: Vec<Warning>,
}

/// What one pins a machine to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct StoreNow {
    /// Null if it was made without one.
    pub(crate) id: Option<String>,
    /// As the boot would see it: all that the file system lies upon.
    pub(crate) encrypted: bool,
}

impl Now {
    /// Looks at the running layer and its base.
    pub(crate) fn look(options: &Options, running: &StatusLayer) -> Result<Self, Failure> {
        let contents = Store::look(&options.store, options.store_is_mount)
            .map_err(|absent| no_store(options, absent))?;
        let by_name = |name| contents.layers.iter().find(|layer: &&Layer| layer.name == name);
        let Some(layer) = by_name(running.id.clone()) else {
            let gone = format!("the running layer {} is not in the store any more", running.id);
            return Err(Failure::Missing(gone));
        };
        let mut first = layer;
        while let Some(parent) = first.state.parent.clone().filter(|parent| *parent < first.name) {
            let Some(parent) = by_name(parent) else { break };
            first = parent;
        }
        let (usr, base) = (Dir::open(&options.root.join("usr"))?, running_base(options)?);
        let upper = look_at_layer(options, &layer.name)?.sub(c"upper")?;
        let packages = Packages::read(&usr, &upper, &base)?;
        let (intent, _) = Intent::gather(&options.root, &Cmdline::parse(b""));
        let walked = warnings::Layer::walk(&upper, &base, &Policy::new(&intent.protected))?;
        let overridden = packages.as_ref().map_or(&[][..], |packages| &packages.overridden);
        let warnings = warnings(overridden, &warnings::with_owners(&options.root, walked.entries));
        let (created, first_created) = (layer.state.created.at, first.state.created.at);
        let unencrypted = observe::unencrypted(&options.store, &options.root)?;
        let id = contents.id.clone().filter(|id| !id.is_empty());
        let store = StoreNow { id, encrypted: unencrypted.is_none() };
        Ok(Now { created, first_created, store, packages, entries: walked.counts, warnings })
    }
}
