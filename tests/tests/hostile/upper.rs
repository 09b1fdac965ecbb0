//! Layers that are hostile to a rebase: trees too deep or too wide, names that nobody expects, and a package database
//! that leads elsewhere.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use veneer_tests::deb::DATABASE;
use veneer_tests::edit::{Edits, Special};
use veneer_tests::status::Status;
use veneer_tests::tree::{Tree, assert_same};

use crate::ground::{AT_ONCE, Ground};

/// For a hundred thousand entries: seconds, not minutes, on a machine that does other things too.
const LARGE: Duration = Duration::from_secs(60);

const UPPER: &str = "veneer/layers/LAYER/upper";

/// A rebase of an attacked layer: the source is as it was, whatever came of it.
fn rebase(ground: &mut Ground, what: &str, limit: Duration, change: impl FnOnce(&Path)) -> Status {
    ground.reset();
    change(&ground.path(UPPER));
    let layer = ground.layer.clone();
    let source = Tree::read(&layer);
    let status = ground.boot(what, limit, limit == AT_ONCE);
    println!("    {}: {:.300}; {} problems", status.reason, status.message, status.problems.len());
    ground.machine.shutdown();
    assert_same(&format!("{what}: the source"), &source, &Tree::read(&layer));
    no_leftovers(ground, what);
    status
}

fn no_leftovers(ground: &Ground, what: &str) {
    let names = ground.machine.layer_names();
    assert!(!names.iter().any(|name| name.contains(".tmp")), "{what}: left: {names:?}");
}

/// Directories in directories, deeper than any path can say.
fn deep(at: &Path, levels: u32) {
    fs::create_dir_all(at).expect("make a directory");
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    let mut dir: OwnedFd = openat(CWD, at, flags, Mode::empty()).expect("open a directory");
    for _ in 0..levels {
        mkdirat(&dir, "d", Mode::from_raw_mode(0o755)).expect("make a directory");
        dir = openat(&dir, "d", flags, Mode::empty()).expect("open a directory");
    }
}

/// Trees of 5000 levels: no path leads to the end of them, so that the tests cannot read them either.
pub(crate) fn depth(mut ground: Ground) {
    ground.reset();
    for (what, place) in [
        ("a deep tree of the user's", "veneer/layers/LAYER/upper/lib/deep"),
        ("a deep tree where the base has a file", "veneer/layers/LAYER/upper/share/swap"),
        ("a deep leftover", "veneer/layers/0002-aaaaaaaaaaaa.tmp/upper"),
        ("deep work", "veneer/layers/LAYER/work/work"),
        ("deep quarantine", "veneer/layers/LAYER/quarantine"),
    ] {
        ground.forget_layer_of_this_base();
        let path = ground.path(place);
        // The source of the one that is in its place, if there is a file.
        if path.is_file() {
            fs::remove_file(&path).expect("make room");
        }
        deep(&path, 5000);
        let status = ground.boot(what, AT_ONCE, false);
        println!("    {}: {:.300}", status.reason, status.message);
        ground.machine.shutdown();
        no_leftovers(&ground, what);
        assert_eq!(status.layered, !what.contains("tree"), "{what}: {status:?}");
        // What is in the way of the next attack goes out of the store; the whole file system goes in the end.
        if path.exists() {
            fs::rename(&path, ground.outside.with_extension(what.replace(' ', "-"))).expect("move it away");
        }
    }
}

/// A hundred thousand entries.
pub(crate) fn width(mut ground: Ground) {
    const MANY: u32 = 100_000;
    let fill = |dir: &Path, number: u32, make: &dyn Fn(&Path)| {
        fs::create_dir_all(dir).expect("make a directory");
        for n in 0..number {
            make(&dir.join(format!("entry-{n}")));
        }
    };
    let file = |path: &Path| fs::write(path, "").expect("make a file");
    let dir = |path: &Path| fs::create_dir(path).expect("make a directory");
    let status =
        rebase(&mut ground, "wide: files", LARGE, |upper| fill(&upper.join("lib/wide"), MANY, &file));
    assert!(status.layered, "{status:?}");
    let status =
        rebase(&mut ground, "wide: directories", LARGE, |upper| fill(&upper.join("lib/wide"), MANY, &dir));
    assert!(status.layered, "{status:?}");
    let status = rebase(&mut ground, "wide: names of one file", LARGE, |upper| {
        file(&upper.join("share/first"));
        fill(&upper.join("lib/wide"), MANY, &|path| {
            fs::hard_link(upper.join("share/first"), path).expect("link");
        });
    });
    assert!(status.layered, "{status:?}");
    let status = rebase(&mut ground, "wide: where the base has a file", LARGE, |upper| {
        fill(&upper.join("share/swap"), MANY / 2, &file);
        fill(&upper.join("share/swap/more"), MANY / 2, &dir);
        let (one, other) = (upper.join("share/swap/one"), upper.join("share/swap/other"));
        fill(&one, 2000, &file);
        fill(&other, 2000, &|path| {
            fs::hard_link(one.join(path.file_name().expect("a name")), path).expect("make a link");
        });
    });
    assert!(status.layered, "{status:?}");
}

