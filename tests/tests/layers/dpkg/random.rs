//! Chance packages on A, chance changes by the user, chance packages on B, against a second reading of the table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use veneer_tests::base::system;
use veneer_tests::deb::{DATABASE, Deb, install, purge};
use veneer_tests::dice::Dice;
use veneer_tests::edit::Edits;
use veneer_tests::tree::{Kind, Tree};

use super::ground::{Expected, assert_whole, machine, rebase, record};

/// From the oldest to the newest, as dpkg sees it.
const VERSIONS: [&str; 6] = ["0.9", "1~rc1", "1", "1.0-1", "1.10", "1:0.5"];
const NAMES: usize = 8;

/// A package by chance: which version (a number in [`VERSIONS`]), and its files.
#[derive(Clone, Debug)]
struct Chance {
    version: usize,
    files: BTreeSet<PathBuf>,
}

impl Chance {
    fn roll(dice: &mut Dice, name: usize) -> Chance {
        let version = dice.below(VERSIONS.len());
        let all = [
            format!("bin/p{name}"),
            format!("share/p{name}/a"),
            format!("share/p{name}/deep/er/b"),
            format!("share/common/p{name}"),
            format!("lib/p{name}/x"),
        ];
        let files = all.iter().filter(|_| dice.below(3) > 0).map(PathBuf::from).collect();
        Chance { version, files }
    }

    fn deb(&self, name: usize, whose: &str) -> Deb {
        let text = |path: &Path| format!("{} {} {whose}", path.display(), VERSIONS[self.version]);
        let files = self.files.iter().fold(Edits::new(), |edits, path| edits.file(path, text(path)));
        Deb::new(format!("p{name}").leak(), VERSIONS[self.version], files)
    }

    fn state(&self) -> String {
        format!("{} ii", VERSIONS[self.version])
    }
}

type Set = BTreeMap<usize, Chance>;

fn set(dice: &mut Dice) -> Set {
    let mut set = Set::new();
    for name in 0..NAMES {
        if dice.below(4) > 0 {
            set.insert(name, Chance::roll(dice, name));
        }
    }
    set
}

fn debs(set: &Set, version: &'static str, whose: &str) -> Vec<Deb> {
    let mut all = vec![Deb::new("base-system", version, system(version))];
    all.extend(set.iter().map(|(name, chance)| chance.deb(*name, whose)));
    all
}

/// What the user does to the packages; the same ones under the same names where nothing is done.
fn change(dice: &mut Dice, a: &Set, root: &Path, dir: &Path) -> Set {
    let mut o = a.clone();
    for name in 0..NAMES {
        match (dice.below(5), a.get(&name)) {
            (0, Some(_)) => {
                purge(root, &[&format!("p{name}")]);
                o.remove(&name);
            }
            // As it was: nothing of it is the user's.
            (1, Some(chance)) => install(root, &[chance.deb(name, "of A").build(dir)]),
            (2 | 3, _) => {
                let chance = Chance::roll(dice, name);
                // Another package of the same version would be the same package.
                if a.get(&name).is_some_and(|old| old.version == chance.version) {
                    continue;
                }
                install(root, &[chance.deb(name, "the user's").build(dir)]);
                o.insert(name, chance);
            }
            _ => {}
        }
    }
    o
}

/// How many cases `make check` tries.
const CASES: u64 = 6;
/// One takes as long as so many random rebases of files.
const COST: u64 = 50;

/// As for the random rebases of files, `VENEER_CASES` tries more of them, from `VENEER_SEED` on; a seed alone is tried alone.
pub(super) fn packages(dir: &Path) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let cases = number("VENEER_CASES").map(|cases| cases.div_ceil(COST));
    let first = number("VENEER_SEED");
    let cases = cases.unwrap_or(if first.is_some() { 1 } else { CASES });
    let first = first.unwrap_or(1);
    for seed in first..first + cases {
        println!("VENEER_SEED={seed}");
        let dir = dir.join(seed.to_string());
        std::fs::create_dir(&dir).expect("make a directory");
        round(&dir, &mut Dice::new(seed));
        std::fs::remove_dir_all(&dir).expect("remove the round's directory");
    }
}

