//! A base that is a composefs mount: the layer stands on the image and its data where that can be, and on their overlay
//! where it cannot. Nobody sees the difference but a system extension.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use veneer_tests::composefs::{Image, lacking, tree};
use veneer_tests::edit::{Edits, Special};
use veneer_tests::machine::{Boot, Machine};
use veneer_tests::run::{sh, tool};
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::schema::Schema;
use veneer_tests::store::Store;
use veneer_tests::tree::{Tree, assert_same};

use crate::stories::{first, second};

const NEEDS: &[Need] = &[Need::Kernel("erofs"), Need::Tool("mmdebstrap"), Need::Made(lacking)];
const STRACE: &[Need] =
    &[Need::Kernel("erofs"), Need::Tool("mmdebstrap"), Need::Tool("strace"), Need::Made(lacking)];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "composefs_has_room_for_an_extension", needs: NEEDS, run: room },
    Scenario { name: "composefs_of_usr_alone", needs: NEEDS, run: usr_alone },
    Scenario { name: "composefs_image_on_a_file", needs: NEEDS, run: on_a_file },
    Scenario { name: "composefs_in_turns", needs: NEEDS, run: in_turns },
    Scenario { name: "composefs_rebased_either_way", needs: NEEDS, run: rebased },
    Scenario { name: "composefs_that_is_not_proven", needs: NEEDS, run: not_proven },
    Scenario { name: "composefs_that_the_kernel_refuses", needs: STRACE, run: refused },
    Scenario { name: "composefs_with_marks_of_overlays", needs: NEEDS, run: marks },
    Scenario { name: "composefs_of_ostree", needs: NEEDS, run: ostree },
    Scenario { name: "composefs_of_bootc", needs: STRACE, run: bootc },
];

/// The first base with more of what overlayfs treats in ways of its own.
fn base() -> Edits {
    first()
        .file("lib/large", vec![7; 300_000])
        .hardlink("lib/large-too", "lib/large")
        .file(
            "lib/set",
            "setuid by the base, and larger than what an image keeps in itself: sixty-four bytes\n",
        )
        .mode("lib/set", 0o4755)
        .file("lib/tagged", "t".repeat(200))
        .xattr("lib/tagged", "user.tag", "base")
        .file("lib/small", "small\n")
        .owner("lib/small", 12, 34)
        .special("lib/pipe", Special::Fifo)
}

/// Every way to change a file of the base, and new ones. Times are set, so that trees can be compared whole.
fn changes() -> Edits {
    let copied = Edits::new()
        .append("bin/tool", "more")
        .mode("lib/large", 0o600)
        .owner("lib/tool/old.so", 5, 6)
        .xattr("lib/tagged", "user.mine", "mine")
        .rename("lib/libtool.so.1", "lib/renamed")
        .hardlink("share/doc/tool/README-too", "share/doc/tool/README")
        .file("lib/small", "written over\n")
        .truncate("share/doc/tool/NEWS", 3)
        .remove("lib/pipe")
        .file("bin/mine", "mine\n")
        .symlink("bin/me", "mine")
        .file("lib/mine/plugin.so", "plugin\n");
    let touched =
        ["bin/tool", "lib/small", "share/doc/tool/NEWS", "bin/mine", "bin/me", "lib/mine/plugin.so"];
    touched.iter().fold(copied, |edits, path| edits.time(path, 1_700_000_000))
}

/// What /usr shows. Which names are of one inode depends on when it was copied up.
fn seen(machine: &Machine) -> Tree {
    apart(machine.visible())
}

fn apart(mut tree: Tree) -> Tree {
    tree.0.values_mut().for_each(|node| node.same_as = None);
    tree
}

/// What the base shows with the changes, in a plain directory. A file that is copied up leaves its other names behind.
fn changed(dir: &Path, machine: &Machine) -> Tree {
    let plain = dir.join("plain");
    sh(&format!("cp -a {} {}", machine.usr().display(), plain.display()));
    let (large, other) = (plain.join("lib/large"), plain.join("lib/large-too"));
    sh(&format!("rm {}", large.display()));
    sh(&format!("cp -a {} {}", other.display(), large.display()));
    changes().apply(&plain);
    apart(Tree::read(&plain))
}