/// Everything of the user's is in the way of the new base's: each entry is set aside for itself.
pub(crate) fn quarantined(mut ground: Ground) {
    const MANY: u32 = 50_000;
    ground.grow_base("share/many", MANY);
    let status = rebase(&mut ground, "wide: every entry is set aside", LARGE, |upper| {
        fs::create_dir_all(upper.join("share/many")).expect("make a directory");
        for n in 0..MANY {
            fs::write(upper.join(format!("share/many/entry-{n}")), "mine").expect("make a file");
        }
    });
    assert!(status.layered, "{status:?}");
    assert!(!status.problems.is_empty(), "nobody is told");
    let second = ground.boot("after it", AT_ONCE, false);
    assert_eq!(second.problems.len(), status.problems.len(), "the problems are remembered");
    ground.machine.shutdown();
}

/// Names and kinds of files.
pub(crate) fn names(mut ground: Ground) {
    let odd: [&[u8]; 9] =
        [b"new\nline", b"\x1b[2J\x07", b"\xff\xfe", b"..a", b"...", b"-rf", b"a\\b,c:d", b" ", &[b'n'; 255]];
    for place in ["lib/odd", "share/swap"] {
        let status = rebase(&mut ground, &format!("odd names in {place}"), AT_ONCE, |upper| {
            let dir = upper.join(place);
            fs::create_dir_all(&dir).expect("make a directory");
            for name in odd {
                fs::write(dir.join(OsStr::from_bytes(name)), "x").expect("make a file");
            }
        });
        assert!(status.layered, "{status:?}");
        for problem in &status.problems {
            let text = format!("{}{}", problem.message, problem.path.as_deref().unwrap_or_default());
            assert!(!text.contains(char::is_control), "{problem:?}");
        }
    }
    let status = rebase(&mut ground, "special files", AT_ONCE, |upper| {
        Edits::new()
            .special("lib/fifo", Special::Fifo)
            .special("lib/socket", Special::Socket)
            .special("lib/terminal", Special::Char(5, 0))
            .special("lib/memory", Special::Char(1, 1))
            .special("share/swap", Special::Fifo)
            .special("share/doc/NEWS", Special::Char(1, 5))
            .sparse("lib/hole", 256 << 20)
            .file("bin/root", "#!/bin/sh\n")
            .mode("bin/root", 0o6755)
            .symlink("lib/out", "/etc/shadow")
            .symlink("share/up", "../../../../../../../../..")
            .apply(upper);
    });
    assert!(status.layered, "{status:?}");
    for name in ["bin/sh", "bin/dash", "lib/systemd/systemd"] {
        for special in [Special::Fifo, Special::Socket, Special::Char(1, 5), Special::Char(5, 0)] {
            rebase(&mut ground, &format!("{name} is {special:?}"), AT_ONCE, |upper| {
                // Nothing is in the way: the attacker's base is not this one, so the new base's is visible.
                Edits::new().special(name, special).apply(upper);
            });
        }
    }
    for mark in ["trusted.overlay.metacopy", "trusted.overlay.redirect"] {
        let status = rebase(&mut ground, mark, AT_ONCE, |upper| {
            Edits::new().file("lib/x", "x").xattr("lib/x", mark, "/../../../etc/shadow").apply(upper);
        });
        assert!(!status.layered, "{mark}: {status:?}");
    }
}

