//! Random edits on random bases, path by path against the model: the cases that nobody thought of.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use veneer_tests::base::{Form, system};
use veneer_tests::dice::Dice;
use veneer_tests::edit::{Edits, Special};
use veneer_tests::model::Model;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::store::Store;
use veneer_tests::tree::Tree;

use crate::rebased::rebased;

const EROFS: &[Need] = &[Need::Tool("mkfs.erofs"), Need::Kernel("erofs"), Need::Kernel("ext4")];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "random_rebases_on_directories",
        needs: &[],
        run: |d| many(d, Form::Dir, Store::Dir, 1),
    },
    Scenario {
        name: "random_rebases_on_images",
        needs: EROFS,
        run: |d| many(d, Form::Erofs, Store::Ext4(64), 1000),
    },
];

/// `VENEER_SEEDS=200` tries more of them, `VENEER_SEED=17` only one.
fn many(dir: &Path, form: Form, store: Store, first: u64) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seeds = match number("VENEER_SEED") {
        Some(seed) => seed..seed + 1,
        None => first..first + number("VENEER_SEEDS").unwrap_or(12),
    };
    for seed in seeds {
        println!("VENEER_SEED={seed}");
        let within = dir.join(seed.to_string());
        std::fs::create_dir(&within).expect("make a directory");
        let mut dice = Dice::new(seed);
        let a = base(&mut dice, "1");
        let b = base(&mut dice, "2");
        let user = edits(&mut dice, &within, &a);
        let own = |edits: &Edits| {
            edits.0.iter().filter(|edit| edit.path().starts_with("share/r")).cloned().collect()
        };
        let [a_own, b_own]: [Vec<_>; 2] = [own(&a), own(&b)];
        println!("A {a_own:?}\nuser {:?}\nB {b_own:?}", user.0);
        rebased(&within, form, store, &a, &user, &b);
    }
}

/// Few names, so that everything meets.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn path(dice: &mut Dice) -> PathBuf {
    let mut path = PathBuf::from("share/r");
    for _ in 0..=dice.below(3) {
        path.push(dice.one(&NAMES));
    }
    path
}

fn content(dice: &mut Dice) -> &'static str {
    ["", "one", "two", "three"][dice.below(4)]
}

fn base(dice: &mut Dice, version: &str) -> Edits {
    let mut edits = system(version).dir("share/r");
    let mut files = BTreeSet::new();
    let mut dirs = BTreeSet::from([PathBuf::from("share/r")]);
    for _ in 0..30 {
        let path = path(dice);
        // Not through a file, and not over a directory.
        if path.ancestors().any(|part| files.contains(part)) || dirs.contains(&path) {
            continue;
        }
        dirs.extend(
            path.ancestors().skip(1).filter(|part| part.starts_with("share/r")).map(Path::to_path_buf),
        );
        edits = match dice.below(8) {
            0 => {
                dirs.insert(path.clone());
                edits.dir(&path).mode(path, if dice.below(2) == 0 { 0o755 } else { 0o700 })
            }
            1 => {
                files.insert(path.clone());
                edits.symlink(path, *dice.one(&NAMES))
            }
            n => {
                files.insert(path.clone());
                edits.file(&path, content(dice)).mode(path, if n == 2 { 0o755 } else { 0o644 })
            }
        };
    }
    edits
}

/// Edits that work on this base, one after the other.
fn edits(dice: &mut Dice, dir: &Path, base: &Edits) -> Edits {
    let scratch = dir.join("scratch");
    std::fs::create_dir(&scratch).expect("make a directory");
    base.apply(&scratch);
    let tree = Tree::read(&scratch);
    let mut model = Model::new(&tree);
    let mut all = Edits::new();
    for _ in 0..25 {
        let edit = edit(dice, &model);
        model.apply(&edit);
        all = all.then(edit);
    }
    std::fs::remove_dir_all(&scratch).expect("remove the scratch directory");
    all
}

fn edit(dice: &mut Dice, model: &Model) -> Edits {
    let links = |path: &Path| path.file_name().is_some();
    let paths: Vec<PathBuf> = model
        .paths()
        .into_iter()
        .filter(|p| p.starts_with("share/r") && p.components().count() > 2 && links(p))
        .collect();
    let files: Vec<&PathBuf> = paths.iter().filter(|p| model.is_dir(p) == Some(false)).collect();
    let none = Edits::new();
    let new = path(dice);
    let free = model.is_dir(&new).is_none() && !new.ancestors().any(|part| model.is_dir(part) == Some(false));
    match dice.below(9) {
        0 | 1 if free => none.file(&new, content(dice)).mode(new, 0o644),
        2 if free => none.symlink(new, *dice.one(&NAMES)),
        3 if free => none.dir(new),
        4 if free => none.special(new, Special::Fifo),
        5 if free && !files.is_empty() => none.rename(*dice.one(&files), new),
        6 if free => none.file("share/r/linked", "linked").hardlink(new, "share/r/linked"),
        7 if !paths.is_empty() => none.time(dice.one(&paths), 1_000_000_000),
        _ if !paths.is_empty() => none.remove(dice.one(&paths)),
        _ => none,
    }
}
