//! `triggers/File` (`PATH PACKAGE[/noawait]`) and the files of explicit triggers (`PACKAGE[/noawait]`): who is to be told
//! of what. Pure.

use std::collections::BTreeSet;

use super::diversions::Composed;

/// The new base's interests and the layer's, each as far as the package is there in that version.
pub(super) fn merge(layer: &[u8], new: &[u8], packages: &impl Composed) -> Vec<u8> {
    let mut seen = BTreeSet::new();
    let mut text = Vec::new();
    let mut add = |list: &'_ [u8], is_there: &dyn Fn(&str) -> bool| {
        for line in list.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            if is_there(&package(line)) && seen.insert(line.to_vec()) {
                text.extend_from_slice(line);
                text.push(b'\n');
            }
        }
    };
    add(new, &|package| packages.is_bases(package));
    add(layer, &|package| packages.is_layers(package));
    text
}

/// The package's name: of the last word what is before the options and the architecture.
fn package(line: &[u8]) -> String {
    let word = line.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    let name = word.split(|b| matches!(b, b'/' | b':')).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Names;

    impl Composed for Names {
        fn is_layers(&self, package: &str) -> bool {
            package == "mine"
        }
        fn is_bases(&self, package: &str) -> bool {
            package == "man-db"
        }
    }

    #[test]
    fn who_is_there_is_told() {
        let new = b"/usr/share/man man-db/noawait\n/usr/lib/x removed\n";
        let layer = b"/usr/share/man man-db/noawait\n/usr/share/x mine:amd64\n/usr/share/y other\n\n";
        let expected = "/usr/share/man man-db/noawait\n/usr/share/x mine:amd64\n";
        assert_eq!(merge(layer, new, &Names), expected.as_bytes());
        assert_eq!(
            merge(b"mine/noawait\nother\n", b"man-db:amd64\n", &Names),
            b"man-db:amd64\nmine/noawait\n"
        );
    }
}
