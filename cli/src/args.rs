//! The command's words.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::{Arg, Parser};
use veneer::paths;

use crate::commands::Guard;
use crate::terminal::Output;

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
#[allow(clippy::struct_excessive_bools)] // switches of a command line
pub(crate) struct Options {
    pub(crate) command: Command,
    pub(crate) json: bool,
    /// Say nothing but what is wrong.
    pub(crate) quiet: bool,
    /// Whether a long list may go through a pager.
    pub(crate) pager: bool,
    pub(crate) store: PathBuf,
    /// True if the store is where a real boot mounts it.
    pub(crate) store_is_mount: bool,
    pub(crate) runtime: PathBuf,
    /// The system.
    pub(crate) root: PathBuf,
    /// The base that the question is about.
    pub(crate) base: Option<PathBuf>,
    pub(crate) dry_run: bool,
    pub(crate) force: bool,
    /// Of `check`: also what becomes of each entry.
    pub(crate) verbose: bool,
    /// Of `reset`: keep the list of packages that the user wanted.
    pub(crate) soft: bool,
    /// Of `refresh`: what must be there before sysinit.target.
    pub(crate) early: bool,
    /// Do not ask.
    pub(crate) yes: bool,
    /// What a command is about: of `use` the layer, of `why` the path.
    pub(crate) word: Option<String>,
    /// Of `run`: the program and its words.
    pub(crate) words: Vec<OsString>,
    /// Of `lint`: the stamp to write.
    pub(crate) stamp: Option<Stamp>,
    /// Of `lint`: where initramfs images are.
    pub(crate) initrd: Vec<PathBuf>,
    /// Warnings count as errors.
    pub(crate) strict: bool,
}

/// What an image's stamp is to say.
#[derive(Debug)]
pub(crate) enum Stamp {
    Random,
    Text(String),
}

impl Options {
    /// What is to be expected on standard output.
    pub(crate) fn output(&self) -> Output {
        let is_list = matches!(self.command, Command::Diff | Command::Layers | Command::Check);
        let is_long = is_list || (self.command == Command::Rebase && self.dry_run);
        Output { is_long: is_long && self.pager && !self.quiet, is_text: !self.json }
    }
}

/// The commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Status,
    Layers,
    Retry,
    Bless,
    Record,
    Rebase,
    Check,
    Refresh,
    Use,
    Reset,
    Gc,
    Diff,
    Why,
    Run,
    Guard(Guard),
    Doctor,
    Lint,
}

const HELP: &str = "\
Usage: veneer [OPTION...] COMMAND

  status                         what this boot runs on, why, and what to do about it
  layers                         the layers in the store
  diff [--base BASE]             every change that the layer makes to its base, or to another one
  why PATH                       where a path comes from, and what a rebase decided about it
  check --base BASE [--verbose] [--force]
                                 what a reboot into that base would do; 1 if something needs a look
  rebase --base BASE [--dry-run] [--force]
                                 derive the layer for that base now, ahead of the reboot
  retry                          give layers of this base that were set aside another try at the next boot
  use ID                         another layer of this base for the next boots
  reset [--soft] [--yes]         an empty layer for the next boot; the one that is there stays until gc
  gc [--dry-run] [--yes]         remove layers that nothing needs any more, after saying which
  doctor [--strict]              what is wrong with this system, and what to do about it; 1 if there is an error
  lint [--stamp[=TEXT]] [--initrd FILE] [--strict]
                                 what an image that is being built lacks; 1 if there is an error
  run [--] COMMAND [WORD...]     a program that may write to /usr where it is guarded

Called by units and hooks:
  bless                          call this boot good
  record                         write down what the layer's base has where the layer shadows it
  refresh [--early] [--dry-run]  after a rebase, make caches and indexes again
  guard prepare|open|close|hold|shut [PID]
                                 /usr for package managers, where it is guarded

  --json           for programs
  -q, --quiet      nothing but errors
  --no-pager       print long lists as they are
  --base BASE      the other base: a directory (its root, or its /usr), an image, a block device, or `staged`
  --dry-run        say what would be done, and do nothing
  --soft           keep the list of packages that were wanted, and say how to install them again
  --verbose        also what becomes of each entry
  --yes            do not ask
  --force          also if that base is another system
  --strict         warnings are errors
  --stamp[=TEXT]   first write into the image which build it is: TEXT, or a random number
  --initrd FILE    look into this initramfs, instead of those in /boot and /usr/lib/modules
  --root DIR       the system (default /)
  --store DIR      where the store is mounted (default ROOT/run/initramfs/veneer/store)
  --runtime DIR    where status.json is (default ROOT/run/veneer)
  -h, --help, --version

Exit status: 0 done, 1 the answer is no, 2 usage, 3 failed. See veneer(8).
";

