//! What only file systems know: hard links, holes, attributes, names of any bytes, and many of them.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use veneer_tests::base::{Base, Form};
use veneer_tests::edit::{Edits, Special};
use veneer_tests::machine::Machine;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::store::{Store, allocated};
use veneer_tests::tree::Tree;

use crate::rebased::rebased;
use crate::stories::{first, second};

const EXT4: &[Need] = &[Need::Tool("mkfs.ext4"), Need::Kernel("ext4")];
const XFS: &[Need] = &[Need::Tool("mkfs.xfs"), Need::Kernel("xfs")];
const BTRFS: &[Need] = &[Need::Tool("mkfs.btrfs"), Need::Kernel("btrfs")];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "awkward_content_on_ext4",
        needs: EXT4,
        run: |d| awkward(d, Form::Dir, Store::Ext4(64)),
    },
    Scenario { name: "awkward_content_on_xfs", needs: XFS, run: |d| awkward(d, Form::Dir, Store::Xfs) },
    Scenario { name: "awkward_content_on_btrfs", needs: BTRFS, run: |d| awkward(d, Form::Dir, Store::Btrfs) },
    Scenario { name: "awkward_content_on_tmpfs", needs: &[], run: |d| awkward(d, Form::Dir, Store::Dir) },
    Scenario { name: "awkward_content_set_aside", needs: EXT4, run: set_aside },
    Scenario { name: "hardlinks_half_copied_up", needs: &[], run: half_copied },
    Scenario { name: "hardlinks_of_links_and_fifos", needs: &[], run: odd_links },
    Scenario { name: "deep_directories", needs: &[], run: deep },
    Scenario { name: "many_entries", needs: EXT4, run: many },
];

