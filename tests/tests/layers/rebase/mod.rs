//! Rebases, rule by rule and path by path: each story against the model, and against what its own table says. A story
//! stands alone on directories; all of them together are told on every file system that a base comes on.

mod attributes;
mod edited;
mod foreign;
mod hidden;
mod odd;
mod story;
mod swapped;

use std::path::Path;

use veneer_tests::base::{Base, Form};
use veneer_tests::edit::Edits;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::store::Store;
use veneer_tests::tree::{Tree, assert_same};

use crate::rebased::{Ground, Journey, PLAIN};
use crate::stories::{first, second};
use story::{STORIES, Story};

const EROFS: &[Need] =
    &[Need::Tool("mkfs.erofs"), Need::Kernel("erofs"), Need::Tool("mkfs.ext4"), Need::Kernel("ext4")];
const EXT4: &[Need] = &[Need::Tool("mkfs.ext4"), Need::Kernel("ext4")];
const SQUASHFS: &[Need] =
    &[Need::Tool("mksquashfs"), Need::Kernel("squashfs"), Need::Tool("mkfs.btrfs"), Need::Kernel("btrfs")];
const XFS: &[Need] = &[Need::Tool("mkfs.xfs"), Need::Kernel("xfs")];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "rebase_11_new_files_of_the_base", needs: &[], run: |d| alone(d, hidden::new_files) },
    Scenario { name: "rebase_12_opaque_directories", needs: &[], run: |d| alone(d, hidden::opaque) },
    Scenario { name: "rebase_13_whiteouts", needs: &[], run: |d| alone(d, hidden::whiteouts) },
    Scenario { name: "rebase_14_types_swap", needs: &[], run: |d| alone(d, swapped::types_swap) },
    Scenario { name: "rebase_15_edited_files", needs: &[], run: |d| alone(d, edited::edited) },
    Scenario { name: "rebase_16_untouched_copies", needs: &[], run: |d| alone(d, edited::copied_up) },
    Scenario { name: "rebase_17_base_tightens", needs: &[], run: |d| alone(d, attributes::tightened) },
    Scenario { name: "rebase_17_attributes_of_both", needs: &[], run: |d| alone(d, attributes::of_both) },
    Scenario { name: "rebase_18_other_inode_numbers", needs: &[], run: |d| alone(d, odd::renumbered) },
    Scenario { name: "rebase_19_awkward_content", needs: &[], run: |d| alone(d, odd::awkward) },
    Scenario { name: "rebase_19_hardlinks", needs: &[], run: |d| alone(d, odd::hardlinks) },
    Scenario {
        name: "rebase_19_new_name_of_a_base_file",
        needs: &[],
        run: |d| alone(d, odd::linked_to_base),
    },
    Scenario { name: "rebase_20_other_options", needs: EROFS, run: foreign::used_rightly },
    Scenario { name: "rebase_20_not_whole_without_the_base", needs: EROFS, run: foreign::refused_by_name },
    Scenario { name: "rebase_20_attribute_whiteouts", needs: EROFS, run: foreign::attribute_whiteouts },
    Scenario { name: "rebase_derived_caches", needs: &[], run: |d| alone(d, odd::caches) },
    Scenario { name: "rebase_protected_paths", needs: &[], run: |d| alone(d, odd::protected) },
    Scenario { name: "rebase_kernel_modules", needs: &[], run: |d| alone(d, odd::kernel_modules) },
    Scenario { name: "rebase_inner_overlay_and_odd_names", needs: &[], run: |d| alone(d, odd::names) },
    Scenario { name: "rebase_all_on_erofs", needs: EROFS, run: |d| together(d, Form::Erofs, Store::Xfs) },
    Scenario { name: "rebase_all_on_ext4", needs: EXT4, run: |d| together(d, Form::Ext4, Store::Ext4(256)) },
    Scenario {
        name: "rebase_all_on_squashfs",
        needs: SQUASHFS,
        run: |d| together(d, Form::Squashfs, Store::Btrfs),
    },
    Scenario { name: "rebase_all_on_xfs", needs: XFS, run: |d| together(d, Form::Xfs, Store::Ext4(256)) },
    Scenario {
        name: "rebase_all_on_one_file_system",
        needs: &[],
        run: |d| together(d, Form::Dir, Store::Dir),
    },
    Scenario { name: "rebase_takes_no_record_from_an_empty_mount_point", needs: &[], run: not_running },
    Scenario { name: "rebase_keeps_quarantine_of_the_parent", needs: &[], run: quarantine_again },
];

/// One story, with a record and without one.
fn alone(dir: &Path, story: fn() -> Story) {
    for ground in PLAIN {
        tell(&dir.join(format!("{}", ground.recorded)), ground, &[story()]);
    }
}

