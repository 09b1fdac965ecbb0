//! The parts together, on trees: what the layer shows, and what the new database is.

use std::fs;
use std::path::Path;

use super::*;
use crate::packages::memory::TempDir;
use crate::packages::{Aliases, Change, Database as _, Digest, Extract, Listed, Manager, Owner, Trees};
use crate::report::ProblemKind;
use crate::tree::Dir;

const PLACE: &str = "lib/sysimage/lib/pacman";

/// A package: its directory, `%REASON%`, and its files; none for one without a list.
type Row<'a> = (&'a str, bool, Option<&'a [&'a str]>);

/// A tree with these packages in its database, and their files.
fn tree(rows: &[Row<'_>], whiteouts: &[&str], with_files: bool) -> TempDir {
    let dir = TempDir::new();
    let local = dir.0.join(PLACE).join("local");
    fs::create_dir_all(&local).expect("make a database");
    for (directory, wanted, files) in rows {
        let package = local.join(directory);
        fs::create_dir(&package).expect("make a package's directory");
        let (name, version) = split(directory).expect("a package's directory");
        let reason = if *wanted { "" } else { "%REASON%\n1\n\n" };
        let desc = format!("%NAME%\n{name}\n\n%VERSION%\n{version}\n\n{reason}");
        fs::write(package.join("desc"), desc).expect("write desc");
        let Some(files) = files else { continue };
        let list: Vec<String> = files.iter().map(|path| format!("usr/{path}\n")).collect();
        fs::write(package.join("files"), format!("%FILES%\n{}\n", list.concat())).expect("write files");
        for file in files.iter().filter(|file| with_files && !file.ends_with('/')) {
            let path = dir.0.join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("make a directory");
            fs::write(path, directory).expect("write a file");
        }
    }
    let local = Dir::open(&local).expect("open");
    for name in whiteouts {
        let name = std::ffi::CString::new(*name).expect("no NUL");
        local.make_whiteout(&name).expect("make a whiteout");
    }
    dir
}

fn base(rows: &[Row<'_>]) -> TempDir {
    let dir = tree(rows, &[], true);
    fs::write(dir.0.join(PLACE).join("local/ALPM_DB_VERSION"), "9\n").expect("write the format");
    dir
}

fn open(dir: &TempDir) -> Dir {
    Dir::open(&dir.0).expect("open")
}

/// The record of a base, with the packages' lists.
fn recorded(base: &TempDir) -> (TempDir, Extract) {
    let dir = TempDir::new();
    super::record(&open(base), Path::new(PLACE), &open(&dir), true).expect("record");
    let extract = Extract::open(&open(&dir)).expect("read the record").expect("a record");
    (dir, extract)
}

/// What a rebase of the layer from A to B comes to, and the upper that it wrote.
fn rebased(a: Option<&TempDir>, upper: &TempDir, b: &TempDir) -> (Change, TempDir) {
    let record = a.map(recorded);
    let (upper, new) = (open(upper), open(b));
    let trees = Trees {
        upper: &upper,
        layer_dir: Path::new(PLACE),
        record: record.as_ref().map(|(_, extract)| extract),
        new: &new,
        new_dir: Path::new(PLACE),
        old: None,
    };
    let change = super::change(&trees).expect("a change").expect("something to do");
    let target = TempDir::new();
    change.write(&open(&target), &new).expect("write");
    (change, target)
}

/// The names in `local/` of a written upper: `-NAME` for a whiteout, `+NAME` for a directory with a list of files, `=NAME`
/// for one with a desc alone.
fn written(upper: &TempDir) -> Vec<String> {
    let Ok(entries) = upper.0.join(PLACE).join("local").read_dir() else { return Vec::new() };
    let mut names: Vec<String> = entries
        .map(|entry| {
            let entry = entry.expect("an entry");
            let mark = match (entry.path().is_dir(), entry.path().join("files").exists()) {
                (false, _) => '-',
                (true, true) => '+',
                (true, false) => '=',
            };
            format!("{mark}{}", entry.file_name().to_string_lossy())
        })
        .collect();
    names.sort();
    names
}

const A: &[Row<'_>] = &[
    ("base-1-1", false, Some(&["bin/base"])),
    ("foo-1.0-1", false, Some(&["lib/foo"])),
    ("gone-1-1", false, Some(&["bin/gone"])),
    ("rm-1-1", false, Some(&["bin/rm", "share/rm/"])),
];
const B: &[Row<'_>] = &[
    ("base-2-1", false, Some(&["bin/base"])),
    ("foo-1.1-1", false, Some(&["lib/foo", "lib/foo.d/", "lib/foo.d/new"])),
    ("mine-2-1", false, Some(&["bin/mine"])),
    ("rm-2-1", false, Some(&["bin/rm", "share/rm/", "share/rm/new"])),
];

#[test]
fn the_layer_is_the_old_base_with_what_was_installed_and_removed() {
    let upper = tree(
        &[
            ("base-1-1", true, None),
            ("foo-1.2-1", false, Some(&["lib/foo"])),
            ("half-1-1", false, None),
            ("mine-1-1", true, Some(&["bin/mine"])),
        ],
        &["foo-1.0-1", "rm-1-1"],
        true,
    );
    fs::create_dir(upper.0.join(PLACE).join("local/cut-1-1")).expect("make a directory");
    let (_dir, record) = recorded(&base(A));
    let old = record.packages();
    let place = Path::new(PLACE);
    let layer = Layer::open(&open(&upper), place, Some(old), Aliases::default()).expect("a layer");
    let shown: Vec<_> = layer
        .packages()
        .iter()
        .map(|p| (p.name.as_str(), p.version.as_str(), p.wanted, layer.has_own(p), p.state))
        .collect();
    let (whole, half) = (crate::packages::State::Installed, crate::packages::State::Partial);
    assert_eq!(
        shown,
        [
            ("base", "1-1", true, false, whole),
            ("cut", "1-1", false, false, half),
            ("foo", "1.2-1", false, true, whole),
            ("gone", "1-1", false, false, whole),
            ("half", "1-1", false, false, half),
            ("mine", "1-1", true, true, whole),
        ]
    );
    let hidden: Vec<_> = old.iter().filter(|p| layer.hides(p)).map(|p| p.name.as_str()).collect();
    assert_eq!(hidden, ["foo", "rm"]);
}

#[test]
fn each_package_has_one_directory_and_the_right_one() {
    let upper = tree(
        &[
            ("foo-1.2-1", false, Some(&["lib/foo"])),
            ("mine-1-1", true, Some(&["bin/mine"])),
            ("own-1-1", true, Some(&["bin/own"])),
        ],
        &["foo-1.0-1", "rm-1-1"],
        true,
    );
    let (a, b) = (base(A), base(B));
    for a in [Some(&a), None] {
        let (change, target) = rebased(a, &upper, &b);
        assert_eq!(
            written(&target),
            ["+foo-1.2-1", "+own-1-1", "-foo-1.1-1", "-rm-2-1", "=mine-2-1"],
            "{}",
            a.is_some()
        );
        let desc = fs::read_to_string(target.0.join(PLACE).join("local/mine-2-1/desc")).expect("a desc");
        assert!(Desc::parse(&desc).expect("a desc").explicit, "{desc}");
        let hides: Vec<_> = change.hides().iter().map(|path| path.to_str().expect("UTF-8")).collect();
        assert_eq!(hides, ["bin/rm", "lib/foo.d", "lib/foo.d/new", "share/rm", "share/rm/new"]);
        let owner = |path: &str| change.owner(Path::new(path));
        assert_eq!(owner("lib/foo"), Owner::Overriding);
        assert_eq!(owner("bin/own"), Owner::Kept);
        assert_eq!(owner("bin/mine"), Owner::Gone);
        let local = format!("{PLACE}/local");
        assert_eq!(owner(&local), Owner::Nobody);
        assert_eq!(owner(&format!("{local}/own-1-1/desc")), Owner::Database);
        assert_eq!(owner(&format!("{PLACE}/db.lck")), Owner::Database);
        assert_eq!(owner(&format!("{PLACE}/sync/core.db")), Owner::Nobody);
        assert!(change.problems().is_empty(), "{:?}", change.problems());
    }
}

#[test]
fn what_a_power_cut_left_of_an_upgrade_is_handed_back() {
    // Upgrades that were cut off before and after the new directory was made, beside a package that was removed.
    let upper = tree(&[], &["base-1-1", "foo-1.0-1", "rm-1-1"], true);
    fs::create_dir(upper.0.join(PLACE).join("local/foo-1.2-1")).expect("make a directory");
    fs::create_dir(upper.0.join("bin")).expect("make a directory");
    open(&upper).sub(c"bin").expect("open").make_whiteout(c"rm").expect("make a whiteout");
    fs::write(upper.0.join(PLACE).join("db.lck"), "").expect("make the lock");
    let (change, target) = rebased(Some(&base(A)), &upper, &base(B));
    assert_eq!(written(&target), ["-rm-2-1"]);
    let told: Vec<_> =
        change.problems().iter().map(|p| (p.kind, p.package.as_deref().unwrap_or(""))).collect();
    assert_eq!(told, [(ProblemKind::Returned, "base"), (ProblemKind::Unfinished, "foo")]);
}

#[test]
fn what_is_needed_of_an_old_base_at_hand_is_there_again() {
    let (a, b) = (base(A), base(B));
    let upper = tree(&[("own-1-1", true, Some(&["bin/own"]))], &[], true);
    let desc = upper.0.join(PLACE).join("local/own-1-1/desc");
    let text = fs::read_to_string(&desc).expect("read desc") + "%DEPENDS%\ngone\n\n";
    fs::write(&desc, text).expect("write desc");
    let (upper, old, new) = (open(&upper), open(&a), open(&b));
    let place = Path::new(PLACE);
    let (_dir, record) = recorded(&a);
    let trees = |old| Trees {
        upper: &upper,
        layer_dir: place,
        record: Some(&record),
        new: &new,
        new_dir: place,
        old,
    };
    let change = super::change(&trees(Some(&old))).expect("a change").expect("something to do");
    assert!(change.problems().is_empty(), "{:?}", change.problems());
    assert_eq!(change.adopts(), [Path::new("bin/gone")]);
    let target = TempDir::new();
    change.write(&open(&target), &new).expect("write");
    assert_eq!(written(&target), ["+gone-1-1", "+own-1-1"]);
    // Without it, at boot, that is told.
    let change = super::change(&trees(None)).expect("a change").expect("something to do");
    assert_eq!(change.problems().len(), 1, "{:?}", change.problems());
    assert!(change.problems()[0].message.contains("the old base had it"), "{:?}", change.problems());
}

#[test]
fn a_database_that_the_layer_hides_as_a_whole_removes_nothing() {
    // `rm -r local; cp -a saved local`, without what was removed before, and with two versions of one package.
    let upper = tree(
        &[
            ("base-1-1", false, Some(&["bin/base"])),
            ("foo-1.0-1", false, Some(&["lib/foo"])),
            ("foo-1.2-1", false, Some(&["lib/foo"])),
        ],
        &[],
        true,
    );
    let local = upper.0.join(PLACE).join("local");
    if rustix::fs::lsetxattr(&local, "trusted.overlay.opaque", b"y", rustix::fs::XattrFlags::empty()).is_err()
    {
        eprintln!("ignored: trusted attributes need root");
        assert!(std::env::var_os("CI").is_none(), "CI runs as root");
        return;
    }
    let (change, target) = rebased(Some(&base(A)), &upper, &base(B));
    assert_eq!(written(&target), ["+foo-1.2-1", "-foo-1.1-1"]);
    assert!(change.hides().iter().all(|path| path.starts_with("lib/foo.d")), "{:?}", change.hides());
}

#[test]
fn the_base_lists_a_package_once_whatever_its_database_says() {
    let twice =
        base(&[("foo-1.10-1", true, Some(&["a"])), ("foo-1.9-1", true, Some(&["b"])), ("x-1-1", true, None)]);
    let base = Base::open(&open(&twice), Path::new(PLACE)).expect("a base");
    let found: Vec<_> = base.packages().iter().map(|p| (p.name.as_str(), p.version.as_str())).collect();
    assert_eq!(found, [("foo", "1.10-1"), ("x", "1-1")]);
    let mut paths = Vec::new();
    base.each_file(0, &mut |path, digest| match path {
        Listed::Path(path) => paths.push((path.to_path_buf(), digest)),
        Listed::Key(_) => panic!("a base has paths"),
    })
    .expect("files");
    assert_eq!(paths, [("a".into(), None::<Digest>)]);
}

#[test]
fn the_configuration_tells_where_the_database_is() {
    let dir = base(A);
    assert_eq!(find(&open(&dir)).expect("good").as_deref(), Some(Path::new(PLACE)));
    fs::create_dir_all(dir.0.join("lib/other/pacman/local")).expect("make a database");
    fs::create_dir_all(dir.0.join("etc")).expect("make etc");
    fs::write(dir.0.join("etc/pacman.conf"), "[options]\nDBPath = /usr/lib/other/pacman/\n").expect("write");
    assert_eq!(find(&open(&dir)).expect("good").as_deref(), Some(Path::new("lib/other/pacman")));
    // Elsewhere it is none of the layer's, and what is named and not there does not count.
    for path in ["/var/lib/pacman", "/usr/../var", "/usr/lib/nothing"] {
        fs::write(dir.0.join("etc/pacman.conf"), format!("[options]\nDBPath = {path}\n")).expect("write");
        assert_eq!(find(&open(&dir)).expect("good").as_deref(), Some(Path::new(PLACE)), "{path}");
    }
    let (_record, extract) = recorded(&dir);
    assert_eq!(extract.manager(), Some(Manager::Pacman));
}

#[test]
fn a_format_that_veneer_does_not_know_is_said_and_left_alone() {
    let b = base(B);
    fs::write(b.0.join(PLACE).join("local/ALPM_DB_VERSION"), "10\n").expect("write the format");
    let upper = tree(&[("own-1-1", true, Some(&["bin/own"]))], &["rm-1-1"], true);
    let (change, target) = rebased(Some(&base(A)), &upper, &b);
    assert_eq!(written(&target), [""; 0]);
    assert_eq!(change.owner(Path::new(PLACE)), Owner::Stranded);
    assert!(change.problems()[0].message.contains("format 10"), "{:?}", change.problems());
    // Nor one that a later pacman made in the layer.
    fs::write(upper.0.join(PLACE).join("local/ALPM_DB_VERSION"), "11\n").expect("write the format");
    let (change, target) = rebased(Some(&base(A)), &upper, &base(B));
    assert_eq!(written(&target), [""; 0]);
    assert!(change.problems()[0].message.contains("format 11"), "{:?}", change.problems());
}
