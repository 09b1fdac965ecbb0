//! What the README, the documents and the manual pages show, is done: every `veneer …` on a machine that has layers to
//! speak of, every block of commands as it stands. What only a booted machine can do is named, with where it is done.
#![allow(missing_docs)]

mod elsewhere;
mod ground;
mod links;
mod page;
mod script;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode};

use elsewhere::Elsewhere;
use ground::{Ground, Situation};
use page::Page;
use veneer_tests::run::tool;
use veneer_tests::scenario::{self, Need, Scenario};

const SCENARIOS: &[Scenario] = &[
    Scenario { name: "docs_commands", needs: &[], run: commands },
    Scenario { name: "docs_blocks", needs: &[Need::Tool("mkfs.ext4"), Need::Kernel("ext4")], run: blocks },
    Scenario { name: "docs_links", needs: &[], run: |_| links::lead_somewhere(&Page::all()) },
    Scenario { name: "docs_pictures", needs: &[Need::Tool("python3")], run: pictures },
];

fn main() -> ExitCode {
    scenario::main(SCENARIOS, &[("veneer-assemble", "veneer-assemble"), ("veneer-cli", "veneer")])
}

/// Each is understood, and none fails: 0 is done, 1 the answer no.
fn commands(dir: &Path) {
    let mut shown: BTreeMap<Vec<String>, String> = BTreeMap::new();
    for page in Page::all() {
        for words in page.commands() {
            shown.entry(words).or_insert_with(|| page.name.clone());
        }
    }
    assert!(shown.len() >= 20, "{shown:?}");
    let mut wrong = Vec::new();
    for (number, (words, page)) in shown.iter().enumerate() {
        let ground = Ground::new(&dir.join(number.to_string()), Situation::Running);
        let done = ground.veneer(words);
        if !matches!(done.code, Some(0 | 1)) {
            wrong.push(format!("{page}: veneer {}: {:?} {}", words.join(" "), done.code, done.stderr));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each block is one script, of which each command must succeed.
fn blocks(dir: &Path) {
    let mut elsewhere = Elsewhere::new();
    let mut wrong = Vec::new();
    let mut number = 0;
    // Those of the guide for image builders make the images of the virtual machines (qemu-harness/src/guide.rs).
    for page in Page::all().iter().filter(|page| page.name != "docs/integration.md") {
        for block in &page.blocks {
            let lines: Vec<&str> = block.lines().filter(|line| !elsewhere.has(line)).collect();
            number += 1;
            let done = script::run(&dir.join(number.to_string()), &lines);
            if let Err(said) = done {
                wrong.push(format!("{}:\n{block}{said}", page.name));
            }
        }
    }
    assert!(number >= 20, "{number} blocks");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    elsewhere.finish();
}

fn pictures(_: &Path) {
    tool(Command::new("python3").arg(page::source("docs/pictures/draw.py")).arg("--check"));
}
