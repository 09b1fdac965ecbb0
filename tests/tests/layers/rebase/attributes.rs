//! What the base tightens, and what both change: scenario 17.

use veneer_tests::edit::Edits;

use super::story::{Is, Story};
use crate::content::{CAPABILITY, acl};

pub(super) fn tightened() -> Story {
    let old = 1_000_000_000;
    let program = |edits: Edits, name: &str, mode: u32| {
        edits.file(format!("bin/{name}"), name).mode(format!("bin/{name}"), mode)
    };
    let programs =
        |edits: Edits, su: u32| program(program(program(edits, "su", su), "ping", 0o755), "passwd", su);
    let a = programs(Edits::new(), 0o4755)
        .file("share/private/x", "x")
        .mode("share/private", 0o777)
        .file("share/shared/x", "x")
        .mode("share/shared", 0o777);
    let user = Edits::new()
        .time("bin/su", old)
        .time("bin/ping", old)
        .file("bin/passwd", "edited")
        .mode("bin/passwd", 0o4755)
        .file("share/private/mine", "mine")
        .mode("share/private", 0o777)
        .mode("share/shared", 0o755);
    let b = programs(Edits::new(), 0o755)
        .xattr("bin/ping", "security.capability", CAPABILITY)
        .file("share/private/x", "x")
        .mode("share/private", 0o700)
        .owner("share/private", 5, 5)
        .file("share/shared/x", "x")
        .mode("share/shared", 0o700);
    Story { a, user, b, ..Story::default() }
        .rows("bin/su", Is::Base, Is::Aside)
        .rows("bin/ping", Is::Base, Is::Aside)
        .rows("bin/passwd", Is::UsersContent, Is::Aside)
        .row("share/private", Is::Base)
        .row("share/private/mine", Is::Users)
        .row("share/shared", Is::Base)
}

/// Each item for itself.
pub(super) fn of_both() -> Story {
    const ACCESS: &str = "system.posix_acl_access";
    let names = ["mode", "owner", "note", "new-note", "acl", "acl-tightened", "acl-of-b", "capability"];
    let files =
        |edits: Edits| names.iter().fold(edits, |edits, name| edits.file(format!("share/m/{name}"), *name));
    let noted =
        |edits: Edits| edits.xattr("share/m/note", "user.one", "1").xattr("share/m/note", "user.two", "2");
    let a = noted(files(Edits::new())).dir("share/m/dir").xattr("share/m/dir", "user.one", "1");
    let user = Edits::new()
        .mode("share/m/mode", 0o755)
        .owner("share/m/owner", 5, 0)
        .unset("share/m/note", "user.one")
        .xattr("share/m/note", "user.two", "mine")
        .xattr("share/m/new-note", "user.three", "3")
        // Overlayfs asks the file system that the file is on whether it has ACLs; squashfs has none.
        .time("share/m/acl", 1_000_000_000)
        .xattr("share/m/acl", ACCESS, acl())
        .time("share/m/acl-tightened", 1_000_000_000)
        .xattr("share/m/acl-tightened", ACCESS, acl())
        .mode("share/m/acl-of-b", 0o600)
        .mode("share/m/capability", 0o755)
        .xattr("share/m/capability", "security.capability", CAPABILITY)
        .xattr("share/m/dir", "user.one", "mine")
        .xattr("share/m/dir", "system.posix_acl_default", acl());
    let b = noted(files(Edits::new()))
        .dir("share/m/dir")
        .xattr("share/m/dir", "user.one", "1")
        .mode("share/m/dir", 0o750)
        .mode("share/m/mode", 0o700)
        .owner("share/m/owner", 0, 6)
        .xattr("share/m/note", "user.two", "base's")
        .file("share/m/new-note", "changed")
        .xattr("share/m/new-note", "user.four", "4")
        .mode("share/m/acl-tightened", 0o600)
        .xattr("share/m/acl-of-b", ACCESS, acl())
        .mode("share/m/acl-of-b", 0o644)
        .owner("share/m/capability", 0, 9);
    Story { a, user, b, ..Story::default() }.rows("share/m/mode", Is::Base, Is::Aside).rows(
        "share/m/acl",
        Is::Users,
        Is::Aside,
    )
}
