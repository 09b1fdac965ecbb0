//! Bind, use, rebase, back and forward: the life of a layer.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use veneer_tests::base::{Base, Form};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::model::{Case, Past, rebase};
use veneer_tests::mounts;
use veneer_tests::run::tool;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::store::Store;
use veneer_tests::tree::{Tree, assert_same, xattrs};
use veneer_tests::upper::Upper;

use crate::stories::{first, fresh, mine, second, settled};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "bind_on_empty_store", needs: &[], run: bind },
    Scenario { name: "use_again_on_same_base", needs: &[], run: use_again },
    Scenario { name: "second_run_changes_nothing", needs: &[], run: second_run },
    Scenario {
        name: "base_update_and_back_plain_directory",
        needs: &[],
        run: |d| there_and_back(d, Form::Dir, Store::Dir),
    },
    Scenario {
        name: "base_update_and_back_dir_on_tmpfs",
        needs: &[],
        run: |d| there_and_back(d, Form::Dir, Store::Tmpfs(64)),
    },
    Scenario {
        name: "base_update_and_back_erofs_on_ext4",
        needs: &[Need::Tool("mkfs.erofs"), Need::Kernel("erofs"), Need::Kernel("ext4")],
        run: |d| there_and_back(d, Form::Erofs, Store::Ext4(64)),
    },
    Scenario {
        name: "base_update_and_back_squashfs_on_xfs",
        needs: &[
            Need::Tool("mksquashfs"),
            Need::Tool("mkfs.xfs"),
            Need::Kernel("squashfs"),
            Need::Kernel("xfs"),
        ],
        run: |d| there_and_back(d, Form::Squashfs, Store::Xfs),
    },
    Scenario {
        name: "base_update_and_back_ext4_on_btrfs",
        needs: &[Need::Tool("mkfs.btrfs"), Need::Kernel("ext4"), Need::Kernel("btrfs")],
        run: |d| there_and_back(d, Form::Ext4, Store::Btrfs),
    },
    Scenario {
        name: "base_update_and_back_xfs_on_ext4",
        needs: &[Need::Tool("mkfs.xfs"), Need::Kernel("xfs"), Need::Kernel("ext4")],
        run: |d| there_and_back(d, Form::Xfs, Store::Ext4(64)),
    },
    Scenario {
        name: "mounts_are_shared_as_by_systemd",
        needs: &[Need::Tool("mkfs.erofs"), Need::Kernel("erofs"), Need::Kernel("ext4")],
        run: shared,
    },
    Scenario { name: "usr_keeps_its_attributes_and_gets_a_new_time", needs: &[], run: root_of_usr },
    Scenario { name: "usr_does_not_say_where_its_file_system_belongs", needs: &[], run: where_it_belongs },
    Scenario { name: "layer_follows_a_chain_of_bases", needs: &[], run: chain },
    Scenario { name: "rebase_comes_from_the_layer_used_last", needs: &[], run: last_used },
    Scenario { name: "layer_named_on_the_command_line", needs: &[], run: named },
    Scenario {
        name: "rebuilt_image_is_another_base",
        needs: &[Need::Tool("mkfs.erofs"), Need::Kernel("erofs")],
        run: |d| rebuilt(d, Form::Erofs),
    },
    Scenario {
        name: "rebuilt_ext4_image_is_another_base",
        needs: &[Need::Tool("mkfs.ext4"), Need::Kernel("ext4")],
        run: |d| rebuilt(d, Form::Ext4),
    },
    Scenario { name: "other_files_of_the_store_stay", needs: &[], run: strangers },
];

fn bind(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    let boot = machine.boot_layer("bound");
    assert_eq!(boot.status.layer().parent, None);
    assert!(boot.status.layer().id.starts_with("0001-"), "{:?}", boot.status);
    assert!(!boot.status.base.is_empty(), "a base without id: {:?}", boot.status);
    assert!(boot.status.problems.is_empty(), "{:?}", boot.status);
    assert_same("an empty layer shows the base", machine.bare(), &machine.visible());
    mine().apply(&machine.usr());
    machine.shutdown();
    let names = machine.layer_names();
    assert_eq!(names, [boot.status.layer().id.clone()]);
}

