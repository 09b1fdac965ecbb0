//! Runs a program of the new base in a [private root](enter_private_root), within a time, on input that is made while it
//! runs. It has no environment and no configuration but the base's own, so that what it does depends on the base and the
//! input alone.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use crate::error::{At as _, Error, Result};
use crate::mount::enter_private_root;
use crate::tree::Dir;

/// Where the program finds the directory that it works in.
pub const WORK: &str = "/work";

/// Where its words go, in its root.
const WORDS: &str = "/words";

/// No more of a program's words than this go into a message, in bytes.
const WORDS_LIMIT: u64 = 2000;

/// How often it is looked whether the program takes more, or has ended.
const BEAT: Duration = Duration::from_millis(1);

/// A program, to be run once.
#[derive(Debug, Clone)]
pub struct Program<'a> {
    /// Its path on the base, from /usr on.
    pub path: &'a str,
    /// Its arguments.
    pub arguments: &'a [&'a str],
    /// How long it may take, with the making of its input.
    pub limit: Duration,
}

/// A running program's input.
#[derive(Debug)]
pub struct Input<'a> {
    program: &'a Program<'a>,
    started: Instant,
    pipe: ChildStdin,
}

impl Input<'_> {
    /// Writes all of `bytes`, waiting for the program to take them as long as its time lasts.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            match self.pipe.write(bytes) {
                Ok(length) => bytes = bytes.get(length..).unwrap_or_default(),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => self.program.wait_a_beat(self.started)?,
                Err(e) if e.kind() == ErrorKind::BrokenPipe => {
                    return Err(self.program.failed("it did not take all of its input".into()));
                }
                Err(e) => return Err(self.program.failed(format!("cannot write to it: {e}"))),
            }
        }
        Ok(())
    }
}

impl Program<'_> {
    /// Runs it on the base at `usr`, with `work` as [`WORK`] and what `feed` writes as its input. Anything but success is
    /// an error, with the program's own words.
    pub fn run(&self, usr: &Dir, work: &Dir, feed: impl FnOnce(&mut Input<'_>) -> Result<()>) -> Result<()> {
        let started = Instant::now();
        // A namespace and a root belong to a thread, so that it must be one of its own; the program inherits them.
        let start = || {
            enter_private_root(usr, work)?;
            self.start()
        };
        let (mut child, words) = thread::scope(|scope| {
            let thread = thread::Builder::new().name("program".into()).spawn_scoped(scope, start);
            let thread = thread.map_err(|e| self.failed(format!("no thread for it: {e}")))?;
            thread.join().unwrap_or_else(|_| Err(self.failed("its thread panicked".into())))
        })?;
        let fed = match child.stdin.take() {
            Some(pipe) => self.feed(started, pipe, feed),
            None => Err(self.failed("it has no input".into())),
        };
        // Whatever there is to say of the input, neither the program nor what it started stays.
        let ended = self.end(&mut child, started, &fed).and_then(|status| self.judge(status, words));
        match (fed, ended) {
            // If the input could not be made, that is the reason; if it was not taken, the program's own words are.
            (Err(error), ended) if !matches!(error, Error::Tool { .. }) || ended.is_ok() => Err(error),
            (_, ended) => ended,
        }
    }

    /// Starts it in this thread's root.
    fn start(&self) -> Result<(Child, File)> {
        let mut open = File::options();
        let words = open.read(true).append(true).create_new(true).open(WORDS).writing(WORDS)?;
        let copy = || words.try_clone().map(Stdio::from).writing(WORDS);
        let mut command = Command::new(self.path);
        command.args(self.arguments).env_clear().process_group(0);
        command.env("LC_ALL", "C").env("PATH", "/usr/bin:/usr/sbin").env("HOME", "/tmp");
        command.stdin(Stdio::piped()).stdout(copy()?).stderr(copy()?);
        let child = command.spawn().map_err(|e| self.failed(format!("cannot start it: {e}")))?;
        Ok((child, words))
    }

    fn feed(
        &self,
        started: Instant,
        pipe: ChildStdin,
        feed: impl FnOnce(&mut Input<'_>) -> Result<()>,
    ) -> Result<()> {
        // So that a program that takes nothing does not hold us beyond its time.
        rustix::fs::fcntl_setfl(&pipe, OFlags::NONBLOCK)
            .map_err(|e| self.failed(format!("cannot prepare its input: {e}")))?;
        feed(&mut Input { program: self, started, pipe })
    }

    /// Waits for its end, or makes one; ends what it started in any case.
    fn end(&self, child: &mut Child, started: Instant, fed: &Result<()>) -> Result<ExitStatus> {
        let waited = match fed {
            Err(Error::Slow { .. }) => Ok(()),
            _ => self.wait(child, started),
        };
        // The program is not waited for yet, so that the number is still its own.
        let ended = rustix::process::kill_process_group(Pid::from_child(child), Signal::KILL);
        ended.map_err(|e| self.failed(format!("cannot end it: {e}")))?;
        let status = child.wait().map_err(|e| self.failed(format!("cannot wait for it: {e}")))?;
        waited.map(|()| status)
    }

    /// Waits until it has ended, and leaves it to be waited for.
    fn wait(&self, child: &Child, started: Instant) -> Result<()> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        loop {
            match rustix::process::waitid(WaitId::Pid(Pid::from_child(child)), options) {
                Ok(Some(_)) => return Ok(()),
                Ok(None) | Err(rustix::io::Errno::INTR) => self.wait_a_beat(started)?,
                Err(e) => return Err(self.failed(format!("cannot wait for it: {e}"))),
            }
        }
    }

    fn judge(&self, status: ExitStatus, mut words: File) -> Result<()> {
        if status.success() {
            return Ok(());
        }
        let mut said = Vec::new();
        words.seek(SeekFrom::Start(0)).reading(WORDS)?;
        words.take(WORDS_LIMIT).read_to_end(&mut said).reading(WORDS)?;
        let said = String::from_utf8_lossy(&said);
        Err(self.failed(format!("{status}: {}", said.trim().replace('\n', "; "))))
    }

    fn wait_a_beat(&self, started: Instant) -> Result<()> {
        if started.elapsed() > self.limit {
            return Err(Error::Slow { what: self.path.into(), seconds: self.limit.as_secs() });
        }
        std::thread::sleep(BEAT);
        Ok(())
    }

    fn failed(&self, what: String) -> Error {
        Error::Tool { program: self.path.into(), what }
    }
}
