//! A Debian tree as rpm packages: for each of its packages one with its files in /usr, and one more with those of
//! share/doc. So lists of files, and what rpmbuild finds out about needs, are those of a real system.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Names that the two worlds have for one thing, where Veneer or a test cares.
const NAMES: &[(&str, &str)] = &[("libc6", "glibc"), ("libc-bin", "glibc-common")];

/// What packages of Fedora would say that they provide and Debian's do not.
const PROVIDES: &[(&str, &str)] = &[
    ("libc6", "Provides: rtld(GNU_HASH)\n"),
    ("bash", "Provides: /bin/bash\n"),
    ("dash", "Provides: /bin/sh /bin/dash\n"),
];

/// The spec file of all packages of `tree`, whose own /usr is packaged; and how many packages that makes.
pub(super) fn spec(tree: &Path) -> std::io::Result<(String, usize)> {
    let status = fs::read_to_string(tree.join("var/lib/dpkg/status"))?;
    let mut spec = super::package::head("base", "cp -al /usr %{buildroot}/");
    let mut count = 0;
    // A file that two packages list (a diverted one) is the first one's.
    let mut taken = BTreeSet::new();
    for stanza in status.split("\n\n") {
        let field = |name: &str| {
            stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
        };
        let (name, version) = (field("Package"), field("Version"));
        if name.is_empty() {
            continue;
        }
        let (mut files, mut docs) = (String::new(), String::new());
        for path in listed(tree, name, field("Architecture"))? {
            let full = tree.join(path.strip_prefix("/").expect("an absolute path"));
            let Ok(meta) = full.symlink_metadata() else { continue };
            let dir = if meta.is_dir() { "%dir " } else { "" };
            if !meta.is_dir() && !taken.insert(path.clone()) {
                continue;
            }
            let part = if path.starts_with("/usr/share/doc/") { &mut docs } else { &mut files };
            writeln!(part, "{dir}\"{}\"", path.display()).expect("write into a string");
        }
        let provides = PROVIDES.iter().find(|(of, _)| *of == name).map_or("", |(_, provides)| provides);
        let name = NAMES.iter().find(|(debian, _)| *debian == name).map_or(name, |(_, fedora)| fedora);
        let (epoch, rest) = version.split_once(':').unwrap_or(("", version));
        let (version, release) = rest.rsplit_once('-').unwrap_or((rest, "1"));
        let epoch = if epoch.is_empty() { String::new() } else { format!("Epoch: {epoch}\n") };
        let version = version.replace('-', "_");
        for (name, files, provides) in
            [(name.to_owned(), files, provides), (format!("{name}-copyright"), docs, "")]
        {
            write!(
                spec,
                "%package -n {name}\nSummary: {name}\n{epoch}Version: {version}\nRelease: {release}\n{provides}\
                 %description -n {name}\nFrom Debian.\n%files -n {name}\n%defattr(-,root,root)\n{files}\n"
            )
            .expect("write into a string");
            count += 1;
        }
    }
    Ok((spec, count))
}

/// What a package lists below /usr, by the name that it has there on a merged /usr.
fn listed(tree: &Path, name: &str, arch: &str) -> std::io::Result<Vec<PathBuf>> {
    let info = tree.join("var/lib/dpkg/info");
    let list = [format!("{name}:{arch}.list"), format!("{name}.list")];
    let list = list.iter().map(|file| info.join(file)).find(|file| file.exists());
    let Some(list) = list else { return Ok(Vec::new()) };
    let mut paths = BTreeSet::new();
    for line in fs::read_to_string(list)?.lines() {
        let merged = ["/bin/", "/sbin/", "/lib/", "/lib64/"].iter().any(|dir| line.starts_with(dir));
        let path = if merged { format!("/usr{line}") } else { line.to_owned() };
        if path.starts_with("/usr/") {
            paths.insert(PathBuf::from(path));
        }
    }
    Ok(paths.into_iter().collect())
}
