//! The program's arguments.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use lexopt::{Arg, Parser};
use veneer::observe::Places;
use veneer::paths;

/// What the program was asked to do.
#[derive(Debug)]
pub(crate) enum Args {
    /// Assemble the layer, or with `dry_run` only print how.
    Run {
        /// Where things are.
        places: Places,
        /// Stop at the plan.
        dry_run: bool,
    },
    /// Print this and be done.
    Print(String),
}

const HELP: &str = "\
Usage: veneer-assemble [--sysroot DIR] [--store DIR] [--runtime DIR] [--cmdline FILE] [--dry-run]

Mounts the layer that belongs to the booted base over /usr of the real root, from the initramfs.
Exits with 0 for a mounted layer and for a pristine boot alike: status.json in the runtime directory
says which it is and why. Exits with 2 if its arguments are unusable.

  --sysroot DIR    the real root (default /sysroot)
  --store DIR      where the store is mounted (default /run/initramfs/veneer/store)
  --runtime DIR    where status.json goes (default /run/veneer)
  --cmdline FILE   the kernel command line (default /proc/cmdline)
  --dry-run        print what would be done, and do nothing
  --help, --version
";

/// Reads the arguments; the error is a sentence for the user.
pub(crate) fn read(words: impl IntoIterator<Item = OsString>) -> Result<Args, String> {
    let mut parser = Parser::from_args(words);
    let (mut sysroot, mut runtime, mut cmdline) = (None, None, None);
    let (mut store, mut dry_run) = (None, false);
    while let Some(arg) = parser.next().map_err(|e| e.to_string())? {
        let (slot, name) = match arg {
            Arg::Long("sysroot") => (&mut sysroot, "--sysroot"),
            Arg::Long("store") => (&mut store, "--store"),
            Arg::Long("runtime") => (&mut runtime, "--runtime"),
            Arg::Long("cmdline") => (&mut cmdline, "--cmdline"),
            Arg::Long("dry-run") => {
                dry_run = true;
                continue;
            }
            Arg::Long("help") | Arg::Short('h') => return Ok(Args::Print(HELP.into())),
            Arg::Long("version") => {
                return Ok(Args::Print(concat!("veneer-assemble ", env!("CARGO_PKG_VERSION"), "\n").into()));
            }
            other => return Err(other.unexpected().to_string()),
        };
        let value = parser.value().map_err(|e| e.to_string())?;
        if value.is_empty() {
            return Err(format!("{name} needs a path"));
        }
        *slot = Some(absolute(Path::new(&value))?);
    }
    let or = |path: Option<PathBuf>, default: &str| path.unwrap_or_else(|| default.into());
    let places = Places {
        root: std::env::var_os("VENEER_ROOT").map_or_else(|| "/".into(), PathBuf::from),
        sysroot: or(sysroot, paths::SYSROOT),
        // Somebody who names a directory means that directory.
        store_is_mount: store.is_none(),
        store: or(store, paths::STORE),
        runtime: or(runtime, paths::RUNTIME),
        cmdline: or(cmdline, paths::CMDLINE),
    };
    Ok(Args::Run { places, dry_run })
}

/// Paths end up in mount options and in messages: both outlive the working directory.
fn absolute(path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|e| format!("{}: {e}", path.display()))
}
