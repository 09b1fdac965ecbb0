//! The power goes away: what a disk got during a run is written down, and for every moment of it a disk is made that
//! got only so much. What was written after the last flush may be there or not, block by block, as disks do it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use veneer_tests::machine::Machine;
use veneer_tests::run::tool;
use veneer_tests::store::Store;
use veneer_tests::tree::Tree;

use crate::disk::{Disk, Event};
use crate::image::{Image, pieces};
use crate::numbers::{all, note, sample};
use crate::story::{Prepare, Story};

/// A file system that the store is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum System {
    Ext4,
    Xfs,
}

impl System {
    fn store(self) -> Store {
        match self {
            System::Ext4 => Store::Ext4(24),
            System::Xfs => Store::Xfs,
        }
    }

    /// As the generator mounts it.
    fn mount(self, file: &Path, point: &Path) {
        let (kind, more) = match self {
            System::Ext4 => ("ext4", ",nodelalloc"),
            System::Xfs => ("xfs", ""),
        };
        let options = format!("loop,nosuid,nodev,noexec,noatime{more}");
        tool(Command::new("mount").args(["-t", kind, "-o", &options]).arg(file).arg(point));
    }
}

/// How many disks there are for one moment: one that has all that was written, others that lost some of it.
const WAYS: usize = 3;

/// What was written down.
struct Recording {
    start: Image,
    events: Vec<Event>,
    /// How many of the events there were when the program ended.
    done: usize,
    /// What /usr showed then.
    shown: Tree,
    /// Where the boot was counted, and how.
    counted: (PathBuf, Vec<u8>),
}

/// Runs part `part` of `parts` of the story's moments.
pub(crate) fn run(dir: &Path, system: System, (name, prepare): (&str, Prepare), part: usize, parts: usize) {
    let mut story = prepare(dir, Machine::new(dir, system.store()));
    let recording = record(&mut story, system, dir);
    let writes: Vec<usize> = (0..=recording.events.len())
        .filter(|at| *at == 0 || matches!(recording.events[at - 1], Event::Write(..)))
        .collect();
    let mut tried = 0;
    for (number, moment) in sample(&writes, 6).skip(part).step_by(parts).enumerate() {
        // Of a sample each moment is tried in one way.
        for way in (0..WAYS).filter(|way| all() || *way == number % WAYS) {
            let what = format!(
                "{name} on {system:?}, power cut after event {moment} of {} ({} when the program ended), \
                 way {way} of losing what was not flushed",
                recording.events.len(),
                recording.done
            );
            println!("{what}");
            let image = recording.cut(*moment, way);
            resume(&mut story, system, dir, &image, &what, &recording, *moment);
            tried += 1;
        }
    }
    note(&format!(
        "{name} on {system:?}: {} writes and {} flushes, {} of both when the program ended; \
         {tried} disks with a cut-off log (part {} of {parts})",
        writes.len() - 1,
        recording.events.len() + 1 - writes.len(),
        recording.done,
        part + 1
    ));
}

/// Lets the story happen on the disk that writes down.
fn record(story: &mut Story, system: System, dir: &Path) -> Recording {
    let store = story.machine.store.clone();
    unmount(&store);
    let start = Image::read(&store.with_extension("img"));
    let disk = Disk::mount(&start, &dir.join("disk"));
    system.mount(&dir.join("disk"), &store);
    story.machine.blesses = false;
    let boot = story.machine.boot_layer(story.action);
    let done = disk.seen();
    let trial = story.machine.layer(&boot.status.layer().id).join("trial");
    let counted = (trial.clone(), fs::read(&trial).expect("the boot was counted"));
    let shown = story.visible();
    story.machine.shutdown();
    story.machine.blesses = true;
    unmount(&store);
    let events = disk.unmount();
    assert!(events.len() > 5, "the disk saw next to nothing: {}", events.len());
    Recording { start, events, done, shown, counted }
}

impl Recording {
    /// The disk after `moment` events. What came after the last flush is all there (way 0), or some of it is.
    fn cut(&self, moment: usize, way: usize) -> Image {
        let events = &self.events[..moment];
        let flushed = events.iter().rposition(|event| matches!(event, Event::Flush)).unwrap_or(0);
        let mut image = self.start.clone();
        let mut chance = (moment as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ way as u64;
        for (at, event) in events.iter().enumerate() {
            let Event::Write(offset, data) = event else { continue };
            for (offset, piece) in pieces(*offset, data) {
                chance = next(chance);
                if way == 0 || at < flushed || (chance >> 40) & 1 == 0 {
                    image.write(offset, piece);
                }
            }
        }
        image
    }
}

/// xorshift64.
fn next(mut state: u64) -> u64 {
    state ^= state << 13;
    state ^= state >> 7;
    state ^ (state << 17)
}

/// The next boots on that disk.
fn resume(
    story: &mut Story,
    system: System,
    dir: &Path,
    image: &Image,
    what: &str,
    recording: &Recording,
    moment: usize,
) {
    let file = dir.join("cut.img");
    image.save(&file);
    let store = story.machine.store.clone();
    system.mount(&file, &store);
    if moment >= recording.done {
        let (trial, count) = &recording.counted;
        // Two boots that hang must be two boots that were counted.
        assert_eq!(fs::read(trial).ok().as_ref(), Some(count), "{what}: the boot's count was lost");
    }
    let action = story.recovers(what, &recording.shown);
    assert!(moment < recording.done || action == "used", "{what}: the layer was promised, but is {action}");
    unmount(&store);
}

#[track_caller]
fn unmount(point: &Path) {
    rustix::mount::unmount(point, rustix::mount::UnmountFlags::empty())
        .unwrap_or_else(|e| panic!("unmount {}: {e}", point.display()));
}
