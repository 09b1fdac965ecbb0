//! The small line files beside the status: what the base says, and what kept packages add. Pure.

use std::collections::BTreeSet;

use super::status::Name;

fn is_kept(kept: &BTreeSet<Name>, word: &str) -> bool {
    let package = word.split(':').next().unwrap_or_default();
    kept.iter().any(|name| name.package == package)
}

fn joined(base: &str, more: impl Iterator<Item = String>) -> String {
    let mut text = base.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let there: BTreeSet<String> = base.lines().map(str::to_owned).collect();
    for line in more.filter(|line| !there.contains(line)) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// `triggers/File`: `PATH PACKAGE[/noawait]`, and the files of explicit triggers: `PACKAGE[/noawait]`.
pub(super) fn triggers(base: &str, layer: &str, kept: &BTreeSet<Name>) -> String {
    let package = |line: &str| {
        let word = line.rsplit(' ').next().unwrap_or_default();
        word.split('/').next().unwrap_or_default().to_owned()
    };
    joined(base, layer.lines().filter(|line| is_kept(kept, &package(line))).map(str::to_owned))
}

/// `diversions`: three lines each, from, to, and by which package (`:` for the administrator).
pub(super) fn diversions(base: &str, layer: &str, kept: &BTreeSet<Name>) -> String {
    let records = |text: &str| -> Vec<[String; 3]> {
        let lines: Vec<&str> = text.lines().collect();
        lines.chunks_exact(3).map(|r| [r[0].to_owned(), r[1].to_owned(), r[2].to_owned()]).collect()
    };
    let mut all = records(base);
    for record in records(layer) {
        let ours = record[2] == ":" || is_kept(kept, &record[2]);
        if ours && !all.iter().any(|other| other[0] == record[0]) {
            all.push(record);
        }
    }
    all.iter().flatten().flat_map(|line| [line, "\n"]).collect()
}

/// `statoverride` and `arch`: the base's lines and the layer's; for `statoverride` one line a path.
pub(super) fn union(base: &str, layer: &str) -> String {
    let path = |line: &str| line.rsplit(' ').next().unwrap_or_default().to_owned();
    let taken: BTreeSet<String> = base.lines().map(path).collect();
    joined(base, layer.lines().filter(|line| !taken.contains(&path(line))).map(str::to_owned))
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
    fn one_override_a_path() {
        let base = "root root 4755 /usr/bin/x\n";
        assert_eq!(
            union(base, "root adm 0755 /usr/bin/x\nroot adm 2755 /usr/bin/y\n"),
            format!("{base}root adm 2755 /usr/bin/y\n")
        );
    }
}
