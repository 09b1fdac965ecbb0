//! What the base adds, and what the user removed: scenarios 11, 12 and 13.

use veneer_tests::edit::Edits;

use super::story::{Is, Story};

/// Directories that the user made, and that the base has, too, now.
pub(super) fn new_files() -> Story {
    Story {
        user: Edits::new()
            .file("lib/plugins/mine.so", "mine")
            .file("share/deep/er/mine", "mine")
            .file("share/doc/tool/mine", "mine")
            .dir("share/empty"),
        b: Edits::new()
            .file("lib/plugins/base.so", "base")
            .file("share/deep/er/base", "base")
            .file("share/deep/base", "base")
            .file("share/doc/tool/base", "base")
            .mode("lib/plugins", 0o750)
            .owner("share/deep", 0, 7),
        ..Story::default()
    }
    .row("lib/plugins", Is::Base)
    .row("lib/plugins/base.so", Is::Base)
    .row("lib/plugins/mine.so", Is::Users)
    .row("share/deep", Is::Base)
    .row("share/deep/base", Is::Base)
    .row("share/deep/er/base", Is::Base)
    .row("share/deep/er/mine", Is::Users)
    .row("share/doc/tool/base", Is::Base)
    .row("share/doc/tool/mine", Is::Users)
    .row("share/empty", Is::Users)
}

/// Directories that the user removed and made again.
pub(super) fn opaque() -> Story {
    let a = Edits::new()
        .file("lib/app/a", "a")
        .file("lib/app/sub/b", "b")
        .file("lib/app/sub/c/d", "d")
        .file("lib/app/c", "c")
        .file("lib/dropped/a", "a")
        .file("lib/emptied/x", "x")
        .file("lib/emptied-dropped/x", "x")
        .file("lib/was-file", "a file of A");
    let again = |edits: Edits, path: &str| edits.remove(path).dir(path);
    let user = Edits::new()
        .remove("lib/app")
        .file("lib/app/mine", "mine")
        .file("lib/app/sub/mine", "mine")
        .file("lib/app/c", "my c")
        .mode("lib/app", 0o700)
        .remove("lib/dropped")
        .file("lib/dropped/mine", "mine")
        .remove("lib/was-file")
        .file("lib/was-file/mine", "mine");
    let user = again(again(user, "lib/emptied"), "lib/emptied-dropped");
    let b = Edits::new()
        .file("lib/app/a", "a of B")
        .file("lib/app/new", "new")
        .file("lib/app/c", "c")
        .file("lib/app/sub/b", "b")
        .file("lib/app/sub/new", "new")
        .file("lib/app/sub/c/d", "d")
        .file("lib/emptied/x", "x")
        .file("lib/emptied/y", "y")
        .file("lib/was-file/of-b", "b");
    Story { a, user, b, ..Story::default() }
        .rows("lib/app", Is::Users, Is::Base)
        .row("lib/app/mine", Is::Users)
        .row("lib/app/sub/mine", Is::Users)
        .row("lib/app/new", Is::Base)
        .row("lib/app/sub/new", Is::Base)
        .rows("lib/app/a", Is::Gone, Is::Base)
        .rows("lib/app/sub/b", Is::Gone, Is::Base)
        .rows("lib/app/sub/c", Is::Gone, Is::Base)
        .rows("lib/app/c", Is::Users, Is::Aside)
        .row("lib/dropped/mine", Is::Users)
        .row("lib/dropped/a", Is::Gone)
        .rows("lib/emptied/x", Is::Gone, Is::Base)
        .row("lib/emptied/y", Is::Base)
        .rows("lib/emptied-dropped", Is::Gone, Is::Users)
        .row("lib/was-file/mine", Is::Users)
        .row("lib/was-file/of-b", Is::Base)
}

/// What the user removed.
pub(super) fn whiteouts() -> Story {
    let a = Edits::new()
        .file("share/w/same", "same")
        .file("share/w/changed", "of A")
        .file("share/w/tightened", "same")
        .file("share/w/gone", "gone")
        .file("share/w/tree/x", "x")
        .file("share/w/tree/y/z", "z")
        .file("share/w/whole/x", "x")
        .file("share/w/whole/y/z", "z")
        .file("share/w/gone-tree/x", "x")
        .file("share/w/becomes-tree", "a file")
        .file("share/w/becomes-link", "a file")
        .file("share/w/becomes-file/x", "x")
        .file("share/w/above/x", "x");
    let names = [
        "same",
        "changed",
        "tightened",
        "gone",
        "tree",
        "whole",
        "gone-tree",
        "becomes-tree",
        "becomes-link",
        "becomes-file",
        "above/x",
    ];
    let user = names.iter().fold(Edits::new(), |edits, name| edits.remove(format!("share/w/{name}")));
    let b = Edits::new()
        .file("share/w/same", "same")
        .file("share/w/changed", "of B")
        .file("share/w/tightened", "same")
        .mode("share/w/tightened", 0o600)
        .file("share/w/tree/x", "x of B")
        .file("share/w/tree/new", "new")
        .file("share/w/tree/y/z", "z")
        .file("share/w/tree/y/new/new", "new")
        .file("share/w/whole/x", "x")
        .file("share/w/whole/y/z", "z")
        .mode("share/w/whole", 0o711)
        .file("share/w/becomes-tree/dir", "a directory")
        .symlink("share/w/becomes-link", "a-link")
        .file("share/w/becomes-file", "a file")
        .file("share/w/above", "a file");
    Story { a, user, b, ..Story::default() }
        .row("share/w/same", Is::Gone)
        .row("share/w/changed", Is::Gone)
        .row("share/w/tightened", Is::Gone)
        .row("share/w/gone", Is::Gone)
        .row("share/w/tree/x", Is::Gone)
        .row("share/w/tree/y/z", Is::Gone)
        .rows("share/w/tree", Is::Base, Is::Gone)
        .rows("share/w/tree/new", Is::Base, Is::Gone)
        .rows("share/w/tree/y/new/new", Is::Base, Is::Gone)
        .row("share/w/whole", Is::Gone)
        .row("share/w/gone-tree", Is::Gone)
        .rows("share/w/becomes-tree/dir", Is::Base, Is::Gone)
        .rows("share/w/becomes-link", Is::Base, Is::Gone)
        .rows("share/w/becomes-file", Is::Base, Is::Gone)
        .row("share/w/above", Is::Base)
}
