//! The running layer's record: there, whole, and not older than the last transaction.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use veneer::packages::{DATABASES, Extract};
use veneer::store::LayerName;
use veneer::tree::Dir;

use crate::args::Options;
use crate::commands::look_at_layer;
use crate::finding::Finding;

/// What `veneer record` writes each time.
const SHADOWED: &str = "shadowed";

#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Why it cannot be read.
    error: Option<String>,
    has_packages: bool,
    written: Option<SystemTime>,
    /// When the layer's package database was changed.
    changed: Option<SystemTime>,
}

impl Facts {
    pub(crate) fn gather(options: &Options, layer: &LayerName) -> Self {
        let mut facts = Facts::default();
        let dir = match look_at_layer(options, layer) {
            Ok(dir) => dir,
            Err(failure) => return Facts { error: Some(failure.to_string()), ..facts },
        };
        match dir.sub_if_there(c"record").and_then(|record| record.as_ref().map_or(Ok(None), Extract::open)) {
            Ok(extract) => facts.has_packages = extract.is_some_and(|extract| extract.has_lists()),
            Err(error) => facts.error = Some(error.to_string()),
        }
        facts.written = modified(&dir, &Path::new("record").join(SHADOWED));
        let changes =
            DATABASES.iter().filter_map(|place| modified(&dir, &Path::new("upper").join(place.main_file)));
        facts.changed = changes.max();
        facts
    }

    pub(crate) fn judge(&self) -> Vec<Finding> {
        let now = "`veneer record` writes it now; veneer-record.service does so after boot and at shutdown.";
        let finding = match (&self.error, self.written) {
            (Some(why), _) => {
                Finding::error("record-unreadable", format!("the layer's record cannot be read: {why}"), now)
            }
            (None, None) => Finding::warning(
                "record-missing",
                "nothing is recorded yet of what the layer shadows of its base",
                now,
            ),
            (None, Some(_)) if !self.has_packages => Finding::warning(
                "record-missing",
                "the packages of the base are not recorded in full yet",
                now,
            ),
            (None, Some(written)) if self.changed.is_some_and(|changed| changed > written) => {
                Finding::warning(
                    "record-old",
                    "packages were changed since the layer's record was written",
                    format!("{now} The hook of the package manager does it after each transaction."),
                )
            }
            (None, Some(_)) => return Vec::new(),
        };
        vec![finding]
    }
}

fn modified(dir: &Dir, path: &Path) -> Option<SystemTime> {
    fs::symlink_metadata(dir.path().join(path)).ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::image::tests::names;

    #[test]
    fn there_and_fresh() {
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let whole = || Facts { has_packages: true, written: at(5), changed: at(4), error: None };
        assert_eq!(whole().judge(), []);
        assert_eq!(Facts { changed: None, ..whole() }.judge(), [], "nothing was installed");
        assert_eq!(names(&Facts { changed: at(6), ..whole() }.judge()), ["record-old"]);
        assert_eq!(names(&Facts { written: None, ..whole() }.judge()), ["record-missing"]);
        assert_eq!(names(&Facts { has_packages: false, ..whole() }.judge()), ["record-missing"]);
        assert_eq!(names(&Facts { error: Some("x".into()), ..whole() }.judge()), ["record-unreadable"]);
    }
}
