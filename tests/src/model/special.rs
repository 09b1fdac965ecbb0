//! What comes before all other rules: protected paths, kernel modules, files that are made from others.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Fact, Judge, Meeting};
use crate::upper::Entry;

impl Judge<'_> {
    /// Whether anything is left in the layer, if one of these rules has a say.
    pub(super) fn before_all_others(&mut self, meeting: &Meeting) -> Option<bool> {
        if is_of_a_lost_kernel(meeting) {
            self.aside_whole(meeting.path);
            return Some(false);
        }
        let is_dir = matches!(meeting.item.entry, Entry::Merged | Entry::Opaque);
        if is_dir {
            return None;
        }
        if let Some(new) = meeting.new.filter(|_| self.is_protected(meeting.path)) {
            let user = &meeting.item.node;
            let is_same = user.kind == new.kind && super::metadata::is_same(user, new);
            let is_old = matches!(meeting.old, Fact::Known(old) if old.kind == user.kind);
            if meeting.item.entry != Entry::Whiteout && !is_same && !is_old {
                self.aside(meeting.path, user);
            }
            return Some(false);
        }
        self.is_derived(meeting.path).then_some(false)
    }

    pub(super) fn is_protected(&self, path: &Path) -> bool {
        self.case.protected.iter().any(|pattern| matches(pattern, path))
    }

    fn aside_whole(&mut self, path: &Path) {
        let whole: Vec<_> = self.case.upper.0.range(path.to_path_buf()..).collect();
        for (below, item) in whole {
            if below.starts_with(path) && item.entry != Entry::Whiteout {
                self.aside(below, &item.node);
            }
        }
    }

    /// Files that are made from others.
    fn is_derived(&self, path: &Path) -> bool {
        const CACHES: [&str; 9] = [
            "share/glib-2.0/schemas/gschemas.compiled",
            "share/mime/mime.cache",
            "share/icons/*/icon-theme.cache",
            "share/applications/mimeinfo.cache",
            "lib/udev/hwdb.bin",
            "lib/modules/*/modules.dep",
            "lib/*/gconv/gconv-modules.cache",
            "lib/*/gio/modules/giomodule.cache",
            "share/info/dir",
        ];
        CACHES.iter().any(|pattern| matches(pattern, path))
            || source_of_bytecode(path).is_some_and(|source| self.case.new.get(source).is_some())
    }
}

/// `lib/modules/VERSION`, where the new base has no such kernel, and the user did not bring it.
fn is_of_a_lost_kernel(meeting: &Meeting) -> bool {
    meeting.path.parent() == Some(Path::new("lib/modules"))
        && matches!(meeting.item.entry, Entry::Merged | Entry::Opaque)
        && meeting.new.is_none()
        && !matches!(meeting.old, Fact::Absent)
}

/// `x/name.py` for `x/__pycache__/name.cpython-313.pyc`.
fn source_of_bytecode(path: &Path) -> Option<PathBuf> {
    let cache = path.parent()?;
    let name = path.file_name()?.to_str()?.strip_suffix(".pyc")?;
    let (stem, _) = name.split_once('.')?;
    (cache.file_name()? == OsStr::new("__pycache__")).then(|| cache.with_file_name(format!("{stem}.py")))
}

/// A path against a pattern, component by component; a `*` stands for any text within one.
fn matches(pattern: &str, path: &Path) -> bool {
    let globs: Vec<&str> = pattern.split('/').collect();
    let parts: Vec<_> = path.iter().map(OsStr::to_string_lossy).collect();
    globs.len() == parts.len() && globs.iter().zip(&parts).all(|(glob, part)| fits(glob, part))
}

fn fits(glob: &str, text: &str) -> bool {
    match glob.split_once('*') {
        None => glob == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| fits(rest, &text[at..]))
        }),
    }
}
