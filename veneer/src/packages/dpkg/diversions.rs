//! `diversions` (dpkg-divert(1)): three lines each, from, to, and by which package, `:` for the administrator. What all
//! other packages have at `from` is at `to`. Pure.

use std::collections::{BTreeMap, BTreeSet};

/// From, to, by.
pub(super) type Diversion = (Vec<u8>, Vec<u8>, Vec<u8>);

/// Those of one database, by the path that they are from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Diversions {
    /// In the order of the file.
    list: Vec<Diversion>,
    /// Numbers in the list.
    by_path: BTreeMap<Vec<u8>, usize>,
}

/// By the administrator.
const LOCAL: &[u8] = b":";

impl Diversions {
    /// Parses the file; of two of one path the first counts, and one that is cut off does not.
    pub(super) fn parse(text: impl AsRef<[u8]>) -> Self {
        let mut lines = text.as_ref().split(|b| *b == b'\n');
        let mut diversions = Diversions::default();
        while let (Some(from), Some(to), Some(by)) = (lines.next(), lines.next(), lines.next()) {
            if ![from, to, by].contains(&&b""[..]) {
                diversions.add((from.into(), to.into(), by.into()));
            }
        }
        diversions
    }

    fn add(&mut self, diversion: Diversion) {
        if !self.by_path.contains_key(&diversion.0) {
            self.by_path.insert(diversion.0.clone(), self.list.len());
            self.list.push(diversion);
        }
    }

    /// The file.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (from, to, by) in &self.list {
            for line in [from, to, by] {
                text.extend_from_slice(line);
                text.push(b'\n');
            }
        }
        text
    }

    /// Where a package's file really is that it lists as `path`.
    pub(super) fn place<'a>(&'a self, path: &'a [u8], package: &str) -> &'a [u8] {
        match self.by_path.get(path).and_then(|number| self.list.get(*number)) {
            Some((_, to, by)) if by != package.as_bytes() => to,
            _ => path,
        }
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Diversion> {
        self.list.iter()
    }

    fn has(&self, diversion: &Diversion) -> bool {
        self.by_path.get(&diversion.0).is_some_and(|number| self.list[*number] == *diversion)
    }
}

/// Whose version of a package is there: see [`super::compose`].
pub(super) trait Composed {
    /// True if it is the layer's.
    fn is_layers(&self, package: &str) -> bool;
    /// True if it is the new base's.
    fn is_bases(&self, package: &str) -> bool;
}

/// The new base's diversions and the layer's, as far as the packages are there that made them. The administrator's are
/// kept unless the old base (`None` if it is not known) had them too; and what it had and the layer lacks is removed.
pub(super) fn merge(
    old: Option<&Diversions>,
    layer: &Diversions,
    new: &Diversions,
    packages: &impl Composed,
) -> Diversions {
    let name = |by: &[u8]| String::from_utf8_lossy(by).into_owned();
    let mut merged = Diversions::default();
    for diversion in new.iter() {
        let (_, _, by) = diversion;
        let removed = old.is_some_and(|old| old.has(diversion)) && !layer.has(diversion);
        if if by == LOCAL { !removed } else { packages.is_bases(&name(by)) } {
            merged.add(diversion.clone());
        }
    }
    for diversion in layer.iter() {
        let (_, _, by) = diversion;
        let users = || !old.is_some_and(|old| old.has(diversion));
        if if by == LOCAL { users() } else { packages.is_layers(&name(by)) } {
            merged.add(diversion.clone());
        }
    }
    merged
}

