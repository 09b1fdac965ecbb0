//! Links from page to page lead somewhere.

use std::collections::BTreeSet;
use std::fs;

use crate::page::{Page, source};

pub(crate) fn lead_somewhere(pages: &[Page]) {
    let mut wrong = Vec::new();
    let mut number = 0;
    for page in pages.iter().filter(|page| !page.is_manual()) {
        let links =
            page.text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
        for link in links.filter(|link| !link.contains("://")) {
            number += 1;
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let dir = page.name.rsplit_once('/').map_or(".", |(dir, _)| dir);
            let path = if file.is_empty() { source(&page.name) } else { source(dir).join(file) };
            let there = if place.is_empty() {
                path.exists()
            } else {
                fs::read_to_string(&path).is_ok_and(|text| places(&text).contains(place))
            };
            if !there {
                wrong.push(format!("{}: {link}", page.name));
            }
        }
    }
    assert!(number >= 10, "{number} links");
    assert!(wrong.is_empty(), "these lead nowhere: {wrong:?}");
}

/// What headings are called in links: in small letters, blanks as dashes, without anything else.
fn places(text: &str) -> BTreeSet<String> {
    let headings =
        text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let letter = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
        _ => None,
    };
    headings.map(|heading| heading.chars().filter_map(letter).collect()).collect()
}
