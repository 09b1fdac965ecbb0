//! Files of the base that the user edited, and those that were only copied up: scenarios 15 and 16.

use veneer_tests::edit::Edits;

use super::story::{Is, Story};

pub(super) fn edited() -> Story {
    let a = Edits::new()
        .file("share/e/conf", "default = 1\n")
        .file("share/e/other", "default = 2\n")
        .file("share/e/sized", "of A")
        .symlink("share/e/target", "of-A")
        .symlink("share/e/target-changed", "of-A")
        .file("share/e/dropped", "of A")
        .file("share/e/replaced", "of A")
        .file("share/e/replaced-dropped", "of A")
        .file("share/e/agreed", "of A")
        .file("share/e/agreed-tightened", "of A")
        .file("share/e/longer", "of A")
        .file("share/e/emptied", "of A")
        .file("share/e/reverted", "of A")
        .file("share/e/with-mode", "of A");
    let user = Edits::new()
        // As long as B's, and no other.
        .file("share/e/sized", "mine")
        .remove("share/e/target")
        .symlink("share/e/target", "mine")
        .remove("share/e/target-changed")
        .symlink("share/e/target-changed", "mine")
        .file("share/e/conf", "default = user\n")
        .file("share/e/other", "user\n")
        .mode("share/e/other", 0o600)
        .owner("share/e/other", 12, 34)
        .xattr("share/e/other", "trusted.note", "mine")
        .file("share/e/dropped", "edited; B lacks it\n")
        // As editors and package managers do it.
        .file("share/e/.tmp", "mine")
        .rename("share/e/.tmp", "share/e/replaced")
        .file("share/e/.tmp", "mine")
        .rename("share/e/.tmp", "share/e/replaced-dropped")
        .file("share/e/agreed", "the same")
        .file("share/e/agreed-tightened", "the same")
        .append("share/e/longer", " and mine")
        .truncate("share/e/emptied", 0)
        .file("share/e/reverted", "mine")
        .file("share/e/reverted", "of A")
        .file("share/e/with-mode", "mine")
        .mode("share/e/with-mode", 0o755);
    let b = Edits::new()
        .file("share/e/conf", "default = 1\n")
        .file("share/e/other", "default = 3\n")
        .file("share/e/sized", "of B")
        .symlink("share/e/target", "of-A")
        .symlink("share/e/target-changed", "of-B")
        .file("share/e/replaced", "of A")
        .file("share/e/agreed", "the same")
        .file("share/e/agreed-tightened", "the same")
        .mode("share/e/agreed-tightened", 0o600)
        .file("share/e/longer", "of A")
        .file("share/e/emptied", "of A")
        .file("share/e/reverted", "of B")
        .file("share/e/with-mode", "of A")
        .owner("share/e/with-mode", 0, 7);
    Story { a, user, b, ..Story::default() }
        .rows("share/e/conf", Is::Users, Is::Aside)
        .row("share/e/other", Is::Aside)
        .row("share/e/sized", Is::Aside)
        .rows("share/e/target", Is::Users, Is::Aside)
        .row("share/e/target-changed", Is::Aside)
        .rows("share/e/dropped", Is::Users, Is::Aside)
        .rows("share/e/replaced", Is::Users, Is::Aside)
        .row("share/e/replaced-dropped", Is::Users)
        .row("share/e/agreed", Is::Base)
        .rows("share/e/agreed-tightened", Is::Base, Is::Aside)
        .rows("share/e/longer", Is::Users, Is::Aside)
        .rows("share/e/emptied", Is::Users, Is::Aside)
        .rows("share/e/reverted", Is::Base, Is::Aside)
        .rows("share/e/with-mode", Is::UsersContent, Is::Aside)
}

/// Copied up and not changed: no trace is left. Only the mode changed: the mode stays on what B has.
pub(super) fn copied_up() -> Story {
    let names = [
        "touched",
        "touched-changed",
        "touched-dropped",
        "mode",
        "mode-changed",
        "mode-dropped",
        "back",
        "owner",
    ];
    let a = names.iter().fold(Edits::new(), |edits, name| edits.file(format!("share/c/{name}"), "of A"));
    let a = a.file("share/c/dir/x", "x").file("share/c/touched-dir/x", "x").file("share/c/gone-dir/x", "x");
    let old = 1_000_000_000;
    let user = Edits::new()
        .time("share/doc/tool/README", old)
        .time("bin/dash", old)
        .mode("share/doc/tool/README", 0o644)
        .time("share/doc/tool", old)
        .mode("share/doc", 0o755)
        .time("share/c/touched", old)
        .time("share/c/touched-changed", old)
        .time("share/c/touched-dropped", old)
        .mode("share/c/mode", 0o600)
        .mode("share/c/mode-changed", 0o600)
        .mode("share/c/mode-dropped", 0o600)
        .mode("share/c/back", 0o600)
        .mode("share/c/back", 0o644)
        .owner("share/c/owner", 5, 6)
        .mode("share/c/dir", 0o700)
        .time("share/c/touched-dir", old)
        .time("share/c/gone-dir", old)
        .time("share/c/gone-dir/x", old);
    let b = Edits::new()
        .file("share/c/touched", "of A")
        .file("share/c/touched-changed", "of B")
        .file("share/c/mode", "of A")
        .file("share/c/mode-changed", "of B")
        .file("share/c/back", "of B")
        .file("share/c/owner", "of B")
        .file("share/c/dir/x", "x")
        .file("share/c/touched-dir/x", "x");
    Story { a, user, b, ..Story::default() }
        .row("share/doc/tool/README", Is::Base)
        .row("share/doc/tool", Is::Base)
        .row("bin/dash", Is::Base)
        .row("share/c/touched", Is::Base)
        .rows("share/c/touched-changed", Is::Base, Is::Aside)
        .rows("share/c/touched-dropped", Is::Gone, Is::Aside)
        .rows("share/c/mode", Is::BaseWithMode(0o600), Is::Aside)
        .rows("share/c/mode-changed", Is::BaseWithMode(0o600), Is::Aside)
        .rows("share/c/mode-dropped", Is::Gone, Is::Aside)
        .rows("share/c/back", Is::Base, Is::Aside)
        .rows("share/c/dir", Is::Users, Is::Base)
        .row("share/c/touched-dir", Is::Base)
        .row("share/c/gone-dir", Is::Gone)
}
