//! Small packages, made by rpmbuild: many of them by one spec file.

use std::fmt::Write as _;
use std::path::Path;

use crate::edit::{Edit, Edits};

/// A package to be built.
#[derive(Clone)]
pub struct Rpm {
    name: &'static str,
    /// `[epoch:]version-release`.
    version: &'static str,
    tags: &'static str,
    ghosts: &'static [&'static str],
    scripts: &'static str,
    files: Edits,
}

impl Rpm {
    /// A package whose files are given below /usr.
    pub fn new(name: &'static str, version: &'static str, files: Edits) -> Rpm {
        Rpm { name, version, tags: "", ghosts: &[], scripts: "", files }
    }

    /// With more lines in its preamble.
    #[must_use]
    pub fn with(self, tags: &'static str) -> Rpm {
        Rpm { tags, ..self }
    }

    /// With files that it owns and does not bring, below /usr.
    #[must_use]
    pub fn ghosts(self, ghosts: &'static [&'static str]) -> Rpm {
        Rpm { ghosts, ..self }
    }

    /// With script sections; `%NAME` in them stands for `-n` and its name.
    #[must_use]
    pub fn scripts(self, scripts: &'static str) -> Rpm {
        Rpm { scripts, ..self }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Writes its files below `tree`/usr, and appends its part to `spec`.
    fn add_to(&self, tree: &Path, spec: &mut String) {
        let usr = tree.join("usr");
        self.files.apply(&usr);
        let mut files = String::new();
        for edit in &self.files.0 {
            match edit {
                Edit::Dir(path) => writeln!(files, "%dir \"/usr/{}\"", path.display()),
                Edit::File(path, _) | Edit::Symlink(path, _) => {
                    writeln!(files, "\"/usr/{}\"", path.display())
                }
                Edit::Mode(..) => Ok(()),
                other => panic!("{}: {other:?} is not for a package", self.name),
            }
            .expect("write into a string");
        }
        for ghost in self.ghosts {
            Edits::new().file(ghost, "").apply(&usr);
            writeln!(files, "%ghost \"/usr/{ghost}\"").expect("write into a string");
        }
        let Rpm { name, version, tags, scripts, .. } = self;
        let (epoch, rest) = version.split_once(':').unwrap_or(("", version));
        let (version, release) = rest.split_once('-').expect("a version has a release");
        let epoch = if epoch.is_empty() { String::new() } else { format!("Epoch: {epoch}\n") };
        let scripts = scripts.replace("%NAME", &format!("-n {name}"));
        write!(
            spec,
            "%package -n {name}\nSummary: {name}\n{epoch}Version: {version}\nRelease: {release}\n{tags}\
             %description -n {name}\nA package of a test.\n{scripts}%files -n {name}\n%defattr(-,root,root)\n{files}\n"
        )
        .expect("write into a string");
    }
}

/// What every spec file begins with: its own package has no files, so that none is built. `install` fills the build root.
pub(super) fn head(name: &str, install: &str) -> String {
    format!(
        "Name: spec-{name}\nVersion: 1\nRelease: 1\nSummary: many\nLicense: none\n%description\nmany\n\
         %install\nmkdir -p %{{buildroot}}\n{install}\n"
    )
}

/// Writes `dir`/NAME.spec, and what it packages into `dir`/NAME.
pub(super) fn write_spec(dir: &Path, name: &str, packages: &[Rpm]) -> std::io::Result<()> {
    let tree = dir.join(name);
    std::fs::create_dir_all(tree.join("usr"))?;
    let mut spec = head(name, &format!("cp -a /build/{name}/* %{{buildroot}}/"));
    for package in packages {
        package.add_to(&tree, &mut spec);
    }
    std::fs::write(dir.join(format!("{name}.spec")), spec)
}
