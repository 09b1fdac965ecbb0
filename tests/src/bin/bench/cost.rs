//! What a boot on an unchanged base costs.

use std::process::Command;
use std::time::{Duration, Instant};

use super::Result;
use super::place::{Place, quiet};

pub(crate) fn print(place: &Place, pairs: usize) -> Result<()> {
    let (calls, syncs) = count(place)?;
    println!("unchanged base: {calls} system calls (limit 130), {syncs} fsyncs (limit 2)");
    println!("unchanged base: {} KiB peak memory (limit 4096)", peak(place)?);
    let (mut ratios, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..pairs {
        let veneer = time(&mut place.assemble())?;
        check(place)?;
        place.undo()?;
        let mount = time(&mut place.mount())?;
        place.unmount("over")?;
        ratios.push(veneer.as_secs_f64() / mount.as_secs_f64());
        ours.push(veneer.as_secs_f64() * 1e3);
        theirs.push(mount.as_secs_f64() * 1e3);
    }
    println!(
        "unchanged base: {:.2} ms, mount(8) of an overlay {:.2} ms, ratio {:.2} (goal 0.80; medians of {pairs} pairs)",
        median(&mut ours),
        median(&mut theirs),
        median(&mut ratios)
    );
    Ok(())
}

fn count(place: &Place) -> Result<(usize, usize)> {
    let log = place.root.join("trace");
    quiet(&mut place.traced(&log))?;
    place.undo()?;
    let text = std::fs::read_to_string(log)?;
    let calls = text.lines().filter(|line| line.contains('(')).count();
    let syncs = ["fsync(", "fdatasync(", "syncfs(", "sync("];
    let is_sync = |line: &&str| syncs.iter().any(|call| line.split(' ').any(|word| word.starts_with(call)));
    Ok((calls, text.lines().filter(is_sync).count()))
}

/// The most memory that one run has at once, in KiB: GNU time asks the kernel (getrusage(2), ru_maxrss).
fn peak(place: &Place) -> Result<u64> {
    let assemble = place.assemble();
    let mut command = Command::new("/usr/bin/time");
    command.arg("--format=%M").arg(assemble.get_program()).args(assemble.get_args());
    let output = command.output()?;
    place.undo()?;
    let text = String::from_utf8_lossy(&output.stderr);
    Ok(text.lines().last().unwrap_or_default().trim().parse()?)
}

fn check(place: &Place) -> Result<()> {
    let status = std::fs::read_to_string(place.root.join("run/status.json"))?;
    if status.contains("\"action\":\"used\"") {
        Ok(())
    } else {
        Err(format!("no layer was used: {status}").into())
    }
}

fn time(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    let status = command.status()?;
    let took = start.elapsed();
    if status.success() { Ok(took) } else { Err(format!("{command:?} failed").into()) }
}

/// Half of the values are below it.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
