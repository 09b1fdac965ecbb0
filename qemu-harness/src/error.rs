//! What can go wrong around the machines. A guest that misbehaves is no error: it is a failed test.

use std::path::PathBuf;

use thiserror::Error;

/// Everything that ends a run early, named for what was being done.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// Chroots, mounts and device nodes need root.
    #[error("must run as root (images are made in chroots): sudo -E cargo run -p qemu-harness -- …")]
    NotRoot,
    /// A program of the host is missing and could not be installed.
    #[error("{program} is missing; install it with: apt-get install {packages}")]
    MissingProgram {
        /// What was looked for in `PATH`.
        program: &'static str,
        /// The packages that have it on Debian and Ubuntu.
        packages: &'static str,
    },
    /// No directory for the cache can be named.
    #[error("no place for images: none of VENEER_CACHE, XDG_CACHE_HOME and HOME is set")]
    NoCache,
    /// A program could not be started at all.
    #[error("{what}: cannot start {program}: {source}")]
    Start {
        /// The step, in words.
        what: String,
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// A program ended with a failure.
    #[error("{what} failed ({status}); log: {}\n{tail}", log.display())]
    Failed {
        /// The step, in words.
        what: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// Where its output is.
        log: PathBuf,
        /// The last lines of its output.
        tail: String,
    },
    /// A file operation of the harness itself. The text names the path.
    #[error("{what}: {source}")]
    Io {
        /// The step, in words.
        what: &'static str,
        /// What the file system said, with the path.
        source: std::io::Error,
    },
    /// A tree that was made lacks something that every base has.
    #[error("{base}: {what}")]
    BadTree {
        /// The base.
        base: &'static str,
        /// What is missing.
        what: String,
    },
    /// The staged install has no dracut module, so that images would boot without Veneer.
    #[error("{} holds no dracut module of Veneer: `make install` did not install it", .0.display())]
    EmptyStage(PathBuf),
    /// A file system image does not fit its partition.
    #[error("{what} has {bytes} bytes, its partition has room for {room}")]
    TooLarge {
        /// The image.
        what: String,
        /// Its size.
        bytes: u64,
        /// The partition's size.
        room: u64,
    },
    /// A name on the command line that is no scenario.
    #[error("no scenario is called {0}; `list` names them")]
    UnknownScenario(String),
    /// Arguments that make no sense.
    #[error("{0}\n{usage}", usage = crate::USAGE)]
    Usage(String),
}

impl Error {
    /// The adapter for `map_err`: says during which step a file operation failed.
    pub(crate) fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}

/// The crate's result.
pub(crate) type Result<T> = std::result::Result<T, Error>;
