//! One file a command; each returns what to print.

mod ask;
mod bless;
mod check;
mod diff;
mod doctor;
mod foretold;
mod gc;
mod guard;
mod layers;
mod lint;
mod now;
mod other;
mod rebase;
mod record;
mod refresh;
mod reset;
mod retry;
mod run;
mod status;
mod use_layer;
mod why;

pub(crate) use bless::bless;
pub(crate) use check::check;
pub(crate) use diff::diff;
pub(crate) use doctor::doctor;
pub(crate) use gc::gc;
pub(crate) use guard::{Guard, guard};
pub(crate) use layers::layers;
pub(crate) use lint::lint;
pub(crate) use other::look_at_layer;
pub(crate) use rebase::rebase;
pub(crate) use record::record;
pub(crate) use refresh::refresh;
pub(crate) use reset::reset;
pub(crate) use retry::retry;
pub(crate) use run::run;
pub(crate) use status::status;
pub(crate) use use_layer::use_layer;
pub(crate) use why::why;

use std::time::{Duration, Instant};

use veneer::report::Status;
use veneer::store::{Absent, Contents, LayerName, Store};

use crate::args::Options;
use crate::failure::Failure;

/// What this boot did.
fn this_boot(options: &Options) -> Result<Status, Failure> {
    Status::read(&options.runtime)?.ok_or_else(|| {
        Failure::Missing(format!(
            "Veneer did not run in this boot (there is no {}/status.json): it is turned off, or not in the initramfs, or it \
             failed before it could say why; `journalctl -b -u veneer-assemble.service` knows",
            options.runtime.display()
        ))
    })
}

/// How long another command may hold the store before that is an error. After a boot, `veneer bless`, `refresh` and
/// `record` may come at the same moment, and each of them is done within seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// The store, locked.
fn open(options: &Options) -> Result<Store, Failure> {
    let started = Instant::now();
    let mut told = false;
    loop {
        match Store::open(&options.store, options.store_is_mount) {
            Err(Absent::Error(veneer::Error::Busy { .. })) if started.elapsed() < PATIENCE => {
                if !told && started.elapsed() > Duration::from_secs(1) {
                    log::info!("waiting for another command that uses the store");
                    told = true;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            other => return other.map_err(|absent| no_store(options, absent)),
        }
    }
}

fn no_store(options: &Options, absent: Absent) -> Failure {
    match absent {
        Absent::Missing => Failure::Missing(format!("there is no store at {}", options.store.display())),
        Absent::Error(error) => Failure::Library(error),
    }
}

/// There is no layer to work on; one that is damaged is the reason, if there is one.
fn no_layer(contents: &Contents, otherwise: String) -> Failure {
    match contents.damaged.first() {
        Some((name, why)) => Failure::No(format!(
            "layer {name} is damaged: {why}; move its directory away, and the next boot does without it"
        )),
        None => Failure::No(otherwise),
    }
}

/// The JSON of a command that did its work on a layer, or had none to do it on.
fn answer(layer: Option<&LayerName>) -> String {
    format!("{}\n", serde_json::json!({ "layer": layer }))
}

/// A number with its noun.
fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
