//! SELinux labels, which are attributes like others to a kernel without SELinux: where the base is labelled, nothing that
//! Veneer made without a policy stays without a label.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use veneer_tests::base::{Base, Form};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::scenario::Scenario;
use veneer_tests::store::Store;

use crate::stories::{first, mine, second, settled};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "labels_of_the_store", needs: &[], run: of_the_store },
    Scenario { name: "labels_after_a_rebase", needs: &[], run: after_a_rebase },
    Scenario { name: "labels_of_a_base_without", needs: &[], run: of_a_base_without },
];

const LABEL: &str = "security.selinux";
const USR: &str = "system_u:object_r:usr_t:s0\0";
const OTHER: &str = "system_u:object_r:other_t:s0\0";
/// What a kernel with a policy says of a file without a label.
const NONE: &str = "system_u:object_r:unlabeled_t:s0\0";

/// A base whose root, programs and package database have labels of their own.
fn labelled(edits: Edits, root: &str) -> Edits {
    edits.xattr("", LABEL, root).xattr("bin", LABEL, "system_u:object_r:bin_t:s0\0").xattr(
        "bin/tool",
        LABEL,
        "system_u:object_r:tool_exec_t:s0\0",
    )
}

/// The label of each entry of the store.
fn labels(machine: &Machine) -> BTreeMap<PathBuf, Option<String>> {
    let label = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).expect("a label is text");
    let tree = machine.store_tree();
    tree.0.iter().map(|(path, node)| (path.clone(), node.xattrs.get(LABEL).map(label))).collect()
}

/// Entries of Veneer's that have none: the store's own root is not among them.
fn without(machine: &Machine) -> Vec<PathBuf> {
    let all = labels(machine).into_iter().filter(|(_, label)| label.is_none()).map(|(path, _)| path);
    all.filter(|path| path.starts_with("veneer")).collect()
}

/// What `veneer doctor` says, of which other tests know more.
fn doctor(machine: &Machine) -> String {
    machine.veneer(&["doctor"]).stdout
}

fn of_the_store(dir: &Path) {
    let mut machine = Machine::new(dir, Store::Dir);
    machine.install(&Base::build(dir, "A", Form::Dir, &labelled(first(), USR)));
    let id = machine.boot_layer("bound").status.layer().id.clone();
    let layer = Path::new("veneer/layers").join(&id);
    assert_eq!(labels(&machine)[&layer.join("upper")].as_deref(), Some(USR), "the upper's is the base's");

    // The policy of the running system: what it says of a file without a label, and what it gave to files.
    let contexts = machine.sysroot.join("sys/fs/selinux/initial_contexts");
    fs::create_dir_all(&contexts).expect("make a directory");
    fs::write(contexts.join("unlabeled"), NONE).expect("write a file");
    fs::write(contexts.with_file_name("enforce"), "0").expect("write a file");
    Edits::new().xattr("veneer/lock", LABEL, NONE).xattr("veneer/store", LABEL, OTHER).apply(&machine.store);
    mine().apply(&machine.usr());
    machine.record();
    let found = labels(&machine);
    let of = |path: PathBuf| found[&path].clone().unwrap_or_default();
    assert_eq!(of("veneer".into()), USR);
    assert_eq!(of("veneer/lock".into()), USR, "that was none");
    assert_eq!(of("veneer/store".into()), OTHER, "one that is there stays");
    for name in ["", "layer", "trial", "record", "work", "work/work"] {
        assert_eq!(of(layer.join(name)), USR, "{name}");
    }
    // What is made in a running system has its label from the policy, which is not there: here that is the record itself.
    let is_new =
        |path: &PathBuf| path.starts_with(layer.join("upper")) || path.starts_with(layer.join("record"));
    assert!(!doctor(&machine).contains("base-unlabelled"));
    let others: Vec<PathBuf> = without(&machine).into_iter().filter(|path| !is_new(path)).collect();
    assert_eq!(others, Vec::<PathBuf>::new());
    assert!(
        found[&layer.join("upper/bin/mine")].is_none(),
        "what the user has in /usr is the policy's affair"
    );
}

