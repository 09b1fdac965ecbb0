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

use crate::rebased::{Ground, rebased};
use crate::stories::{first, second};

const EXT4: &[Need] = &[Need::Tool("mkfs.ext4"), Need::Kernel("ext4")];
const XFS: &[Need] = &[Need::Tool("mkfs.xfs"), Need::Kernel("xfs")];
const BTRFS: &[Need] = &[Need::Tool("mkfs.btrfs"), Need::Kernel("btrfs")];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "awkward_content_on_ext4", needs: EXT4, run: |d| awkward(d, Store::Ext4(64)) },
    Scenario { name: "awkward_content_on_xfs", needs: XFS, run: |d| awkward(d, Store::Xfs) },
    Scenario { name: "awkward_content_on_btrfs", needs: BTRFS, run: |d| awkward(d, Store::Btrfs) },
    Scenario { name: "awkward_content_on_tmpfs", needs: &[], run: |d| awkward(d, Store::Dir) },
    Scenario { name: "awkward_content_set_aside", needs: EXT4, run: set_aside },
    Scenario { name: "deep_directories", needs: &[], run: deep },
    Scenario { name: "many_entries", needs: EXT4, run: many },
];

/// An ACL that lets user 1000 read, beside the owner, in the kernel's own form.
pub(crate) fn acl() -> Vec<u8> {
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
pub(crate) const CAPABILITY: [u8; 20] = [1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

pub(crate) fn awkward_edits(root: &str) -> Edits {
    let at = |name: &str| Path::new(root).join(name);
    let raw = |bytes: &[u8]| Path::new(root).join(OsString::from_vec(bytes.to_vec()));
    Edits::new()
        .file(at("pair-a"), "one inode, three names")
        .hardlink(at("pair-b"), at("pair-a"))
        .hardlink(at("other/pair-c"), at("pair-a"))
        .sparse(at("sparse"), 3 << 20)
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

/// What a rebase copies takes no more room than it took.
fn awkward(dir: &Path, store: Store) {
    let a = first().sparse("share/sparse", 3 << 20);
    let user = awkward_edits("share/mine").mode("share/sparse", 0o600);
    let ground = Ground { form: Form::Dir, store, recorded: true };
    let (machine, id) = rebased(dir, ground, &a, &user, &second().sparse("share/sparse", 3 << 20));
    let upper = machine.layer(&id).join("upper");
    for path in ["share/mine/sparse", "share/sparse"] {
        let room = allocated(&upper.join(path));
        assert!(room < 1 << 20, "a file of holes takes {room} bytes: {path}");
    }
}

/// The same content where B has a say too: all of it is set aside as it was.
fn set_aside(dir: &Path) {
    let b = second().file("share/mine", "a file of B");
    let ground = Ground { form: Form::Dir, store: Store::Ext4(64), recorded: false };
    let (machine, id) = rebased(dir, ground, &first(), &awkward_edits("share/mine"), &b);
    let quarantine = machine.layer(&id).join("quarantine");
    let aside = Tree::read(&quarantine);
    let (sparse, _) =
        aside.0.iter().find(|(path, _)| path.ends_with("mine/sparse")).expect("the file of holes");
    let room = allocated(&quarantine.join(sparse));
    assert!(room < 1 << 20, "a file of holes takes {room} bytes");
    let (pair, _) = aside.0.iter().find(|(path, _)| path.ends_with("mine/pair-b")).expect("the hard link");
    assert!(aside.get(pair).expect("its node").same_as.is_some(), "hard links stay hard links");
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
