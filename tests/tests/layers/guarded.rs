//! A guarded /usr is read-only for everybody, and writable for those who are let in, for as long as they live.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use veneer_tests::base::{Base, Form, system};
use veneer_tests::machine::Machine;
use veneer_tests::scenario::{Scenario, variable};
use veneer_tests::store::Store;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "guarded_for_everybody", needs: &[], run: for_everybody },
    Scenario { name: "guarded_run_may_write", needs: &[], run: run_may_write },
    Scenario { name: "guarded_run_without_guard", needs: &[], run: without_guard },
    Scenario { name: "guarded_open_while_a_process_lives", needs: &[], run: while_a_process_lives },
    Scenario { name: "guarded_two_windows", needs: &[], run: two_windows },
    Scenario { name: "guarded_open_file_delays_shutting", needs: &[], run: open_file },
    Scenario { name: "guarded_locks_and_hook_are_ready", needs: &[], run: prepared },
];

fn machine(dir: &Path, word: &str) -> Machine {
    let mut machine = Machine::new(dir, Store::Tmpfs(16));
    let edits = system("1").file("lib/sysimage/dpkg/lock", "");
    machine.install(&Base::build(dir, "a", Form::Erofs, &edits));
    fs::write(&machine.cmdline, format!("quiet {word}\n")).expect("write the command line");
    machine.boot();
    machine
}

fn guarded(dir: &Path) -> Machine {
    machine(dir, "rd.veneer.mode=guarded")
}

fn veneer(machine: &Machine, words: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os(variable("veneer")).expect("the program under test"));
    command.arg("--root").arg(&machine.sysroot).arg("--store").arg(&machine.store);
    command.arg("--runtime").arg(&machine.runtime).args(words);
    command
}

fn is_open(machine: &Machine) -> bool {
    let path = machine.usr().join("trying");
    match fs::write(&path, "") {
        Ok(()) => {
            fs::remove_file(path).expect("remove what was tried");
            true
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem, "{error}");
            false
        }
    }
}

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn sleeper() -> Child {
    Command::new("sleep").arg("1000").spawn().expect("start a process")
}

fn end(mut child: Child) {
    child.kill().expect("kill");
    child.wait().expect("wait");
}

/// As veneer-guard@.service has it: `hold`, and `shut` when that has ended.
fn window(machine: &Machine, of: &Child) -> Child {
    veneer(machine, &["guard", "hold", &of.id().to_string()])
        .stdout(Stdio::null())
        .spawn()
        .expect("start hold")
}

fn shut(machine: &Machine) {
    let done = veneer(machine, &["guard", "shut"]).stdout(Stdio::null()).status().expect("start shut");
    assert!(done.success(), "shut: {done}");
}

fn for_everybody(dir: &Path) {
    let machine = guarded(dir);
    let path = |name: &str| machine.usr().join(name);
    let refused = [
        fs::write(path("new"), ""),
        fs::create_dir(path("dir")),
        fs::remove_file(path("bin/sh")),
        fs::rename(path("bin/sh"), path("bin/old")),
        fs::hard_link(path("bin/sh"), path("bin/other")),
        fs::OpenOptions::new().append(true).open(path("lib/os-release")).map(drop),
        std::os::unix::fs::symlink("x", path("link")),
        std::os::unix::fs::chown(path("bin"), Some(1), None),
    ];
    for done in refused {
        assert_eq!(done.map_err(|error| error.kind()), Err(ErrorKind::ReadOnlyFilesystem));
    }
    assert!(machine.runtime.join("guarded").exists(), "hooks are not told: {}", machine.kernel_log());
}

fn run_may_write(dir: &Path) {
    let machine = guarded(dir);
    let file = machine.usr().join("written");
    let script = format!("echo ours > {0} && mkdir {0}.d && exit 7", file.display());
    let done = veneer(&machine, &["run", "--", "sh", "-c", &script]).status().expect("start veneer run");
    assert_eq!(done.code(), Some(7), "the program's own exit status");
    assert_eq!(fs::read_to_string(&file).expect("everybody sees what was written"), "ours\n");
    assert!(!is_open(&machine), "after veneer run");

    // While it runs, and after it was killed.
    let script = format!("touch {}.2 && exec sleep 1000", file.display());
    let child = veneer(&machine, &["run", "sh", "-c", &script]).spawn().expect("start veneer run");
    wait_until("it has written", || PathBuf::from(format!("{}.2", file.display())).exists());
    assert!(!is_open(&machine), "for others, while veneer run is at work");
    end(child);
    assert!(!is_open(&machine), "after veneer run was killed");

    let output = veneer(&machine, &["run", "no-such-program"]).output().expect("start veneer run");
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("cannot run no-such-program"), "{text}");
}

