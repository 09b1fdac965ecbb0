//! The store: room, and what is in it.

use rustix::fs::StatVfsMountFlags;
use veneer::intent::{Intent, Trust};
use veneer::observe;
use veneer::report::Status;
use veneer::store::{Absent, Layer, LayerName, Store};
use veneer::verdict::{Refusal, judge_encryption, judge_id};

use crate::args::Options;
use crate::finding::Finding;

/// Less than this, and the next installation may not fit; less than [`FULL`], and not even a removal does.
const LOW: u64 = 256 * 1024 * 1024;
const FULL: u64 = 1024 * 1024;
/// The same for inodes; every new, changed or removed file takes one.
const LOW_INODES: u64 = 2000;
const FULL_INODES: u64 = 16;

#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Why it cannot be looked into; none if there is no store.
    error: Option<String>,
    room: Option<Room>,
    layers: Vec<Layer>,
    damaged: Vec<(LayerName, String)>,
    leftovers: Vec<String>,
    /// The layer that is mounted, and the base.
    running: Option<LayerName>,
    base: String,
    /// Boots that may go wrong before a layer is set aside.
    trials: u32,
    identity: Option<Identity>,
}

/// What a boot asks of the store, and what it is.
#[derive(Debug)]
struct Identity {
    id: Option<String>,
    /// What of it is not encrypted; none if all of it is.
    unencrypted: Option<String>,
    trust: Trust,
}

#[derive(Debug, Clone, Copy)]
struct Room {
    free: u64,
    size: u64,
    free_inodes: u64,
    /// 0 where they are made as needed.
    inodes: u64,
    read_only: bool,
}

impl Facts {
    pub(crate) fn gather(options: &Options, status: &Status, intent: &Intent) -> Self {
        let mut facts = Facts {
            running: status.layer.as_ref().map(|layer| layer.id.clone()),
            base: status.base.id.clone(),
            trials: intent.trials,
            ..Facts::default()
        };
        match Store::look(&options.store, options.store_is_mount) {
            Ok(contents) => {
                facts.leftovers =
                    contents.leftovers.iter().map(|name| name.to_string_lossy().into_owned()).collect();
                (facts.layers, facts.damaged) = (contents.layers, contents.damaged);
                facts.identity = Some(Identity {
                    id: contents.id,
                    unencrypted: observe::unencrypted(&options.store, &options.root)
                        .unwrap_or_else(|error| Some(error.to_string())),
                    trust: intent.trust.clone(),
                });
            }
            // Without a layer, the boot's own reason says it.
            Err(Absent::Missing) if facts.running.is_none() => return facts,
            Err(Absent::Missing) => {
                facts.error = Some(format!("nothing is mounted at {}", options.store.display()));
            }
            Err(Absent::Error(error)) => facts.error = Some(error.to_string()),
        }
        facts.room = rustix::fs::statvfs(&options.store).ok().map(|state| Room {
            free: state.f_bavail.saturating_mul(state.f_frsize),
            size: state.f_blocks.saturating_mul(state.f_frsize),
            free_inodes: state.f_favail,
            inodes: state.f_files,
            read_only: state.f_flag.contains(StatVfsMountFlags::RDONLY),
        });
        facts
    }

    pub(crate) fn judge(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        if let Some(why) = &self.error {
            let message = format!("the store cannot be looked into: {why}");
            found.push(Finding::error(
                "store-unreadable",
                message,
                "Run `veneer doctor` as root; else reboot, and see what the boot says.",
            ));
        }
        found.extend(self.room.and_then(Room::judge));
        found.extend(self.identity.iter().flat_map(Identity::judge));
        for (name, why) in &self.damaged {
            let next = "Move its directory out of the store's layers, as nothing can be derived while it is there; nothing is lost.";
            found.push(Finding::error("layer-damaged", format!("layer {name} is damaged: {why}"), next));
        }
        for layer in self.layers.iter().filter(|layer| layer.state.base.id.id == self.base) {
            let (name, begun) = (&layer.name, layer.trial.begun);
            if self.running.as_ref() == Some(name) {
                if begun > 0 {
                    let message = format!(
                        "this boot was not called good yet; layer {name} is on trial ({begun} of {} boots)",
                        self.trials
                    );
                    let next = "Once the boot is complete veneer-bless.service does it; `systemctl status boot-complete.target` says what is missing.";
                    found.push(Finding::warning("boot-not-blessed", message, next));
                }
            } else if begun >= self.trials && !layer.trial.is_put_aside() {
                let message = format!(
                    "layer {name} of this base is set aside: it was booted {begun} times and never came up well"
                );
                found.push(Finding::warning(
                    "layer-set-aside",
                    message,
                    "`veneer retry` gives it another try.",
                ));
            }
        }
        if !self.leftovers.is_empty() {
            let message =
                format!("work that was cut off is left in the store: {}", self.leftovers.join(", "));
            found.push(Finding::warning(
                "leftovers",
                message,
                "The next boot takes it away, or `veneer gc` now.",
            ));
        }
        found
    }
}

impl Identity {
    fn judge(&self) -> Vec<Finding> {
        let (trust, id) = (&self.trust, self.id.as_deref());
        let refusals = [judge_encryption(trust, self.unencrypted.as_deref()), judge_id(trust, id)];
        let refused = |refusal: Refusal| {
            // Its sentence ends with the next step.
            let next = "Else the next boot with this configuration in its initramfs is pristine.";
            Finding::error("store-not-trusted", refusal.message, next)
        };
        let mut found: Vec<Finding> = refusals.into_iter().flatten().map(refused).collect();
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            let seal = if self.unencrypted.is_none() { "encrypted" } else { "not encrypted" };
            found.push(Finding::note(
                "store-identity",
                format!("the store has the id {id} and is {seal}"),
                "To have boots take no other one: `store-id=` and `require=` in veneer.conf(5).",
            ));
        }
        found
    }
}

