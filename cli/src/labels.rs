//! SELinux: what Veneer makes in the store has a label. The initramfs, which makes most of it, has no policy that would give
//! it one.

use std::ffi::CStr;
use std::path::Path;

use veneer::error::Result;
use veneer::store::Store;
use veneer::tree::{Dir, Label};

/// What the kernel says of a file without a label: the policy's own names for that.
const INITIAL: [&str; 2] = ["file", "unlabeled"];

/// The label of the base's /usr, for what has none; `None` if the base is not labelled.
pub(crate) fn label(root: &Path, base: &Dir) -> Result<Option<Label>> {
    // Without SELinux they are not there, and then nothing stands for none.
    let read = |name: &&str| std::fs::read(root.join("sys/fs/selinux/initial_contexts").join(name)).ok();
    let initial: Vec<Vec<u8>> = INITIAL.iter().filter_map(read).collect();
    Label::of(base, &initial)
}

/// Gives it to all of the store but what the layers have in /usr: that has its labels from the policy.
pub(crate) fn give(label: &Label, store: &Store) -> Result<()> {
    let top = Dir::open(store.path())?;
    label.give(&top, c"veneer")?;
    let root = top.sub(c"veneer")?;
    for name in root.names()? {
        label.give(&root, &name)?;
    }
    let layers = store.layers();
    for layer in layers.names()? {
        label.give(layers, &layer)?;
        let Some(layer) = layers.sub_if_there(&layer)? else { continue };
        for name in layer.names()? {
            if name.as_c_str() == UPPER {
                label.give(&layer, &name)?;
            } else {
                label.give_all(&layer, &name)?;
            }
        }
    }
    Ok(())
}

/// What a layer has in /usr.
pub(crate) const UPPER: &CStr = c"upper";
