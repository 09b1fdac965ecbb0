//! What only file systems know, and the paths that have rules of their own: scenarios 18, 19, 32, 33.

use veneer_tests::base::loader;
use veneer_tests::edit::{Edits, Special};

use super::story::{Is, Story};
use crate::content::awkward_edits;

/// Two bases that differ in nothing but their content and the order of it, so that a file handle of the one names
/// another file of the other.
pub(super) fn renumbered() -> Story {
    let many = |mut edits: Edits, from: usize, step: usize, whose: &str| {
        for n in 0..60 {
            let name = (from + n * step) % 60;
            edits = edits.file(format!("lib/many/{name:02}"), format!("{name} {whose}"));
        }
        edits
    };
    let mut story = Story {
        a: many(Edits::new(), 0, 1, "of A"),
        b: many(Edits::new(), 17, 7, "of B").remove("lib/many/09").remove("lib/many/12"),
        ..Story::default()
    };
    for n in (0..60).step_by(3) {
        let path = format!("lib/many/{n:02}");
        let mine = format!("lib/mine/{n:02}");
        let edits = std::mem::take(&mut story.user);
        story.user = match n % 4 {
            0 => edits.mode(&path, 0o600),
            1 => edits.rename(&path, &mine),
            2 => edits.remove(&path),
            _ => edits.file(&path, "user"),
        };
        story = match n % 4 {
            0 => story,
            1 => story.rows(&mine, Is::Users, Is::Aside),
            2 => story.row(&path, Is::Gone),
            _ => story.row(&path, Is::Aside),
        };
    }
    story
}

/// In a directory of the user's; where the base has something else; and in the base, changed by the user.
pub(super) fn awkward() -> Story {
    let old = [
        "share/old/sparse",
        "share/old/attributes",
        "share/old/unreadable",
        "share/old/setuid",
        "share/old/fifo",
    ];
    let modes = old.iter().fold(Edits::new(), |edits, path| edits.mode(*path, 0o604));
    // mkfs.erofs 1.5 fails at a name of 255 bytes.
    let in_base = || awkward_edits("share/old").remove(format!("share/old/{}", "n".repeat(255)));
    Story {
        a: in_base(),
        user: awkward_edits("share/mine").then(awkward_edits("share/lost")).then(modes),
        b: in_base().file("share/lost", "a file of B"),
        ..Story::default()
    }
    .row("share/mine/acl", Is::Users)
    .row("share/mine/ping", Is::Users)
    .row("share/mine/socket", Is::Users)
    .row("share/lost/acl", Is::Aside)
    .row("share/lost/acl-directory", Is::Aside)
    .row("share/lost/ping", Is::Aside)
    .row("share/lost/fifo", Is::Aside)
    .row("share/lost", Is::Aside)
    .rows("share/old/sparse", Is::BaseWithMode(0o604), Is::Aside)
    .rows("share/old/fifo", Is::BaseWithMode(0o604), Is::Aside)
}