impl Room {
    fn judge(self) -> Option<Finding> {
        let of = |free: u64, size: u64| format!("{} of {} MiB are free", free >> 20, size >> 20);
        let (free, inodes) = (of(self.free, self.size), format!("{} inodes are free", self.free_inodes));
        let (has_inodes, more) = (self.inodes > 0, "Remove packages, run `veneer gc`, or enlarge the store.");
        if self.read_only {
            let next = "The kernel's log says why; reboot, and the file system is checked.";
            return Some(Finding::error(
                "store-read-only",
                "the store is read-only: nothing can be changed",
                next,
            ));
        }
        if self.free < FULL || (has_inodes && self.free_inodes < FULL_INODES) {
            return Some(Finding::error("store-full", format!("the store is full: {free}, {inodes}"), more));
        }
        // A small store is not nearly full from the start.
        let is_low = self.free < LOW.min(self.size / 10)
            || (has_inodes && self.free_inodes < LOW_INODES.min(self.inodes / 10));
        is_low.then(|| {
            Finding::warning("store-nearly-full", format!("the store is nearly full: {free}, {inodes}"), more)
        })
    }
}

#[cfg(test)]
mod tests {
    use veneer::base::{Base, BaseId, IdSource};
    use veneer::store::{LayerState, Trial};

    use super::*;
    use crate::image::tests::names;

    fn name(number: u32) -> LayerName {
        LayerName::new(number, "ab")
    }

    fn layer(number: u32, begun: u32) -> Layer {
        let base = Base {
            id: BaseId { id: "ab".into(), source: IdSource::Stamp },
            os: "debian".into(),
            version: "13".into(),
            version_id: "13".into(),
            like: Vec::new(),
            level: None,
            arch: "x86_64".into(),
        };
        Layer {
            name: name(number),
            state: LayerState::new(base, None, None),
            trial: Trial { begun, used: 1 },
        }
    }

    fn facts(layers: Vec<Layer>) -> Facts {
        Facts { layers, running: Some(name(1)), base: "ab".into(), trials: 2, ..Facts::default() }
    }

    #[test]
    fn layers_and_what_is_left() {
        assert_eq!(facts(vec![layer(1, 0), layer(2, 1)]).judge(), []);
        assert_eq!(names(&facts(vec![layer(1, 1)]).judge()), ["boot-not-blessed"]);
        assert_eq!(names(&facts(vec![layer(1, 0), layer(2, 2)]).judge()), ["layer-set-aside"]);
        assert_eq!(
            facts(vec![layer(1, 0), layer(2, Trial::PUT_ASIDE)]).judge(),
            [],
            "that is what the user wants"
        );
        let damaged = Facts { damaged: vec![(name(3), "x".into())], ..facts(vec![]) };
        assert_eq!(names(&damaged.judge()), ["layer-damaged"]);
        let left = Facts { leftovers: vec!["0004-ab.tmp".into()], ..facts(vec![]) };
        assert_eq!(names(&left.judge()), ["leftovers"]);
        let unreadable = Facts { error: Some("x".into()), ..facts(vec![]) };
        assert_eq!(names(&unreadable.judge()), ["store-unreadable"]);
    }

    #[test]
    fn what_it_is_and_has_to_be() {
        let judged = |words: &str, unencrypted: Option<&str>| {
            let line = veneer::intent::Cmdline::parse(words.as_bytes());
            let trust = Intent::gather(std::path::Path::new("/nowhere"), &line).0.trust;
            let unencrypted = unencrypted.map(str::to_owned);
            Identity { id: Some("a".into()), unencrypted, trust }.judge()
        };
        let bare = Some("vda is not encrypted");
        let told = judged("", bare);
        assert_eq!(names(&told), ["store-identity"]);
        assert_eq!(told[0].message, "the store has the id a and is not encrypted");
        let strict = "rd.veneer.require=encrypted rd.veneer.store-id=a";
        assert_eq!(judged(strict, None)[0].message, "the store has the id a and is encrypted");
        assert_eq!(names(&judged(strict, bare)), ["store-not-trusted", "store-identity"]);
        assert_eq!(names(&judged("rd.veneer.store-id=b", bare)), ["store-not-trusted", "store-identity"]);
    }

    #[test]
    fn room_in_bytes_and_inodes() {
        const GIB: u64 = 1 << 30;
        let plenty =
            Room { free: GIB, size: 4 * GIB, free_inodes: 100_000, inodes: 200_000, read_only: false };
        let cases = [
            (plenty, None),
            (Room { free: LOW - 1, ..plenty }, Some("store-nearly-full")),
            (Room { free: 100 << 20, size: 512 << 20, ..plenty }, None),
            (Room { free: FULL - 1, ..plenty }, Some("store-full")),
            (Room { free_inodes: 1000, ..plenty }, Some("store-nearly-full")),
            (Room { free_inodes: 3, ..plenty }, Some("store-full")),
            (Room { free_inodes: 0, inodes: 0, ..plenty }, None),
            (Room { read_only: true, ..plenty }, Some("store-read-only")),
        ];
        for (room, expected) in cases {
            assert_eq!(room.judge().map(|finding| finding.name), expected, "{room:?}");
        }
    }
}
