//! What a page shows: commands in its text, and blocks of them.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the workspace.
pub(crate) fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// One page.
pub(crate) struct Page {
    /// From the workspace's root.
    pub(crate) name: String,
    /// All but the blocks.
    pub(crate) text: String,
    /// The blocks that are marked as `sh`.
    pub(crate) blocks: Vec<String>,
}

impl Page {
    /// The README, the documents, the manual pages.
    pub(crate) fn all() -> Vec<Page> {
        let mut names = vec!["README.md".to_owned()];
        for (dir, ending) in [("docs", ".md"), ("docs/man", ".scd")] {
            let entries = fs::read_dir(source(dir)).expect("list the documents");
            let found =
                entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
            names.extend(found.filter(|name| name.ends_with(ending)).map(|name| format!("{dir}/{name}")));
        }
        names.sort();
        assert!(names.len() >= 10, "{names:?}");
        names.into_iter().map(Page::read).collect()
    }

    fn read(name: String) -> Page {
        let whole = fs::read_to_string(source(&name)).unwrap_or_else(|e| panic!("read {name}: {e}"));
        let (mut text, mut blocks) = (String::new(), Vec::new());
        let mut open: Option<(&str, String)> = None;
        for line in whole.lines() {
            let bare = line.trim_start();
            match (&mut open, bare.strip_prefix("```")) {
                (None, Some(kind)) => open = Some((kind.trim(), String::new())),
                (None, None) => text.extend([line, "\n"]),
                (Some((kind, block)), Some(_)) => {
                    if *kind == "sh" {
                        blocks.push(std::mem::take(block));
                    }
                    open = None;
                }
                (Some((_, block)), None) => block.extend([bare, "\n"]),
            }
        }
        assert!(open.is_none(), "{name}: a block has no end");
        Page { name, text, blocks }
    }

    /// True for the source of a manual page.
    pub(crate) fn is_manual(&self) -> bool {
        Path::new(&self.name).extension().is_some_and(|end| end == "scd")
    }

    /// The words of every `veneer …` in the text, after the first.
    pub(crate) fn commands(&self) -> Vec<Vec<String>> {
        let text = self.text.replace("\\*", "").replace("\\_", "");
        // What a manual page shows in bold, a document has between backquotes.
        let mark = if self.is_manual() { '*' } else { '`' };
        assert!(text.matches(mark).count() % 2 == 0, "{}: a {mark} too few or too many", self.name);
        let spans = text.split(mark).skip(1).step_by(2).map(str::to_owned);
        let synopsis = text.lines().filter(|line| self.is_manual() && line.starts_with("*veneer* "));
        let synopsis = synopsis.flat_map(|line| forms(&line.replace(['*', '_'], "").replace("++", "")));
        let all = spans.chain(synopsis);
        let mut shown: Vec<Vec<String>> = all.filter_map(|span| words(&span)).collect();
        shown.sort();
        shown.dedup();
        shown
    }
}

fn words(span: &str) -> Option<Vec<String>> {
    let mut words = span.split_whitespace().skip_while(|word| *word == "sudo");
    (words.next() == Some("veneer"))
        .then(|| words.map(str::to_owned).collect::<Vec<_>>())
        .filter(|w| !w.is_empty())
}

/// The forms of a line of the synopsis: with all that is in brackets, with what is in one pair, with none; and each of
/// `a|b|c`.
fn forms(line: &str) -> Vec<String> {
    let line = line.replace("[OPTION...]", "");
    let choices = |line: String| -> Vec<String> {
        let Some(choice) = line.split_whitespace().find(|word| word.contains('|')) else { return vec![line] };
        choice.split('|').map(|word| line.replace(choice, word)).collect()
    };
    [usize::MAX, 1, 0].into_iter().map(|depth| within(&line, depth)).flat_map(choices).collect()
}

/// The line without brackets, and without what more than `deepest` of them are around.
fn within(line: &str, deepest: usize) -> String {
    let mut depth = 0;
    let mut kept = String::new();
    for c in line.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ if depth <= deepest => kept.push(c),
            _ => {}
        }
    }
    kept
}
