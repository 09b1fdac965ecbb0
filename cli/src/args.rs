//! The command's words.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::{Arg, Parser};
use veneer::paths;

/// What the user asked for.
#[derive(Debug)]
pub(crate) enum Args {
    /// Carry out a command.
    Run(Options),
    /// Print this and be done.
    Print(String),
}

/// A command and where it works.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) command: Command,
    pub(crate) json: bool,
    pub(crate) store: PathBuf,
    /// True if the store is where a real boot mounts it.
    pub(crate) store_is_mount: bool,
    pub(crate) runtime: PathBuf,
}

/// The commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Status,
    Layers,
    Retry,
    Bless,
}

const HELP: &str = "\
Usage: veneer [--json] [--root DIR] [--store DIR] [--runtime DIR] COMMAND

  status    what this boot runs on, why, and what to do about it
  layers    the layers in the store
  retry     give layers of this base that were set aside another try at the next boot
  bless     call this boot good (veneer-bless.service does it)

  --json           for programs
  --root DIR       the system (default /)
  --store DIR      where the store is mounted (default ROOT/run/initramfs/veneer/store)
  --runtime DIR    where status.json is (default ROOT/run/veneer)
  --help, --version

Exit status: 0 done, 1 the answer is no, 2 usage, 3 failed.
";

/// Reads the words; the error is a sentence for the user.
pub(crate) fn read(words: impl IntoIterator<Item = OsString>) -> Result<Args, String> {
    let mut parser = Parser::from_args(words);
    let (mut json, mut root, mut store, mut runtime) = (false, PathBuf::from("/"), None, None);
    let mut command = None;
    while let Some(arg) = parser.next().map_err(|e| e.to_string())? {
        let path = |parser: &mut Parser| parser.value().map(PathBuf::from).map_err(|e| e.to_string());
        match arg {
            Arg::Long("json") => json = true,
            Arg::Long("root") => root = path(&mut parser)?,
            Arg::Long("store") => store = Some(path(&mut parser)?),
            Arg::Long("runtime") => runtime = Some(path(&mut parser)?),
            Arg::Long("help") | Arg::Short('h') => return Ok(Args::Print(HELP.into())),
            Arg::Long("version") => {
                return Ok(Args::Print(concat!("veneer ", env!("CARGO_PKG_VERSION"), "\n").into()));
            }
            Arg::Value(word) if command.is_none() => {
                command = Some(match word.to_str() {
                    Some("status") => Command::Status,
                    Some("layers") => Command::Layers,
                    Some("retry") => Command::Retry,
                    Some("bless") => Command::Bless,
                    _ => return Err(format!("there is no command {}", word.to_string_lossy())),
                });
            }
            other => return Err(other.unexpected().to_string()),
        }
    }
    let below = |path: &str| root.join(path.trim_start_matches('/'));
    let Some(command) = command else { return Err("a command is missing".into()) };
    Ok(Args::Run(Options {
        command,
        json,
        store_is_mount: store.is_none(),
        store: store.unwrap_or_else(|| below(paths::STORE)),
        runtime: runtime.unwrap_or_else(|| below(paths::RUNTIME)),
    }))
}