/// Of the new base's files, those that are elsewhere once other diversions are in force: from where, to where, as paths
/// of the whole system. `lists` tells for each path which of the base's packages that are there list it.
pub(super) fn moves(
    new: &Diversions,
    merged: &Diversions,
    lists: impl Fn(&[u8]) -> Vec<String>,
) -> BTreeSet<(Vec<u8>, Vec<u8>)> {
    let mut moves = BTreeSet::new();
    let changed = |a: &Diversions, b: &Diversions| -> Vec<Vec<u8>> {
        a.iter().filter(|diversion| !b.has(diversion)).map(|(from, _, _)| from.clone()).collect()
    };
    for path in [changed(new, merged), changed(merged, new)].concat() {
        for package in lists(&path) {
            let (is, shall) = (new.place(&path, &package), merged.place(&path, &package));
            if is != shall {
                moves.insert((is.to_vec(), shall.to_vec()));
            }
        }
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Names(&'static [&'static str], &'static [&'static str]);

    impl Composed for Names {
        fn is_layers(&self, package: &str) -> bool {
            self.0.contains(&package)
        }
        fn is_bases(&self, package: &str) -> bool {
            self.1.contains(&package)
        }
    }

    const PACKAGES: Names = Names(&["mine"], &["base"]);

    fn merged(old: Option<&str>, layer: &str, new: &str) -> String {
        let old = old.map(Diversions::parse);
        let merged = merge(old.as_ref(), &Diversions::parse(layer), &Diversions::parse(new), &PACKAGES);
        String::from_utf8(merged.text()).expect("UTF-8")
    }

    #[test]
    fn diversions_are_those_of_packages_that_are_there() {
        let layer = "/a\n/a.x\nmine\n/b\n/b.d\nmine\n/c\n/c.d\n:\n/d\n/d.d\nother\n";
        let new = "/a\n/a.d\nbase\n/e\n/e.d\nremoved\n";
        assert_eq!(merged(None, layer, new), "/a\n/a.d\nbase\n/b\n/b.d\nmine\n/c\n/c.d\n:\n");
    }

    #[test]
    fn the_administrators_are_merged_by_what_the_old_base_had() {
        let (one, two) = ("/a\n/a.d\n:\n", "/b\n/b.d\n:\n");
        let both = format!("{one}{two}");
        assert_eq!(merged(Some(one), &both, ""), two);
        assert_eq!(merged(Some(one), two, one), two);
        assert_eq!(merged(Some(one), &both, &both), both);
        assert_eq!(merged(None, one, two), format!("{two}{one}"));
    }

    #[test]
    fn the_first_diversion_of_a_path_counts_and_a_cut_off_one_does_not() {
        let diversions = Diversions::parse("/a\n/a.1\n:\n/a\n/a.2\n:\n/b\n/b.1\n");
        assert_eq!(diversions.text(), b"/a\n/a.1\n:\n");
        assert_eq!(diversions.place(b"/a", "any"), b"/a.1");
        let own = Diversions::parse("/a\n/a.1\nown\n");
        assert_eq!((own.place(b"/a", "own"), own.place(b"/a", "other")), (&b"/a"[..], &b"/a.1"[..]));
    }

    #[test]
    fn the_bases_files_go_where_the_new_diversions_say() {
        let lists = |path: &[u8]| if path == b"/none" { vec![] } else { vec!["base".to_owned()] };
        let moves =
            |new: &str, merged: &str| moves(&Diversions::parse(new), &Diversions::parse(merged), lists);
        let moved =
            |from: &str, to: &str| BTreeSet::from([(from.as_bytes().to_vec(), to.as_bytes().to_vec())]);
        assert_eq!(moves("", "/x\n/x.d\nmine\n"), moved("/x", "/x.d"));
        assert_eq!(moves("/x\n/x.d\nremoved\n", ""), moved("/x.d", "/x"));
        assert_eq!(moves("/x\n/x.d\nremoved\n", "/x\n/x.e\nmine\n"), moved("/x.d", "/x.e"));
        assert!(moves("", "/x\n/x.d\nbase\n").is_empty(), "its own is not diverted");
        assert!(moves("", "/none\n/none.d\nmine\n").is_empty());
        assert!(moves("/x\n/x.d\nmine\n", "/x\n/x.d\nmine\n").is_empty());
    }
}
