//! What is wrong with the running system: facts of this boot, each sort in a file of its own, judged apart from gathering.

mod boot;
mod labels;
mod mount;
mod record;
mod services;
mod store;

use veneer::report::Status;

use crate::args::Options;
use crate::failure::Failure;
use crate::finding::Finding;
use crate::image::{configuration, database, hook, initramfs, units};
use crate::root::Root;

/// All that can be found of the system below `root`.
pub(crate) fn check(options: &Options, root: &Root) -> Result<Vec<Finding>, Failure> {
    let status = Status::read(&options.runtime)?;
    let configuration = configuration::Facts::gather(root);
    let mut found = boot::judge(status.as_ref());
    if let Some(status) = &status {
        let layer = status.layer.as_ref();
        found.extend(mount::Facts::gather(options, root, status)?.judge());
        found.extend(store::Facts::gather(options, status, &configuration.intent).judge());
        if let Some(layer) = layer {
            found.extend(record::Facts::gather(options, &layer.id).judge());
            found.extend(labels::Facts::gather(options, root).judge());
        }
    }
    found.extend(services::Facts::gather(options, root).judge());
    found.extend(configuration.judge());
    let databases = database::Facts::gather(root);
    found.extend(databases.judge());
    found.extend(hook::Facts::gather(root, &databases).judge());
    found.extend(units::Facts::gather(root).judge());
    // A store that is there need not be made, so nothing is asked of systemd-repart. Where no initramfs is to be seen, that
    // of this boot had Veneer if it ran.
    let initramfs = initramfs::Facts::gather(root, &[], false);
    if status.is_none() || initramfs.is_any() {
        found.extend(initramfs.judge());
    }
    Ok(found)
}
