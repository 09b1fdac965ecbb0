//! Layers that nothing needs any more. Pure, and careful: what may be somebody's only copy is needed.

use crate::store::{Layer, LayerName};

/// Why a layer may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Useless {
    /// There is a newer one of the same base that came up well.
    Superseded,
    /// More bases than are to be kept were booted since.
    Old,
}

impl Useless {
    /// For people, as the end of a sentence.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Useless::Superseded => "there is a newer one of the same base",
            Useless::Old => "other bases were booted since",
        }
    }
}

/// What decides.
#[derive(Debug)]
pub struct Needs<'a> {
    /// The id of the booted base.
    pub booted: &'a str,
    /// The layer that this boot runs on.
    pub running: Option<&'a LayerName>,
    /// How many other bases keep their layers, for going back to them.
    pub keep: u32,
    /// Boots that may go wrong before a layer is set aside.
    pub trials: u32,
}

/// The layers of `layers` (oldest first) that may go, in that order.
///
/// Needed are: the running layer; the one that was used last, from which the next base's is derived; of each base that is
/// kept the newest, and the newest that is healthy; the booted base, and of the others those that were used last.
#[must_use]
pub fn useless<'a>(layers: &'a [Layer], needs: &Needs<'_>) -> Vec<(&'a Layer, Useless)> {
    let place = |layer: &&Layer| (layer.trial.used, layer.name.number());
    let last = layers.iter().max_by_key(place);
    // Bases, those that were used last first.
    let mut bases: Vec<(&str, (u64, u32))> = Vec::new();
    for layer in layers {
        let (id, used) = (layer.state.base.id.id.as_str(), place(&layer));
        match bases.iter_mut().find(|(known, _)| *known == id) {
            Some((_, latest)) => *latest = used.max(*latest),
            None => bases.push((id, used)),
        }
    }
    bases.retain(|(id, _)| *id != needs.booted);
    bases.sort_unstable_by_key(|(_, used)| std::cmp::Reverse(*used));
    bases.truncate(usize::try_from(needs.keep).unwrap_or(usize::MAX));

    let of_base =
        |id: &str| layers.iter().rev().filter(move |layer| layer.state.base.id.id == id).collect::<Vec<_>>();
    let why = |layer: &Layer| {
        if Some(&layer.name) == needs.running || last.is_some_and(|last| last.name == layer.name) {
            return None;
        }
        let id = layer.state.base.id.id.as_str();
        if id != needs.booted && bases.iter().all(|(kept, _)| *kept != id) {
            return Some(Useless::Old);
        }
        let all = of_base(id);
        let healthy = all.iter().find(|layer| layer.trial.begun < needs.trials);
        let is_needed = [all.first(), healthy].into_iter().flatten().any(|kept| kept.name == layer.name);
        // Without a healthy one each of them may be what the user goes back to.
        (!is_needed && healthy.is_some_and(|healthy| healthy.name > layer.name))
            .then_some(Useless::Superseded)
    };
    layers.iter().filter_map(|layer| Some((layer, why(layer)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::tests::layer;

    /// Numbers of the layers that may go.
    fn gone(layers: &[Layer], booted: &str, running: Option<&Layer>, keep: u32) -> Vec<u32> {
        let needs = Needs { booted, running: running.map(|layer| &layer.name), keep, trials: 2 };
        useless(layers, &needs).iter().map(|(layer, _)| layer.name.number()).collect()
    }

    #[test]
    fn the_table() {
        let none: [u32; 0] = [];
        assert_eq!(gone(&[], "aa", None, 3), none);
        // The only one stays, whoever is booted and however many are kept.
        let one = [layer(1, "aa", 0, 1)];
        assert_eq!(gone(&one, "aa", Some(&one[0]), 3), none);
        assert_eq!(gone(&one, "bb", None, 0), none);
        // An older one of the same base goes, but not while it runs.
        let two = [layer(1, "aa", 0, 1), layer(2, "aa", 0, 2)];
        assert_eq!(gone(&two, "aa", Some(&two[1]), 3), [1]);
        assert_eq!(gone(&two, "aa", Some(&two[0]), 3), none);
        // Nor if it is the healthy one.
        let set_aside = [layer(1, "aa", 0, 1), layer(2, "aa", 2, 2)];
        assert_eq!(gone(&set_aside, "aa", None, 3), none);
        // Nor without any that came up well.
        let all_bad = [layer(1, "aa", 2, 1), layer(2, "aa", 2, 3), layer(3, "aa", 2, 2)];
        assert_eq!(gone(&all_bad, "aa", None, 3), none);
        // The one before a set-aside one that is older than a healthy one is nobody's.
        let between = [layer(1, "aa", 2, 1), layer(2, "aa", 0, 2), layer(3, "aa", 2, 3)];
        assert_eq!(gone(&between, "aa", None, 3), [1]);
    }

    #[test]
    fn bases_are_kept_by_their_last_use() {
        let layers =
            [layer(1, "aa", 0, 9), layer(2, "bb", 0, 2), layer(3, "cc", 0, 3), layer(4, "dd", 0, 10)];
        let running = Some(&layers[3]);
        assert_eq!(gone(&layers, "dd", running, 3), [0; 0]);
        assert_eq!(gone(&layers, "dd", running, 2), [2]);
        assert_eq!(gone(&layers, "dd", running, 1), [2, 3]);
        assert_eq!(gone(&layers, "dd", running, 0), [1, 2, 3]);
        // A pristine boot of a base without layers: what was used last is what its layer will be derived from.
        assert_eq!(gone(&layers, "ee", None, 0), [1, 2, 3]);
    }
}
