//! The small line files beside the status: what the base says, and what kept packages add. Pure.

use std::collections::BTreeSet;

use super::status::Name;

fn is_kept(kept: &BTreeSet<Name>, word: &str) -> bool {
    has_package(kept, word.split(':').next().unwrap_or_default())
}

/// True if there is a package of this name, of whatever architecture.
pub(super) fn has_package(names: &BTreeSet<Name>, package: &str) -> bool {
    // Names are sorted by package, then architecture: the first from here on is one of this package, or none is.
    let first = Name { package: package.to_owned(), arch: String::new() };
    names.range(first..).next().is_some_and(|name| name.package == package)
}

fn joined<'a>(base: &str, more: impl Iterator<Item = &'a str>) -> String {
    let mut text = base.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let there: BTreeSet<&str> = base.lines().collect();
    for line in more.filter(|line| !there.contains(line)) {
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// `triggers/File`: `PATH PACKAGE[/noawait]`, and the files of explicit triggers: `PACKAGE[/noawait]`.
pub(super) fn triggers(base: &str, layer: &str, kept: &BTreeSet<Name>) -> String {
    let package = |line| last_word(line).split('/').next().unwrap_or_default();
    joined(base, layer.lines().filter(|line| is_kept(kept, package(line))))
}

/// `diversions`: three lines each, from, to, and by which package (`:` for the administrator).
pub(super) fn diversions(base: &str, layer: &str, kept: &BTreeSet<Name>) -> String {
    let mut text = String::new();
    let mut diverted = BTreeSet::new();
    for (is_base, list) in [(true, base), (false, layer)] {
        let mut lines = list.lines();
        while let (Some(from), Some(to), Some(by)) = (lines.next(), lines.next(), lines.next()) {
            let ours = is_base || by == ":" || is_kept(kept, by);
            if ours && (diverted.insert(from) || is_base) {
                text.extend([from, "\n", to, "\n", by, "\n"]);
            }
        }
    }
    text
}

/// `statoverride` and `arch`: the base's lines and the layer's; for `statoverride` one line a path.
pub(super) fn union(base: &str, layer: &str) -> String {
    let taken: BTreeSet<&str> = base.lines().map(last_word).collect();
    joined(base, layer.lines().filter(|line| !taken.contains(last_word(line))))
}

fn last_word(line: &str) -> &str {
    line.rsplit(' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> BTreeSet<Name> {
        [Name { package: "mine".into(), arch: "amd64".into() }].into()
    }

    #[test]
    fn only_kept_packages_add_to_the_bases_lines() {
        let base = "/usr/share/man man-db/noawait\n";
        let layer = "/usr/share/man man-db/noawait\n/usr/share/x mine:amd64\n/usr/share/y other\n";
        assert_eq!(triggers(base, layer, &kept()), format!("{base}/usr/share/x mine:amd64\n"));
    }

    #[test]
    fn diversions_of_the_user_stay() {
        let base = "/a\n/a.d\nbase\n";
        let layer = "/a\n/a.x\nmine\n/b\n/b.d\nmine\n/c\n/c.d\n:\n/d\n/d.d\nother\n";
        assert_eq!(diversions(base, layer, &kept()), "/a\n/a.d\nbase\n/b\n/b.d\nmine\n/c\n/c.d\n:\n");
    }

    #[test]
    fn the_first_diversion_of_a_path_counts_and_a_cut_off_one_does_not() {
        let layer = "/a\n/a.1\n:\n/a\n/a.2\n:\n/b\n/b.1\n";
        assert_eq!(diversions("", layer, &kept()), "/a\n/a.1\n:\n");
    }

    #[test]
    fn one_override_a_path() {
        let base = "root root 4755 /usr/bin/x\n";
        assert_eq!(
            union(base, "root adm 0755 /usr/bin/x\nroot adm 2755 /usr/bin/y\n"),
            format!("{base}root adm 2755 /usr/bin/y\n")
        );
    }
}