fn use_again(dir: &Path) {
    let (mut machine, first_boot) = settled(dir, Store::Dir);
    let boot = machine.boot_layer("used");
    assert_eq!(boot.status.layer().id, first_boot.status.layer().id);
    assert_eq!(boot.status.base, first_boot.status.base, "one content keeps its id");
    assert_eq!(fs::read_to_string(machine.usr().join("bin/mine")).expect("the user's file"), "mine\n");
    assert_same("mine and the base", &expected(&machine, &mine()), &machine.visible());
    Edits::new().file("share/new", "new").remove("bin/tool").apply(&machine.usr());
    machine.shutdown();
    machine.boot_layer("used");
    let edits = mine().file("share/new", "new").remove("bin/tool");
    assert_same("both boots' edits", &expected(&machine, &edits), &machine.visible());
}

/// What the machine must show after edits on its base: what a plain copy of the base shows after them, with the times
/// of what is new as they are.
fn expected(machine: &Machine, edits: &Edits) -> Tree {
    let plain = machine.dir.join("plain");
    tool(std::process::Command::new("cp").arg("-a").arg(machine.base_point()).arg(&plain));
    edits.apply(&plain);
    let mut tree = Tree::read(&plain);
    fs::remove_dir_all(&plain).expect("remove the copy");
    let visible = machine.visible();
    for (path, node) in &mut tree.0 {
        if machine.bare().get(path).is_none() {
            node.mtime = visible.get(path).map_or((0, 0), |node| node.mtime);
        }
    }
    tree
}

fn second_run(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    let boot = machine.boot_layer("used");
    let (visible, kept) = (machine.visible(), machine.kept_tree());
    let again = machine.boot_layer("used");
    assert_eq!(boot.status.layer, again.status.layer);
    assert_same("a second run shows the same", &visible, &machine.visible());
    assert_same("a second run leaves the store", &kept, &machine.kept_tree());
}

/// A, B, A, B: the layer of each base as it was left, the new one derived from the old one.
fn there_and_back(dir: &Path, form: Form, store: Store) {
    let mut machine = Machine::new(dir, store);
    let (a, b) = (Base::build(dir, "A", form, &first()), Base::build(dir, "B", form, &second()));
    machine.install(&a);
    let on_a = machine.boot_layer("bound").status;
    mine().apply(&machine.usr());
    let shown_on_a = machine.visible();
    machine.shutdown();
    let layer_a = machine.layer(&on_a.layer().id);
    let left_by_a = Tree::read(&layer_a);
    let upper = Upper::read(&layer_a.join("upper"));

    machine.install(&b);
    let on_b = machine.boot_layer("rebased").status;
    assert_ne!(on_a.base, on_b.base, "two bases share an id");
    assert_eq!(on_b.layer().parent.as_deref(), Some(on_a.layer().id.as_str()), "{on_b:?}");
    assert!(on_b.layer().id.starts_with("0002-"), "{on_b:?}");
    assert!(on_b.problems.is_empty(), "{on_b:?}");
    let case = Case { upper: &upper, past: Past::Unknown, new: machine.bare(), protected: &[] };
    let wanted = rebase(&case);
    assert_same("the rebased layer", &wanted.visible, &machine.visible());
    Edits::new().file("share/on-b", "made on B").apply(&machine.usr());
    let shown_on_b = machine.visible();
    machine.shutdown();
    assert_same("the source of the rebase", &left_by_a, &Tree::read(&layer_a));
    let left_by_b = Tree::read(&machine.layer(&on_b.layer().id).join("upper"));

    machine.install(&a);
    let back = machine.boot_layer("used").status;
    assert_eq!(back.layer(), &veneer_tests::status::Layer { action: "used".into(), ..on_a.layer().clone() });
    assert_eq!(back.base, on_a.base, "one content keeps its id");
    assert_same("back on A", &shown_on_a, &machine.visible());
    machine.shutdown();

    machine.install(&b);
    let forward = machine.boot_layer("used").status;
    assert_eq!(forward.layer().id, on_b.layer().id);
    assert_same("forward to B", &shown_on_b, &machine.visible());
    machine.shutdown();
    let layer_b = machine.layer(&forward.layer().id);
    assert_same("the layer of B", &left_by_b, &Tree::read(&layer_b.join("upper")));
    assert_eq!(machine.layer_names().len(), 2, "{:?}", machine.layer_names());
}

