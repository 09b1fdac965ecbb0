//! What a rebase does to packages: all that the file engine asks, as one value. Nothing of it reads or writes but
//! [`Change::write`], so that entries can be judged in any order.

use std::path::{Path, PathBuf};

use super::database::Composed;
use super::files::Files;
use super::{Decision, Owner, Shipped};
use crate::error::Result;
use crate::report::Problem;
use crate::tree::Dir;

/// See the module. All paths are below /usr.
pub struct Change {
    files: Files,
    decisions: Vec<Decision>,
    database: Box<dyn Composed>,
    problems: Vec<Problem>,
}

impl Change {
    /// Puts together what a package manager's part has worked out.
    #[must_use]
    pub fn new(
        files: Files,
        decisions: Vec<Decision>,
        database: Box<dyn Composed>,
        problems: Vec<Problem>,
    ) -> Self {
        Change { files, decisions, database, problems }
    }

    /// A layer with a database in `dir`, below /usr, that the new base has none to compose with.
    #[must_use]
    pub(super) fn stranded(dir: PathBuf, problems: Vec<Problem>) -> Self {
        Change::new(Files::nothing(), Vec::new(), Box::new(Stranded(dir)), problems)
    }

    /// With more for the user to know, before what there is.
    #[must_use]
    pub(super) fn with_problems(mut self, mut problems: Vec<Problem>) -> Self {
        problems.append(&mut self.problems);
        Change { problems, ..self }
    }

    /// Who owns the layer's entry at `path`. Of a directory, which many packages list, it is one of them: the rules for
    /// directories count.
    #[must_use]
    pub fn owner(&self, path: &Path) -> Owner {
        self.database.owner(path).unwrap_or_else(|| self.files.owner(path))
    }

    /// What the content at `path` was when its package brought it, where the databases have digests.
    #[must_use]
    pub fn shipped(&self, path: &Path) -> Shipped {
        self.files.shipped(path)
    }

    /// The decision on the package that a path belongs to: of several, one that stays. Not known for paths that the layer
    /// has nothing at.
    #[must_use]
    pub fn package(&self, path: &Path) -> Option<&Decision> {
        self.decisions.get(self.files.package(path)?)
    }

    /// What the base has and must not show, sorted: the files of packages that the user removed, and those that the base's
    /// version of a package has and the user's newer one lacks. No package that is there owns them. What the layer keeps
    /// at such a path stays; a directory is listed only if all that the base has in it is listed too.
    #[must_use]
    pub fn hides(&self) -> &[PathBuf] {
        &self.files.hides
    }

    /// What is copied from the old base, directories too, sorted: packages that it has and the new base lacks, and that a
    /// package needs which stays. Empty if the old base is not at hand.
    #[must_use]
    pub fn adopts(&self) -> &[PathBuf] {
        &self.files.adopts
    }

    /// Writes the composed database into the new layer's `upper`, over the new base at `usr`. To be called when
    /// everything else is there.
    pub fn write(&self, upper: &Dir, usr: &Dir) -> Result<()> {
        self.database.write(upper, usr)
    }

    /// What becomes of each package.
    #[must_use]
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// What the user should know.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// A database's directory that stays behind.
struct Stranded(PathBuf);

impl Composed for Stranded {
    fn owner(&self, path: &Path) -> Option<Owner> {
        (path == self.0).then_some(Owner::Stranded)
    }

    fn write(&self, _: &Dir, _: &Dir) -> Result<()> {
        Ok(())
    }
}