fn after_a_rebase(dir: &Path) {
    let mut machine = Machine::new(dir, Store::Dir);
    machine.install(&Base::build(dir, "A", Form::Dir, &labelled(first(), USR)));
    machine.boot_layer("bound");
    let usr = machine.usr();
    mine().xattr("bin/mine", LABEL, OTHER).remove("share/doc/tool/NEWS").apply(&usr);
    machine.record();

    let b = second().file("sbin/restorecon", "").mode("sbin/restorecon", 0o755);
    machine.install(&Base::build(dir, "B", Form::Dir, &labelled(b, OTHER)));
    let id = machine.boot_layer("rebased").status.layer().id.clone();
    let commands = machine.veneer(&["refresh", "--dry-run"]).stdout;
    assert_eq!(commands.lines().next(), Some("restorecon -i -0 -f -"), "{commands}");

    // In the place of the real one, which needs a policy: it keeps what it is asked.
    let (bin, asked) = (dir.join("fake"), dir.join("asked"));
    fs::create_dir(&bin).expect("make a directory");
    Edits::new()
        .file("restorecon", format!("#!/bin/sh\nexec cat > {}\n", asked.display()))
        .mode("restorecon", 0o755)
        .file("ldconfig", "#!/bin/sh\n")
        .mode("ldconfig", 0o755)
        .apply(&bin);
    let path = format!("PATH={}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let done = machine.veneer_in(&[&path], &["refresh"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let asked = fs::read_to_string(asked).expect("restorecon was run");
    let asked: Vec<&str> = asked.split_terminator('\0').collect();
    for path in ["/usr", "/usr/bin", "/usr/bin/mine", "/usr/bin/me", "/usr/lib/mine/plugin.so"] {
        assert!(asked.contains(&path), "{path}: {asked:?}");
    }
    for path in ["/usr/share/doc/tool/NEWS", "/usr/bin/tool", "/usr/lib/os-release"] {
        assert!(!asked.contains(&path), "{path} is not the layer's: {asked:?}");
    }
    let upper = Path::new("veneer/layers").join(&id).join("upper");
    let found = labels(&machine);
    let of = |path: &str| found[&upper.join(path)].clone();
    assert_eq!(of("").as_deref(), Some(OTHER), "the root's is the new base's");
    assert_eq!(of("bin").as_deref(), Some("system_u:object_r:bin_t:s0\0"));
    assert_eq!(of("bin/mine").as_deref(), Some(OTHER), "one that is there is carried over");
    assert_eq!(of("lib/mine/plugin.so").as_deref(), Some(OTHER), "one that had none has the root's");
    assert!(of("share/doc/tool/NEWS").is_some(), "what hides a file has one, too");
    let ours = |path: &&PathBuf| path.starts_with(Path::new("veneer/layers").join(&id));
    assert_eq!(without(&machine).iter().filter(ours).collect::<Vec<_>>(), Vec::<&PathBuf>::new());
}

fn of_a_base_without(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    machine.boot_layer("used");
    machine.record();
    assert!(!doctor(&machine).contains("base-unlabelled"), "nobody asks for labels");
    let selinux = machine.sysroot.join("sys/fs/selinux");
    fs::create_dir_all(&selinux).expect("make a directory");
    fs::write(selinux.join("enforce"), "0").expect("write a file");
    assert!(doctor(&machine).contains("base-unlabelled"), "{}", doctor(&machine));
    assert!(labels(&machine).values().all(Option::is_none), "{:?}", labels(&machine));
    let b = second().file("sbin/restorecon", "").mode("sbin/restorecon", 0o755);
    machine.install(&Base::build(dir, "B", Form::Dir, &b));
    machine.boot_layer("rebased");
    let commands = machine.veneer(&["refresh", "--dry-run"]).stdout;
    assert!(!commands.contains("restorecon"), "{commands}");
}