/// systemd makes every mount shared, so that what is mounted on one view of the base would show on all of them.
fn shared(dir: &Path) {
    veneer_tests::run::sh(&format!("mount --make-rshared {}", dir.display()));
    there_and_back(dir, Form::Dir, Store::Tmpfs(64));
    for form in [Form::Erofs, Form::Ext4] {
        let within = dir.join(format!("{form:?}"));
        fs::create_dir(&within).expect("make a directory");
        there_and_back(&within, form, Store::Ext4(64));
    }
}

/// The upper's root is /usr: its mode, owner and attributes are the base's, and its time says after a base
/// update that /usr is new (`ConditionNeedsUpdate=`).
fn root_of_usr(dir: &Path) {
    let mut machine = Machine::new(dir, Store::Dir);
    let odd =
        |edits: Edits, mode: u32| edits.mode("", mode).owner("", 0, 3).xattr("", "trusted.label", "usr_t");
    let a = Base::build(dir, "A", Form::Dir, &odd(first(), 0o751));
    let b = Base::build(dir, "B", Form::Dir, &odd(second(), 0o715).xattr("", "trusted.label", "new_t"));
    machine.install(&a);
    machine.boot_layer("bound");
    assert_same("usr on A", machine.bare(), &machine.visible());
    let on_a = mtime(&machine.usr());
    machine.install(&b);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
    machine.boot_layer("rebased");
    assert_same("usr on B", machine.bare(), &machine.visible());
    let on_b = mtime(&machine.usr());
    assert!(
        on_b >= i64::try_from(now).expect("a time"),
        "usr's time after a base update: {on_b}, before {on_a}"
    );
    machine.boot_layer("used");
    assert_eq!(mtime(&machine.usr()), on_b, "nothing is new on the second boot");
}

/// systemd-validatefs@.service(8) asks the root of a file system, and reboots a machine whose answer is not what it has.
fn where_it_belongs(dir: &Path) {
    const SAID: &str = "user.validatefs.mount_point";
    let said = |edits: Edits| edits.xattr("", SAID, "/usr").xattr("", "user.mine", "1");
    let shown = |machine: &Machine| {
        let (usr, base) = (xattrs(&machine.usr()), xattrs(&machine.base_point()));
        assert!(usr.contains_key("user.mine") && !usr.contains_key(SAID), "{usr:?}");
        assert!(base.contains_key(SAID), "the base says it as before: {base:?}");
    };
    let mut machine = Machine::new(dir, Store::Dir);
    for (name, edits, action) in [("A", first(), "bound"), ("B", second(), "rebased")] {
        machine.install(&Base::build(dir, name, Form::Dir, &said(edits)));
        machine.boot_layer(action);
        shown(&machine);
    }
    machine.boot_layer("used");
    shown(&machine);
}

fn mtime(path: &Path) -> i64 {
    path.metadata().expect("look at usr").mtime()
}

/// Eight bases in a row: each layer has the one before it as parent, the user's files are in all of them.
fn chain(dir: &Path) {
    let (mut machine, boot) = settled(dir, Store::Dir);
    let mut parent = boot.status.layer().id.clone();
    for version in 2..=8 {
        let edits = second()
            .file("lib/os-release", veneer_tests::base::os_release(&[("VERSION_ID", &version.to_string())]));
        let base = Base::build(dir, &format!("B{version}"), Form::Dir, &edits);
        machine.install(&base);
        let status = machine.boot_layer("rebased").status;
        assert_eq!(status.layer().parent.as_deref(), Some(parent.as_str()), "{status:?}");
        assert_eq!(fs::read(machine.usr().join("bin/mine")).expect("the user's file"), b"mine\n");
        parent.clone_from(&status.layer().id);
    }
    assert!(!machine.layer_names().iter().any(|name| name.contains("tmp")), "{:?}", machine.layer_names());
}

