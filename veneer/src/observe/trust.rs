//! What is asked of a store before it is trusted.

use std::path::Path;

use super::{Places, encryption, refuse};
use crate::error::{Error, Result};
use crate::intent::Intent;
use crate::mount;
use crate::store::{Absent, Store};
use crate::tree::Dir;
use crate::verdict::{self, Refusal};

/// Refuses a store that is not what it has to be, before anything is made in it. Of one that is not there, whoever opens
/// it tells.
pub(super) fn trusted(places: &Places, intent: &Intent) -> std::result::Result<(), Refusal> {
    let trust = &intent.trust;
    if trust.wants_encryption() {
        let is_missing = places.store_is_mount && mount::is_mount_point(&places.store) == Some(false);
        match unencrypted(&places.store, &places.root) {
            Err(Error::Open { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            _ if is_missing => {}
            Err(error) => return Err(refuse(&error)),
            Ok(what) => verdict::judge_encryption(trust, what.as_deref()).map_or(Ok(()), Err)?,
        }
    }
    if trust.id().is_some() {
        match Store::id_at(&places.store, places.store_is_mount) {
            Err(Absent::Missing) => {}
            Err(Absent::Error(error)) => return Err(refuse(&error)),
            Ok(id) => verdict::judge_id(trust, id.as_deref()).map_or(Ok(()), Err)?,
        }
    }
    Ok(())
}

/// What of the storage of the store at `path` is not encrypted, as the beginning of a sentence; `None` if all of it is.
/// `root` is where /sys and /dev are.
pub fn unencrypted(path: &Path, root: &Path) -> Result<Option<String>> {
    let site = mount::site(&Dir::open(path)?)?;
    Ok(match site.mount {
        Some(row) => encryption::unencrypted(&row, root),
        None => Some(format!("what is mounted at {} is not known", path.display())),
    })
}
