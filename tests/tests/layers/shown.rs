//! What `veneer diff` and `veneer why` say of a layer, against the trees themselves.

use std::collections::BTreeMap;
use std::path::Path;

use veneer_tests::base::{Base, Form};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::scenario::Scenario;
use veneer_tests::store::Store;
use veneer_tests::tree::Tree;

use crate::stories::{first, fresh, second};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "shown_diff_is_the_difference", needs: &[], run: diff },
    Scenario { name: "shown_why", needs: &[], run: why },
];

/// Every sort of change, one of them a directory that is made anew.
fn changes() -> Edits {
    Edits::new()
        .file("bin/mine", "mine")
        .file("share/mine/deep/er", "mine")
        .file("bin/tool", "edited")
        .remove("lib/tool/old.so")
        .remove("share/doc/tool")
        .file("share/doc/tool/README", "mine")
        .file("lib/libtool.so.1", "edited")
        .mode("lib/tool", 0o700)
}

fn told(machine: &Machine, words: &[&str]) -> BTreeMap<String, String> {
    let done = machine.veneer(words);
    assert_eq!(done.code, Some(0), "{done:?}");
    let lines = done.stdout.lines().map(|line| line.split_once(' ').expect("a word and a path"));
    let mut told = BTreeMap::new();
    for (word, path) in lines {
        let path = path.trim().trim_end_matches('/').to_owned();
        assert_eq!(told.insert(path.clone(), word.to_owned()), None, "{path} is told once");
    }
    told
}

/// The difference of two trees, as a second reading has it.
fn difference(bare: &Tree, visible: &Tree) -> BTreeMap<String, String> {
    let name = |path: &Path| Path::new("/usr").join(path).display().to_string();
    let mut all = BTreeMap::new();
    for path in visible.0.keys().filter(|path| !bare.0.contains_key(*path)) {
        all.insert(name(path), "added".to_owned());
    }
    for path in bare.0.keys().filter(|path| !visible.0.contains_key(*path)) {
        all.insert(name(path), "hidden".to_owned());
    }
    all
}

fn diff(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    machine.boot_layer("bound");
    assert!(told(&machine, &["diff"]).is_empty(), "an empty layer changes nothing");
    changes().apply(&machine.usr());
    let mut expected = difference(machine.bare(), &machine.visible());
    for path in ["bin/tool", "lib/libtool.so.1", "lib/tool", "share/doc/tool/README"] {
        expected.insert(format!("/usr/{path}"), "shadowed".into());
    }
    assert_eq!(told(&machine, &["diff"]), expected);

    // On a base that lacks the tool the same layer adds what it shadows here.
    let bare = first().remove("bin/tool");
    let other = Base::build(dir, "other", Form::Dir, &bare);
    let usr = dir.join("next/usr");
    std::fs::create_dir_all(&usr).expect("make a mount point");
    other.put(&usr);
    expected.insert("/usr/bin/tool".into(), "added".into());
    assert_eq!(told(&machine, &["diff", "--base", usr.to_str().expect("UTF-8")]), expected);
    other.take(&usr);
}

fn why(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    machine.boot_layer("bound");
    changes().apply(&machine.usr());
    let said = |machine: &Machine, path: &str| {
        let done = machine.veneer(&["why", path]);
        assert_eq!(done.code, Some(0), "{done:?}");
        done.stdout
    };
    for (path, words) in [
        ("/usr/bin/mine", "of the layer; the base has nothing"),
        ("/usr/bin/tool", "of the layer, which shadows"),
        ("/usr/lib/tool/old.so", "hidden by the layer"),
        ("/usr/share/doc/tool/NEWS", "hidden by the layer"),
        ("/usr/lib/os-release", "of the base"),
        ("/usr/share/nothing", "nowhere"),
    ] {
        let text = said(&machine, path);
        assert!(text.contains(words), "{path}: {text}");
    }
    // Links are followed on the way, as by every program.
    assert!(said(&machine, "/bin/mine").starts_with("/usr/bin/mine: of the layer"));
    for path in ["/etc/passwd", "/", "/usr/../etc/passwd"] {
        assert_eq!(machine.veneer(&["why", path]).code, Some(1), "{path}");
    }
    machine.record();

    // What the new base changed, too, is set aside.
    machine.install(&Base::build(dir, "B", Form::Dir, &second()));
    machine.boot_layer("rebased");
    let text = said(&machine, "/usr/bin/tool");
    assert!(text.contains("of the base") && text.contains("was derived: quarantine"), "{text}");
}