/// A, B, back to A with a new file, then C: C's layer has A's file, for that layer was used last.
fn last_used(dir: &Path) {
    let (mut machine, boot) = settled(dir, Store::Dir);
    let a = Base { form: Form::Dir, path: dir.join("bases/A") };
    let b = Base::build(dir, "B", Form::Dir, &second());
    let third = second().file("lib/os-release", veneer_tests::base::os_release(&[("VERSION_ID", "3")]));
    let c = Base::build(dir, "C", Form::Dir, &third);
    machine.install(&b);
    machine.boot_layer("rebased");
    Edits::new().file("share/on-b", "b").apply(&machine.usr());
    machine.install(&a);
    machine.boot_layer("used");
    Edits::new().file("share/on-a", "a").apply(&machine.usr());
    machine.install(&c);
    let status = machine.boot_layer("rebased").status;
    assert_eq!(status.layer().parent.as_deref(), Some(boot.status.layer().id.as_str()), "{status:?}");
    assert!(machine.usr().join("share/on-a").exists(), "the file made last");
    assert!(!machine.usr().join("share/on-b").exists(), "a file of another layer");
}

/// `rd.veneer.layer=`: the named one or none, and never another base's layer as it is.
fn named(dir: &Path) {
    let (mut machine, boot) = settled(dir, Store::Dir);
    let on_a = boot.status.layer().id.clone();
    machine.install(&Base::build(dir, "B", Form::Dir, &second()));
    let on_b = machine.boot_layer("rebased").status.layer().id.clone();
    machine.say(&format!("rd.veneer.layer={on_b}"));
    assert_eq!(machine.boot_layer("used").status.layer().id, on_b);
    machine.shutdown();
    let kept = machine.kept_tree().below("veneer/layers");
    for id in [on_a.as_str(), "0042-aaaaaaaaaaaa", "../../outside", "", "0002"] {
        machine.say(&format!("rd.veneer.layer={id}"));
        let status = machine.boot().status;
        println!("{id:?}: {status:?}");
        if let Some(layer) = &status.layer {
            let derived = layer.action == "rebased" && layer.parent.as_deref() == Some(&on_a);
            assert!(layer.id == on_b || derived, "{id:?}: {status:?}");
            assert_eq!(fs::read(machine.usr().join("bin/tool")).expect("the base's file"), b"tool of B\n");
        }
        machine.shutdown();
        for (path, node) in &kept.0 {
            let now = machine.kept_tree().below("veneer/layers");
            let now = now.get(path).unwrap_or_else(|| panic!("{id:?}: {} is gone", path.display()));
            assert_eq!(node.essence(), now.essence(), "{id:?}: {}", path.display());
        }
    }
}

/// One os-release, one UUID, no package database, and yet other content: another base. Two builds of one second are
/// beyond a fingerprint if the file system says nothing of its content, as ext4, and rounds times to seconds, as its mkfs
/// does: such an image needs a stamp.
fn rebuilt(dir: &Path, form: Form) {
    let mut machine = Machine::new(dir, Store::Dir);
    machine.install(&Base::build(dir, "A", form, &first()));
    let on_a = machine.boot_layer("bound").status;
    std::thread::sleep(std::time::Duration::from_millis(1100));
    machine.install(&Base::build(dir, "B", form, &first().file("bin/tool", "tool of B\n")));
    let on_b = machine.boot().status;
    assert_ne!(on_a.base, on_b.base, "two contents share an id: {on_b:?}");
    assert_eq!(on_b.layer().action, "rebased", "{on_b:?}");
}

/// Nothing else of the store is touched.
fn strangers(dir: &Path) {
    let mut machine = fresh(dir, Store::Dir);
    let stranger = Edits::new()
        .file("lost+found/#12", "x")
        .file("home/user/.profile", "y")
        .file("veneer.bak/store", "z")
        .file("layers/0001-000000000000/layer", "not ours");
    stranger.apply(&machine.store);
    let other = |machine: &Machine| machine.store_tree().without(|path| path.starts_with("veneer"));
    let before = other(&machine);
    machine.boot_layer("bound");
    assert_eq!(mounts::at(&machine.usr()).expect("the overlay").kind, "overlay");
    machine.boot_layer("used");
    assert_same("other files of the store", &before, &other(&machine));
}
