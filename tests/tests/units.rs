//! The units of the running system: systemd has nothing to say about them, each is pulled in by a link that is installed with
//! it, and each may do what it has to and not much more. That they still can do it, the booted machines show.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What `systemd-analyze security` may say of each, in tenths: 10 is no restriction at all.
const EXPOSURE: [(&str, u32); 9] = [
    ("veneer-bless.service", 20),
    ("veneer-grow.service", 25),
    ("veneer-guard.service", 45),
    ("veneer-guard@.service", 50),
    ("veneer-record.service", 20),
    // These run the triggers of packages.
    ("veneer-refresh-early.service", 82),
    ("veneer-refresh.service", 82),
    ("veneer-staged.service", 40),
    ("veneer-writable.service", 40),
];

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/units")
}

fn names(dir: &Path, ending: &str) -> Vec<String> {
    let names = fs::read_dir(dir).expect("list units").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> =
        names.filter_map(|name| name.into_string().ok()).filter(|name| name.ends_with(ending)).collect();
    names.sort();
    names
}

#[test]
fn each_is_exposed_no_more_than_stated() {
    let stated: Vec<&str> = EXPOSURE.iter().map(|(name, _)| *name).collect();
    assert_eq!(names(&dir(), ".service"), stated, "each unit has a threshold");
    for (name, threshold) in EXPOSURE {
        let threshold_word = format!("--threshold={threshold}");
        let out = run(Command::new("systemd-analyze")
            .args(["security", "--no-pager", "--offline=yes", &threshold_word])
            .arg(dir().join(name)));
        let said = String::from_utf8_lossy(&out.stdout);
        assert!(out.status.success(), "{name} is above {threshold}: {}", said.lines().last().unwrap_or(""));
    }
}

/// systemd fails a unit one of whose paths is missing.
#[test]
fn each_can_be_started_without_a_store() {
    for name in names(&dir(), ".service") {
        let text = fs::read_to_string(dir().join(&name)).expect("read a unit");
        let has = |line: &str| text.lines().any(|it| it.starts_with(line));
        let is_skipped = has("ConditionPathIsMountPoint=/run/initramfs/veneer/");
        assert!(
            is_skipped || !has("ReadWritePaths=/run/initramfs/"),
            "{name} fails on a boot without a store"
        );
    }
}

/// A directory of this test's own, empty.
fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("units").join(name);
    if dir.exists() {
        fs::remove_dir_all(&dir).expect("empty the directory");
    }
    fs::create_dir_all(&dir).expect("make the directory");
    dir
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|e| panic!("run {}: {e}", Path::new(command.get_program()).display()))
}

#[test]
fn systemd_has_nothing_to_say() {
    let units = scratch("verify");
    for name in names(&dir(), ".service") {
        let text = fs::read_to_string(dir().join(&name)).expect("read a unit");
        // The program is not installed here, which is all that would be said about it.
        fs::write(units.join(&name), text.replace("=/usr/bin/veneer", "=/bin/true")).expect("write a unit");
    }
    let paths = names(&units, ".service").into_iter().map(|name| units.join(name.replace("@.", "@1.")));
    let out = run(Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=one"])
        .args(paths)
        .env("SYSTEMD_UNIT_PATH", format!("{}:", units.display())));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.trim().is_empty(), "{}:\n{said}", out.status);
}

#[test]
fn each_is_pulled_in_by_one_link() {
    let targets = names(&dir(), ".wants");
    let mut wanted = Vec::new();
    for target in &targets {
        for name in names(&dir().join(target), "") {
            let to = fs::read_link(dir().join(target).join(&name)).expect("what is wanted is a link");
            assert_eq!(to, Path::new("..").join(&name), "in {target}");
            wanted.push(name);
        }
    }
    wanted.sort();
    let mut units = names(&dir(), ".service");
    units.retain(|name| !name.contains('@'));
    assert_eq!(wanted, units);
    for name in units {
        let text = fs::read_to_string(dir().join(&name)).expect("read a unit");
        assert!(!text.contains("[Install]"), "{name} would be enabled twice");
    }
}

#[test]
fn nothing_ages_the_store_out() {
    for has_rule in [true, false] {
        let root = scratch(if has_rule { "aged" } else { "aged-without" });
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("make a directory");
            fs::write(path, text).expect("write a file");
        };
        write("run/initramfs/other", "");
        let file = "run/initramfs/veneer/store/veneer/layers/0001-3f9c2a1b7d04/upper/bin/tool";
        write(file, "");
        // Somebody has a short time for all of it.
        write("usr/lib/tmpfiles.d/run.conf", "e /run/initramfs - - - 0\n");
        if has_rule {
            let rules = fs::read_to_string(dir().join("veneer.tmpfiles.conf")).expect("read the rules");
            write("usr/lib/tmpfiles.d/veneer.conf", &rules);
        }
        let out =
            run(Command::new("systemd-tmpfiles").arg("--clean").arg(format!("--root={}", root.display())));
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        assert!(!root.join("run/initramfs/other").exists(), "nothing was cleaned");
        assert_eq!(root.join(file).exists(), has_rule);
    }
}
