//! What the user asked for: the kernel command line and veneer.conf, read into one value.
//!
//! Reading never fails. What is not understood becomes a [`Warning`] and leaves the former value in force, as a boot
//! must not depend on the spelling of a word.

mod cmdline;
mod conf;
mod conf_files;
mod ostree;
mod protected;
mod setting;
mod store_source;
mod trust;
mod warning;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;

pub use cmdline::Cmdline;
pub use protected::Protected;
pub use store_source::{StoreSource, StoreSourceError};
pub use trust::Trust;
pub use warning::Warning;

use crate::tree::leave_open;
use warning::Warnings;

/// The most bytes of a command line that are read. The kernel's own limit is 4 KiB on most machines, less than this on
/// all.
const LONGEST_CMDLINE: usize = 64 * 1024;

/// What the user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// `rd.veneer=`, `enabled=`: shall Veneer do anything at all?
    pub enabled: bool,
    /// `rd.veneer.store=`, `store=`: where the layers are.
    pub store: StoreSource,
    /// `rd.veneer.timeout=`, `timeout=`: how long to wait for the store's device, 0 to 3600 s.
    pub timeout: Duration,
    /// `rd.veneer.mode=`, `mode=`.
    pub mode: Mode,
    /// `rd.veneer.layer=`, `layer=`: the id of the layer to use; `None` lets judging choose. A plain file name.
    pub layer: Option<String>,
    /// `trials=`: unblessed boots after which a layer is set aside, 1 to 1000.
    pub trials: u32,
    /// `versions=`: which step of `VERSION_ID` a layer may follow.
    pub versions: VersionsPolicy,
    /// `keep=`: layers of other bases that are kept, 0 to 1000.
    pub keep: u32,
    /// `protected=`: the paths at which the base always wins.
    pub protected: Protected,
    /// `rd.veneer.require=`, `require=`, `rd.veneer.store-id=`, `store-id=`: what the store has to be to be used.
    pub trust: Trust,
    /// `ostree=`: where the running system's /var is, from the root that is mounted in the initramfs on; `None` if it is
    /// in its place.
    pub var: Option<PathBuf>,
}

/// With or without a layer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Mount the layer that belongs to the base.
    #[default]
    Normal,
    /// The same, read-only but for package managers at work and `veneer run`.
    Guarded,
    /// Boot the bare base, say so, and leave the store alone.
    Pristine,
}

/// Between which versions of one operating system a layer may go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum VersionsPolicy {
    /// Any.
    #[default]
    Any,
    /// The same up to the first dot.
    SameMajor,
    /// The very same.
    Same,
}

impl Default for Intent {
    fn default() -> Self {
        Self {
            enabled: true,
            store: StoreSource::Auto,
            timeout: Duration::from_secs(10),
            mode: Mode::Normal,
            layer: None,
            trials: 2,
            versions: VersionsPolicy::Any,
            keep: 3,
            protected: Protected::default(),
            trust: Trust::default(),
            var: None,
        }
    }
}

impl Intent {
    /// What the configuration below `root` and this command line ask for; the command line wins, but in what the store has
    /// to be, where both count.
    #[must_use]
    pub fn gather(root: &Path, cmdline: &Cmdline) -> (Self, Vec<Warning>) {
        let (mut intent, mut warnings) = (Self::default(), Warnings::default());
        for file in conf_files::read(root, &mut warnings) {
            conf::apply(&file.text, &file.name, &mut intent, &mut warnings);
        }
        cmdline.apply(&mut intent, &mut warnings);
        intent.var = ostree::var(cmdline);
        (intent, warnings.into_list())
    }

    /// Where a directory of the running system is before the switch of the root, from the root that is mounted then on.
    /// `dir` is absolute and normal.
    #[must_use]
    pub fn below_sysroot(&self, dir: &Path) -> PathBuf {
        match (&self.var, dir.strip_prefix("/var")) {
            // Joined with nothing, a path would end in a slash.
            (Some(var), Ok(rest)) if rest.as_os_str().is_empty() => var.clone(),
            (Some(var), Ok(rest)) => var.join(rest),
            _ => dir.strip_prefix("/").unwrap_or(dir).to_path_buf(),
        }
    }
}

impl Cmdline {
    /// Reads the command line from a file such as `/proc/cmdline`. One that cannot be read counts as empty, with a
    /// warning.
    #[must_use]
    pub fn read(path: &Path) -> (Self, Option<Warning>) {
        let (mut line, mut piece) = (Vec::new(), [0; 4096]);
        let read = fs::File::open(path).and_then(|mut file| {
            // Most often one call: the kernel gives the whole line if there is room for it.
            while line.len() < LONGEST_CMDLINE {
                let length = file.read(&mut piece)?;
                line.extend_from_slice(&piece[..length]);
                if length < piece.len() {
                    break;
                }
            }
            line.truncate(LONGEST_CMDLINE);
            leave_open(file.into_file());
            Ok(())
        });
        let mut warnings = Warnings::default();
        if let Err(error) = read {
            warnings.add(format!("{error}; going on as if it were empty"));
        }
        (Self::parse(&line), warnings.into_list().pop())
    }
}

#[cfg(test)]
mod noise {
    //! No input may panic: seeded, so that what fails once fails again.

    use super::*;
    use crate::fuzz::Random;

    const SEED: &[u8] =
        b"rd.veneer=1 rd.veneer.store=\"PARTLABEL=a b\" rd.veneer.timeout=10s rd.veneer.layer=0001-ab\n\
        [Veneer]\nstore=dir:/var/lib/veneer\nkeep=3\nversions=\\\n same \nmode='pristine'\ntrials=2\n";

    fn mangle(random: &mut Random) -> Vec<u8> {
        let mut text = SEED.repeat(1 + random.below(20));
        for _ in 0..random.below(200) {
            if text.is_empty() {
                break;
            }
            let at = random.below(text.len());
            match random.below(5) {
                0 => text[at] = random.byte(),
                1 => drop(text.remove(at)),
                2 => text.insert(at, b"\0\n\r\\\"'=[]#;% \t\xff\xc3"[random.below(16)]),
                3 => text.truncate(at + 1),
                _ => {
                    let from = random.below(text.len());
                    let piece = text[from..text.len().min(from + 40)].to_vec();
                    text.splice(at..at, piece);
                }
            }
        }
        text
    }

    #[test]
    fn mangled_text_is_read_within_bounds() {
        let mut random = Random::new();
        for round in 0..crate::fuzz::rounds(4000) {
            let text = if round % 8 == 0 {
                std::iter::repeat_with(|| random.byte()).take(4096).collect()
            } else {
                mangle(&mut random)
            };
            let (mut intent, mut warnings) = (Intent::default(), Warnings::default());
            conf::apply(&text, "veneer.conf", &mut intent, &mut warnings);
            Cmdline::parse(&text).apply(&mut intent, &mut warnings);

            assert!(intent.timeout <= Duration::from_secs(3600));
            assert!((1..=1000).contains(&intent.trials) && intent.keep <= 1000);
            assert!(intent.layer.is_none_or(|layer| !layer.contains('/') && !layer.starts_with('.')));
            assert_eq!(intent.store.to_string().parse(), Ok(intent.store));
            for warning in warnings.into_list() {
                let text = warning.to_string();
                assert!(text.chars().count() < 900 && !text.contains(char::is_control), "{text:?}");
            }
        }
    }
}