/// All stories on one machine.
fn together(dir: &Path, form: Form, store: Store) {
    for recorded in [true, false] {
        let stories: Vec<Story> = STORIES.iter().map(|story| story()).collect();
        tell(&dir.join(format!("{recorded}")), Ground { form, store, recorded }, &stories);
    }
}

/// A, the user, B, the same again, a base of the same content, and back to A.
fn tell(dir: &Path, ground: Ground, stories: &[Story]) {
    println!("{ground:?}");
    std::fs::create_dir(dir).expect("make a directory");
    let all = |start: Edits, part: fn(&Story) -> &Edits| {
        stories.iter().fold(start, |edits, story| edits.then(part(story).clone()))
    };
    // New names first: everything after them has another inode number than in A.
    let new = (0..25).fold(Edits::new(), |edits, n| edits.file(format!("bin/new-{n:02}"), format!("{n}")));
    let b = all(new.then(second()), |story| &story.b);
    let mut journey = Journey::start(dir, ground, &all(first(), |story| &story.a));
    let on_a = (journey.status.clone(), journey.machine.bare().clone());
    journey.live(&all(Edits::new(), |story| &story.user));
    let shown = journey.shown.clone();
    let source = Tree::read(&journey.machine.layer(&on_a.0.layer().id));

    let outcome = journey.follow(&Base::build(dir, "B", ground.form, &b));
    let (visible, bare) = (journey.machine.visible(), journey.machine.bare().clone());
    let row = story::Found { on_a: &shown, bare: &bare, visible: &visible, aside: &outcome.aside };
    for story in stories {
        row.check(story, ground.recorded);
    }
    journey.again();
    let release = veneer_tests::base::os_release(&[("VERSION_ID", "2.1")]);
    journey.follow_same(&Base::build(dir, "C", ground.form, &b.file("lib/os-release", release)));

    // Back to A: its layer as it was left.
    let mut machine = journey.machine;
    let a = machine.first().clone();
    machine.install(&a);
    let back = machine.boot_layer("used").status;
    assert_eq!((&back.layer().id, &back.base), (&on_a.0.layer().id, &on_a.0.base));
    assert_same("back on A", &shown, &machine.visible());
    machine.shutdown();
    // Overlayfs keeps a whiteout in the work directory, to link all others to.
    let whole =
        |tree: &Tree| tree.without(|path| path.starts_with("work") || path == Path::new("trial")).relinked();
    assert_same("the layer of A", &whole(&source), &whole(&Tree::read(&machine.layer(&on_a.0.layer().id))));
}

/// What A's layer has set aside is not lost by the next rebase.
fn quarantine_again(dir: &Path) {
    let edit = |text: &str| Edits::new().file("share/doc/tool/NEWS", format!("edited on {text}\n"));
    let mut journey = Journey::start(dir, PLAIN[0], &first());
    journey.live(&edit("A"));
    journey.follow(&Base::build(dir, "B", Form::Dir, &second()));
    assert!(journey.status.speaks_of(Path::new("share/doc/tool/NEWS")), "{:?}", journey.status);
    journey.live(&edit("B"));
    let c = second()
        .file("lib/os-release", veneer_tests::base::os_release(&[("VERSION_ID", "3")]))
        .file("share/doc/tool/NEWS", "news of C\n");
    journey.follow(&Base::build(dir, "C", Form::Dir, &c));
    let machine = journey.machine;
    assert_same("on C", machine.bare(), &machine.visible());
    let store = machine.store_tree();
    for text in ["edited on A\n", "edited on B\n"] {
        let kept = store.0.keys().filter(|path| path.ends_with("share/doc/tool/NEWS"));
        let found =
            kept.filter(|path| std::fs::read(machine.store.join(path)).is_ok_and(|b| b == text.as_bytes()));
        assert!(found.count() > 0, "{text:?} is nowhere in the store");
    }
}

/// The layer is not mounted any more, and status.json still speaks of it: its base is not what lies at the mount point.
fn not_running(dir: &Path) {
    let mut journey = Journey::start(dir, PLAIN[1], &first());
    journey.live(&Edits::new().file("share/doc/tool/NEWS", "edited\n"));
    let layer = journey.machine.layer(&journey.status.layer().id);
    let before = Tree::read(&layer);
    let done = journey.machine.veneer(&["record"]);
    assert_eq!(done.code, Some(3), "{done:?}");
    let base = Base::build(dir, "B", Form::Dir, &second());
    let words = ["rebase", "--dry-run", "--base", base.path.to_str().expect("a plain path")];
    let done = journey.machine.veneer(&words);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(
        done.stdout.lines().any(|line| line.starts_with("quarantine") && line.contains("/NEWS")),
        "{done:?}"
    );
    assert_same("the layer, looked at", &before, &Tree::read(&layer));
}
