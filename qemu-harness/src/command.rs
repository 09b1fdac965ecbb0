//! Programs that are run for us: each with its output in a log, and in namespaces of its own where it mounts,
//! so that nothing stays mounted and nothing stays running however the harness ends.

use std::path::Path;
use std::process::{Command, Stdio};

use fs_err as fs;

use crate::console::tail;
use crate::error::{Error, Result};

/// A shell script with arguments in its own mount and pid namespace. It ends with the harness, even a killed
/// one: setpriv's signal reaches unshare, unshare's reaches its child, and that child is the namespace's pid 1.
pub(crate) fn isolated(script: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args([
        "--pdeathsig",
        "KILL",
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "--pid",
        "--fork",
    ]);
    command.args(["--kill-child=KILL", "sh", "-euc", script, "sh"]);
    command
}

/// A program inside the chroot `tree`, which finds /proc, /sys, /dev and a /tmp of its own there.
pub(crate) fn in_chroot(tree: &Path) -> Command {
    let mut command = isolated(
        "t=$1; shift
        mount -t proc proc \"$t/proc\"
        mount --rbind /sys \"$t/sys\"
        mount --rbind /dev \"$t/dev\"
        mount -t tmpfs tmpfs \"$t/tmp\"
        exec chroot \"$t\" \"$@\"",
    );
    command.arg(tree).envs([("LC_ALL", "C.UTF-8"), ("DEBIAN_FRONTEND", "noninteractive")]);
    command
}

/// Runs a command with its output in `log`; a failure carries the log's last lines.
pub(crate) fn run(what: &str, command: &mut Command, log: &Path) -> Result<()> {
    let what_log = "opening a log";
    let out = fs::File::create(log).map_err(Error::io(what_log))?;
    let err = out.try_clone().map_err(Error::io(what_log))?;
    command.stdin(Stdio::null()).stdout(out.into_parts().0).stderr(err.into_parts().0);
    let status = command.status().map_err(|source| start_error(what, command, source))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed { what: what.to_owned(), status, log: log.to_owned(), tail: tail(log, 20) })
}

/// Runs a command whatever its exit status, and returns that with its output.
pub(crate) fn output(what: &str, command: &mut Command) -> Result<(bool, String)> {
    let out = command.stdin(Stdio::null()).output().map_err(|source| start_error(what, command, source))?;
    let mut text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&out.stderr));
    Ok((out.status.success(), text))
}

fn start_error(what: &str, command: &Command, source: std::io::Error) -> Error {
    Error::Start {
        what: what.to_owned(),
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    }
}
