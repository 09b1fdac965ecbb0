//! The library's version orders are those of the package managers' own tools, pair by pair.
//!
//! `VENEER_PAIRS=100000` asks about that many pairs each; a process per pair where the tool has no other way.

#[path = "versions/pairs.rs"]
mod pairs;
#[path = "versions/tools.rs"]
mod tools;

use std::cmp::Ordering;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use veneer::packages::version::Order;
use veneer_tests::scenario::in_path;

use pairs::{Alphabet, pairs};

const FEW: usize = 2000;

/// A manager's order, what its versions are made of, and its tool.
#[derive(Clone, Copy)]
struct Manager {
    name: &'static str,
    order: Order,
    alphabet: Alphabet,
    tool: &'static str,
    judge: Judge,
}

/// Asks the tool about pairs. The second argument is the library's answer: what comes back differs from it.
type Judge = fn(&[(String, String)], &[Ordering]) -> Vec<(usize, String)>;

const MANAGERS: [Manager; 3] = [
    Manager { name: "dpkg", order: Order::Dpkg, alphabet: pairs::DPKG, tool: "dpkg", judge: tools::dpkg },
    Manager { name: "rpm", order: Order::Rpm, alphabet: pairs::RPM, tool: "rpm", judge: tools::rpm },
    Manager {
        name: "pacman",
        order: Order::Pacman,
        alphabet: pairs::PACMAN,
        tool: "vercmp",
        judge: tools::vercmp,
    },
];

fn main() {
    let trials = MANAGERS.map(|manager| Trial::ignorable_test(manager.name, move || agrees(manager)));
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit();
}

fn agrees(manager: Manager) -> Result<Completion, Failed> {
    if !in_path(manager.tool) {
        let lack = format!("needs the program {}", manager.tool);
        return match std::env::var_os("CI") {
            Some(_) => Err(format!("cannot run, and in CI it must: {lack}").into()),
            None => Ok(Completion::ignored_with(lack)),
        };
    }
    let number = std::env::var("VENEER_PAIRS").map_or(FEW, |n| n.parse().expect("VENEER_PAIRS is a number"));
    let pairs = pairs(manager.alphabet, number);
    let ours: Vec<Ordering> = pairs.iter().map(|(a, b)| manager.order.compare(a, b)).collect();
    for ordering in [Ordering::Less, Ordering::Equal, Ordering::Greater] {
        let count = ours.iter().filter(|our| **our == ordering).count();
        // Pairs that are all alike would show nothing.
        assert!(count * 10 > number, "{count} of {number} pairs are {ordering:?}");
    }
    let differ = (manager.judge)(&pairs, &ours);
    if differ.is_empty() {
        return Ok(Completion::Completed);
    }
    let lines = differ.iter().take(20).map(|(at, said)| {
        let (a, b) = &pairs[*at];
        format!("{a:?} is {:?} than {b:?} for us; {said}\n", ours[*at])
    });
    let text = format!("{} of {number} pairs differ:\n{}", differ.len(), lines.collect::<String>());
    Err(text.into())
}