struct Case {
    machine: Machine,
    image: Image,
}

impl Case {
    fn new(dir: &Path, edits: &Edits) -> Case {
        let image = Image::build(dir, "A", edits);
        let mut case = Case { machine: Machine::new(dir, Store::Tmpfs(64)), image };
        case.put(&case.image.clone());
        case
    }

    /// Mounts an image as the root, and leaves the link to it.
    fn put(&mut self, image: &Image) {
        self.machine.shutdown();
        if self.is_mounted() {
            self.take();
        }
        image.mount(&self.machine.sysroot, "");
        self.image = image.clone();
        self.link(&image.path);
        self.machine.bare = Tree::read(&self.machine.usr());
    }

    fn is_mounted(&self) -> bool {
        self.machine.usr().join("lib/os-release").exists()
    }

    fn take(&mut self) {
        self.machine.shutdown();
        sh(&format!("umount {}", self.machine.sysroot.display()));
    }

    /// Says where the image is.
    fn link(&self, image: &Path) {
        self.unlink();
        std::os::unix::fs::symlink(image, self.place()).expect("link to the image");
    }

    /// Says it no more.
    fn unlink(&self) {
        if self.place().is_symlink() {
            fs::remove_file(self.place()).expect("remove the link");
        }
    }

    fn place(&self) -> PathBuf {
        self.machine.base_point().with_file_name("image")
    }

    #[track_caller]
    fn boot(&mut self, action: &str, form: &str) -> Boot {
        let boot = self.machine.boot_layer(action);
        self.stands_on(&boot, form);
        boot
    }

    #[track_caller]
    fn stands_on(&self, boot: &Boot, form: &str) {
        let expected = Some((form.to_owned(), Some(form == "flattened")));
        assert_eq!(boot.status.lower, expected, "{}", self.machine.kernel_log());
    }

    /// What the boots have said in this trial of why they are stacked; it is forgotten.
    #[track_caller]
    fn why(&self) -> String {
        let log = self.machine.kernel_log();
        fs::write(self.machine.dir.join("kmsg"), "").expect("empty the log");
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("the base is an overlay")).collect();
        assert!(lines.len() <= 1, "{lines:#?}");
        lines.concat()
    }
}

/// Mounts an overlay on top, as systemd-sysext does; what it shows, if the kernel lets it.
fn extended(machine: &Machine) -> Option<Tree> {
    let (extension, merged) = (machine.dir.join("extension"), machine.dir.join("merged"));
    for dir in [&extension, &merged] {
        fs::create_dir_all(dir).expect("make a directory");
    }
    fs::write(extension.join("extended"), "by the extension").expect("make the extension");
    let lower = format!("lowerdir={}:{}", extension.display(), machine.usr().display());
    let mut mount = Command::new("mount");
    mount.args(["-t", "overlay", "sysext", "-o", &format!("ro,{lower}")]).arg(&merged);
    if !mount.output().expect("start mount").status.success() {
        return None;
    }
    let tree = Tree::read(&merged);
    sh(&format!("umount {}", merged.display()));
    Some(tree)
}

/// No mark that makes a layer depend on the base's data.
#[track_caller]
fn assert_whole(machine: &Machine, boot: &Boot) {
    let upper = Tree::read(&machine.layer(&boot.status.layer().id).join("upper"));
    for (path, node) in &upper.0 {
        for mark in ["trusted.overlay.metacopy", "trusted.overlay.redirect"] {
            assert!(!node.xattrs.contains_key(mark), "{} has {mark}", path.display());
        }
    }
}

