//! Pairs of versions that are valid for their manager, nasty, and for the most part near each other.

use veneer_tests::dice::Dice;

/// What a manager's versions may be made of, besides digits and letters. A hyphen is put into those that have a release,
/// a colon into those that have an epoch: valid for dpkg, and for the others, whose packages have none there, a question
/// that their tools answer as well.
#[derive(Clone, Copy)]
pub(crate) struct Alphabet {
    separators: &'static [&'static str],
    /// A version must begin so.
    digit_first: bool,
}

pub(crate) const DPKG: Alphabet =
    Alphabet { separators: &[".", ".", "+", "~", "~~", "..", "~.", "+~", ".+"], digit_first: true };

pub(crate) const RPM: Alphabet = Alphabet {
    separators: &[".", ".", "_", "+", "~", "^", "..", "._", "~~", "^^", "~^", "^~", ".~", "^."],
    digit_first: false,
};

pub(crate) const PACMAN: Alphabet = Alphabet {
    separators: &[".", ".", "_", "+", "~", "^", "..", "...", "._", "_+", "@", "%"],
    digit_first: false,
};

const NUMBERS: &[&str] = &[
    "0",
    "00",
    "000",
    "1",
    "01",
    "001",
    "2",
    "9",
    "09",
    "10",
    "010",
    "11",
    "20240101",
    "2147483648",
    "9223372036854775808",
    "18446744073709551616",
    "018446744073709551616",
    "99999999999999999999999999",
];

const LETTERS: &[&str] = &[
    "a", "b", "A", "Z", "z", "aa", "ab", "rc", "RC", "alpha", "beta", "pre", "git", "dfsg", "ubuntu", "fc",
    "el",
];

const EPOCHS: &[&str] = &["0", "00", "1", "01", "2", "10", "2147483647"];

/// A version in pieces, so that what is changed stays valid.
#[derive(Clone)]
struct Version {
    epoch: Option<&'static str>,
    upstream: Vec<String>,
    release: Option<Vec<String>>,
}

/// So many pairs; two thirds are a version and a change of it.
pub(crate) fn pairs(alphabet: Alphabet, number: usize) -> Vec<(String, String)> {
    let mut dice = Dice::new(25);
    let mut list = Vec::with_capacity(number);
    for _ in 0..number {
        let one = Version::any(&mut dice, alphabet);
        let mut other = one.clone();
        match dice.below(6) {
            0 => other = Version::any(&mut dice, alphabet),
            1 => (0..3).for_each(|_| other.change(&mut dice, alphabet)),
            2 => other.zeros(&mut dice),
            _ => other.change(&mut dice, alphabet),
        }
        let (one, other) = (one.text(&mut dice, alphabet), other.text(&mut dice, alphabet));
        list.push(if dice.below(2) == 0 { (one, other) } else { (other, one) });
    }
    list
}

impl Version {
    fn any(dice: &mut Dice, alphabet: Alphabet) -> Self {
        let epoch = (dice.below(4) == 0).then(|| *dice.one(EPOCHS));
        let length = 1 + dice.below(6);
        let upstream = (0..length).map(|_| piece(dice, alphabet)).collect();
        let length = 1 + dice.below(3);
        let release = (dice.below(3) > 0).then(|| (0..length).map(|_| piece(dice, alphabet)).collect());
        Version { epoch, upstream, release }
    }

    /// One change at one place.
    fn change(&mut self, dice: &mut Dice, alphabet: Alphabet) {
        match dice.below(12) {
            0 => self.epoch = if self.epoch.is_some() { None } else { Some(*dice.one(EPOCHS)) },
            1 => {
                self.release = if self.release.is_some() { None } else { Some(vec![piece(dice, alphabet)]) };
            }
            chosen => {
                let pieces = match &mut self.release {
                    Some(release) if chosen % 3 == 0 => release,
                    _ => &mut self.upstream,
                };
                let at = dice.below(pieces.len());
                match dice.below(7) {
                    0 => pieces.insert(at, piece(dice, alphabet)),
                    1 => pieces.push(piece(dice, alphabet)),
                    2 if pieces.len() > 1 => drop(pieces.remove(at)),
                    3 => pieces[at] = piece(dice, alphabet),
                    4 => pieces.swap(0, at),
                    5 => pieces.insert(at, pieces[at].clone()),
                    // The pieces are ASCII.
                    _ => {
                        let length = 1 + dice.below(pieces[at].len());
                        pieces[at].truncate(length);
                    }
                }
            }
        }
    }

    /// Zeros that may mean nothing.
    fn zeros(&mut self, dice: &mut Dice) {
        if dice.below(2) == 0 {
            self.epoch = Some(self.epoch.unwrap_or("0"));
        }
        for at in 0..self.upstream.len() {
            // A number that goes on from the piece before would become another one.
            let goes_on = at > 0 && self.upstream[at - 1].ends_with(|c: char| c.is_ascii_digit());
            if self.upstream[at].starts_with(|c: char| c.is_ascii_digit()) && !goes_on {
                self.upstream[at].insert(0, '0');
            }
        }
    }

    fn text(&self, dice: &mut Dice, alphabet: Alphabet) -> String {
        let mut version = self.upstream.concat();
        if alphabet.digit_first && !version.starts_with(|c: char| c.is_ascii_digit()) {
            version.insert(0, '1');
        }
        let middle = |version: &mut String, dice: &mut Dice, what: char| {
            if dice.below(8) == 0 {
                version.insert(1 + dice.below(version.len()), what);
            }
        };
        if self.release.is_some() {
            middle(&mut version, dice, '-');
        }
        if self.epoch.is_some() {
            middle(&mut version, dice, ':');
        }
        let epoch = self.epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
        let release =
            self.release.as_ref().map(|release| format!("-{}", release.concat())).unwrap_or_default();
        format!("{epoch}{version}{release}")
    }
}

fn piece(dice: &mut Dice, alphabet: Alphabet) -> String {
    match dice.below(20) {
        0..=7 => (*dice.one(NUMBERS)).to_owned(),
        8..=12 => (*dice.one(LETTERS)).to_owned(),
        13 => (0..=dice.below(60)).map(|_| char::from(b'0' + dice.byte() % 10)).collect(),
        _ => (*dice.one(alphabet.separators)).to_owned(),
    }
}
