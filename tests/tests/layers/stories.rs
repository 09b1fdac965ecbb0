//! What several scenarios begin with.

use std::path::Path;

use veneer_tests::base::{Base, Form, system};
use veneer_tests::edit::Edits;
use veneer_tests::machine::{Boot, Machine};
use veneer_tests::status::Status;
use veneer_tests::store::Store;
use veneer_tests::tree::assert_same;

/// The first base: version 1 of the system and some files.
pub(crate) fn first() -> Edits {
    system("1")
        .file("bin/tool", "tool of A\n")
        .mode("bin/tool", 0o755)
        .file("share/doc/tool/README", "read me\n")
        .file("share/doc/tool/NEWS", "news of A\n")
        .file("lib/tool/old.so", "only A has this\n")
        .symlink("lib/libtool.so", "libtool.so.1")
        .file("lib/libtool.so.1", "one\n")
}

/// The second one: other versions, a file more, a file less.
pub(crate) fn second() -> Edits {
    system("2")
        .file("bin/tool", "tool of B\n")
        .mode("bin/tool", 0o755)
        .file("share/doc/tool/README", "read me\n")
        .file("share/doc/tool/NEWS", "news of B\n")
        .file("lib/tool/new.so", "only B has this\n")
        .symlink("lib/libtool.so", "libtool.so.2")
        .file("lib/libtool.so.2", "two\n")
}

/// What the user installs: files in directories of the base and in new ones.
pub(crate) fn mine() -> Edits {
    Edits::new()
        .file("bin/mine", "mine\n")
        .mode("bin/mine", 0o755)
        .file("lib/mine/plugin.so", "plugin\n")
        .file("share/doc/mine/README", "mine\n")
        .symlink("bin/me", "mine")
}

/// A machine on the first base (a plain directory) with an empty store.
pub(crate) fn fresh(dir: &Path, store: Store) -> Machine {
    let mut machine = Machine::new(dir, store);
    let base = Base::build(dir, "A", Form::Dir, &first());
    machine.install(&base);
    machine
}

/// A machine that has booted the first base once, with the user's files in a layer, switched off.
pub(crate) fn settled(dir: &Path, store: Store) -> (Machine, Boot) {
    let mut machine = fresh(dir, store);
    let boot = machine.boot_layer("bound");
    mine().apply(&machine.usr());
    machine.shutdown();
    (machine, boot)
}

/// Boots pristine for one of these reasons, with the whole store as it was, but for who holds the lock.
#[track_caller]
pub(crate) fn refused(machine: &mut Machine, reasons: &[&str]) -> Status {
    machine.shutdown();
    let store = |machine: &Machine| machine.store_tree().without(|path| path == Path::new("veneer/lock"));
    let before = store(machine);
    let boot = machine.boot_pristine(reasons);
    assert_same("the store after a refusal", &before, &store(machine));
    boot.status
}