/// A package database that leads out, has no end, or lies.
pub(crate) fn database(mut ground: Ground) {
    let outside = ground.outside.clone();
    let database = |upper: &Path| upper.join(DATABASE);
    rebase(&mut ground, "packages with slashes", AT_ONCE, |upper| {
        let names = [
            "../../../../outside/secret",
            "a/../../b",
            "/etc/passwd",
            "..",
            ".",
            "",
            "a\u{0}b",
            "x:y:z",
            "\u{1b}[2J",
        ];
        let text: String = names.iter().map(|name| stanza(name)).collect();
        fs::write(database(upper).join("status"), text).expect("write a status file");
    });
    rebase(&mut ground, "lists that lead out", AT_ONCE, |upper| {
        let list = "/usr/../../../etc/passwd\n/usr/./x\n//usr//bin/sh\n/usr/bin/../../outside/secret\n\0\n../x\n/usr\n/\n";
        fs::write(database(upper).join("info/mine.list"), list).expect("write a list");
    });
    let out = outside.clone();
    let links: [(&str, &str); 5] = [
        ("info", "directory"),
        ("status", "state"),
        ("info/mine.list", "secret"),
        ("diversions", "state"),
        ("triggers", "directory"),
    ];
    for (name, target) in links {
        rebase(&mut ground, &format!("{name} is a link out"), AT_ONCE, |upper| {
            let path = database(upper).join(name);
            if path.exists() {
                fs::rename(&path, path.with_extension("away")).expect("move it away");
            }
            symlink(out.join(target), path).expect("make a link");
        });
    }
    rebase(&mut ground, "the database is a link out", AT_ONCE, |upper| {
        fs::rename(database(upper), upper.join("lib/sysimage/away")).expect("move it away");
        symlink(&out, database(upper)).expect("make a link");
    });
    no_files(&mut ground);
    large(&mut ground);
}

/// Files of the database that are none, or have no end.
fn no_files(ground: &mut Ground) {
    for name in ["status", "info/mine.list", "diversions", "statoverride", "triggers/File"] {
        rebase(ground, &format!("{name} is a FIFO"), AT_ONCE, |upper| {
            let path = Path::new(DATABASE).join(name);
            if upper.join(&path).exists() {
                fs::remove_file(upper.join(&path)).expect("remove a file");
            }
            Edits::new().special(path, Special::Fifo).apply(upper);
        });
        let size = if name == "status" { 100 } else { 5 };
        rebase(ground, &format!("{name} has {size} MiB"), LARGE, |upper| {
            Edits::new().sparse(Path::new(DATABASE).join(name), size << 20).apply(upper);
        });
    }
}

fn stanza(name: &str) -> String {
    format!(
        "Package: {name}\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nDescription: x\n\n"
    )
}

/// Databases that are right, and larger than any.
fn large(ground: &mut Ground) {
    let database = |upper: &Path| upper.join(DATABASE);
    rebase(ground, "100000 packages", LARGE, |upper| {
        let mut text = String::new();
        for n in 0..100_000 {
            write!(text, "Package: p{n}\nStatus: install ok installed\nVersion: {n}\n\n").expect("a string");
        }
        assert!(text.len() < 8 << 20, "below the limit of a status file: {}", text.len());
        fs::write(database(upper).join("status"), text).expect("write a status file");
    });
    rebase(ground, "diversions of nothing but line ends", LARGE, |upper| {
        let text = (0..80_000).fold(String::new(), |text, n| text + &format!("/{n}\n/\n:\n"));
        fs::write(database(upper).join("diversions"), text).expect("write the diversions");
    });
    rebase(ground, "many packages with many triggers", LARGE, |upper| {
        let (mut text, mut triggers) = (String::new(), String::new());
        for n in 0..15_000 {
            write!(text, "Package: p{n}\nStatus: install ok installed\nVersion: {n}\n\n").expect("a string");
        }
        for n in 0..70_000 {
            writeln!(triggers, "/{n} p{}", n % 15_000).expect("a string");
        }
        fs::write(database(upper).join("status"), text).expect("write a status file");
        fs::write(database(upper).join("triggers/File"), triggers).expect("write triggers");
    });
    rebase(ground, "packages with everything as dependency", LARGE, |upper| {
        let needs: Vec<String> = (0..60_000).map(|n| format!("p{n} (>= 1)")).collect();
        let text = format!(
            "Package: mine\nStatus: install ok installed\nVersion: 1\nDepends: {}\n\n",
            needs.join(", ")
        );
        fs::write(database(upper).join("status"), text).expect("write a status file");
    });
    rebase(ground, "long lists", LARGE, |upper| {
        let mut text = String::new();
        let mut list = String::new();
        for n in 0..60_000 {
            writeln!(list, "/usr/share/a-directory/with-a-name/of-some-length/file-{n}").expect("a string");
        }
        let first = database(upper).join("info/p0.list");
        fs::write(&first, list).expect("write a list");
        for n in 0..70 {
            text += &stanza(&format!("p{n}"));
            if n > 0 {
                fs::hard_link(&first, first.with_file_name(format!("p{n}.list"))).expect("make a link");
            }
        }
        fs::write(database(upper).join("status"), text).expect("write a status file");
    });
}
