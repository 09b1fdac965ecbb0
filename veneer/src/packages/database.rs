//! What the three package managers' databases have in common, for verdicts and for the consequences for files.

use std::path::Path;

use super::{Digest, Owner, Package};
use crate::error::Result;
use crate::tree::Dir;

/// A path that a package lists.
#[derive(Debug, Clone, Copy)]
pub enum Listed<'a> {
    /// Below /usr, where it really is: diversions and merged directories are resolved.
    Path(&'a Path),
    /// Of a record: its key alone ([`super::Keys`] of that record).
    Key(u64),
}

/// Shown the paths of a package, with the content's digest where the database has one.
pub type See<'a> = dyn FnMut(Listed<'_>, Option<Digest>) + 'a;

/// One database: of a base, of what a layer showed, or of a record. Whoever opens it reads the list of packages, within
/// bounds; file lists are read package by package, when they are asked for.
pub trait Database {
    /// The packages, each name and architecture once, sorted by [`Package::key`].
    fn packages(&self) -> &[Package];

    /// Shows what package number `number` of [`Database::packages`] lists, directories too, in any order. Nothing if
    /// its list is not there: in the layer, only packages that were installed there have one.
    fn each_file(&self, number: usize, see: &mut See<'_>) -> Result<()>;
}

/// The new database: what it takes to write it, worked out before anything is written.
pub trait Composed: Send + Sync {
    /// What the engine does with the layer's entry at `path`, below /usr, if that is the composer's to say: the database
    /// itself, and single files (diverted ones) that the lists of packages do not tell all of.
    fn owner(&self, path: &Path) -> Option<Owner>;

    /// Writes it into the new layer's `upper`, over the base at `usr`, after everything else is there.
    fn write(&self, upper: &Dir, usr: &Dir) -> Result<()>;
}
