//! Files under /usr that are made from others: caches that hide what a new base brings. They are left out of the new
//! layer, so that the base's show until they are made again.

use std::path::{Path, PathBuf};

use super::pattern::Names;

/// Patterns of paths below /usr; `*` stands for one component or a part of one.
const DERIVED: [&str; 36] = [
    "share/glib-2.0/schemas/gschemas.compiled",
    "share/mime/aliases",
    "share/mime/generic-icons",
    "share/mime/globs",
    "share/mime/globs2",
    "share/mime/icons",
    "share/mime/magic",
    "share/mime/mime.cache",
    "share/mime/subclasses",
    "share/mime/treemagic",
    "share/mime/types",
    "share/mime/version",
    "share/mime/XMLnamespaces",
    "share/icons/*/icon-theme.cache",
    "share/applications/mimeinfo.cache",
    "lib/udev/hwdb.bin",
    "lib/modules/*/modules.*",
    "lib/locale/locale-archive",
    "lib/gconv/gconv-modules.cache",
    "lib64/gconv/gconv-modules.cache",
    "lib/*/gconv/gconv-modules.cache",
    "lib/gio/modules/giomodule.cache",
    "lib64/gio/modules/giomodule.cache",
    "lib/*/gio/modules/giomodule.cache",
    "lib/gdk-pixbuf-2.0/*/loaders.cache",
    "lib64/gdk-pixbuf-2.0/*/loaders.cache",
    "lib/*/gdk-pixbuf-2.0/*/loaders.cache",
    "lib/gtk-*/*/immodules.cache",
    "lib64/gtk-*/*/immodules.cache",
    "lib/*/gtk-*/*/immodules.cache",
    "share/info/dir",
    "share/fonts/*/fonts.dir",
    "share/fonts/*/*/fonts.dir",
    "lib/vlc/plugins/plugins.dat",
    "lib64/vlc/plugins/plugins.dat",
    "lib/*/vlc/plugins/plugins.dat",
];

/// The names in the directory `dir` that are files made from others.
pub(super) fn derived_in(dir: &Path) -> Names<'static> {
    Names::of(DERIVED, dir)
}

/// The source that byte code was made from: `x/a.py` for `x/__pycache__/a.cpython-313.pyc`. If that is the base's, the
/// byte code is not to be trusted: image builds make all mtimes equal, which is what Python compares.
pub(super) fn source_of_bytecode(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?.strip_suffix(".pyc")?;
    let cache = path.parent()?;
    let (module, _) = name.split_once('.')?;
    (cache.file_name()? == "__pycache__").then(|| cache.with_file_name(format!("{module}.py")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_code_has_a_source() {
        let source = |path: &str| source_of_bytecode(Path::new(path));
        assert_eq!(source("lib/x/__pycache__/y.cpython-313.pyc"), Some("lib/x/y.py".into()));
        assert_eq!(source("lib/x/y.pyc"), None);
    }

    fn is_derived(path: &str) -> bool {
        let (dir, name) = path.rsplit_once('/').expect("a directory");
        derived_in(Path::new(dir)).has(name.as_bytes())
    }

    #[test]
    fn caches_and_only_caches() {
        for path in [
            "share/icons/hicolor/icon-theme.cache",
            "lib/modules/6.12.1/modules.dep.bin",
            "lib/x86_64-linux-gnu/gtk-3.0/3.0.0/immodules.cache",
        ] {
            assert!(is_derived(path), "{path}");
        }
        for path in
            ["share/mime/packages/mine.xml", "lib/modules/6.12.1/extra/x.ko", "share/icons/icon-theme.cache"]
        {
            assert!(!is_derived(path), "{path}");
        }
    }
}