fn round(dir: &Path, dice: &mut Dice) {
    let (a, mut b) = (set(dice), set(dice));
    // A file goes from one package to the next one.
    if let Some(path) = dice.one(&a.values().collect::<Vec<_>>()).files.first().cloned() {
        for chance in b.values_mut() {
            chance.files.remove(&path);
        }
        if let Some(chance) = b.values_mut().next_back() {
            chance.files.insert(path);
        }
    }
    let (mut machine, _, base) = machine(dir, &debs(&a, "1", "of A"), &debs(&b, "2", "of B"));
    let o = change(dice, &a, &machine.sysroot.clone(), dir);
    record(&machine);
    let on_a = machine.visible();
    println!("  A {a:?}\n  O {o:?}\n  B {b:?}");
    let status = rebase(&mut machine, &base);
    println!("  {:?}", status.problems);
    let of_packages: Vec<_> = status.problems.iter().filter(|problem| problem.kind != "orphaned").collect();

    // Whose version of each package is there.
    let (mut listed, mut mine, mut absent) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let mut present: BTreeSet<&PathBuf> = BTreeSet::new();
    for name in 0..NAMES {
        let (a, o, b) = (a.get(&name), o.get(&name), b.get(&name));
        let unchanged = a.zip(o).is_some_and(|(a, o)| a.version == o.version);
        let layers = match (o, b) {
            _ if unchanged => false,
            (Some(_), None) => true,
            (Some(o), Some(b)) => o.version > b.version,
            (None, _) => false,
        };
        let removed = a.is_some() && o.is_none() && b.is_some();
        if layers || removed {
            let state = o.filter(|_| layers).map_or(String::new(), Chance::state);
            listed.push((format!("p{name}"), state));
            absent.extend(b.into_iter().flat_map(|b| &b.files));
            mine.extend(o.filter(|_| layers).into_iter().flat_map(|o| &o.files));
        } else {
            present.extend(b.into_iter().flat_map(|b| &b.files));
        }
    }
    // A file of the user's package that another package of B has, too, is B's, and told; nothing else is.
    let both: BTreeSet<PathBuf> =
        mine.iter().filter(|path| present.contains(**path)).map(|path| (*path).clone()).collect();
    let told: BTreeSet<PathBuf> = of_packages
        .iter()
        .map(|problem| {
            problem.path.as_deref().expect("a problem of a path").trim_start_matches("/usr/").into()
        })
        .collect();
    assert_eq!(told, both);
    if !both.is_empty() {
        // dpkg finds the file changed, and says so: told already.
        return machine.shutdown();
    }

    let bare = machine.bare();
    let hidden: Vec<String> = {
        let gone: BTreeSet<&PathBuf> = absent.into_iter().filter(|path| !present.contains(*path)).collect();
        let left = bare.without(|path| gone.contains(&path.to_path_buf()));
        let is_left =
            |dir: &Path| left.0.iter().any(|(path, node)| path.starts_with(dir) && node.kind != Kind::Dir);
        let dirs = gone.iter().flat_map(|path| path.ancestors().skip(1)).filter(|dir| !is_left(dir));
        let all = gone.iter().map(|path| path.as_path()).chain(dirs);
        all.map(|path| path.to_str().expect("UTF-8").to_owned()).collect()
    };
    let hidden: Vec<&str> = hidden.iter().map(String::as_str).collect();
    let dirs: BTreeSet<&Path> = mine.iter().flat_map(|path| path.ancestors().skip(1)).collect();
    let info = Path::new(DATABASE).join("info");
    let is_described = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = name.split('.').next().unwrap_or_default();
        path.parent() == Some(&info)
            && listed.iter().any(|(listed, state)| listed == stem && !state.is_empty())
    };
    let users: Tree = on_a.without(|path| {
        let is_file = mine.contains(&path.to_path_buf()) || is_described(path);
        let is_dir = dirs.contains(path)
            && (bare.get(path).is_none() || hidden.contains(&path.to_str().unwrap_or("")));
        !is_file && !is_dir
    });
    let listed: Vec<(&str, &str)> =
        listed.iter().map(|(name, state)| (name.as_str(), state.as_str())).collect();
    assert_whole(
        &machine,
        &Expected { listed: &listed, hidden: &hidden, mine: users, ..Expected::default() },
    );
    machine.shutdown();
}
