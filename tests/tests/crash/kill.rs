//! veneer-assemble, killed before every system call of its own that changes something.
//!
//! strace lists the calls of a whole run; then each of them is, in a run of its own on the same store, the one that
//! the program does not live to make. The state after the last one is that of a whole run.

use std::path::Path;
use std::process::Command;

use veneer_tests::machine::{LIMIT, Machine};
use veneer_tests::mounts::{self, Mount};
use veneer_tests::run::{tool, within};
use veneer_tests::status::Status;
use veneer_tests::store::Store;
use veneer_tests::tree::Tree;

use crate::numbers::{note, sample};
use crate::story::{Prepare, Story};

/// Calls that change files, mounts, or what others see of this process. Those with a question mark are not on every
/// architecture.
const CALLS: &str = "?open,?creat,openat,openat2,?mkdir,mkdirat,write,writev,pwrite64,pwritev,pwritev2,fsync,\
    fdatasync,sync,syncfs,sync_file_range,?rename,?renameat,renameat2,?unlink,unlinkat,?rmdir,?mknod,mknodat,\
    ?symlink,symlinkat,?link,linkat,setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr,?chmod,\
    fchmod,fchmodat,?fchmodat2,?chown,?lchown,fchown,fchownat,?utime,?utimes,?futimesat,utimensat,truncate,\
    ftruncate,fallocate,copy_file_range,sendfile,splice,ioctl,mount,umount2,fsopen,fsconfig,fsmount,move_mount,\
    open_tree,?mount_setattr,flock,sendto,sendmsg";

/// A call of a run.
struct Call {
    name: String,
    /// Which of the calls of this name, from 1 on, as strace counts.
    number: usize,
    /// As strace shows it.
    text: String,
}

/// Runs part `part` of `parts` of the story's calls.
pub(crate) fn run(dir: &Path, (name, prepare): (&str, Prepare), part: usize, parts: usize) {
    let mut story = prepare(dir, Machine::new(dir, Store::Dir));
    let start = dir.join("start");
    copy(&story.machine.store, &start);

    let calls = changing_calls(&mut story, dir);
    reset(&story, &start);
    story.machine.boot_layer(story.action);
    let shown = story.visible();
    story.machine.shutdown();
    let chosen: Vec<&Call> = sample(&calls, 15).skip(part).step_by(parts).collect();
    for call in &chosen {
        reset(&story, &start);
        killed(&mut story, call, &shown);
        let what = format!("{name}, killed before {} number {}: {}", call.name, call.number, call.text);
        story.recovers(&what, &shown);
    }
    note(&format!(
        "{name}: {} changing system calls; killed before {} of them (part {} of {parts})",
        calls.len(),
        chosen.len(),
        part + 1
    ));
}

/// The calls of a run that nothing disturbs.
fn changing_calls(story: &mut Story, dir: &Path) -> Vec<Call> {
    let log = dir.join("calls");
    let log_text = log.display().to_string();
    let command = story.machine.started_by(&["strace", "-f", "-qq", "-o", &log_text, "-e", &trace(CALLS)]);
    story.machine.boot_by(command);
    story.machine.shutdown();
    let text = std::fs::read_to_string(&log).expect("read the list of calls");
    let mut seen = std::collections::BTreeMap::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let Some((_, text)) = line.split_once(' ') else { continue };
        let Some((name, arguments)) = text.trim_start().split_once('(') else { continue };
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            continue;
        }
        let number = seen.entry(name.to_owned()).or_insert(0);
        *number += 1;
        // What failed changed nothing, and may not even be tried on the next run's fresh /run.
        if changes(name, arguments) && !arguments.contains(") = -1 E") {
            calls.push(Call { name: name.to_owned(), number: *number, text: text.trim_start().to_owned() });
        }
    }
    assert!(calls.len() > 10, "strace saw only {} changing calls:\n{text}", calls.len());
    calls
}

fn trace(calls: &str) -> String {
    format!("trace={calls}")
}

fn changes(name: &str, arguments: &str) -> bool {
    match name {
        "open" | "openat" | "openat2" => {
            ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TMPFILE"].iter().any(|flag| arguments.contains(flag))
        }
        "ioctl" => arguments.contains("FICLONE"),
        // strace shows calls that it does not know whatever it is asked for; the one that is new to it only tells of a
        // mount.
        _ if name.starts_with("syscall_") => false,
        _ => true,
    }
}

/// The kill, and what everybody sees at that moment: the bare base or the whole layer, nothing in between.
fn killed(story: &mut Story, call: &Call, shown: &Tree) {
    let before = mounts::all();
    let inject = format!("inject={}:signal=SIGKILL:when={}", call.name, call.number);
    let words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace(&call.name), "-e", &inject];
    let done = within(LIMIT, &mut story.machine.started_by(&words));
    assert_eq!(done.code, None, "not killed before {}: {}{}", call.text, done.stdout, done.stderr);
    let visible = story.visible();
    let layered = mounts::at(&story.machine.usr()).is_some_and(|mount| mount.kind == "overlay");
    if !story.bare().differences(&visible).is_empty() {
        let differences = shown.differences(&visible);
        assert!(
            differences.is_empty(),
            "killed before {}, /usr is neither bare nor whole:\n  {}",
            call.text,
            differences.join("\n  ")
        );
    }
    if !layered && story.machine.runtime.join("status.json").exists() {
        // Whoever asks after such a boot is not told that all is well.
        let status = Status::read(&story.machine.runtime);
        assert!(!status.layered, "killed before {}, yet a layer is reported: {status:?}", call.text);
    }
    undo(&before);
}

/// What a power cut does to mounts.
fn undo(before: &[Mount]) {
    for mount in mounts::all().iter().rev().filter(|mount| !before.contains(mount)) {
        rustix::mount::unmount(&mount.point, rustix::mount::UnmountFlags::DETACH)
            .unwrap_or_else(|e| panic!("unmount {}: {e}", mount.point.display()));
    }
}

fn reset(story: &Story, start: &Path) {
    std::fs::remove_dir_all(&story.machine.store).expect("remove the store");
    copy(start, &story.machine.store);
    // /run is new on every boot.
    if story.machine.runtime.exists() {
        std::fs::remove_dir_all(&story.machine.runtime).expect("empty the runtime directory");
    }
}

/// Everything of a tree: devices, links, owners, times and attributes.
fn copy(from: &Path, to: &Path) {
    tool(Command::new("cp").arg("-a").arg(from).arg(to));
}