/// Reads the words; the error is a sentence for the user.
pub(crate) fn read(words: impl IntoIterator<Item = OsString>) -> Result<Args, String> {
    let mut parser = Parser::from_args(words);
    let (mut json, mut root, mut store, mut runtime) = (false, PathBuf::from("/"), None, None);
    let mut command = None;
    let (mut base, mut dry_run, mut force) = (None, false, false);
    let mut words = Vec::new();
    let (mut early, mut quiet, mut yes, mut about) = (false, false, false, None);
    let (mut verbose, mut soft) = (false, false);
    let mut pager = true;
    let (mut stamp, mut initrd, mut strict) = (None, Vec::new(), false);
    while let Some(arg) = parser.next().map_err(|e| e.to_string())? {
        let path = |parser: &mut Parser| parser.value().map(PathBuf::from).map_err(|e| e.to_string());
        match arg {
            Arg::Long("json") => json = true,
            Arg::Long("quiet") | Arg::Short('q') => quiet = true,
            Arg::Long("no-pager") => pager = false,
            Arg::Long("root") => root = path(&mut parser)?,
            Arg::Long("store") => store = Some(path(&mut parser)?),
            Arg::Long("runtime") => runtime = Some(path(&mut parser)?),
            Arg::Long("base") => base = Some(path(&mut parser)?),
            Arg::Long("dry-run") => dry_run = true,
            Arg::Long("force") => force = true,
            Arg::Long("verbose") => verbose = true,
            Arg::Long("soft") => soft = true,
            Arg::Long("early") => early = true,
            Arg::Long("yes") => yes = true,
            Arg::Long("stamp") => stamp = Some(read_stamp(parser.optional_value())?),
            Arg::Long("initrd") => initrd.push(path(&mut parser)?),
            Arg::Long("strict") => strict = true,
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
                    Some("record") => Command::Record,
                    Some("rebase") => Command::Rebase,
                    Some("check") => Command::Check,
                    Some("refresh") => Command::Refresh,
                    Some("use") => Command::Use,
                    Some("reset") => Command::Reset,
                    Some("gc") => Command::Gc,
                    Some("diff") => Command::Diff,
                    Some("why") => Command::Why,
                    Some("doctor") => Command::Doctor,
                    Some("lint") => Command::Lint,
                    Some("run") => Command::Run,
                    Some("guard") => {
                        let words: Vec<OsString> = parser.raw_args().map_err(|e| e.to_string())?.collect();
                        let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
                        Command::Guard(Guard::parse(&words).ok_or("guard what? See veneer(8)")?)
                    }
                    _ => return Err(format!("there is no command {}", word.to_string_lossy())),
                });
            }
            // What follows is the program's own.
            Arg::Value(word) if command == Some(Command::Run) => {
                words.push(word);
                words.extend(parser.raw_args().map_err(|e| e.to_string())?);
            }
            Arg::Value(word) if matches!(command, Some(Command::Use | Command::Why)) && about.is_none() => {
                about = Some(word.to_string_lossy().into_owned());
            }
            other => return Err(other.unexpected().to_string()),
        }
    }
    let below = |path: &str| root.join(path.trim_start_matches('/'));
    let Some(command) = command else { return Err("a command is missing".into()) };
    let options = Options {
        command,
        json,
        quiet,
        pager,
        yes,
        word: about,
        words,
        store_is_mount: store.is_none(),
        store: store.unwrap_or_else(|| below(paths::STORE)),
        runtime: runtime.unwrap_or_else(|| below(paths::RUNTIME)),
        root,
        base,
        dry_run,
        force,
        verbose,
        soft,
        early,
        stamp,
        initrd,
        strict,
    };
    match complaint(&options) {
        Some(complaint) => Err(complaint.into()),
        None => Ok(Args::Run(options)),
    }
}

/// What is missing, or does not go with the command.
fn complaint(options: &Options) -> Option<&'static str> {
    let command = options.command;
    let needs_base = matches!(command, Command::Rebase | Command::Check);
    let complaints = [
        (needs_base && options.base.is_none(), "--base BASE is missing: which base is it to be?"),
        (
            options.base.is_some() && !needs_base && command != Command::Diff,
            "--base goes with rebase, check and diff",
        ),
        (options.force && !needs_base, "--force goes with rebase and check"),
        (
            options.dry_run && !matches!(command, Command::Rebase | Command::Refresh | Command::Gc),
            "--dry-run goes with rebase, refresh and gc",
        ),
        (options.yes && !matches!(command, Command::Reset | Command::Gc), "--yes goes with reset and gc"),
        (options.verbose && command != Command::Check, "--verbose goes with check"),
        (options.soft && command != Command::Reset, "--soft goes with reset"),
        (command == Command::Why && options.word.is_none(), "why what? A path below /usr is missing"),
        (
            command == Command::Use && options.word.is_none(),
            "which layer is it to be? `veneer layers` lists them",
        ),
        (command == Command::Run && options.words.is_empty(), "run what? `veneer run -- COMMAND`"),
        (options.stamp.is_some() && command != Command::Lint, "--stamp goes with lint"),
        (!options.initrd.is_empty() && command != Command::Lint, "--initrd goes with lint"),
        (
            options.strict && !matches!(command, Command::Lint | Command::Doctor),
            "--strict goes with lint and doctor",
        ),
        (options.early && command != Command::Refresh, "--early goes with refresh"),
    ];
    complaints.iter().find(|(applies, _)| *applies).map(|(_, complaint)| *complaint)
}

/// A stamp that a boot can use: one line, and not more than is read of it.
fn read_stamp(value: Option<OsString>) -> Result<Stamp, String> {
    let Some(value) = value else { return Ok(Stamp::Random) };
    let text = value.to_str().map(str::trim).filter(|text| !text.is_empty() && text.len() < 4096);
    match text.filter(|text| !text.contains(char::is_control)) {
        Some(text) => Ok(Stamp::Text(text.to_owned())),
        None => {
            Err("--stamp=TEXT takes one line of at most 4095 bytes; without TEXT it is a random number"
                .into())
        }
    }
}
