//! veneer-assemble: mounts the layer that belongs to the booted base over /sysroot/usr, or says why it does not.
//!
//! It runs in the initramfs of every boot, so nothing that it meets may stop the boot: every failure ends in a pristine
//! /usr, a sentence and exit status 0.

#![cfg_attr(all(target_env = "gnu", not(test)), no_main)]

mod args;
#[cfg(all(target_env = "gnu", not(test)))]
mod entry;
mod outcome;
#[cfg(all(target_env = "gnu", not(target_feature = "crt-static"), panic = "abort", not(test)))]
mod unwinder;

use std::path::Path;
use std::time::Instant;

use args::Args;
use outcome::Timings;
use veneer::apply::{Done, apply};
use veneer::intent::{Cmdline, Intent};
use veneer::observe::{self, Machine, Places};
use veneer::paths;
use veneer::plan::{Plan, plan};
use veneer::report::{self, Sink};
use veneer::verdict::{self, Facts, Reason, Refusal, judge};

/// glibc's gives each thread an arena of 64 MiB of addresses, and where it does not get that, a page for each little thing.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[cfg(not(all(target_env = "gnu", not(test))))]
fn main() -> std::process::ExitCode {
    run().into()
}

/// The program; gives its exit status.
fn run() -> u8 {
    let started = Instant::now();
    // One file for the initramfs, with two names: most of either program is the same standard library.
    let name = std::env::args_os().next().unwrap_or_default();
    if Path::new(&name).file_name().is_some_and(|name| name == "veneer-generator") {
        return veneer_generator::run();
    }
    let (places, dry_run) = match args::read(std::env::args_os().skip(1)) {
        Ok(Args::Run { places, dry_run }) => (places, dry_run),
        Ok(Args::Print(text)) => {
            print!("{text}");
            return 0;
        }
        Err(why) => {
            eprintln!("veneer-assemble: {why}\nTry `veneer-assemble --help`.");
            return 2;
        }
    };
    report::start_log("veneer-assemble", Sink::Kernel);
    let (words, unread) = Cmdline::read(&places.cmdline);
    let (intent, warnings) = Intent::gather(&places.root, &words);
    for warning in unread.iter().chain(&warnings) {
        log::warn!("{warning}");
    }
    if dry_run {
        print!("{}", describe(&places, &words, &intent));
        return 0;
    }
    let mut timings = Timings::since(started);
    let machine = Machine::observe(&places, &words);
    timings.lap("base");
    if machine.as_ref().is_ok_and(Machine::is_layered) {
        log::info!("a layer is mounted over {} already", places.usr().display());
        return 0;
    }
    if machine.is_err() && waits(&places) {
        return 0;
    }
    let result = match &machine {
        Ok(machine) => assemble(&places, &intent, machine, &mut timings),
        Err(error) => {
            let message = format!("cannot look at the base: {error}; {}", Reason::Internal.remedy());
            Err(Refusal::new(Reason::Internal, message))
        }
    };
    outcome::tell(&places, machine.as_ref().ok().map(|machine| &machine.base), result, timings);
    // The kernel closes what is open, all at once.
    std::mem::forget(machine);
    0
}

/// True if there is no /usr yet, and the service that comes after the mounts of /etc/fstab shall do the work. It waits
/// once: what is not there then is not there.
fn waits(places: &Places) -> bool {
    let mark = places.runtime.join(paths::WAITING);
    if mark.exists() || !observe::awaits_usr(places) {
        return false;
    }
    let made = fs_err::create_dir_all(&places.runtime).and_then(|()| fs_err::write(&mark, ""));
    match made {
        Ok(()) => log::info!("waiting for /etc/fstab's /usr"),
        Err(error) => log::warn!("{error}; not waiting for /etc/fstab's /usr"),
    }
    mark.exists()
}

/// Observe, judge, plan, apply.
fn assemble(
    places: &Places,
    intent: &Intent,
    machine: &Machine,
    timings: &mut Timings,
) -> Result<(Plan, Done), Refusal> {
    if let Some(refusal) = verdict::judge_intent(intent) {
        return Err(refusal);
    }
    let found = observe::open_store(places, intent)?;
    timings.lap("store");
    let (layers, damaged) = (&found.contents.layers, &found.contents.damaged);
    let outrun = observe::outrun(&places.store, &found.contents, &machine.base);
    let verdict = judge(&Facts { intent, base: &machine.base, layers, damaged, outrun: &outrun });
    let plan = plan(verdict, &found.contents, places)?;
    timings.lap("judge");
    if plan.takes_long() {
        outcome::foretell(places, &machine.base, &plan, timings);
    }
    let done = apply(&plan, &found.store, machine, places, intent, None)?;
    timings.lap("apply");
    timings.add_parts("rebase", &done.parts);
    // Locked until the process ends.
    std::mem::forget(found);
    Ok((plan, done))
}

/// What a run would do, without the lock and without a trace.
fn describe(places: &Places, words: &Cmdline, intent: &Intent) -> String {
    let machine = Machine::observe(places, words);
    if machine.is_err() && observe::awaits_usr(places) {
        return "wait for the /usr that /etc/fstab names\n".into();
    }
    let planned = || -> Result<Plan, Refusal> {
        let machine = machine.map_err(|error| observe::refuse(&error))?;
        if let Some(refusal) = verdict::judge_intent(intent) {
            return Err(refusal);
        }
        let contents = observe::look_at_store(places, intent)?;
        let outrun = observe::outrun(&places.store, &contents, &machine.base);
        let (layers, damaged) = (&contents.layers, &contents.damaged);
        let facts = Facts { intent, base: &machine.base, layers, damaged, outrun: &outrun };
        plan(judge(&facts), &contents, places)
    };
    match planned() {
        Ok(plan) => plan.to_string(),
        Err(refusal) => format!("pristine ({}): {}\n", refusal.reason.code(), refusal.message),
    }
}
