//! Runs a program of the new base in a [private root](enter_private_root), within a time, on input that is made while it
//! runs. It has no environment and no configuration but the base's own, so that what it does depends on the base and the
//! input alone.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use crate::error::{At as _, Error, Result};
use crate::mount::enter_private_root;
use crate::tree::Dir;

/// Where the program finds the directory that it works in.
pub const WORK: &str = "/work";

/// No more of a program's words than this go into a message, in bytes.
const WORDS_LIMIT: usize = 2000;

/// How often it is looked whether the program has ended.
const BEAT: Duration = Duration::from_millis(2);

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
pub struct Input {
    pipe: ChildStdin,
    program: String,
}

impl Input {
    /// Writes all of `bytes`, waiting for the program to take them.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.pipe.write_all(bytes).map_err(|source| match source.kind() {
            ErrorKind::BrokenPipe => self.closed(),
            _ => Error::Tool { program: self.program.clone(), what: format!("cannot write to it: {source}") },
        })
    }

    fn closed(&self) -> Error {
        Error::Tool { program: self.program.clone(), what: "it did not take all of its input".into() }
    }
}

impl Program<'_> {
    /// Runs it on the base at `usr`, with `work` as [`WORK`] and what `feed` writes as its input. Anything but success is
    /// an error, with the program's own words.
    pub fn run(&self, usr: &Dir, work: &Dir, feed: impl FnOnce(&mut Input) -> Result<()>) -> Result<()> {
        let (send, receive) = channel();
        let (fed, ended) = std::thread::scope(|scope| {
            // The namespace and the root belong to a thread, so it must be one of its own; the program inherits them.
            let watch = std::thread::Builder::new().name("program".into());
            let watch = watch.spawn_scoped(scope, || {
                enter_private_root(usr, work)?;
                self.watch(send)
            });
            let watch = watch.map_err(|e| self.failed(format!("no thread for it: {e}")))?;
            // Nothing comes if the program was not started; why, the thread says.
            let fed = match receive.recv() {
                Ok(mut input) => feed(&mut input),
                Err(_) => Ok(()),
            };
            let ended = watch.join().unwrap_or_else(|_| Err(self.failed("its watcher panicked".into())));
            Ok((fed, ended))
        })?;
        match (fed, ended) {
            // If the input could not be made, that is the reason; if it was not taken, the program's own words are.
            (Err(error), ended) if !matches!(error, Error::Tool { .. }) || ended.is_ok() => Err(error),
            (_, ended) => ended,
        }
    }

    /// Starts it in this thread's root, hands out its input and sees it to its end.
    fn watch(&self, send: Sender<Input>) -> Result<()> {
        let words = File::create_new("/words").writing("/words")?;
        let copy = || words.try_clone().map(Stdio::from).writing("/words");
        let mut command = Command::new(self.path);
        command.args(self.arguments).env_clear();
        command.env("LC_ALL", "C").env("PATH", "/usr/bin:/usr/sbin").env("HOME", "/tmp");
        command.stdin(Stdio::piped()).stdout(copy()?).stderr(copy()?);
        let mut child = command.spawn().map_err(|e| self.failed(format!("cannot start it: {e}")))?;
        if let Some(pipe) = child.stdin.take() {
            // If nobody takes it, it is closed at once, and the program ends.
            let _ = send.send(Input { pipe, program: self.path.into() });
        }
        drop(send);
        let status = self.end(&mut child)?;
        if status.success() {
            return Ok(());
        }
        let mut said = Vec::new();
        File::open("/words").and_then(|mut words| words.read_to_end(&mut said)).reading("/words")?;
        said.truncate(WORDS_LIMIT);
        let said = String::from_utf8_lossy(&said);
        Err(self.failed(format!("{status}: {}", said.trim().replace('\n', "; "))))
    }

    fn end(&self, child: &mut Child) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) => {}
                Err(e) => return Err(self.failed(format!("cannot wait for it: {e}"))),
            }
            if start.elapsed() > self.limit {
                child.kill().map_err(|e| self.failed(format!("cannot end it: {e}")))?;
                child.wait().map_err(|e| self.failed(format!("cannot wait for it: {e}")))?;
                return Err(Error::Slow { what: self.path.into(), seconds: self.limit.as_secs() });
            }
            std::thread::sleep(BEAT);
        }
    }

    fn failed(&self, what: String) -> Error {
        Error::Tool { program: self.path.into(), what }
    }
}
