//! A layer: one upper and work directory, bound to exactly one base, with the count of its boots on trial.

use std::ffi::{CStr, CString};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{by, state};
use crate::base::Base;
use crate::error::{Error, Result};
use crate::tree::{Dir, Kind};

const STATE: &CStr = c"layer";
const TRIAL: &CStr = c"trial";
const STATE_LIMIT: u64 = 64 * 1024;

/// `0001-3f9c2a1b7d04`: a sequence number, and the first digits of the id of the base that the layer is bound to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LayerName {
    number: u32,
    base: String,
}

impl LayerName {
    /// The name of layer `number` for the base with this short id.
    #[must_use]
    pub fn new(number: u32, base: &str) -> Self {
        LayerName { number, base: base.to_owned() }
    }

    /// Reads a name; `None` if it is none in the one spelling that [`fmt::Display`] gives it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (number, base) = text.split_once('-')?;
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if number.len() < 4 || base.is_empty() || base.len() > 12 || !base.bytes().all(is_hex) {
            return None;
        }
        let name = LayerName::new(number.parse().ok()?, base);
        (name.to_string() == text).then_some(name)
    }

    pub(super) fn of(file_name: &CStr) -> Option<Self> {
        Self::parse(file_name.to_str().ok()?)
    }

    /// Its place in the order of layers.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The short id of the base that it names.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The directory's name.
    #[must_use]
    pub fn file_name(&self) -> CString {
        // Digits and a dash: no NUL.
        CString::new(self.to_string()).unwrap_or_default()
    }

    /// The directory's name while the layer is being made.
    #[must_use]
    pub fn tmp_file_name(&self) -> CString {
        CString::new(format!("{self}.tmp")).unwrap_or_default()
    }
}

impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{}", self.number, self.base)
    }
}

impl TryFrom<String> for LayerName {
    type Error = String;
    fn try_from(text: String) -> std::result::Result<Self, String> {
        LayerName::parse(&text).ok_or_else(|| format!("{text} is no layer's name"))
    }
}

impl From<LayerName> for String {
    fn from(name: LayerName) -> String {
        name.to_string()
    }
}

/// How a layer came to be mounted at this boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It was there already.
    Used,
    /// Made, empty: the first one for this base, with nothing to derive it from.
    Bound,
    /// Derived from a layer of another base.
    Rebased,
}

/// When and by whom a layer was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// Seconds since 1970-01-01 UTC, by the machine's clock at that boot (which may have been wrong).
    pub at: u64,
    /// The program and its version.
    pub by: String,
}

/// What a layer's `layer` file says. It never changes once the layer is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerState {
    /// The base that it is bound to.
    pub base: Base,
    /// The layer that it was derived from.
    pub parent: Option<LayerName>,
    /// When and by whom.
    pub created: Created,
    /// If it was derived ahead of the boot, while the parent was in use: what the parent's upper was then, by
    /// [`crate::tree::sum_of`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<String>,
}

impl LayerState {
    /// The state of a layer made now for `base`.
    #[must_use]
    pub fn new(base: Base, parent: Option<LayerName>, ahead: Option<String>) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        // A clock before 1970 is a clock that was never set.
        let at = now.map_or(0, |since| since.as_secs());
        LayerState { base, parent, created: Created { at, by: by() }, ahead }
    }

    pub(super) fn write(&self, dir: &Dir) -> Result<()> {
        state::write(dir, STATE, "layer", self)
    }
}

/// Boots of a layer that nobody has called good yet, and its place in the order of use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Boots begun since the last blessing, or [`Trial::PUT_ASIDE`].
    pub begun: u32,
    /// Grows with each boot of any layer of the store, so that the greatest is the layer used last. Not a time: the
    /// clock of an initramfs may be anything.
    pub used: u64,
}

impl Trial {
    /// In the place of a number of boots: the user wants another layer of the base.
    pub const PUT_ASIDE: u32 = u32::MAX;

    /// True if the user wants another layer.
    #[must_use]
    pub fn is_put_aside(&self) -> bool {
        self.begun == Trial::PUT_ASIDE
    }

    /// A layer that was never booted has no count.
    pub(super) fn read(dir: &Dir) -> Result<Self> {
        Ok(state::read(dir, TRIAL, "trial", STATE_LIMIT)?.unwrap_or_default())
    }

    pub(super) fn write(self, dir: &Dir) -> Result<()> {
        state::write(dir, TRIAL, "trial", &self)
    }
}

/// A layer with its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its name.
    pub name: LayerName,
    /// What it is bound to.
    pub state: LayerState,
    /// How its boots went.
    pub trial: Trial,
}

impl Layer {
    /// Reads the layer `name` from its directory.
    pub(super) fn read(dir: &Dir, name: &LayerName) -> Result<Self> {
        let damaged = |file: &CStr, what: &str| Error::Damaged { path: dir.path_of(file), what: what.into() };
        let state: LayerState =
            state::read(dir, STATE, "layer", STATE_LIMIT)?.ok_or_else(|| damaged(STATE, "missing"))?;
        if state.base.id.short() != name.base() {
            return Err(damaged(STATE, "it belongs to another layer"));
        }
        for part in [c"upper", c"work"] {
            // Links there would lead the overlay out of the store.
            if dir.stat(part)?.is_none_or(|stat| Kind::of(&stat) != Kind::Directory) {
                return Err(damaged(part, "no directory"));
            }
        }
        let trial = Trial::read(dir)?;
        Ok(Layer { name: name.clone(), state, trial })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_spelling() {
        for good in ["0001-3f9c2a1b7d04", "12345-abc"] {
            assert_eq!(LayerName::parse(good).map(|n| n.to_string()).as_deref(), Some(good));
        }
        for bad in [
            "",
            "1-abc",
            "00001-abc",
            "0001-",
            "0001-ABC",
            "0001-abc.tmp",
            "0001-../x",
            "+001-abc",
            "0001-3f9c2a1b7d045",
        ] {
            assert_eq!(LayerName::parse(bad), None, "{bad}");
        }
    }

    /// A million: see [`crate::fuzz`].
    #[test]
    fn noise_is_no_name_but_for_the_one_spelling() {
        let mut random = crate::fuzz::Random::new();
        for _ in 0..crate::fuzz::rounds(3000) {
            let text = random.mangle(b"0001-3f9c2a1b7d04");
            let text = String::from_utf8_lossy(&text);
            if let Some(name) = LayerName::parse(&text) {
                assert_eq!(name.to_string(), text);
                assert!(!text.contains(['/', '.']) && text.len() < 32, "{text}");
            }
        }
    }
}