/// Overlayfs breaks a pair when one half is changed; B has the pair whole or only one of it.
pub(super) fn hardlinks() -> Story {
    let pair = |edits: Edits, name: &str, text: &str| {
        edits.file(format!("bin/{name}"), text).hardlink(format!("bin/{name}5"), format!("bin/{name}"))
    };
    let pairs = |text: &str| pair(pair(Edits::new(), "perl", text), "awk", text);
    let user = Edits::new()
        .file("bin/perl5", "changed")
        .file("bin/awk5", "changed")
        .hardlink("bin/my-perl", "bin/perl")
        .symlink("share/links/link", "nowhere")
        .hardlink("share/links/same-link", "share/links/link")
        .special("share/links/fifo", Special::Fifo)
        .hardlink("share/links/same-fifo", "share/links/fifo")
        .hardlink("share/links/far/away", "share/links/link")
        // A pair of which one half stays and the other does not.
        .file("share/links/stays", "mine")
        .hardlink("share/links/goes", "share/links/stays")
        // Three that became one file; B tightens one of them.
        // As editors do it, in a file of its own: of a copied one squashfs shows another inode until it is mounted again.
        .remove("share/same/one")
        .file("share/same/one", "edited")
        .remove("share/same/two")
        .hardlink("share/same/two", "share/same/one")
        .remove("share/same/three")
        .hardlink("share/same/three", "share/same/one");
    let same = |edits: Edits| {
        ["one", "two", "three"]
            .iter()
            .fold(edits, |edits, name| edits.file(format!("share/same/{name}"), "A"))
    };
    let b = pair(Edits::new(), "perl", "B").file("bin/awk", "A").file("share/links/goes", "of B");
    Story { a: same(pairs("A")), user, b: same(b).mode("share/same/two", 0o600), ..Story::default() }
        .row("bin/perl5", Is::Aside)
        // Overlayfs does not say of a name of several that it was copied up.
        .row("bin/awk5", Is::Users)
        .row("bin/my-perl", Is::Users)
        .row("share/links/far/away", Is::Users)
        .row("share/links/stays", Is::Users)
        .row("share/links/goes", Is::Aside)
        .rows("share/same/one", Is::Users, Is::Aside)
        .rows("share/same/two", Is::UsersContent, Is::Aside)
        .rows("share/same/three", Is::Users, Is::Aside)
}

/// A new name of a file of the base. Overlayfs on squashfs shows two inodes until it is mounted again, so this is told
/// on directories alone.
pub(super) fn linked_to_base() -> Story {
    Story {
        a: Edits::new().file("bin/changes", "A"),
        user: Edits::new().hardlink("bin/mine", "bin/dash").hardlink("bin/also-mine", "bin/changes"),
        b: Edits::new().file("bin/changes", "B"),
        ..Story::default()
    }
    .row("bin/dash", Is::Base)
    .rows("bin/mine", Is::Users, Is::Aside)
    .rows("bin/changes", Is::Base, Is::Aside)
    .rows("bin/also-mine", Is::Users, Is::Aside)
}

/// Files that are made from others.
pub(super) fn caches() -> Story {
    let caches = [
        "share/glib-2.0/schemas/gschemas.compiled",
        "share/icons/hicolor/icon-theme.cache",
        "share/applications/mimeinfo.cache",
        "lib/udev/hwdb.bin",
        "lib/python3/__pycache__/base.cpython-313.pyc",
    ];
    let cached =
        |edits: Edits, whose: &str| caches.iter().fold(edits, |edits, path| edits.file(*path, whose));
    let user = cached(Edits::new().file("share/applications/mine.desktop", "mine"), "the user")
        .file("lib/python3/mine.py", "mine")
        .file("lib/python3/__pycache__/mine.cpython-313.pyc", "bytecode of mine")
        .file("share/mime/mime.cache", "B has none")
        .remove("share/icons/hicolor/icon-theme.cache");
    let story = Story {
        a: cached(Edits::new(), "A").file("lib/python3/base.py", "code"),
        user,
        b: cached(Edits::new(), "B").file("lib/python3/base.py", "other"),
        ..Story::default()
    };
    caches
        .iter()
        .fold(story, |story, path| story.row(path, Is::Base))
        .row("share/applications/mine.desktop", Is::Users)
        .row("lib/python3/mine.py", Is::Users)
        .row("lib/python3/__pycache__/mine.cpython-313.pyc", Is::Users)
        .row("share/mime/mime.cache", Is::Gone)
}

