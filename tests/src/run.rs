//! Running programs: every one has a time limit, and what it said is in the failure.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::MemfdFlags;

/// What a program did.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// From start to end.
    pub took: Duration,
}

/// Runs a command without input. Fails if it has not ended after `limit`.
#[track_caller]
pub fn within(limit: Duration, command: &mut Command) -> Finished {
    let done = at_most(limit, command);
    assert!(done.took <= limit, "{command:?} still ran after {limit:?}\n{}{}", done.stdout, done.stderr);
    done
}

/// Runs a command without input, and kills it after `limit`.
#[track_caller]
pub fn at_most(limit: Duration, command: &mut Command) -> Finished {
    let (mut out, mut err) = (memory(), memory());
    let stdio = |file: &File| Stdio::from(file.try_clone().expect("duplicate a memory file"));
    command.stdin(Stdio::null()).stdout(stdio(&out)).stderr(stdio(&err));
    let start = Instant::now();
    let mut child = command.spawn().unwrap_or_else(|e| panic!("start {command:?}: {e}"));
    let status = loop {
        if let Some(status) = child.try_wait().unwrap_or_else(|e| panic!("wait for {command:?}: {e}")) {
            break status;
        }
        if start.elapsed() > limit {
            child.kill().unwrap_or_else(|e| panic!("kill {command:?}: {e}"));
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let took = start.elapsed();
    Finished { code: status.code(), stdout: text(&mut out), stderr: text(&mut err), took }
}

/// Runs a tool that must succeed, and returns its output.
#[track_caller]
pub fn tool(command: &mut Command) -> String {
    let done = within(Duration::from_secs(60), command);
    assert_eq!(done.code, Some(0), "{command:?} failed\n{}{}", done.stdout, done.stderr);
    done.stdout
}

/// `tool` with the arguments in one line, for words without blanks.
#[track_caller]
pub fn sh(line: &str) -> String {
    let mut words = line.split_whitespace();
    tool(Command::new(words.next().expect("a program's name")).args(words))
}

fn memory() -> File {
    File::from(rustix::fs::memfd_create("output", MemfdFlags::CLOEXEC).expect("make a memory file"))
}

fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).expect("rewind a memory file");
    file.read_to_end(&mut bytes).expect("read a memory file");
    String::from_utf8_lossy(&bytes).into_owned()
}
