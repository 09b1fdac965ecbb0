//! One trial, one process, one mount namespace: nothing leaks into the machine or from trial to trial, so
//! trials run in parallel and a crashed one leaves no mount, loop device or process behind.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::program::program;
use crate::run::{at_most, sh, within};

const NAME: &str = "VENEER_SCENARIO";
const DIR: &str = "VENEER_SCENARIO_DIR";

/// A trial must not hang a CI run. The longest one takes some ten seconds on two cores; `VENEER_LIMIT` names other
/// seconds, for those that were told to take longer.
fn limit() -> Duration {
    let named = std::env::var("VENEER_LIMIT").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(named.unwrap_or(240))
}

/// A named trial.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What the machine must offer beyond root and overlayfs.
    pub needs: &'static [Need],
    /// What is done, in a fresh directory on a tmpfs.
    pub run: fn(&Path),
}

/// Something a machine may lack.
#[derive(Clone, Copy)]
pub enum Need {
    /// A program in the path.
    Tool(&'static str),
    /// A file system of the kernel.
    Kernel(&'static str),
    /// Something else: the function gets it if it can, or says why not. Not within the time of the trial.
    Made(fn() -> Option<String>),
}

/// Runs the scenarios as a test binary does, or the one that the environment names.
pub fn main(scenarios: &[Scenario], programs: &[(&str, &str)]) -> ExitCode {
    if let Some(name) = std::env::var_os(NAME) {
        let scenario = scenarios.iter().find(|s| name == s.name).expect("a scenario of this name");
        return inside(*scenario);
    }
    let arguments = Arguments::from_args();
    let mut environment = Vec::new();
    if !arguments.list {
        for (package, bin) in programs {
            // Another build can be tested: the installed one, for instance.
            let named = std::env::var_os(variable(bin));
            environment
                .push((variable(bin), named.unwrap_or_else(|| program(package, bin).into_os_string())));
        }
    }
    let environment = Arc::new(environment);
    let trials = scenarios.iter().map(|scenario| {
        let (scenario, environment) = (*scenario, Arc::clone(&environment));
        Trial::ignorable_test(scenario.name, move || outside(scenario, &environment))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// The environment variable that names a program: `VENEER_ASSEMBLE` for `veneer-assemble`.
pub fn variable(bin: &str) -> String {
    bin.replace('-', "_").to_uppercase()
}

/// Names the directories of one run.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Starts this program again in namespaces of its own. The PID namespace ends every process of the trial
/// with it: a helper that holds a lock does not survive a failed assertion.
fn outside(scenario: Scenario, environment: &[(String, OsString)]) -> Result<Completion, Failed> {
    if let Some(lack) = lacking(scenario.needs) {
        if std::env::var_os("CI").is_some() {
            return Err(format!("cannot run, and in CI it must: {lack}").into());
        }
        return Ok(Completion::ignored_with(lack));
    }
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("veneer-{}-{number}", std::process::id()));
    fs::create_dir(&dir).map_err(|e| format!("make {}: {e}", dir.display()))?;
    let mut command = isolated();
    command.arg(std::env::current_exe().map_err(|e| format!("find this program: {e}"))?);
    command.env(NAME, scenario.name).env(DIR, &dir).envs(environment.iter().cloned());
    let done = at_most(limit(), &mut command);
    // The mounts went with the namespace: the directory is empty.
    fs::remove_dir(&dir).map_err(|e| format!("{} was not left empty: {e}", dir.display()))?;
    match done.code {
        Some(0) => Ok(Completion::Completed),
        code => {
            Err(format!("ended with {code:?} after {:?}\n{}{}", done.took, done.stdout, done.stderr).into())
        }
    }
}

fn isolated() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command
}

fn inside(scenario: Scenario) -> ExitCode {
    let dir = PathBuf::from(std::env::var_os(DIR).expect("a directory for the scenario"));
    sh(&format!("mount -t tmpfs -o size=4g,mode=0755 scenario {}", dir.display()));
    // What the program says into the kernel's log belongs to the scenario, not to this machine's log.
    let log = dir.join("kmsg");
    fs::write(&log, "").expect("make the kernel log's stand-in");
    sh(&format!("mount --bind {} /dev/kmsg", log.display()));
    (scenario.run)(&dir);
    ExitCode::SUCCESS
}

/// Why a scenario cannot run here.
fn lacking(needs: &[Need]) -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("needs root".into());
    }
    if !kernel_has("overlay") {
        return Some("needs overlayfs in the kernel".into());
    }
    let done = within(Duration::from_secs(10), isolated().arg("true"));
    if done.code != Some(0) {
        return Some(format!("needs a mount namespace: {}", done.stderr.trim()));
    }
    needs.iter().find_map(|need| match need {
        Need::Tool(name) if !in_path(name) => Some(format!("needs the program {name}")),
        Need::Made(make) => make(),
        Need::Kernel(name) if !kernel_has(name) => Some(format!("needs {name} in the kernel")),
        _ => None,
    })
}

/// Whether there is a program of this name.
pub fn in_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(name).exists())
}

/// A file system that is not listed may be a module.
fn kernel_has(name: &str) -> bool {
    let listed = || {
        let text = fs::read_to_string("/proc/filesystems").unwrap_or_default();
        text.split_whitespace().any(|word| word == name)
    };
    // Without modprobe there is nothing to load: the list decides.
    listed() || (Command::new("modprobe").arg(name).output().is_ok() && listed())
}