/// The base's own, whatever the layer has.
pub(super) fn protected() -> Story {
    let loader = loader();
    let loader = loader.to_str().expect("a plain name");
    let modules = ["unix", "touched", "removed", "same", "swapped", "dropped"];
    let path = |name: &str| format!("lib/security/pam_{name}.so");
    let pam =
        |edits: Edits, whose: &str| modules.iter().fold(edits, |edits, name| edits.file(path(name), whose));
    let user = Edits::new()
        .file(path("unix"), "mine")
        .time(path("touched"), 1_000_000_000)
        .remove(path("removed"))
        .file(path("same"), "B")
        .remove(path("swapped"))
        .symlink(path("swapped"), "pam_mine.so")
        .file(path("dropped"), "mine")
        .file(path("mine"), "mine")
        .append(loader, "and more")
        .remove("lib64/security")
        .remove("lib/arch/security")
        .file("lib/arch/security/mine", "mine");
    let dirs = |edits: Edits| {
        ["lib64/security", "lib/arch/security"].iter().fold(edits, |edits, dir| {
            edits.file(format!("{dir}/pam_base.so"), "base").file(format!("{dir}/other"), "base")
        })
    };
    Story {
        a: dirs(pam(Edits::new(), "A")),
        user,
        b: dirs(pam(Edits::new(), "B").remove(path("dropped"))),
        ..Story::default()
    }
    .row(&path("unix"), Is::Aside)
    .rows(&path("touched"), Is::Base, Is::Aside)
    .row(&path("removed"), Is::Base)
    .row(&path("same"), Is::Base)
    .row(&path("swapped"), Is::Aside)
    .rows(&path("dropped"), Is::Users, Is::Aside)
    .row(&path("mine"), Is::Users)
    .row(loader, Is::Aside)
    .row("lib64/security/pam_base.so", Is::Base)
    .row("lib64/security/other", Is::Gone)
    .row("lib/arch/security/pam_base.so", Is::Base)
    .rows("lib/arch/security/other", Is::Gone, Is::Base)
    .row("lib/arch/security/mine", Is::Users)
}

/// Modules of a kernel that B lacks; of one that it has; and of one that the user brought.
pub(super) fn kernel_modules() -> Story {
    Story {
        a: Edits::new()
            .file("lib/modules/6.1/modules.dep", "A")
            .file("lib/modules/6.1/kernel/a.ko", "a")
            .file("lib/modules/6.2/kernel/a.ko", "a"),
        user: Edits::new()
            .file("lib/modules/6.1/modules.dep", "mine")
            .file("lib/modules/6.1/extra/mine.ko", "mine")
            .remove("lib/modules/6.1/kernel/a.ko")
            .file("lib/modules/6.2/extra/mine.ko", "mine")
            .file("lib/modules/6.9/kernel/mine.ko", "mine"),
        b: Edits::new().file("lib/modules/6.2/kernel/a.ko", "a").file("lib/modules/6.3/kernel/a.ko", "a"),
        ..Story::default()
    }
    .row("lib/modules/6.1/modules.dep", Is::Aside)
    .row("lib/modules/6.1/extra/mine.ko", Is::Aside)
    .row("lib/modules/6.2/extra/mine.ko", Is::Users)
    .rows("lib/modules/6.9/kernel/mine.ko", Is::Users, Is::Aside)
    .row("lib/modules/6.3/kernel/a.ko", Is::Base)
}

/// Names that look like marks, links that lead out, and the marks of an overlay that has its upper in this one.
pub(super) fn names() -> Story {
    let user = Edits::new()
        .file("share/n/.wh.README", "not a whiteout")
        .file("share/n/.wh..wh..opq", "not a mark")
        .file("share/n/#12", "not a work file")
        .file("share/n/quarantine/upper/x", "x")
        .file("share/n/record", "x")
        .file("share/n/tmp.tmp/x", "x")
        .symlink("share/n/up", "../../..")
        .symlink("share/n/loop", "loop")
        .special("share/n/null", Special::Char(1, 3))
        .file("share/inner/upper/dir/x", "x")
        .xattr("share/inner/upper/dir", "trusted.overlay.opaque", "y")
        .xattr("share/inner/upper/dir/x", "trusted.overlay.metacopy", "")
        .xattr("share/inner/upper/dir/x", "trusted.overlay.redirect", "/elsewhere")
        .xattr("share/of-a", "trusted.overlay.opaque", "y");
    let of_a = Edits::new().file("share/of-a/x", "x");
    Story { a: of_a.clone(), user, b: of_a.file("share/inner/upper/dir/of-b", "b"), ..Story::default() }
        .row("share/n/.wh.README", Is::Users)
        .row("share/n/loop", Is::Users)
        .row("share/inner/upper/dir/x", Is::Users)
        .row("share/inner/upper/dir/of-b", Is::Base)
        .rows("share/of-a", Is::Users, Is::Base)
}