/// An ACL that lets user 1000 read, beside the owner, in the kernel's own form.
fn acl() -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0];
    let none = u32::MAX;
    for (tag, permission, id) in
        [(1u16, 6u16, none), (2, 4, 1000), (4, 4, none), (16, 4, none), (32, 0, none)]
    {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permission.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

/// `cap_net_raw+ep`.
const CAPABILITY: [u8; 20] = [1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn awkward_edits(root: &str) -> Edits {
    let at = |name: &str| Path::new(root).join(name);
    let raw = |bytes: &[u8]| Path::new(root).join(OsString::from_vec(bytes.to_vec()));
    Edits::new()
        .file(at("pair-a"), "one inode, three names")
        .hardlink(at("pair-b"), at("pair-a"))
        .hardlink(at("other/pair-c"), at("pair-a"))
        .sparse(at("sparse"), 8 << 20)
        .file(at("attributes"), "x")
        .xattr(at("attributes"), "trusted.one", "1")
        .xattr(at("attributes"), "trusted.empty", "")
        .xattr(at("attributes"), "security.test", [0u8, 255, 10])
        .xattr(at("attributes"), "user.big", [b'v'; 700])
        .file(at("acl"), "x")
        .xattr(at("acl"), "system.posix_acl_access", acl())
        .dir(at("acl-directory"))
        .xattr(at("acl-directory"), "system.posix_acl_default", acl())
        .xattr(at("acl-directory"), "trusted.dir", "d")
        .file(at("ping"), "x")
        .mode(at("ping"), 0o755)
        .xattr(at("ping"), "security.capability", CAPABILITY)
        .file(at("setuid"), "x")
        .owner(at("setuid"), 65534, 1234)
        .mode(at("setuid"), 0o6711)
        .dir(at("sticky"))
        .mode(at("sticky"), 0o3777)
        .owner(at("sticky"), 7, 8)
        .file(raw(&[b'n'; 255]), "long name")
        .symlink(at("long-target"), "t/".repeat(450))
        .symlink(at("owned-link"), "nowhere")
        .owner(at("owned-link"), 3, 4)
        .time(at("owned-link"), 1_000_000_000)
        .file(raw(b"not-utf8-\xff\xfe\xc3"), "x")
        .file(raw(b"new\nline\ttab\\ \"quote' $HOME ;`x`"), "x")
        .file(raw(b"-rf"), "x")
        .special(at("fifo"), Special::Fifo)
        .special(at("socket"), Special::Socket)
        .special(at("device"), Special::Char(1, 3))
        .owner(at("fifo"), 9, 9)
        .file(at("old"), "x")
        .time(at("old"), -5)
        .file(at("empty"), "")
        .file(at("unreadable"), "x")
        .mode(at("unreadable"), 0)
}

fn awkward(dir: &Path, form: Form, store: Store) {
    let edits = awkward_edits("share/mine");
    let rebased = rebased(dir, form, store, &first(), &edits, &second());
    assert!(rebased.outcome.quarantined.is_empty());
    let upper = rebased.machine.layer(&rebased.status.layer().id).join("upper");
    let room = allocated(&upper.join("share/mine/sparse"));
    assert!(room < 1 << 20, "a file of holes takes {room} bytes");
}

/// The same content where B has a say too: all of it is set aside as it was.
fn set_aside(dir: &Path) {
    let b = second().file("share/mine", "a file of B");
    let rebased = rebased(dir, Form::Dir, Store::Ext4(64), &first(), &awkward_edits("share/mine"), &b);
    assert!(rebased.outcome.quarantined.len() > 20);
    let quarantine = rebased.machine.layer(&rebased.status.layer().id).join("quarantine");
    let aside = Tree::read(&quarantine);
    let (sparse, _) =
        aside.0.iter().find(|(path, _)| path.ends_with("mine/sparse")).expect("the file of holes");
    let room = allocated(&quarantine.join(sparse));
    assert!(room < 1 << 20, "a file of holes takes {room} bytes");
    let (pair, _) = aside.0.iter().find(|(path, _)| path.ends_with("mine/pair-b")).expect("the hard link");
    assert!(aside.get(pair).expect("its node").same_as.is_some(), "hard links stay hard links");
}

/// Overlayfs breaks the pair when one half is changed; B has the pair whole or only one of it.
fn half_copied(dir: &Path) {
    let pair = |edits: Edits, text: &str| edits.file("bin/perl", text).hardlink("bin/perl5", "bin/perl");
    let user = Edits::new().file("bin/perl5", "changed").hardlink("bin/mine", "bin/dash");
    rebased(dir, Form::Dir, Store::Dir, &pair(first(), "A"), &user, &pair(second(), "B"));
    let other = dir.join("other");
    std::fs::create_dir(&other).expect("make a directory");
    rebased(&other, Form::Dir, Store::Dir, &pair(first(), "A"), &user, &second().file("bin/perl", "B"));
}

/// Not only files have more than one name.
fn odd_links(dir: &Path) {
    let user = Edits::new()
        .symlink("share/mine/link", "nowhere")
        .hardlink("share/mine/same-link", "share/mine/link")
        .special("share/mine/fifo", Special::Fifo)
        .hardlink("share/mine/same-fifo", "share/mine/fifo");
    rebased(dir, Form::Dir, Store::Dir, &first(), &user, &second());
}

/// Deeper than a path may be long: 40 directories of 200 bytes.
fn deep(dir: &Path) {
    let mut machine = Machine::new(dir, Store::Dir);
    machine.install(&Base::build(dir, "A", Form::Dir, &first()));
    machine.boot_layer("bound");
    let bottom = descend(&machine.usr().join("share"), true);
    let flags = OFlags::WRONLY | OFlags::CREATE;
    openat(&bottom, "file", flags, Mode::from_raw_mode(0o644)).expect("make a file at the bottom");
    drop(bottom);
    machine.shutdown();
    machine.install(&Base::build(dir, "B", Form::Dir, &second()));
    let status = machine.boot_unread();
    if status.layered {
        let bottom = descend(&machine.usr().join("share"), false);
        openat(&bottom, "file", OFlags::RDONLY, Mode::empty()).expect("the file at the bottom");
    } else {
        assert_eq!(status.reason, "rebase-failed", "{status:?}");
    }
}

fn descend(top: &Path, make: bool) -> OwnedFd {
    let flags = OFlags::DIRECTORY | OFlags::PATH;
    let mut at = openat(CWD, top, flags, Mode::empty()).expect("open the top");
    let name = "d".repeat(200);
    for _ in 0..40 {
        if make {
            mkdirat(&at, name.as_str(), Mode::from_raw_mode(0o755)).expect("make a directory");
        }
        at = openat(&at, name.as_str(), flags, Mode::empty()).expect("open a directory");
    }
    at
}

/// Seconds, not minutes.
fn many(dir: &Path) {
    let mut machine = Machine::new(dir, Store::Ext4(1024));
    machine.install(&Base::build(dir, "A", Form::Dir, &first()));
    machine.boot_layer("bound");
    let mut edits = Edits::new();
    for n in 0..20_000 {
        edits = edits.file(PathBuf::from(format!("share/many/{}/{n}", n % 200)), format!("{n}"));
    }
    edits.apply(&machine.usr());
    machine.install(&Base::build(dir, "B", Form::Dir, &second()));
    let shown = Tree::read(&machine.usr());
    let start = Instant::now();
    let boot = machine.boot_layer("rebased");
    println!("20000 entries: {:?} in all, {:?} the program", start.elapsed(), boot.program.took);
    assert!(boot.program.took < Duration::from_secs(15), "{:?}", boot.program.took);
    let now = machine.visible();
    assert_eq!(now.0.len() - shown.0.len(), 20_000 + 200 + 1);
    let start = Instant::now();
    let boot = machine.boot_layer("used");
    println!("used: {:?}, {:?} the program", start.elapsed(), boot.program.took);
    assert!(boot.program.took < Duration::from_millis(500), "the tree is walked? {:?}", boot.program.took);
}
