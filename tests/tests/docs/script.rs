//! A block of commands as a script, on a machine that is in the situation that it is for. Paths of a running system
//! become those of the machine.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use veneer_tests::base::sparse_file;
use veneer_tests::run::within;
use veneer_tests::scenario::variable;

use crate::ground::{Ground, Situation};
use crate::page::source;

/// Runs the lines; what was said if they fail.
pub(crate) fn run(dir: &Path, lines: &[&str]) -> Result<(), String> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut ground = Ground::new(dir, situation(lines));
    let programs = dir.join("programs");
    stand_ins(&ground, &programs);
    // A partition to make a file system on.
    sparse_file(&dir.join("partition"), 64);
    let text: Vec<String> = lines.iter().map(|line| moved(&ground, dir, line)).collect();
    let path = std::env::var("PATH").unwrap_or_default();
    // Whatever a page says, this machine's own files are not changed by it.
    let script = "mount --options remount,bind,ro / && exec sh -e -c \"$1\"";
    let mut shell = Command::new("unshare");
    shell.args(["--mount", "--propagation", "private", "sh", "-e", "-c", script, "sh", &text.join("\n")]);
    shell.current_dir(dir);
    shell.env("PATH", format!("{}:{path}:/usr/sbin:/sbin", programs.display()));
    let done = within(Duration::from_secs(60), &mut shell);
    if done.code != Some(0) {
        return Err(format!("{:?}\n{}{}", done.code, done.stdout, done.stderr));
    }
    // What was derived for the booted base, the next boot has.
    if lines.iter().any(|line| line.contains("rebase --base /") && !line.contains("/mnt")) {
        ground.machine.say("");
        ground.machine.boot_layer("used");
        assert!(ground.machine.usr().join("bin/mine").exists(), "what the user had is there");
    }
    Ok(())
}

fn situation(lines: &[&str]) -> Situation {
    let has = |words: &str| lines.iter().any(|line| line.contains(words));
    if has("--base / --force") {
        Situation::Foreign
    } else if has("veneer run ") {
        Situation::Guarded
    } else if has("--base /") && !has("--base /mnt") {
        Situation::Pristine
    } else if has("/dev/disk/veneer/store") {
        Situation::Unmounted
    } else {
        Situation::Running
    }
}

/// `veneer` with the machine's places, of which `check` may say no; `sudo`, which root does not need; and `make`, which
/// says what it would do.
fn stand_ins(ground: &Ground, programs: &Path) {
    let machine = &ground.machine;
    let veneer = std::env::var_os(variable("veneer")).expect("the command under test");
    let veneer = format!(
        "code=0; {} --root {} --store {} --runtime {} \"$@\" || code=$?\n[ \"$1$code\" = check1 ] || exit $code\n",
        Path::new(&veneer).display(),
        machine.sysroot.display(),
        machine.store.display(),
        machine.runtime.display()
    );
    let make = format!("exec /usr/bin/make --dry-run -C {} \"$@\"\n", source("").display());
    fs::create_dir(programs).expect("make a directory for programs");
    for (name, text) in [("veneer", veneer.as_str()), ("sudo", "exec \"$@\"\n"), ("make", &make)] {
        let path = programs.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}")).expect("write a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("make it one");
    }
}

/// The line with the machine's paths, and with its layers for those of the same number.
fn moved(ground: &Ground, dir: &Path, line: &str) -> String {
    let machine = &ground.machine;
    let sysroot = machine.sysroot.display().to_string();
    // What the command takes from --root stays as it is; what it runs does not.
    let is_veneer = line.trim_start_matches("sudo ").starts_with("veneer ") && !line.contains(" run -- ");
    let word = |word: &str| -> String {
        let below = |from: &str, to: &Path| Some(format!("{}{}", to.display(), word.strip_prefix(from)?));
        let moved = match word {
            "/" => Some(sysroot.clone()),
            "/mnt" => Some(ground.next.display().to_string()),
            "/proc/cmdline" => Some(machine.cmdline.display().to_string()),
            _ if is_veneer => None,
            "/dev/disk/by-partlabel/veneer" => Some(dir.join("partition").display().to_string()),
            "/dev/disk/veneer/store" => Some(machine.store.with_extension("img").display().to_string()),
            _ => below("/run/initramfs/veneer/store", &machine.store)
                .or_else(|| below("/usr/", &machine.usr().join("")))
                .or_else(|| below("/etc/", &machine.sysroot.join("etc").join(""))),
        };
        let path = moved.unwrap_or_else(|| word.to_owned());
        let part = |part: &str| {
            let number = part.split_once('-').filter(|(number, base)| number.len() == 4 && base.len() == 12);
            number.and_then(|(number, _)| ground.layer(number)).unwrap_or(part).to_owned()
        };
        path.split('/').map(part).collect::<Vec<_>>().join("/")
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}
