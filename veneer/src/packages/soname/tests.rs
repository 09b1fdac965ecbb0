//! Layers and bases of made files, and what is said of them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::*;
use crate::elf::made::Made;
use crate::packages::memory::TempDir;

/// An object of this name, with the libraries that it needs.
fn made<'a>(soname: &'a str, needed: &'a [&'a str]) -> Made<'a> {
    Made { soname, needed, ..Made::default() }
}

fn tree(files: &[(&str, Made<'_>)], links: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new();
    let place = |path: &str| {
        let path = dir.0.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("make a directory");
        path
    };
    for (path, made) in files {
        let path = place(path);
        fs::write(&path, made.bytes()).expect("write");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(path, mode).expect("chmod");
    }
    for (path, target) in links {
        symlink(target, place(path)).expect("link");
    }
    dir
}

/// The base that all have: a shell, and libc with its versions.
fn base(files: &[(&str, Made<'_>)], links: &[(&str, &str)]) -> TempDir {
    let libc = Made { defines: &["GLIBC_2.2.5", "GLIBC_2.9", "GLIBC_2.41"], ..made("libc.so.6", &[]) };
    let own = [("bin/sh", made("", &["libc.so.6"])), ("lib/libc.so.6", libc)];
    tree(&[&own[..], files].concat(), &[&[("lib64", "lib")][..], links].concat())
}

const NO_LINKS: &[(&str, &str)] = &[];

fn said(upper: &TempDir, usr: &TempDir, replaced: &[&str], thorough: bool) -> Vec<String> {
    let (upper, usr) = (Dir::open(&upper.0).expect("open"), Dir::open(&usr.0).expect("open"));
    let replaced: Vec<(PathBuf, String)> = replaced.iter().map(|path| (path.into(), "foo".into())).collect();
    let package = |path: &Path| path.to_str().filter(|path| path.contains("mine")).map(|_| "mine".to_owned());
    let known = Circumstances { package: &package, replaced: &replaced, thorough };
    check(View { upper: Some(&upper), stays: None, usr: &usr }, &known)
        .into_iter()
        .map(|p| p.message)
        .collect()
}

#[track_caller]
fn assert_said(found: &[String], expected: &[&[&str]]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (line, words) in found.iter().zip(expected) {
        assert!(words.iter().all(|word| line.contains(word)), "{line:?} does not say {words:?}");
    }
}

#[test]
fn what_is_there_is_not_spoken_of() {
    let usr = base(
        &[("lib/libfoo.so.1.1", Made { defines: &["FOO_1"], ..made("libfoo.so.1", &[]) })],
        &[("lib/libfoo.so.1", "libfoo.so.1.1"), ("lib/liboutside.so.1", "../../etc/alternatives/x")],
    );
    let versions = &[("libc.so.6", "GLIBC_2.9"), ("libfoo.so.1", "FOO_1")];
    let program =
        Made { versions, ..made("", &["libfoo.so.1", "libc.so.6", "libmine.so.3", "libprivate.so"]) };
    let here = Made { run_path: "${ORIGIN}/../share/mine:$LIB/x", ..made("", &["libshare.so"]) };
    let upper = tree(
        &[
            ("bin/mine", program),
            ("bin/mine2", here),
            ("bin/mine3", Made { run_path: "/opt/lib", ..made("", &["libopt.so"]) }),
            ("bin/mine4", made("", &["/opt/libopt.so", "liboutside.so.1"])),
            ("lib/libmine.so.3.1", made("libmine.so.3", &["libc.so.6"])),
            ("lib/mine/libprivate.so", made("", &[])),
            ("share/mine/libshare.so", made("", &[])),
        ],
        &[("lib/libmine.so.3", "libmine.so.3.1")],
    );
    assert_said(&said(&upper, &usr, &[], true), &[]);
}

#[test]
fn each_thing_that_is_missing_is_told_once_with_what_there_is() {
    let usr = base(
        &[("lib/libfoo.so.2.0", made("libfoo.so.2", &[]))],
        &[("lib/libfoo.so.2", "libfoo.so.2.0"), ("lib/libfoo.so", "libfoo.so.2.0")],
    );
    let loader = Made { loader: "/lib64/ld-linux-x86-64.so.2", ..made("", &[]) };
    let newer = Made { versions: &[("libc.so.6", "GLIBC_2.42")], ..made("", &["libc.so.6"]) };
    let upper = tree(
        &[
            ("bin/mine1", made("", &["libfoo.so.1"])),
            ("bin/mine2", made("", &["libfoo.so.1"])),
            ("bin/other", made("", &["libgone.so.1"])),
            ("bin/mine3", newer),
            ("bin/mine4", loader),
        ],
        NO_LINKS,
    );
    assert_said(
        &said(&upper, &usr, &[], false),
        &[
            &["/usr/bin/other needs libgone.so.1, which is not there: get one"],
            &["/usr/bin/mine4 of mine needs the loader /lib64/ld-linux-x86-64.so.2"],
            &["/usr/bin/mine1 and 1 more of mine need libfoo.so.1", "(there is libfoo.so.2)", "upgrade mine"],
            &["/usr/bin/mine3 of mine needs GLIBC_2.42 of libc.so.6", "(it goes up to GLIBC_2.41)"],
        ],
    );
}

#[test]
fn a_library_of_the_layer_is_held_to_what_the_bases_has() {
    let foo = |defines| Made { defines, ..made("libfoo.so.1", &[]) };
    let strict = Made { versions: &[("libfoo.so.1", "FOO_1.1")], ..made("", &["libfoo.so.1"]) };
    let lenient = Made { versions: &[("libfoo.so.1", "FOO_1.0")], ..made("", &["libfoo.so.1"]) };
    let usr = base(
        &[
            ("lib/libfoo.so.1", foo(&["FOO_1.0", "FOO_1.1"])),
            ("bin/strict", strict),
            ("bin/lenient", lenient.clone()),
        ],
        NO_LINKS,
    );
    let upper = tree(&[("lib/libfoo.so.1", foo(&["FOO_1.0"]))], NO_LINKS);
    let words = ["/usr/lib/libfoo.so.1 stands before the base's libfoo.so.1 and lacks FOO_1.1"];
    assert_said(&said(&upper, &usr, &[], false), &[&words]);
    assert_said(&said(&upper, &usr, &[], true), &[&[words[0], "/usr/bin/strict cannot start with it"]]);
    // Nobody in the base asks for it.
    let usr = base(&[("lib/libfoo.so.1", foo(&["FOO_1.0", "FOO_1.1"])), ("bin/lenient", lenient)], NO_LINKS);
    assert_said(&said(&upper, &usr, &[], true), &[]);
    // A library without versions has them all, and one that not every program finds stands before none.
    let upper = tree(
        &[("lib/libfoo.so.1", made("libfoo.so.1", &[])), ("lib/mine/libfoo.so.1", foo(&["FOO_1.0"]))],
        NO_LINKS,
    );
    assert_said(&said(&upper, &usr, &[], false), &[]);
}

#[test]
fn a_newer_package_whose_library_has_another_name_takes_the_old_one_away() {
    let user = made("", &["libfoo.so.1"]);
    let usr = base(&[("lib/libfoo.so.1", made("libfoo.so.1", &[])), ("bin/user", user)], NO_LINKS);
    let upper = tree(&[("lib/libfoo.so.2", made("libfoo.so.2", &[]))], NO_LINKS);
    let dir = Dir::open(&upper.0.join("lib")).expect("open");
    dir.make_whiteout(c"libfoo.so.1").expect("make a whiteout");
    let words = ["your version of foo hides the base's, and with it libfoo.so.1 (there is libfoo.so.2)"];
    assert_said(&said(&upper, &usr, &["lib/libfoo.so.1"], false), &[&words]);
    assert_said(
        &said(&upper, &usr, &["lib/libfoo.so.1"], true),
        &[&[words[0], "/usr/bin/user cannot start"]],
    );
    // A program that is hidden itself needs nothing.
    let bin = Dir::open(&upper.0).expect("open").make_sub(c"bin", 0o755).expect("make a directory");
    bin.make_whiteout(c"user").expect("make a whiteout");
    assert_said(&said(&upper, &usr, &["lib/libfoo.so.1"], true), &[]);
}

#[test]
fn before_the_rebase_only_what_stays_counts() {
    let usr = base(&[("lib/libfoo.so.2", made("libfoo.so.2", &[]))], NO_LINKS);
    let upper = tree(
        &[
            ("bin/stays", made("", &["libfoo.so.1", "libadopted.so.1", "libkept.so.1"])),
            ("bin/goes", made("", &["libgone.so.1"])),
            ("lib/libfoo.so.1", made("libfoo.so.1", &[])),
            ("lib/libkept.so.1", made("libkept.so.1", &[])),
        ],
        NO_LINKS,
    );
    let stays = |hidden: &[&str]| {
        let mut goes = Goes::nothing();
        for path in ["bin/goes", "lib/libfoo.so.1"] {
            goes.leave(Path::new(path));
        }
        for path in hidden {
            goes.hide(Path::new(path));
        }
        goes.adopt(Path::new("lib/libadopted.so.1"));
        goes.rest()
    };
    let (upper, usr) = (Dir::open(&upper.0).expect("open"), Dir::open(&usr.0).expect("open"));
    let known = Circumstances { package: &|_| None, replaced: &[], thorough: true };
    let stay = stays(&[]);
    let view = View { upper: Some(&upper), stays: Some(&stay), usr: &usr };
    let found: Vec<String> = check(view, &known).into_iter().map(|p| p.message).collect();
    assert_said(&found, &[&["/usr/bin/stays needs libfoo.so.1", "(there is libfoo.so.2)"]]);
    let stay = stays(&["lib/libfoo.so.2"]);
    let view = View { upper: Some(&upper), stays: Some(&stay), usr: &usr };
    assert!(check(view, &known).iter().any(|p| p.message.contains("libfoo.so.1, which is not there: ")));
}

#[test]
fn files_of_other_machines_are_nobodys_business() {
    let usr = base(&[], NO_LINKS);
    let upper = tree(&[("bin/cross", made("", &["libgone.so.1"]))], NO_LINKS);
    let path = upper.0.join("bin/cross");
    let mut bytes = fs::read(&path).expect("read");
    bytes[18] = 183;
    fs::write(path, bytes).expect("write");
    assert_said(&said(&upper, &usr, &[], true), &[]);
}

#[test]
fn where_libraries_are_outside_of_usr_none_is_missing() {
    let usr = tree(&[("bin/sh", made("", &["libc.so.6"]))], NO_LINKS);
    let upper = tree(
        &[("bin/mine", Made { loader: "/lib/ld.so", ..made("", &["libc.so.6", "libx.so.1"]) })],
        NO_LINKS,
    );
    assert_said(&said(&upper, &usr, &[], true), &[]);
}

#[test]
fn links_that_lead_nowhere_or_round_are_missing_libraries() {
    let usr = base(&[], &[("lib/libround.so.1", "libround.so.1"), ("lib/libnowhere.so.1", "../lib/x")]);
    let upper = tree(&[("bin/mine", made("", &["libround.so.1", "libnowhere.so.1"]))], NO_LINKS);
    assert_said(&said(&upper, &usr, &[], false), &[&["libnowhere.so.1"], &["libround.so.1"]]);
}

/// Names may lie over each other, so that a small file has millions of bytes in them.
#[test]
fn a_layer_of_bombs_is_given_up_in_time() {
    let usr = base(&[], NO_LINKS);
    let long = "x".repeat(250);
    let names: Vec<String> = (0..3900).map(|number| format!("lib{number}.so.1")).collect();
    let needed: Vec<&str> = names.iter().map(String::as_str).collect();
    let versions: Vec<(&str, &str)> = needed.iter().map(|name| (*name, long.as_str())).collect();
    let bomb = Made { versions: &versions[..90], ..made("", &needed) };
    let upper = tree(&[("bin/bomb", bomb)], NO_LINKS);
    for number in 0..50 {
        fs::hard_link(upper.0.join("bin/bomb"), upper.0.join(format!("bin/bomb{number}"))).expect("link");
    }
    let start = std::time::Instant::now();
    let found = said(&upper, &usr, &[], false);
    assert_eq!(found.len(), LIMIT, "{:?}", found.last());
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn what_is_left_of_the_work_is_never_less_than_nothing() {
    let usr = base(&[], NO_LINKS);
    let sh = fs::File::open(usr.0.join("bin/sh")).expect("open");
    let work = Cell::new(WORK);
    assert!(Object::read(&sh, &work).is_some());
    let took = WORK - work.get();
    for enough in 0..=took {
        let work = Cell::new(enough);
        assert_eq!(Object::read(&sh, &work).is_some(), enough == took);
        assert_eq!(work.get(), 0);
    }
    let upper = tree(&[("bin/mine", made("", &["libgone.so.1"]))], NO_LINKS);
    let (upper, usr) = (Dir::open(&upper.0).expect("open"), Dir::open(&usr.0).expect("open"));
    let known = Circumstances { package: &|_| None, replaced: &[], thorough: false };
    let view = View { upper: Some(&upper), stays: None, usr: &usr };
    let found = check_within(view, &known, &Cell::new(took)).expect("trees that can be read");
    assert_eq!(found.iter().map(|p| p.kind).collect::<Vec<_>>(), [ProblemKind::Limited]);
}

#[test]
fn noise_is_checked_without_a_panic() {
    let mut random = crate::fuzz::Random::new();
    let usr = base(&[("lib/libfoo.so.1", made("libfoo.so.1", &[]))], NO_LINKS);
    let good = Made {
        versions: &[("libfoo.so.1", "A"), ("libc.so.6", "GLIBC_2.42")],
        defines: &["A", "B"],
        ..made("libfoo.so.1", &["libfoo.so.1", "libc.so.6", "libbar.so.1"])
    };
    let upper = tree(&[("lib/libfoo.so.1", good.clone())], NO_LINKS);
    let good = good.bytes();
    for _ in 0..crate::fuzz::rounds(300) {
        fs::write(upper.0.join("lib/libfoo.so.1"), random.mangle(&good)).expect("write");
        assert!(said(&upper, &usr, &["lib/libfoo.so.1"], true).len() <= LIMIT);
    }
}

/// A false alarm is worse than none: of this machine's own programs, only what its loader does not find is missing.
#[test]
fn of_a_real_system_nothing_is_said_that_is_not_so() {
    let usr = Dir::open(Path::new("/usr")).expect("open");
    let known = Circumstances { package: &|_| None, replaced: &[], thorough: true };
    let work = Cell::new(WORK);
    let found = check_within(View { upper: Some(&usr), stays: None, usr: &usr }, &known, &work);
    assert!(work.get() > WORK / 2, "so much for one system: {}", WORK - work.get());
    let shell = fs::File::open("/bin/sh").ok().and_then(|file| Object::read(&file, &Cell::new(WORK)));
    let Some(loader) = shell.and_then(|shell| shell.header.loader) else { return };
    for problem in found.expect("trees that can be read") {
        let (_, missing) = problem.message.split_once(" the loader ").unwrap_or_default();
        if let Some((missing, _)) = missing.split_once(',') {
            assert!(!Path::new(missing).exists(), "{problem:?}");
            continue;
        }
        let path = problem.path.as_ref().expect("a program");
        let list = std::process::Command::new(&loader).arg("--list").arg(path).output();
        let list = list.expect("the loader can be asked");
        let said = [list.stdout, list.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        // The one of a program's libraries, the other of a library that is asked about itself.
        let is_missing =
            ["not found", "cannot open shared object file"].iter().any(|word| said.contains(word));
        assert!(is_missing, "{problem:?}: {said}");
    }
}
