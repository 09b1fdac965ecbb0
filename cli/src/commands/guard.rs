//! `veneer guard`, called by units and hooks while /usr is guarded: makes ready what package managers need at every time,
//! and opens /usr to everybody for those that cannot be started by `veneer run`, as long as they live.
//!
//! `open` has systemd start `hold`, which keeps a lock as long as the package manager's process is there. `shut` is what
//! systemd runs when `hold` has ended, by whatever: it takes the last one's lock, and /usr is read-only again.

use std::fs::File;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use veneer::mount::{self, unguard_alone};
use veneer::packages::{DATABASES, Manager};
use veneer::paths;

use crate::args::Options;
use crate::failure::Failure;

/// What is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// At boot.
    Prepare,
    /// By a hook, for the package manager with this process id.
    Open(Pid),
    /// By a hook: it does not need it now.
    Close(Pid),
    /// By a unit.
    Hold(Pid),
    /// By a unit.
    Shut,
}

impl Guard {
    /// From the words of the command line.
    pub(crate) fn parse(words: &[&str]) -> Option<Self> {
        let pid = |text: &str| Pid::from_raw(text.parse().ok().filter(|pid| *pid > 0)?);
        Some(match words {
            ["prepare"] => Guard::Prepare,
            ["shut"] => Guard::Shut,
            ["open", of] => Guard::Open(pid(of)?),
            ["close", of] => Guard::Close(pid(of)?),
            ["hold", of] => Guard::Hold(pid(of)?),
            _ => return None,
        })
    }
}

/// How long a program that outlives its package manager may have a file of /usr open for writing.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// Files that dpkg and apt lock, apt in the mount namespace of everybody. Where nobody can write, apt goes on without.
const LOCKS: [&str; 2] = ["lock", "lock-frontend"];

/// The hook that apt has while /usr is guarded is this one, and a line more.
const APT_HOOK: &str = "etc/apt/apt.conf.d/90veneer";
const APT_LINE: &str =
    "// /usr is guarded: dpkg alone may write to it.\nDir::Bin::dpkg \"/usr/lib/veneer/dpkg\";\n";

/// Whether /usr is guarded in this boot.
pub(crate) fn is_guarded(options: &Options) -> bool {
    options.runtime.join(paths::GUARDED).exists()
}

pub(crate) fn guard(options: &Options, what: Guard) -> Result<String, Failure> {
    if !is_guarded(options) {
        return Ok("/usr is not guarded: there is nothing to do\n".into());
    }
    match what {
        Guard::Prepare => prepare(options),
        // Whoever only asks a package manager something has nothing to open, and no right to.
        Guard::Open(_) | Guard::Close(_) if !rustix::process::geteuid().is_root() => Ok(String::new()),
        Guard::Open(of) => systemctl("start", of),
        Guard::Close(of) => systemctl("stop", of),
        Guard::Hold(of) => hold(options, of),
        Guard::Shut => shut(options),
    }
}

fn systemctl(what: &str, of: Pid) -> Result<String, Failure> {
    let unit = format!("veneer-guard@{}.service", of.as_raw_nonzero());
    let done = Command::new("systemctl").args([what, "--quiet", &unit]).status().map_err(Failure::Output)?;
    if done.success() {
        return Ok(String::new());
    }
    Err(Failure::Missing(format!("`systemctl {what} {unit}` failed; `journalctl -b -u {unit}` knows why")))
}

fn hold(options: &Options, of: Pid) -> Result<String, Failure> {
    let process = match pidfd_open(of, PidfdFlags::empty()) {
        Ok(process) => process,
        Err(Errno::SRCH) => return Ok("the package manager has ended already\n".into()),
        Err(error) => return Err(Failure::Output(error.into())),
    };
    let lock = lock(options)?;
    flock(&lock, FlockOperation::LockShared).map_err(|error| Failure::Output(error.into()))?;
    mount::unguard(&options.root.join("usr"))?;
    tell_ready().map_err(Failure::Output)?;
    let mut ends = [PollFd::new(&process, PollFlags::IN)];
    while let Err(error) = poll(&mut ends, None) {
        if error != Errno::INTR {
            return Err(Failure::Output(error.into()));
        }
    }
    Ok("the package manager has ended\n".into())
}

fn shut(options: &Options) -> Result<String, Failure> {
    let started = Instant::now();
    loop {
        let lock = lock(options)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok("another package manager is at work\n".into()),
            Err(error) => return Err(Failure::Output(error.into())),
        }
        match mount::guard(&options.root.join("usr")) {
            Ok(()) => return Ok("/usr is read-only again\n".into()),
            Err(veneer::Error::Mount { source, .. })
                if source.raw_os_error() == Some(Errno::BUSY.raw_os_error())
                    && started.elapsed() < PATIENCE => {}
            Err(error) => return Err(error.into()),
        }
        // What a package manager that was killed leaves running has a file open. The next one need not wait for that.
        drop(lock);
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Held by everybody for whom /usr is open, and by whoever shuts it.
fn lock(options: &Options) -> Result<File, Failure> {
    let path = options.runtime.join("guard.lock");
    File::options().create(true).append(true).open(path).map_err(Failure::Output)
}

/// sd_notify(3), if systemd asked for it.
fn tell_ready() -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;

    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(Path::new(&path))?,
    };
    UnixDatagram::unbound()?.send_to_addr(b"READY=1", &address).map(drop)
}

fn prepare(options: &Options) -> Result<String, Failure> {
    let usr = options.root.join("usr");
    let mut covered: Vec<(PathBuf, String)> = Vec::new();
    for place in DATABASES.iter().filter(|place| place.manager == Manager::Dpkg) {
        let dir = usr.join(place.dir);
        if dir.is_dir() {
            covered.extend(LOCKS.map(|name| (dir.join(name), String::new())));
        }
    }
    let hook = options.root.join(APT_HOOK);
    if let Ok(text) = std::fs::read_to_string(&hook) {
        covered.push((hook, text + APT_LINE));
    }
    let dir = options.runtime.join("guard");
    std::fs::create_dir_all(&dir).map_err(Failure::Output)?;
    for (target, text) in &covered {
        if mount::is_mount_point(target) == Some(true) {
            continue;
        }
        if !target.exists() {
            make(&usr, target)?;
        }
        let source = dir.join(target.file_name().unwrap_or_default());
        std::fs::write(&source, text).map_err(Failure::Output)?;
        mount::bind(&source, target)?;
    }
    // A line for /usr in fstab may have made it writable.
    shut(options)?;
    Ok("package managers may come\n".into())
}

/// Makes an empty file in /usr.
fn make(usr: &Path, target: &Path) -> Result<(), Failure> {
    let made = std::thread::scope(|scope| {
        let make = || -> Result<(), Failure> {
            unguard_alone(usr)?;
            File::create(target).map(drop).map_err(Failure::Output)
        };
        scope.spawn(make).join()
    });
    made.unwrap_or_else(|_| Err(Failure::Missing(format!("cannot make {}", target.display()))))
}
