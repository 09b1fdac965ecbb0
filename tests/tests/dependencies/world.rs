//! What the worlds of all managers have in common: few names and near versions, so that things meet.

use veneer_tests::dice::Dice;

const VERSIONS: &[&str] =
    &["1.0", "1.0-1", "1.0-2", "1.1-1", "1.1~rc1-1", "2.0-1", "1:1.0-1", "1:0.5", "0:1.0-1", "1"];

/// Packages of the base are called `p0`, `p1`, …, what they provide `v0`, `v1`, …; there are fewer than are asked for.
pub(crate) const PACKAGES: usize = 24;
const NAMES: usize = 28;

pub(crate) fn version(dice: &mut Dice) -> &'static str {
    let version: &&str = dice.one(VERSIONS);
    version
}

/// A version that a package can have: with a release.
pub(crate) fn whole_version(dice: &mut Dice) -> String {
    let version = version(dice);
    if version.contains('-') { version.to_owned() } else { format!("{version}-1") }
}

pub(crate) fn virtual_name(dice: &mut Dice) -> String {
    format!("v{}", dice.below(12))
}

/// Of a package or of something virtual, there or not.
pub(crate) fn any_name(dice: &mut Dice) -> String {
    let letter = if dice.below(2) == 0 { 'p' } else { 'v' };
    format!("{letter}{}", dice.below(NAMES))
}

/// Up to three.
pub(crate) fn some<T>(dice: &mut Dice, mut one: impl FnMut(&mut Dice) -> T) -> Vec<T> {
    (0..dice.below(4)).map(|_| one(dice)).collect()
}
