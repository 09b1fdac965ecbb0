//! Random edits on random bases, path by path against the model: the cases that nobody thought of.

mod case;
mod shrink;

use std::path::Path;
use std::time::{Duration, Instant};

use veneer_tests::base::Form;
use veneer_tests::dice::Dice;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::store::Store;

use case::Case;

const EROFS: &[Need] = &[Need::Tool("mkfs.erofs"), Need::Kernel("erofs")];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "random_rebases_on_directories", needs: &[], run: |d| many(d, Form::Dir, 1) },
    Scenario { name: "random_rebases_on_images", needs: EROFS, run: |d| many(d, Form::Erofs, 1_000_001) },
];

/// How many cases `make check` tries of each form.
const CASES: u64 = 150;

/// `VENEER_CASES=5000` tries more of them, from `VENEER_SEED=17` on; a seed alone is tried alone. `make fuzz-rebase`
/// starts at a seed that nobody has tried.
fn many(dir: &Path, form: Form, first: u64) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match (number("VENEER_SEED"), number("VENEER_CASES")) {
        (Some(seed), None) => seed..seed + 1,
        (seed, cases) => {
            let first = seed.unwrap_or(first);
            first..first + cases.unwrap_or(CASES)
        }
    };
    println!("seeds from {} to {}", seeds.start, seeds.end - 1);
    let start = Instant::now();
    let before = seeds.clone();
    for seed in seeds {
        let case = Case::new(&mut Dice::new(seed), form, Store::Dir);
        if let Err(message) = shrink::attempt(dir, &case) {
            println!("VENEER_SEED={seed} fails; looking for the least of it");
            let (case, message) = shrink::shrink(dir, case, message, Duration::from_secs(100));
            panic!("VENEER_SEED={seed}: {case}\n{message}");
        }
    }
    println!("{} cases in {:?}", before.end - before.start, start.elapsed());
}
