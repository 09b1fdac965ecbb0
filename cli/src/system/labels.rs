//! Whether SELinux is on and the base has no labels for it.

use veneer::observe::base_beside;
use veneer::tree::Dir;

use crate::args::Options;
use crate::finding::Finding;
use crate::labels::label;
use crate::root::Root;

#[derive(Debug, Default)]
pub(crate) struct Facts {
    is_on: bool,
    is_labelled: bool,
}

impl Facts {
    /// Of a boot with a layer: the base is beside its store.
    pub(crate) fn gather(options: &Options, root: &Root) -> Self {
        let base = Dir::open(&base_beside(&options.store));
        let label = base.and_then(|base| label(root.dir(), &base));
        // Of a base that cannot be looked at nothing is known, and others tell why.
        Facts {
            is_on: root.exists("sys/fs/selinux/enforce"),
            is_labelled: label.map_or(true, |it| it.is_some()),
        }
    }

    pub(crate) fn judge(&self) -> Vec<Finding> {
        if !self.is_on || self.is_labelled {
            return Vec::new();
        }
        let next = "Label the image when it is built: docs/integration.md, \"SELinux\".";
        let message =
            "SELinux is on, and the base's /usr has no label: nor has what the boot makes in a layer";
        vec![Finding::warning("base-unlabelled", message, next)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::names;

    #[test]
    fn only_where_it_is_on() {
        let judged = |is_on, is_labelled| names(&Facts { is_on, is_labelled }.judge());
        assert_eq!(judged(true, false), ["base-unlabelled"]);
        assert_eq!([judged(true, true), judged(false, false)], [[""; 0]; 2]);
    }
}
