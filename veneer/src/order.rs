//! Sorting and sets, with one copy of the algorithm for all types. The standard library's sorting is compiled anew for
//! each type and each comparison, 3 to 5 KiB of code a time, and collecting a set sorts first: altogether that was a
//! fourteenth of the initramfs program.
//!
//! Sorting is stable, and takes eight bytes an item. Where hundreds of thousands of small items are to be sorted, the
//! standard library's own is worth its size.

use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Sorts as the type does.
pub(crate) fn sort<T: Ord>(items: &mut [T]) {
    sort_by(items, T::cmp);
}

/// Sorts as `compare` says.
pub(crate) fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let mut places: Vec<usize> = (0..items.len()).collect();
    sort_places(&mut places, &|a, b| compare(&items[a], &items[b]));
    // `places[n]` is where the n-th item is. Each circle of items that are to take each other's places is gone through
    // once.
    for start in 0..places.len() {
        let mut at = start;
        loop {
            let from = std::mem::replace(&mut places[at], at);
            if from == start {
                break;
            }
            items.swap(at, from);
            at = from;
        }
    }
}

/// The one copy. `places` are in order, so that equal items stay in theirs.
#[inline(never)]
fn sort_places(places: &mut [usize], compare: &dyn Fn(usize, usize) -> Ordering) {
    places.sort_unstable_by(|a, b| compare(*a, *b).then(a.cmp(b)));
}

/// The set of `items`.
pub(crate) fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sorts_as_the_standard_library_does() {
        let mut random = crate::fuzz::Random::new();
        for _ in 0..crate::fuzz::rounds(3000) {
            let few = 1 + random.below(20);
            let mut ours: Vec<(usize, usize)> =
                (0..random.below(50)).map(|n| (random.below(few), n)).collect();
            let mut theirs = ours.clone();
            sort_by(&mut ours, |a, b| a.0.cmp(&b.0));
            theirs.sort_by_key(|a| a.0);
            assert_eq!(ours, theirs);
            ours.reverse();
            sort(&mut ours);
            assert_eq!(ours, theirs);
            assert!(set(ours).into_iter().eq(theirs));
        }
    }
}
