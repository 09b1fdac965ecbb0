//! Which commands there are for which directories. A row counts if the layer has something in the directory and the
//! system has the program.

use std::path::Path;

use super::{Step, When};

/// A row: a directory below /usr, the program and its arguments. A `*` in the directory stands for one component, and
/// `{}` in the arguments for the directory that was found.
type Row = (&'static str, When, &'static str, &'static [&'static str]);

const ROWS: [Row; 23] = [
    ("lib/modules/*", When::Early, "depmod", &["-a", "{name}"]),
    ("lib", When::Early, "ldconfig", &[]),
    ("lib64", When::Early, "ldconfig", &[]),
    ("local/lib", When::Early, "ldconfig", &[]),
    ("lib/sysusers.d", When::Early, "systemd-sysusers", &[]),
    ("lib/tmpfiles.d", When::Early, "systemd-tmpfiles", &["--create", "--boot"]),
    ("lib/gconv", When::Early, "iconvconfig", &[]),
    ("lib64/gconv", When::Early, "iconvconfig", &[]),
    ("lib/*/gconv", When::Early, "iconvconfig", &[]),
    ("lib/udev/hwdb.d", When::Late, "systemd-hwdb", &["update", "--usr"]),
    ("share/glib-2.0/schemas", When::Late, "glib-compile-schemas", &["{}"]),
    ("share/mime/packages", When::Late, "update-mime-database", &["/usr/share/mime"]),
    (
        "share/icons/*",
        When::Late,
        "gtk-update-icon-cache",
        &["--quiet", "--force", "--ignore-theme-index", "{}"],
    ),
    ("share/applications", When::Late, "update-desktop-database", &["--quiet", "{}"]),
    ("share/fonts", When::Late, "fc-cache", &["--system-only"]),
    ("lib/gio/modules", When::Late, "gio-querymodules", &["{}"]),
    ("lib64/gio/modules", When::Late, "gio-querymodules", &["{}"]),
    ("lib/*/gio/modules", When::Late, "gio-querymodules", &["{}"]),
    ("lib/gdk-pixbuf-2.0", When::Late, "gdk-pixbuf-query-loaders", &["--update-cache"]),
    ("lib64/gdk-pixbuf-2.0", When::Late, "gdk-pixbuf-query-loaders", &["--update-cache"]),
    ("lib/*/gdk-pixbuf-2.0", When::Late, "gdk-pixbuf-query-loaders", &["--update-cache"]),
    ("share/ca-certificates", When::Late, "update-ca-certificates", &[]),
    ("share/pki/ca-trust-source", When::Late, "update-ca-trust", &[]),
];

/// The commands for a layer whose upper directory has something in the directories for which `has` says so; `list` gives
/// the names in a directory of it. Each command once, in the order of the table.
pub(crate) fn steps(has: impl Fn(&Path) -> bool, list: impl Fn(&Path) -> Vec<String>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (pattern, when, program, arguments) in ROWS {
        for dir in expand(pattern, &list) {
            if !has(Path::new(&dir)) {
                continue;
            }
            let name = dir.rsplit('/').next().unwrap_or(&dir);
            let fill = |word: &&str| word.replace("{name}", name).replace("{}", &format!("/usr/{dir}"));
            let arguments: Vec<String> = arguments.iter().map(fill).collect();
            let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let step = Step::new(when, program, &words);
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
    }
    steps
}

/// The directories that a pattern with at most one `*` means.
fn expand(pattern: &str, list: impl Fn(&Path) -> Vec<String>) -> Vec<String> {
    match pattern.split_once('*') {
        None => vec![pattern.to_owned()],
        Some((before, after)) => {
            let mut names = list(Path::new(before.trim_end_matches('/')));
            names.sort();
            names.into_iter().map(|name| format!("{before}{name}{after}")).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(dirs: &[&str]) -> Vec<String> {
        let has = |path: &Path| dirs.iter().any(|dir| Path::new(dir).starts_with(path));
        let list = |path: &Path| {
            let below = dirs.iter().filter_map(|dir| Path::new(dir).strip_prefix(path).ok()?.iter().next());
            let mut names: Vec<String> = below.map(|name| name.to_string_lossy().into_owned()).collect();
            names.dedup();
            names
        };
        steps(has, list).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_what_the_layer_touches_is_made_again() {
        assert_eq!(of(&["bin"]), Vec::<String>::new());
        assert_eq!(of(&["share/glib-2.0/schemas"]), ["glib-compile-schemas /usr/share/glib-2.0/schemas"]);
        assert_eq!(of(&["lib/modules/6.12.1/extra", "lib/x"]), ["depmod -a 6.12.1", "ldconfig"]);
    }

    #[test]
    fn a_command_runs_once() {
        let steps = of(&["lib/x", "lib64/y"]);
        assert_eq!(steps, ["ldconfig"]);
    }
}