/// The names of what `veneer doctor` finds.
fn found(machine: &Machine) -> BTreeSet<String> {
    let done = machine.veneer(&["doctor", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&done.stdout).expect("JSON");
    let all = told["findings"].as_array().expect("findings");
    all.iter().map(|finding| finding["name"].as_str().expect("a name").to_owned()).collect()
}

/// Loop devices of a file, or of those in a directory.
fn loops(path: &Path) -> usize {
    tool(&mut Command::new("losetup")).lines().filter(|line| line.contains(&*path.to_string_lossy())).count()
}

const DOES_NOT_FIT: &str = "sysext-does-not-fit";

fn room(dir: &Path) {
    let mut case = Case::new(dir, &base());
    let expected = changed(dir, &case.machine);
    let before = loops(dir);
    let boot = case.boot("bound", "flattened");
    assert_eq!(loops(dir), before, "loop devices");
    let machine = &case.machine;
    assert_same("an empty layer", &machine.bare, &machine.visible());
    changes().apply(&machine.usr());
    assert_same("the changes", &expected, &seen(machine));
    assert_whole(machine, &boot);
    let merged = extended(machine).expect("an extension fits");
    assert!(merged.get("extended").is_some());
    let merged = merged.without(|path| path == Path::new("extended"));
    assert_same("below the extension", &expected, &apart(merged));
    assert!(!found(machine).contains(DOES_NOT_FIT));
    let status = machine.veneer(&["status"]);
    assert!(!status.stdout.contains("extension"), "{status:?}");
    case.boot("used", "flattened");
    assert_same("the changes after a boot", &expected, &seen(&case.machine));
    case.take();
    assert_eq!(loops(dir), 0, "loop devices are left");
}

/// The image is that of /usr, mounted there.
fn usr_alone(dir: &Path) {
    let mut machine = Machine::new(dir, Store::Dir);
    let tree = dir.join("tree");
    fs::create_dir(&tree).expect("make a directory");
    base().apply(&tree);
    let image = Image::build_of(dir, "A", &tree);
    image.mount(&machine.usr(), "");
    std::os::unix::fs::symlink(&image.path, machine.base_point().with_file_name("image")).expect("link");
    machine.bare = Tree::read(&machine.usr());
    let boot = machine.boot_layer("bound");
    assert_eq!(boot.status.lower, Some(("flattened".into(), Some(true))), "{}", machine.kernel_log());
    assert_same("an empty layer", &machine.bare, &machine.visible());
}

/// A file system whose files the kernel mounts as they are; of those on a tmpfs it wants a loop device.
fn disk(dir: &Path) -> PathBuf {
    let disk = dir.join("disk");
    Store::Ext4(64).mount(&disk);
    sh(&format!("mount -o remount,suid,dev {}", disk.display()));
    disk
}

/// Where the kernel needs no loop device, there is none.
fn on_a_file(dir: &Path) {
    let disk = disk(dir);
    let image = Image::build(&disk, "A", &base());
    let mut case = Case { machine: Machine::new(dir, Store::Dir), image: image.clone() };
    case.put(&image);
    case.boot("bound", "flattened");
    assert_same("an empty layer", &case.machine.bare, &case.machine.visible());
    changes().apply(&case.machine.usr());
    let before = seen(&case.machine);
    case.boot("used", "flattened");
    assert_same("the changes", &before, &seen(&case.machine));
    assert_eq!(loops(&image.path), 0);
}

/// A layer that was made on the parts is mounted on their overlay, as by an older kernel after a rollback, and back.
fn in_turns(dir: &Path) {
    let mut case = Case::new(dir, &base());
    let expected = changed(dir, &case.machine);
    case.boot("bound", "flattened");
    changes().apply(&case.machine.usr());

    case.unlink();
    let boot = case.boot("used", "stacked");
    let machine = &case.machine;
    assert_same("stacked", &expected, &seen(machine));
    assert!(extended(machine).is_none(), "an extension fits, and was said not to");
    assert!(found(machine).contains(DOES_NOT_FIT));
    let status = machine.veneer(&["status"]);
    assert!(status.stdout.contains("a system extension does not fit"), "{status:?}");
    let told = machine.veneer(&["status", "--json"]).stdout;
    Schema::read("status").assert(&serde_json::from_str(&told).expect("JSON"));
    let more = Edits::new()
        .append("lib/large-too", "longer")
        .mode("lib/set", 0o755)
        .append("lib/tagged", "longer")
        .remove("lib/renamed")
        .rename("lib/libtool.so", "lib/link")
        .file("lib/mine/more", "more\n");
    more.apply(&machine.usr());
    assert_whole(machine, &boot);
    let before = seen(machine);
    assert_ne!(before, expected);

    case.link(&case.image.path);
    let boot = case.boot("used", "flattened");
    assert_same("flattened again", &before, &seen(&case.machine));
    Edits::new().mode("lib/tool/old.so", 0o640).append("lib/set", "longer").apply(&case.machine.usr());
    assert_whole(&case.machine, &boot);
    let before = seen(&case.machine);
    case.unlink();
    case.boot("used", "stacked");
    assert_same("stacked again", &before, &seen(&case.machine));
}

/// What a rebase makes depends on the two bases, and not on how the layer was or will be mounted.
fn rebased(dir: &Path) {
    let mut case = Case::new(dir, &base());
    let first = case.image.clone();
    let next =
        Image::build(dir, "B", &second().file("lib/large", vec![8; 200_000]).file("lib/small", "small\n"));
    let saved = dir.join("saved");
    fs::create_dir(&saved).expect("make a directory");
    let copy = |from: &Path, to: &Path| {
        sh(&format!("find {} -mindepth 1 -delete", to.display()));
        sh(&format!("cp -a {}/. {}", from.display(), to.display()));
    };
    let mut results = Vec::new();
    for before in ["flattened", "stacked"] {
        case.put(&first);
        sh(&format!("find {} -mindepth 1 -delete", case.machine.store.display()));
        if before == "stacked" {
            case.unlink();
        }
        case.boot("bound", before);
        changes().apply(&case.machine.usr());
        case.machine.record();
        case.put(&next);
        copy(&case.machine.store, &saved);
        for after in ["flattened", "stacked"] {
            case.machine.shutdown();
            copy(&saved, &case.machine.store);
            if after == "stacked" {
                case.unlink();
            }
            let boot = case.boot("rebased", after);
            assert_whole(&case.machine, &boot);
            results.push((format!("{before}, then {after}"), seen(&case.machine)));
            case.boot("used", after);
            assert_same("after a boot", &results.last().expect("a result").1, &seen(&case.machine));
        }
    }
    let (_, expected) = &results[0];
    let text = |path: &str| fs::read_to_string(case.machine.usr().join(path)).expect("read a file");
    assert_eq!((text("bin/mine"), text("lib/libtool.so.2")), ("mine\n".to_owned(), "two\n".to_owned()));
    for (what, tree) in &results {
        assert_same(what, expected, tree);
    }
}

/// What cannot be shown to be the mounted image is not used.
fn not_proven(dir: &Path) {
    let disk = disk(dir);
    let base = base().time("lib/os-release", 1_600_000_000);
    let image = Image::build(&disk, "A", &base);
    let mut case = Case { machine: Machine::new(dir, Store::Dir), image: image.clone() };
    case.put(&image);
    let other = Image::build(&disk, "B", &second());
    // One letter of os-release is another one, and all else is the same.
    let text = fs::read_to_string(case.machine.usr().join("lib/os-release")).expect("read os-release");
    let text = text.replace("VERSION_ID=1", "VERSION_ID=3");
    let twin = base.file("lib/os-release", text).time("lib/os-release", 1_600_000_000);
    let twin = Image::build(&disk, "C", &twin);
    let noise = disk.join("noise");
    fs::write(&noise, "this is no image").expect("write noise");
    let objects = case.image.objects.clone();
    let devices = loops(dir);
    let (image, mut action) = (case.image.path.clone(), "bound");
    for (what, link, says) in [
        ("no link", None, "cannot open"),
        ("a link to nothing", Some(dir.join("nothing")), "cannot open"),
        ("a link to a directory", Some(dir.to_path_buf()), "cannot mount the image"),
        ("a link to noise", Some(noise), "cannot mount the image"),
        ("another base", Some(other.path), "has another /usr/"),
        ("a twin", Some(twin.path), "has another /usr/lib/os-release"),
        ("no data", Some(image.clone()), "has another /usr/bin/sh"),
    ] {
        println!("{what}");
        case.machine.shutdown();
        case.unlink();
        if let Some(link) = link {
            case.link(&link);
        }
        if what == "no data" {
            sh(&format!("mount -t tmpfs none {}", objects.display()));
        }
        case.boot(action, "stacked");
        let why = case.why();
        assert!(why.contains(says), "{what}: {why}");
        assert_same(what, &case.machine.bare, &case.machine.visible());
        assert_eq!(loops(dir), devices, "loop devices");
        action = "used";
    }
    case.machine.shutdown();
    sh(&format!("umount {}", objects.display()));
    case.boot("used", "flattened");
    assert_eq!(case.why(), "");
}

/// Whichever call fails, the layer is mounted one way or the other.
fn refused(dir: &Path) {
    let mut case = Case::new(dir, &base());
    case.boot("bound", "flattened");
    changes().apply(&case.machine.usr());
    let expected = seen(&case.machine);
    let log = dir.join("strace");
    let log = log.to_str().expect("a plain path");
    let mut boot = |inject: &str| {
        let words = ["strace", "-f", "-qq", "-o", log, &format!("--inject={inject}")];
        let boot = case.machine.boot_by(case.machine.started_by(&words));
        assert!(boot.status.layered, "{inject}: {:?}", boot.status);
        assert_same(inject, &expected, &seen(&case.machine));
        boot.status.lower.expect("the base is an overlay")
    };
    for call in ["fsopen", "move_mount"] {
        let (form, fits) = boot(&format!("{call}:error=ENOSYS"));
        assert_eq!(form, "stacked", "{call}");
        assert_ne!(fits, Some(true), "{call}");
    }
    let mut forms = Vec::new();
    for n in 1..=50 {
        forms.push(boot(&format!("fsconfig:error=ENOMEM:when={n}")));
    }
    for form in ["stacked", "flattened"] {
        assert!(forms.iter().any(|(of, _)| of == form), "{forms:?}");
    }
    assert!(forms.iter().all(|(form, fits)| form == "flattened" || *fits == Some(false)), "{forms:?}");
    assert_eq!(forms.last(), Some(&("flattened".to_owned(), Some(true))));
}

/// As bootc mounts it. Where files are verified, the image has to be as well. (What is not sealed cannot be read then.)
fn bootc(dir: &Path) {
    let disk = dir.join("disk");
    let mut image = Image::build(dir, "A", &base());
    fs::create_dir_all(disk.join("composefs")).expect("make a repository");
    let objects = disk.join("composefs/objects");
    fs::rename(&image.objects, &objects).expect("move the objects");
    image.objects = objects;
    let mut machine = Machine::new(dir, Store::Dir);
    let mount = |machine: &mut Machine, options: &str| {
        image.mount_named(&machine.sysroot, options);
        sh(&format!("mount --bind {} {}/sysroot", disk.display(), machine.sysroot.display()));
        machine.bare = Tree::read(&machine.usr());
    };
    mount(&mut machine, "");
    // Found by its name among the objects, and its name is the base's id.
    let boot = machine.boot_layer("bound");
    assert_eq!(boot.status.base, image.digest);
    assert_eq!(boot.status.lower, Some(("flattened".into(), Some(true))), "{}", machine.kernel_log());
    machine.shutdown();
    sh(&format!("umount -R {}", machine.sysroot.display()));

    mount(&mut machine, ",verity=require");
    let log = dir.join("strace");
    let log = log.to_str().expect("a plain path");
    let cannot = "its files are verified, and its image cannot be";
    // SHA-256, 32 bytes, and a digest: what the kernel would say of a sealed file.
    let other = "ab".repeat(32);
    for (digest, is_known) in [(None, false), (Some(&other), false), (Some(&image.digest), true)] {
        let inject = digest.map(|digest| {
            let bytes = format!("01002000{digest}");
            format!("--inject=ioctl:retval=0:poke_exit=@arg3={bytes}")
        });
        let mut words = vec!["strace", "-f", "-qq", "-o", log];
        words.extend(inject.as_deref());
        let boot = machine.boot_by(machine.started_by(&words));
        assert_eq!(boot.status.lower, Some(("stacked".into(), Some(false))), "{:?}", boot.status);
        let said = machine.kernel_log();
        fs::write(dir.join("kmsg"), "").expect("empty the log");
        assert!(said.contains("the base is an overlay"), "{said}");
        assert_eq!(said.contains(cannot), !is_known, "{digest:?}: {said}");
    }
}

/// A base that has what is left of other overlays in it, such as images of containers.
fn marks(dir: &Path) {
    let marked = base()
        .special("share/images/gone", Special::Char(0, 0))
        .file("share/images/there", "there\n")
        .file("share/images/opaque/file", "in it\n")
        .xattr("share/images/opaque", "trusted.overlay.opaque", "y")
        .xattr("share/images/opaque/file", "trusted.overlay.origin", "odd")
        .file("share/images/moved", "m".repeat(100))
        .xattr("share/images/moved", "trusted.overlay.redirect", "/elsewhere")
        .xattr("share/images/moved", "trusted.overlay.metacopy", "");
    let mut case = Case::new(dir, &marked);
    case.boot("bound", "flattened");
    let machine = &case.machine;
    assert_same("an empty layer", &machine.bare, &machine.visible());
    let images = ["gone", "there", "opaque/file", "moved"].map(|name| Path::new("share/images").join(name));
    let change = |edits: Edits, path: &PathBuf| edits.mode(path, 0o600);
    images.iter().fold(Edits::new().file("share/images/opaque/new", "new\n"), change).apply(&machine.usr());
    let before = seen(machine);
    for path in &images {
        let mut expected = machine.bare.get(path).expect("a file of the base").clone();
        expected.mode = 0o600;
        assert_eq!(before.get(path), Some(&expected), "{}", path.display());
    }
    case.boot("used", "flattened");
    assert_same("the changes after a boot", &before, &seen(&case.machine));
}

/// As ostree-prepare-root(1) leaves it: the base was mounted from below /sysroot, which then moved.
fn ostree(dir: &Path) {
    let (disk, initramfs) = (dir.join("disk"), dir.join("initramfs"));
    let image = Image::build(dir, "A", &base());
    let checksum = "ab".repeat(32);
    let deployment = format!("ostree/deploy/test/deploy/{checksum}.0");
    fs::create_dir_all(disk.join(&deployment)).expect("make a deployment");
    fs::create_dir_all(disk.join("ostree/repo")).expect("make a repository");
    fs::rename(&image.objects, disk.join("ostree/repo/objects")).expect("move the objects");
    fs::copy(&image.path, disk.join(&deployment).join(".ostree.cfs")).expect("copy the image");
    fs::create_dir_all(disk.join("ostree/boot.1/test/x")).expect("make a boot entry");
    let link = disk.join("ostree/boot.1/test/x/0");
    std::os::unix::fs::symlink(format!("../../../deploy/test/deploy/{checksum}.0"), link).expect("link");
    for name in ["usr", "sysroot", "dev", "proc", "tmp", "mnt"] {
        fs::create_dir_all(initramfs.join(name)).expect("make a directory");
    }
    for name in ["lib", "lib64"] {
        std::os::unix::fs::symlink(format!("usr/{name}"), initramfs.join(name)).expect("link into usr");
    }
    let mut machine = Machine::new(dir, Store::Dir);
    let (tools, root, at) = (tree().join("usr"), machine.sysroot.display(), initramfs.display());
    for (from, to) in [(tools.as_path(), "usr"), (&disk, "sysroot"), (Path::new("/dev"), "dev")] {
        sh(&format!("mount --bind {} {at}/{to}", from.display()));
    }
    sh(&format!("mount --bind /proc {at}/proc"));
    sh(&format!(
        "chroot {at} /usr/sbin/mount.composefs -o basedir=/sysroot/ostree/repo/objects \
         /sysroot/{deployment}/.ostree.cfs /mnt"
    ));
    sh(&format!("mount --move {at}/mnt {root}"));
    sh(&format!("mount --bind {} {root}/sysroot", disk.display()));
    machine.say("ostree=/ostree/boot.1/test/x/0");
    machine.bare = Tree::read(&machine.usr());
    let boot = machine.boot_layer("bound");
    assert_eq!(boot.status.base, checksum);
    assert_eq!(boot.status.lower, Some(("flattened".into(), Some(true))), "{}", machine.kernel_log());
    assert_same("an empty layer", &machine.bare, &machine.visible());
    machine.shutdown();
    fs::remove_file(disk.join(&deployment).join(".ostree.cfs")).expect("remove the image");
    let boot = machine.boot_layer("used");
    assert_eq!(boot.status.lower, Some(("stacked".into(), Some(false))));
}
