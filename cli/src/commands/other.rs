//! The base that `--base` names, and the layer that would be derived for it.

use std::path::{Path, PathBuf};

use veneer::intent::{Cmdline, Intent};
use veneer::mount;
use veneer::observe::{Machine, Places};
use veneer::paths;
use veneer::rebase::Policy;
use veneer::store::{Layer, LayerName, Store};
use veneer::tree::Dir;
use veneer::verdict::difference;

use super::record::running_base;
use super::{no_layer, no_store, record, this_boot};
use crate::args::Options;
use crate::base::{Identity, Named};
use crate::failure::Failure;

/// Another base than the booted one.
pub(crate) struct Other {
    pub(crate) machine: Machine,
    pub(crate) places: Places,
    pub(crate) intent: Intent,
    pub(crate) policy: Policy,
    /// Its /usr.
    pub(crate) usr_path: PathBuf,
    /// Whether the boot will tell it by the same identity.
    pub(crate) identity: Identity,
}

impl Other {
    /// Looks at the base that the user named.
    pub(crate) fn find(options: &Options) -> Result<Self, Failure> {
        let named = Named::find(options, options.base.as_deref().unwrap_or(Path::new(".")))?;
        let (sysroot, usr_path) = (named.root.clone(), named.usr.clone());
        let words = Cmdline::parse(b"");
        let (intent, _) = Intent::gather(&options.root, &words);
        let usr = Dir::open(&usr_path)?;
        let site = mount::site(&usr)?;
        let mut base = veneer::base::Base::observe(&sysroot, &usr, &site, &words)?;
        if let Some(id) = named.id() {
            base.id = id;
        }
        // Without a boot by Veneer nobody knows how the next one will tell bases apart.
        let identity = named.identity(&base.id, this_boot(options).ok().as_ref());
        let machine = Machine { usr, site, base };
        let places = Places {
            root: options.root.clone(),
            sysroot,
            store: options.store.clone(),
            store_is_mount: options.store_is_mount,
            runtime: options.runtime.clone(),
            cmdline: paths::CMDLINE.into(),
        };
        let policy = Policy::new(&intent.protected);
        Ok(Other { machine, places, intent, policy, usr_path, identity })
    }

    /// The layer that a boot of that base would derive one from: the running one, or the one that was used last.
    pub(crate) fn source(options: &Options) -> Result<Layer, Failure> {
        let contents = Store::look(&options.store, options.store_is_mount);
        let contents = contents.map_err(|absent| no_store(options, absent))?;
        // Without a boot by Veneer there is no running layer.
        let running = this_boot(options).ok().and_then(|status| status.layer).map(|layer| layer.id);
        let is_it = |layer: &&Layer| running.as_ref() == Some(&layer.name);
        let found = contents.layers.iter().find(is_it).or(contents.last_used()).cloned();
        found.ok_or_else(|| {
            no_layer(&contents, "there are no layers yet: nothing would be carried over".into())
        })
    }

    /// The base that the layer is bound to, if this boot runs on it. The layer's record is brought up to date then, as it
    /// will be at shutdown: what is said of the next boot must be what happens there.
    pub(crate) fn old_base(options: &Options, source: &Layer) -> Option<Dir> {
        let running = this_boot(options).ok()?.layer?;
        if running.id != source.name {
            return None;
        }
        // A layer that runs elsewhere, or not now, is judged by its record.
        let base = running_base(options).inspect_err(|failure| log::debug!("{failure}")).ok()?;
        if let Err(failure) = record(options) {
            log::warn!("{failure}; going on with what was recorded before");
        }
        Some(base)
    }

    /// Says no to a base that is another system, unless the user insists.
    pub(crate) fn refuse_incompatible(&self, source: &Layer, force: bool) -> Result<(), Failure> {
        match difference(&source.state.base, &self.machine.base, self.intent.versions) {
            Some(difference) if !force => Err(Failure::No(format!(
                "layer {} was made for {}, and this is {}: {difference}; --force carries it over all the same",
                source.name,
                source.state.base.describe(),
                self.machine.base.describe()
            ))),
            _ => Ok(()),
        }
    }
}

/// A layer's directory, to look at.
pub(crate) fn look_at_layer(options: &Options, name: &LayerName) -> Result<Dir, Failure> {
    let layers = Dir::open(&options.store)?.sub(c"veneer")?.sub(c"layers")?;
    Ok(layers.sub(&name.file_name())?)
}
