//! Something else where Veneer has its files and directories: links out of the store, pipes, devices, huge files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::ground::Ground;

/// What Veneer has in a store.
const PLACES: [&str; 11] = [
    "veneer",
    "veneer/layers",
    "veneer/store",
    "veneer/lock",
    "veneer/layers/LAYER",
    "veneer/layers/LAYER/layer",
    "veneer/layers/LAYER/trial",
    "veneer/layers/LAYER/problems",
    "veneer/layers/LAYER/upper",
    "veneer/layers/LAYER/work",
    "veneer/layers/LAYER/record",
];

/// Names that the next boot would like to make.
const FREE: [&str; 6] = [
    "veneer/store.new",
    "veneer/layers/LAYER/trial.new",
    "veneer/layers/0002-aaaaaaaaaaaa.tmp",
    "veneer/layers/LAYER/quarantine",
    "veneer/layers/9999-aaaaaaaaaaaa",
    ".veneer-preflight",
];

/// What is put in place of a path, given what was there (if anything was) beside the store.
type Replacement = (&'static str, fn(&Ground, &Path, &Path));

const REPLACEMENTS: [Replacement; 14] = [
    ("a link to where it is now", |_, path, moved| symlink(moved, path).expect("make a link")),
    ("a link to a file outside", |g, path, _| symlink(g.outside.join("state"), path).expect("make a link")),
    ("a link to a directory outside", |g, path, _| {
        symlink(g.outside.join("directory"), path).expect("make a link");
    }),
    ("a link to nothing outside", |g, path, _| symlink(g.outside.join("none"), path).expect("make a link")),
    ("a link to itself", |_, path, _| symlink(path, path).expect("make a link")),
    ("another name of a file outside", |g, path, _| {
        fs::hard_link(g.outside.join("state"), path).expect("make a hard link");
    }),
    ("a FIFO", |_, path, _| special(path, FileType::Fifo, (0, 0))),
    ("a socket", |_, path, _| special(path, FileType::Socket, (0, 0))),
    ("a file", |_, path, _| fs::write(path, "x").expect("make a file")),
    ("an empty file", |_, path, _| fs::write(path, "").expect("make a file")),
    ("a file of 1 GiB", |_, path, _| {
        fs::File::create(path).expect("make a file").set_len(1 << 30).expect("grow it");
    }),
    ("an empty directory", |_, path, _| fs::create_dir(path).expect("make a directory")),
    ("a directory of directories", |_, path, _| {
        fs::create_dir_all(path.join("a/b/c")).expect("make a directory");
    }),
    ("a whiteout", |_, path, _| special(path, FileType::CharacterDevice, (0, 0))),
];

fn special(path: &Path, kind: FileType, (major, minor): (u32, u32)) {
    let device = rustix::fs::makedev(major, minor);
    mknodat(CWD, path, kind, Mode::from_raw_mode(0o666), device).expect("make a special file");
}

/// Every replacement in every place.
pub(crate) fn run(mut ground: Ground) {
    for place in PLACES.iter().chain(&FREE) {
        ground.compares = !place.ends_with("upper");
        for (name, replace) in REPLACEMENTS {
            let status = ground.attack(&format!("{place} is {name}"), |ground| {
                let path = ground.path(place);
                let moved = ground.outside.join("moved");
                if path.symlink_metadata().is_ok() {
                    fs::rename(&path, &moved).expect("move it out of the store");
                }
                replace(ground, &path, &moved);
            });
            println!("    {}: {}", status.reason, status.message);
        }
    }
}

/// Devices where files are expected. A store of its own is mounted nodev; a directory of the root file system is
/// bound so. Here it is neither, which leaves the program's own care: none is read, none is waited for.
pub(crate) fn devices(mut ground: Ground) {
    for place in PLACES {
        for (name, kind, number) in [
            ("/dev/zero", FileType::CharacterDevice, (1, 5)),
            ("/dev/full", FileType::CharacterDevice, (1, 7)),
            ("a terminal", FileType::CharacterDevice, (5, 0)),
            ("no device", FileType::BlockDevice, (250, 250)),
        ] {
            ground.reset();
            let path = ground.path(place);
            fs::rename(&path, ground.outside.join("moved")).unwrap_or_default();
            special(&path, kind, number);
            ground.boot(&format!("{place} is {name}"), crate::ground::AT_ONCE, false);
            ground.machine.shutdown();
        }
    }
}
