//! Programs of the base, run by the library in a private root: what they see, how they end, and what they leave.

use std::path::Path;
use std::time::{Duration, Instant};

use veneer::error::Error;
use veneer::packages::program::{Input, Program};
use veneer::tree::Dir;
use veneer_tests::mounts;
use veneer_tests::scenario::{Need, Scenario};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "program_in_a_private_root", needs: &[], run: sees_little },
    Scenario { name: "program_that_fails", needs: &[], run: fails },
    Scenario { name: "program_that_hangs", needs: &[], run: hangs },
    Scenario { name: "program_whose_child_holds_its_input", needs: &[Need::Tool("perl")], run: held },
    Scenario { name: "program_that_leaves_a_child", needs: &[Need::Tool("perl")], run: leaves },
    Scenario { name: "program_without_input", needs: &[], run: starves },
];

/// Runs a shell script on this machine's own /usr, which is the base.
fn run(
    dir: &Path,
    script: &str,
    limit: Duration,
    feed: impl FnOnce(&mut Input<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let usr = Dir::open(Path::new("/usr")).expect("open /usr");
    let work = dir.join("w");
    std::fs::create_dir_all(&work).expect("make a directory");
    let before = mounts::all();
    let work = Dir::open(&work).expect("open it");
    let done = Program { path: "/usr/bin/sh", arguments: &["-c", script], limit }.run(&usr, &work, feed);
    assert_eq!(before, mounts::all(), "mounts of this namespace");
    assert!(Path::new("/etc").exists(), "the root of the other threads");
    done
}

const LONG: Duration = Duration::from_secs(30);

fn sees_little(dir: &Path) {
    let script = "cat > /work/in; ls / > /work/ls; env > /work/env; touch /usr/x 2> /dev/null && exit 1; pwd > /work/pwd";
    // No /dev/null there: a redirection to it would fail, so do without.
    let script = script.replace(" 2> /dev/null", " 2>&1");
    run(dir, &script, LONG, |input| input.write(b"hello")).expect("a program that ends well");
    let said = |name: &str| std::fs::read_to_string(dir.join("w").join(name)).expect("read what it wrote");
    assert_eq!(said("in"), "hello");
    let root = said("ls");
    for name in root.lines() {
        assert!(
            ["bin", "lib", "lib32", "lib64", "libx32", "sbin", "tmp", "usr", "words", "work"].contains(&name),
            "{root}"
        );
    }
    assert_eq!(said("pwd"), "/\n");
    let variables = said("env");
    let known = ["HOME=", "LC_ALL=", "PATH=", "PWD=", "_=", "OLDPWD=", "SHLVL="];
    assert!(variables.lines().all(|line| known.iter().any(|known| line.starts_with(known))), "{variables}");
}

fn fails(dir: &Path) {
    let error = run(dir, "echo no room; exit 3", LONG, |_| Ok(())).expect_err("it failed");
    let said = error.to_string();
    assert!(said.contains("/usr/bin/sh") && said.contains('3') && said.contains("no room"), "{said}");
    let error = run(dir, "cat", LONG, |_| Err(Error::Damaged { path: "x".into(), what: "y".into() }));
    assert!(matches!(error, Err(Error::Damaged { .. })), "our own reason: {error:?}");
}

fn hangs(dir: &Path) {
    let start = Instant::now();
    // Longer than a pipe holds, so that the writer waits, too.
    let much = vec![b'x'; 1 << 20];
    let error = run(dir, "exec sleep 1000", Duration::from_millis(300), |input| input.write(&much));
    assert!(matches!(error, Err(Error::Slow { .. })), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(20));
}

/// Starts a process that has the program's input, too, and leaves its number; then goes on as told. A shell cannot: what it
/// starts in the background reads /dev/null, which is not there. `perl -e` reads it, too.
fn with_a_child(dir: &Path, last: &str) -> String {
    let perl = "if ($p = fork) { open F, '>/work/pid'; print F $p; close F; exec @ARGV } exec 'sleep', '40'";
    std::fs::create_dir_all(dir.join("w")).expect("make a directory");
    std::fs::write(dir.join("w/child"), perl).expect("write a script");
    format!("exec perl /work/child {last}")
}

/// Nothing reads, and no end of the program itself closes the input.
fn held(dir: &Path) {
    let much = vec![b'x'; 1 << 20];
    for last in ["sleep 1000", "true"] {
        let start = Instant::now();
        let error =
            run(dir, &with_a_child(dir, last), Duration::from_millis(500), |input| input.write(&much));
        assert!(matches!(error, Err(Error::Slow { .. })), "{last}: {error:?}");
        assert!(start.elapsed() < Duration::from_secs(20), "{last}: {:?}", start.elapsed());
        assert!(gone(dir), "{last}");
    }
}

fn leaves(dir: &Path) {
    run(dir, &with_a_child(dir, "true"), LONG, |_| Ok(())).expect("a program that ends well");
    assert!(gone(dir));
}

/// Whether the process whose number the program left is no more, a corpse of init's at most.
fn gone(dir: &Path) -> bool {
    let pid = std::fs::read_to_string(dir.join("w/pid")).expect("read its number");
    let stat = Path::new("/proc").join(pid.trim()).join("stat");
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        match std::fs::read_to_string(&stat) {
            Err(_) => return true,
            Ok(stat) if stat.contains(") Z ") => return true,
            Ok(_) if Instant::now() > deadline => return false,
            Ok(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn starves(dir: &Path) {
    let much = vec![b'x'; 1 << 20];
    let error = run(dir, "echo enough; exit 4", LONG, |input| input.write(&much)).expect_err("it failed");
    assert!(error.to_string().contains("enough"), "{error}");
    let error = run(dir, "exit 0", LONG, |input| input.write(&much)).expect_err("not all was read");
    assert!(matches!(error, Error::Tool { .. }), "{error}");
}
