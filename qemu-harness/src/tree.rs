//! First half of an image: Debian packages in a directory, without Veneer. It is slow to make and changes
//! seldom, so it is cached apart from what is installed on top.

use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::cache::Cache;
use crate::command;
use crate::error::{Error, Result};
use crate::progress;
use crate::recipe::{Manager, REPACKAGE, Recipe, SPECS, USER_PACKAGES};
use crate::tools::Tools;

/// What a tree of rpm packages does without.
const UNSEEN: [&str; 5] = [
    "/usr/share/locale/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/zoneinfo/*",
    "/usr/lib/*/gconv/*",
];

/// A tree in the cache.
#[derive(Debug)]
pub(crate) struct Tree {
    dir: PathBuf,
}

impl Tree {
    /// Makes the tree, or finds it.
    pub(crate) fn prepare(cache: &Cache, tools: &Tools, recipe: &'static Recipe) -> Result<Self> {
        let dir = cache.get(&recipe.tree_name(), |dir| {
            let what = format!("{}: packages ({})", recipe.name, recipe.about);
            progress::step(&what, || make(cache, tools, recipe, dir))
        })?;
        Ok(Self { dir })
    }

    /// The root directory of the tree.
    pub(crate) fn root(&self) -> PathBuf {
        self.dir.join("root")
    }

    /// The repository with what the scenarios install.
    pub(crate) fn repository(&self) -> PathBuf {
        self.dir.join("repo")
    }
}

fn make(cache: &Cache, tools: &Tools, recipe: &'static Recipe, dir: &Path) -> Result<()> {
    let (root, repo) = (dir.join("root"), dir.join("repo"));
    for made in [&root, &repo] {
        fs::create_dir_all(made).map_err(Error::io("making a tree"))?;
    }
    let mut mmdebstrap = command::isolated("exec mmdebstrap \"$@\"");
    mmdebstrap.args(["--mode=root", "--variant=minbase", "--architectures=amd64"]);
    // A mirror that stands still would be refused after some weeks; the packages are signed all the same.
    mmdebstrap.arg("--aptopt=Acquire::Check-Valid-Until \"false\"");
    mmdebstrap.arg(format!("--include={}", recipe.include()));
    match recipe.manager {
        // The guest has no network: what it installs is fetched now, with what it depends on.
        Manager::Dpkg => mmdebstrap.arg(format!(
            "--customize-hook=chroot \"$1\" apt-get clean && \
             chroot \"$1\" apt-get install --yes --download-only --no-install-recommends {} && \
             mv \"$1\"/var/cache/apt/archives/*.deb {}",
            USER_PACKAGES.join(" "),
            shell_quoted(&repo)
        )),
        // Every file that nobody looks at would be packaged once more.
        Manager::Rpm => mmdebstrap.args(UNSEEN.map(|path| format!("--dpkgopt=path-exclude={path}"))),
    };
    mmdebstrap.arg(recipe.suite()).arg(&root).args(recipe.sources);
    // Kernels would have an initramfs made on installation; the one that is used is made later.
    mmdebstrap.env("INITRD", "No");
    let step = format!("{}-packages", recipe.name);
    command::run(&format!("mmdebstrap of {}", recipe.name), &mut mmdebstrap, &cache.log(&step))?;
    match recipe.manager {
        Manager::Dpkg => {
            let mut index = tools.command("sh");
            index.args(["-euc", "cd \"$0\"; apt-ftparchive packages . > Packages"]).arg(&repo);
            command::run("indexing the repository", &mut index, &cache.log(&format!("{}-index", recipe.name)))
        }
        Manager::Rpm => repackage(cache, recipe, &root, &repo),
    }
}

/// Makes rpm packages of all that is in the tree, and the repository.
fn repackage(cache: &Cache, recipe: &Recipe, root: &Path, repo: &Path) -> Result<()> {
    let what = "making a tree of rpm packages";
    let specs = root.join("srv/specs");
    fs::create_dir_all(&specs).map_err(Error::io(what))?;
    for (name, text) in SPECS {
        fs::write(specs.join(name), text).map_err(Error::io(what))?;
    }
    let mut repackage = command::in_chroot(root);
    repackage.args(["sh", "-euc", REPACKAGE, "sh", "/srv/specs"]);
    command::run(
        &format!("making {} of rpm packages", recipe.name),
        &mut repackage,
        &cache.log(&format!("{}-repackage", recipe.name)),
    )?;
    fs::remove_dir(repo).map_err(Error::io(what))?;
    fs::rename(root.join("srv/repo"), repo).map_err(Error::io(what))?;
    fs::remove_dir_all(specs).map_err(Error::io(what))
}

fn shell_quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
