//! veneer.conf and its drop-ins, read as a boot reads them.

use veneer::intent::{Cmdline, Intent, Mode};

use crate::finding::Finding;
use crate::root::Root;

#[derive(Debug)]
pub(crate) struct Facts {
    warnings: Vec<String>,
    pub(crate) intent: Intent,
}

impl Facts {
    pub(crate) fn gather(root: &Root) -> Self {
        let (intent, warnings) = Intent::gather(root.dir(), &Cmdline::parse(b""));
        Facts { warnings: warnings.iter().map(ToString::to_string).collect(), intent }
    }

    pub(crate) fn judge(&self) -> Vec<Finding> {
        let correct = "Correct that line; veneer.conf(5) has the keys and their values.";
        let not_understood =
            |warning: &String| Finding::error("configuration-not-understood", warning, correct);
        let mut found: Vec<Finding> = self.warnings.iter().map(not_understood).collect();
        if !self.intent.enabled || self.intent.mode == Mode::Pristine {
            found.push(Finding::warning(
                "configuration-turns-off",
                "the configuration has every boot without a layer",
                "Take `enabled=no` or `mode=pristine` out of veneer.conf, if that is not what you want.",
            ));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::names;
    use crate::root::tests::Tree;

    #[test]
    fn each_warning_of_the_reader_is_one() {
        let tree = Tree::new();
        let found = || names(&Facts::gather(&tree.root()).judge());
        assert_eq!(found(), [""; 0]);
        tree.write("usr/lib/veneer.conf", "[Veneer]\nkeep=lots\nnonsense=1\n");
        assert_eq!(found(), ["configuration-not-understood"; 2]);
        tree.write("usr/lib/veneer.conf", "[Veneer]\nkeep=3\nenabled=no\n");
        assert_eq!(found(), ["configuration-turns-off"]);
        tree.write("etc/veneer.conf.d/1.conf", "[Veneer]\nenabled=yes\nmode=pristine\n");
        assert_eq!(found(), ["configuration-turns-off"]);
    }
}
