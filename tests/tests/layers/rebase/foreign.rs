//! Layers that another overlay wrote to, with other options: used rightly, or refused by name. Scenario 20.

use std::path::Path;
use std::process::Command;

use veneer_tests::base::{Base, Form};
use veneer_tests::edit::Edits;
use veneer_tests::run::{sh, tool};
use veneer_tests::store::Store;
use veneer_tests::upper::{Entry, Upper};

use crate::rebased::{Ground, Journey};
use crate::stories::{first, second};

fn base_a() -> Edits {
    first()
        .file("lib/app/a", "a")
        .file("lib/app/sub/b", "b")
        .file("lib/pair/one", "pair")
        .hardlink("lib/pair/two", "lib/pair/one")
        .file("share/touched", "touched")
        .file("share/gone", "gone")
}

fn base_b() -> Edits {
    second()
        .file("lib/app/a", "a")
        .file("lib/app/new", "new")
        .file("lib/app/sub/b", "b")
        .file("lib/pair/one", "pair")
        .hardlink("lib/pair/two", "lib/pair/one")
        .file("lib/plugins/of-b", "b")
        .file("share/doc/mine/of-b", "b")
        .file("share/touched", "touched")
        .file("share/gone", "gone")
}

fn user() -> Edits {
    Edits::new()
        .file("lib/plugins/mine", "mine")
        .file("share/doc/mine/README", "mine")
        .file("share/doc/mine/deep/er/README", "mine")
        .file("share/doc/tool/NEWS", "edited")
        .append("lib/pair/two", " and more")
        .remove("lib/app")
        .file("lib/app/mine", "mine")
        .file("lib/app/sub/mine", "mine")
        .remove("share/gone")
}

/// What an overlay with these options leaves is a layer like any other.
pub(super) fn used_rightly(dir: &Path) {
    let options = [
        "index=on",
        "index=on,nfs_export=on",
        "xino=on",
        "redirect_dir=on",
        "index=on,redirect_dir=on,xino=on",
        "metacopy=on,redirect_dir=on",
        "userxattr",
        "volatile",
    ];
    for (number, options) in options.iter().enumerate() {
        for recorded in [true, false] {
            println!("{options}, known: {recorded}");
            let within = dir.join(format!("{number}-{recorded}"));
            std::fs::create_dir(&within).expect("make a directory");
            // With metacopy, a link would leave what is refused below.
            let link = Edits::new().hardlink("lib/pair/mine", "bin/tool");
            let edits = if options.contains("metacopy") { user() } else { user().then(link) };
            let mut journey = elsewhere(&within, recorded, options, &edits);
            journey.follow(&Base::build(&within, "B", Form::Erofs, &base_b()));
            journey.again();
        }
    }
}

/// A file whose content, or a directory whose entries, are elsewhere in the old base.
pub(super) fn refused_by_name(dir: &Path) {
    let cases = [
        (
            "metacopy=on,redirect_dir=on",
            Edits::new().mode("share/touched", 0o600),
            "share/touched",
            "metacopy",
        ),
        ("redirect_dir=on", Edits::new().rename("lib/pair", "lib/renamed"), "lib/renamed", "redirect"),
    ];
    for (number, (options, edit, path, mark)) in cases.into_iter().enumerate() {
        let within = dir.join(format!("{number}"));
        std::fs::create_dir(&within).expect("make a directory");
        let mut journey = elsewhere(&within, false, options, &user().then(edit));
        journey.machine.install(&Base::build(&within, "B", Form::Erofs, &base_b()));
        let status = journey.machine.boot_pristine(&["rebase-failed"]).status;
        assert!(status.message.contains(path) && status.message.contains(mark), "{status:?}");
        assert_eq!(journey.machine.layer_names().len(), 1, "{:?}", journey.machine.layer_names());
        // The layer is as it was, and A can still be booted.
        journey.machine.install(&journey.machine.first().clone());
        journey.machine.boot_layer("used");
        journey.machine.shutdown();
    }
}

/// A layer that another overlay wrote to.
fn elsewhere(dir: &Path, recorded: bool, options: &str, edits: &Edits) -> Journey {
    let mut journey =
        Journey::start(dir, Ground { form: Form::Erofs, store: Store::Dir, recorded }, &base_a());
    journey.machine.shutdown();
    let layer = journey.machine.layer(&journey.status.layer().id);
    let point = dir.join("elsewhere");
    std::fs::create_dir(&point).expect("make a mount point");
    let places = format!(
        "lowerdir={},upperdir={},workdir={}",
        journey.machine.usr().display(),
        layer.join("upper").display(),
        layer.join("work").display()
    );
    tool(
        Command::new("mount")
            .args(["-t", "overlay", "overlay", "-o", &format!("{places},{options}")])
            .arg(&point),
    );
    edits.apply(&point);
    sh(&format!("umount {}", point.display()));
    if recorded {
        journey.resume();
        journey.rest();
    } else {
        journey.look();
    }
    journey
}

/// Whiteouts that are empty files with an attribute, in a directory that says so: how an overlay is put into an image
/// whose tools know no device 0:0.
pub(super) fn attribute_whiteouts(dir: &Path) {
    for recorded in [true, false] {
        let within = dir.join(format!("{recorded}"));
        std::fs::create_dir(&within).expect("make a directory");
        let ground = Ground { form: Form::Erofs, store: Store::Ext4(64), recorded };
        let mut journey = Journey::start(&within, ground, &base_a());
        journey.machine.shutdown();
        let upper = journey.machine.layer(&journey.status.layer().id).join("upper");
        let whiteout =
            |edits: Edits, path: &str| edits.file(path, "").xattr(path, "trusted.overlay.whiteout", "");
        let marks = Edits::new().file("share/mine", "mine").xattr("share", "trusted.overlay.opaque", "x");
        let marks = whiteout(whiteout(marks, "share/gone"), "share/touched");
        // The directory does not say so.
        let marks = marks.file("lib/app/empty", "").xattr("lib/app/empty", "trusted.overlay.whiteout", "");
        marks.apply(&upper);
        let entries = Upper::read(&upper);
        assert_eq!(entries.get(Path::new("share/gone")).map(|item| item.entry), Some(Entry::Whiteout));
        // Overlayfs lists them in an upper directory, and then does not find them.
        journey.resume();
        journey.stop();
        let b = base_b().file("share/touched", "changed");
        journey.follow(&Base::build(&within, "B", Form::Erofs, &b));
        for path in ["share/gone", "share/touched", "lib/app/empty"] {
            assert!(!journey.machine.visible().0.contains_key(Path::new(path)), "{path} is visible");
        }
        journey.again();
    }
}
