//! What is made from files of the base and of the user is made again after a rebase, and has both.

use std::path::Path;
use std::process::Command;

use veneer_tests::base::{Base, Form, system};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::run::tool;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::store::Store;

const NEEDS: &[Need] = &[
    Need::Tool("glib-compile-schemas"),
    Need::Tool("update-mime-database"),
    Need::Tool("gtk-update-icon-cache"),
];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "refresh_makes_caches_of_both", needs: NEEDS, run: caches_of_both },
    Scenario { name: "refresh_writes_below_extensions", needs: &[], run: below_extensions },
];

/// Commands of `veneer refresh`, where they work, and what they make there.
const CACHES: [(&str, &str, &str); 3] = [
    ("glib-compile-schemas", "share/glib-2.0/schemas", "gschemas.compiled"),
    ("update-mime-database", "share/mime", "globs2"),
    ("gtk-update-icon-cache", "share/icons/hicolor", "icon-theme.cache"),
];

/// A schema, a type and an icon of this name; a desktop file has no program on most machines that run this.
fn sources(name: &str) -> Edits {
    let schema = format!(
        "<schemalist><schema id=\"org.{name}\" path=\"/{name}/\"><key name=\"k\" type=\"i\"><default>1</default></key>\
         </schema></schemalist>"
    );
    let mime = format!(
        "<mime-info xmlns=\"http://www.freedesktop.org/standards/shared-mime-info\"><mime-type type=\"application/{name}\">\
         <glob pattern=\"*.{name}\"/></mime-type></mime-info>"
    );
    Edits::new()
        .file(format!("share/glib-2.0/schemas/org.{name}.gschema.xml"), schema)
        .file(format!("share/mime/packages/{name}.xml"), mime)
        .file(format!("share/icons/hicolor/scalable/apps/{name}.svg"), "<svg/>")
}

/// Runs the command with which a cache is made.
fn make(usr: &Path, (program, dir, _): (&str, &str, &str)) {
    let mut command = Command::new(program);
    if program.starts_with("gtk") {
        command.args(["--quiet", "--force", "--ignore-theme-index"]);
    }
    tool(command.arg(usr.join(dir)));
}

fn has(usr: &Path, (_, dir, file): (&str, &str, &str), name: &str) -> bool {
    let bytes = std::fs::read(usr.join(dir).join(file)).expect("read a cache");
    bytes.windows(name.len()).any(|part| part == name.as_bytes())
}

fn caches_of_both(dir: &Path) {
    let base = |name: &str, version: &str, own: &str| {
        let edits = CACHES.iter().fold(system(version), |edits, (program, ..)| {
            let path = format!("bin/{program}");
            edits.file(&path, "").mode(&path, 0o755)
        });
        Base::build_with(dir, name, Form::Dir, |usr| {
            edits.then(sources("everybase")).then(sources(own)).apply(usr);
            for cache in CACHES {
                make(usr, cache);
            }
        })
    };
    let (a, b) = (base("A", "1", "onlyinbasea"), base("B", "2", "onlyinbaseb"));
    let mut machine = Machine::new(dir, Store::Dir);
    machine.install(&a);
    machine.boot_layer("bound");
    let usr = machine.usr();
    sources("theusers").apply(&usr);
    for cache in CACHES {
        make(&usr, cache);
        assert!(has(&usr, cache, "theusers") && has(&usr, cache, "onlyinbasea"), "{cache:?}");
    }
    machine.install(&b);
    machine.boot_layer("rebased");
    let commands = machine.veneer(&["refresh", "--dry-run"]).stdout;
    for cache in CACHES {
        let usr = machine.usr();
        // The base's, until it is made again.
        assert!(has(&usr, cache, "onlyinbaseb") && !has(&usr, cache, "theusers"), "{cache:?}");
        let (program, place, _) = cache;
        let is_it = |line: &str| line.starts_with(program) && line.ends_with(&format!("/usr/{place}"));
        assert!(commands.lines().any(is_it), "{program}: {commands}");
        make(&usr, cache);
        for name in ["everybase", "onlyinbaseb", "theusers"] {
            assert!(has(&usr, cache, name), "{name} in {cache:?}");
        }
        assert!(!has(&usr, cache, "onlyinbasea"), "{cache:?}");
    }
}

/// A system extension and one of the configuration are merged, and /etc is an overlay of the system's own besides.
fn below_extensions(dir: &Path) {
    let mut machine = Machine::new(dir, Store::Dir);
    machine.install(&Base::build(dir, "A", Form::Dir, &system("1")));
    machine.boot_layer("bound");
    Edits::new().file("lib/libmine.so", "mine").apply(&machine.usr());
    let b = system("2").file("sbin/ldconfig", "").mode("sbin/ldconfig", 0o755);
    machine.install(&Base::build(dir, "B", Form::Dir, &b));
    machine.boot_layer("rebased");

    let (usr, etc) = (machine.usr(), machine.sysroot.join("etc"));
    let made = |name: &str| {
        let path = dir.join(name);
        std::fs::create_dir(&path).expect("make a directory");
        path
    };
    let (upper, work, bin) = (made("upper"), made("work"), made("fake"));
    let overlay = |source: &str, on: &Path, options: String| {
        tool(Command::new("mount").args(["-t", "overlay", "-o", &options, source]).arg(on));
    };
    let own = format!("lowerdir={},upperdir={},workdir={}", etc.display(), upper.display(), work.display());
    overlay("overlay", &etc, own);
    for (source, on) in [("sysext", &usr), ("confext", &etc)] {
        overlay(source, on, format!("lowerdir={}:{}", made(source).display(), on.display()));
        let written = std::fs::write(on.join("written"), "").map_err(|error| error.kind());
        assert_eq!(written, Err(std::io::ErrorKind::ReadOnlyFilesystem), "{source} is read-only");
    }

    // In the place of the real one, which makes the cache of the machine that it runs on.
    let script = format!("#!/bin/sh\ntouch {}/ld.so.cache {}/lib/made\n", etc.display(), usr.display());
    Edits::new().file("ldconfig", script).mode("ldconfig", 0o755).apply(&bin);
    let path = format!("PATH={}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let done = machine.veneer_in(&[&path], &["refresh", "--early"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stderr.contains("systemd-confext refresh"), "{done:?}");

    for on in [&usr, &etc] {
        tool(Command::new("umount").arg(on));
    }
    assert!(usr.join("lib/made").exists(), "what was made is in the layer");
    assert!(upper.join("ld.so.cache").exists(), "and in the overlay that is the system's own");
    tool(Command::new("umount").arg(&etc));
}