fn without_guard(dir: &Path) {
    let machine = machine(dir, "");
    assert!(is_open(&machine));
    let file = machine.usr().join("written");
    let done =
        veneer(&machine, &["run", "--", "touch", &file.display().to_string()]).status().expect("start");
    assert!(done.success() && file.exists());
    for what in [&["guard", "prepare"][..], &["guard", "open", "1"], &["guard", "shut"]] {
        let done = veneer(&machine, what).stdout(Stdio::null()).status().expect("start");
        assert!(done.success(), "{what:?}: {done}");
    }
    assert!(is_open(&machine), "nobody asked for a guard");
}

fn while_a_process_lives(dir: &Path) {
    let machine = guarded(dir);
    let manager = sleeper();
    let mut hold = window(&machine, &manager);
    wait_until("/usr is open", || is_open(&machine));
    // Killed, without a chance to say anything.
    end(manager);
    assert!(hold.wait().expect("wait").success());
    shut(&machine);
    assert!(!is_open(&machine));

    // `hold` itself is killed: systemd shuts all the same.
    let manager = sleeper();
    let hold = window(&machine, &manager);
    wait_until("/usr is open", || is_open(&machine));
    end(hold);
    shut(&machine);
    assert!(!is_open(&machine));
    end(manager);
}

fn two_windows(dir: &Path) {
    let machine = guarded(dir);
    let managers = [sleeper(), sleeper()];
    let mut holds = managers.each_ref().map(|manager| window(&machine, manager));
    wait_until("/usr is open", || is_open(&machine));
    // The second one's lock is taken before it opens, so it is only certain once both are waiting for their ends.
    let waits = |hold: &Child| {
        let text = fs::read_to_string(format!("/proc/{}/wchan", hold.id())).unwrap_or_default();
        text.contains("poll")
    };
    wait_until("both hold", || holds.iter().all(waits));
    let [first, second] = managers;
    end(first);
    holds[0].wait().expect("wait");
    shut(&machine);
    assert!(is_open(&machine), "the second one is still at work");
    end(second);
    holds[1].wait().expect("wait");
    shut(&machine);
    assert!(!is_open(&machine));
}

fn open_file(dir: &Path) {
    let machine = guarded(dir);
    let manager = sleeper();
    let mut hold = window(&machine, &manager);
    wait_until("/usr is open", || is_open(&machine));
    let left = fs::File::create(machine.usr().join("left")).expect("open a file for writing");
    end(manager);
    hold.wait().expect("wait");
    let mut shutting =
        veneer(&machine, &["guard", "shut"]).stdout(Stdio::null()).spawn().expect("start shut");
    std::thread::sleep(Duration::from_millis(300));
    assert!(shutting.try_wait().expect("ask").is_none(), "shut has not waited");
    drop(left);
    assert!(shutting.wait().expect("wait").success());
    assert!(!is_open(&machine));
}

fn prepared(dir: &Path) {
    let machine = guarded(dir);
    let hooks = machine.sysroot.join("etc/apt/apt.conf.d");
    fs::create_dir_all(&hooks).expect("make apt's directory");
    fs::write(hooks.join("90veneer"), "// the hook\n").expect("write the hook");
    let prepare = || {
        let done = veneer(&machine, &["guard", "prepare"]).stdout(Stdio::null()).status().expect("start");
        assert!(done.success(), "prepare: {done}");
    };
    prepare();
    let database = machine.usr().join("lib/sysimage/dpkg");
    // One was there, the other was not.
    for name in ["lock", "lock-frontend"] {
        let lock = database.join(name);
        fs::OpenOptions::new().write(true).truncate(true).open(&lock).expect("open a lock for writing");
        fs::remove_file(&lock).expect_err("it is a mount point");
    }
    let hook = fs::read_to_string(hooks.join("90veneer")).expect("read the hook");
    assert!(hook.starts_with("// the hook\n") && hook.contains("\nDir::Bin::dpkg \""), "{hook}");
    assert!(!is_open(&machine));
    // As after a soft reboot.
    prepare();
    let again = fs::read_to_string(hooks.join("90veneer")).expect("read the hook");
    assert_eq!(again, hook);
    for mounted in [database.join("lock"), database.join("lock-frontend"), hooks.join("90veneer")] {
        rustix::mount::unmount(&mounted, rustix::mount::UnmountFlags::empty()).expect("unmount");
    }
    assert_eq!(fs::read_to_string(hooks.join("90veneer")).expect("read the hook"), "// the hook\n");
}
