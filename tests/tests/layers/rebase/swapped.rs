//! Types swap, each into each, both ways round: scenario 14.

use veneer_tests::edit::{Edits, Special};

use super::story::{Is, Story};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Type {
    File,
    Dir,
    Link,
    Fifo,
    Device,
}

impl Type {
    fn make(self, edits: Edits, path: &str, whose: &str) -> Edits {
        match self {
            Type::File => edits.file(path, format!("a file of {whose}")).mode(path, 0o640),
            Type::Dir => edits.file(format!("{path}/one"), whose).file(format!("{path}/two/three"), whose),
            Type::Link => edits.symlink(path, format!("link-of-{whose}")),
            Type::Fifo => edits.special(path, Special::Fifo),
            Type::Device => edits.special(path, Special::Char(1, 3)),
        }
    }
}

const TYPES: [Type; 5] = [Type::File, Type::Dir, Type::Link, Type::Fifo, Type::Device];

pub(super) fn types_swap() -> Story {
    let mut story = touched_in_a_directory();
    for users in TYPES {
        for bases in TYPES.into_iter().filter(|bases| *bases != users) {
            // Both brought something; or the user put something else in place of the base's, which the base changed or
            // did not; or the base put something else in place of what the user had edited.
            for (name, a, b) in [
                ("new", None, "B"),
                ("swapped", Some(bases), "B"),
                ("kept", Some(bases), "A"),
                ("edited", Some(users), "B"),
            ] {
                let path = format!("share/t/{name}/{users:?}-{bases:?}");
                story.b = bases.make(story.b, &path, b);
                if let Some(a) = a {
                    story.a = a.make(story.a, &path, "A");
                    story.user = story.user.remove(&path);
                }
                story.user = users.make(story.user, &path, "the user");
                story = match users {
                    Type::Dir => story
                        .row(&format!("{path}/one"), Is::Aside)
                        .row(&format!("{path}/two/three"), Is::Aside),
                    // These have no content to be edited.
                    Type::Fifo | Type::Device if name == "edited" => story.rows(&path, Is::Base, Is::Aside),
                    _ => story.row(&path, Is::Aside),
                };
            }
        }
    }
    story
}

/// Something else in the place of a directory of A: what in it is A's goes, and what is the user's is set aside.
fn touched_in_a_directory() -> Story {
    Story {
        a: Edits::new()
            .file("share/t/old/one", "1")
            .file("share/t/old/two", "2")
            .file("share/t/old/three", "3")
            .file("share/t/old/sub/four", "4")
            .file("share/t/touched", "touched"),
        user: Edits::new()
            .time("share/t/old/one", 1_000_000_000)
            .file("share/t/old/two", "edited")
            .remove("share/t/old/three")
            .mode("share/t/old/sub/four", 0o600)
            .file("share/t/old/mine", "mine")
            .dir("share/t/old/my-empty")
            .mode("share/t/old/my-empty", 0o700)
            .file("share/t/old/my-secrets/x", "x")
            .mode("share/t/old/my-secrets", 0o700)
            .owner("share/t/old/my-secrets", 5, 5)
            .time("share/t/touched", 1_000_000_000),
        b: Edits::new().symlink("share/t/old", "elsewhere").file("share/t/touched/x", "x"),
        ..Story::default()
    }
    .rows("share/t/old/one", Is::Gone, Is::Aside)
    .row("share/t/old/two", Is::Aside)
    .row("share/t/old/three", Is::Gone)
    .rows("share/t/old/sub/four", Is::Gone, Is::Aside)
    .row("share/t/old/mine", Is::Aside)
    .row("share/t/old/my-empty", Is::Aside)
    .row("share/t/old/my-secrets", Is::Aside)
    .row("share/t/old", Is::Base)
    .rows("share/t/touched", Is::Base, Is::Aside)
    .row("share/t/touched/x", Is::Base)
}
