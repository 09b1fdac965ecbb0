//! A store on ext4 that delays allocation, as every new one does, is mounted a second time.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use veneer_tests::base::sparse_file;
use veneer_tests::machine::{LIMIT, Machine, STORE};
use veneer_tests::run::{sh, tool, within};
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::status::Status;
use veneer_tests::store::Store;

use crate::stories::fresh;

const EXT4: &[Need] = &[Need::Tool("mkfs.ext4"), Need::Kernel("ext4")];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "store_allocates_at_once", needs: EXT4, run: at_once },
    Scenario { name: "store_that_others_have_mounted_says_so", needs: EXT4, run: held },
];

/// A machine with a /run for this trial alone, and at the store's place of a real one an ext4 as mke2fs makes it, mounted
/// without more words; and its device, which this keeps.
fn machine(dir: &Path) -> (Machine, File) {
    sh("mount -t tmpfs run /run");
    let machine = fresh(dir, Store::Dir);
    let image = dir.join("store.img");
    sparse_file(&image, 64);
    sh(&format!("mkfs.ext4 -q {}", image.display()));
    fs::create_dir_all(STORE).expect("make the store's mount point");
    tool(Command::new("mount").args(["-t", "ext4", "-o", "loop"]).arg(&image).arg(STORE));
    let device = File::open(device()).expect("open the loop device");
    assert_eq!(allocation(), "delalloc");
    (machine, device)
}

/// What the store is mounted from.
fn device() -> PathBuf {
    sh(&format!("findmnt -no SOURCE {STORE}")).trim().into()
}

/// What the kernel says of its file system.
fn allocation() -> String {
    let name = device().file_name().expect("a device").to_string_lossy().into_owned();
    let options = fs::read_to_string(format!("/proc/fs/ext4/{name}/options")).expect("read the options");
    options.lines().find(|line| line.contains("delalloc")).expect("a word about it").to_owned()
}

/// One boot, with a layer in that store; what was said.
#[track_caller]
fn boot(machine: &Machine) -> String {
    let done = within(LIMIT, &mut machine.assemble_in_place());
    let status = Status::read(&machine.runtime);
    assert!(done.code == Some(0) && status.layered, "{done:?} {status:?}");
    assert!(Path::new(STORE).join("veneer/layers").exists(), "the layer is in the store");
    format!("{}{}", done.stderr, machine.kernel_log())
}

fn at_once(dir: &Path) {
    let (machine, _device) = machine(dir);
    let said = boot(&machine);
    assert_eq!(allocation(), "nodelalloc", "{said}");
}

/// The kernel gives back the file system that the other one has, with its options, and calls that a success.
fn held(dir: &Path) {
    let (machine, _device) = machine(dir);
    let mut other = namespace();
    let said = boot(&machine);
    assert_eq!(allocation(), "delalloc");
    assert!(said.contains("another mount namespace has it"), "{said}");
    drop(other.stdin.take());
    other.wait().expect("the end of the other namespace");
}

/// A process with every mount that there is, for itself; it ends with its input.
fn namespace() -> Child {
    let mut child = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", "echo; exec cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start a process in another namespace");
    let mut ready = [0];
    child.stdout.as_mut().expect("its output").read_exact(&mut ready).expect("wait for it");
    child
}
