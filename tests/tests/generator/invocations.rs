//! How veneer-generator is called and what cannot be kept in git: exit statuses, FIFOs, files of a mebibyte.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use rustix::fs::{CWD, FileType, Mode};

use super::tree::{Scratch, Tree};

type Invocation = fn() -> Result<(), Failed>;

pub(crate) fn trials() -> Vec<Trial> {
    let all: [(&str, Invocation); 6] = [
        ("wrong_number_of_arguments", wrong_number_of_arguments),
        ("output_that_is_not_writable", output_that_is_not_writable),
        ("conf_that_is_a_fifo", conf_that_is_a_fifo),
        ("conf_of_a_mebibyte", conf_of_a_mebibyte),
        ("conf_of_more_than_a_mebibyte", conf_of_more_than_a_mebibyte),
        ("conf_of_noise", conf_of_noise),
    ];
    all.into_iter().map(|(name, run)| Trial::test(format!("invocation::{name}"), run)).collect()
}

fn check(holds: bool, what: impl Into<String>) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what.into().into()) }
}

/// A machine in an initramfs with this configuration.
fn machine(root: &Path, conf: &[u8]) -> Result<(), Failed> {
    for (path, content) in
        [("proc/cmdline", b"root=x\n".as_slice()), ("etc/initrd-release", b""), ("etc/veneer.conf", conf)]
    {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap_or(root))?;
        fs::write(path, content)?;
    }
    Ok(())
}

/// The mount unit and the messages that come of a configuration.
fn with_conf(conf: &[u8]) -> Result<(String, String), Failed> {
    let scratch = Scratch::new();
    let (root, output) = (scratch.path.join("root"), scratch.path.join("output"));
    machine(&root, conf)?;
    let result = super::run(&root, &output, &[]);
    let messages = String::from_utf8_lossy(&result.stderr).into_owned();
    check(result.status.success(), format!("{}: {messages}", result.status))?;
    Ok((fs::read_to_string(output.join("normal/run-initramfs-veneer-store.mount"))?, messages))
}

fn wrong_number_of_arguments() -> Result<(), Failed> {
    let scratch = Scratch::new();
    machine(&scratch.path.join("root"), b"")?;
    for count in [0, 1, 2, 4] {
        let output = scratch.path.join(format!("output-{count}"));
        fs::create_dir(&output)?;
        let result = Command::new(super::generator())
            .args(vec![output.as_os_str(); count])
            .env("VENEER_ROOT", scratch.path.join("root"))
            .output()?;
        check(result.status.code() == Some(2), format!("{count} arguments: {}", result.status))?;
        check(result.stderr.starts_with(b"usage: veneer-generator "), "no usage")?;
        check(Tree::read(&output)?.is_empty(), format!("{count} arguments: something was written"))?;
    }
    Ok(())
}

/// A file where the directory should be: refused to root as well.
fn output_that_is_not_writable() -> Result<(), Failed> {
    let scratch = Scratch::new();
    let root = scratch.path.join("root");
    machine(&root, b"")?;
    let file = scratch.path.join("file");
    fs::write(&file, "")?;
    let run = || {
        Command::new(super::generator())
            .args([&file, &file, &file])
            .env_remove("SYSTEMD_IN_INITRD")
            .env("VENEER_ROOT", &root)
            .output()
    };
    let result = run()?;
    let said = String::from_utf8_lossy(&result.stderr);
    check(result.status.code() == Some(1), format!("{}: {said}", result.status))?;
    check(said.trim_end().ends_with("booting without a layer"), said)?;

    // With nothing to write, it does not matter where.
    fs::write(root.join("proc/cmdline"), "rd.veneer=0")?;
    let result = run()?;
    check(result.status.success() && result.stderr.is_empty(), "disabled, and yet there is something to say")
}

fn conf_that_is_a_fifo() -> Result<(), Failed> {
    let scratch = Scratch::new();
    let root = scratch.path.join("root");
    machine(&root, b"")?;
    fs::remove_file(root.join("etc/veneer.conf"))?;
    rustix::fs::mknodat(CWD, root.join("etc/veneer.conf"), FileType::Fifo, Mode::from_raw_mode(0o600), 0)?;
    let begun = Instant::now();
    let output = scratch.path.join("output");
    let result = super::run(&root, &output, &[]);
    check(begun.elapsed() < Duration::from_secs(5), "it waited for a writer")?;
    check(result.status.success(), result.status.to_string())?;
    let said = String::from_utf8_lossy(&result.stderr);
    check(said == "veneer-generator: /etc/veneer.conf: not a regular file, ignored\n", said.clone())?;
    check(output.join("normal/run-initramfs-veneer-store.mount").exists(), "no mount of the store")
}

fn conf_of_a_mebibyte() -> Result<(), Failed> {
    let mut conf = b"[Veneer]\nstore=LABEL=large\n#".to_vec();
    conf.resize(1024 * 1024, b'x');
    let (mount, messages) = with_conf(&conf)?;
    check(mount.contains("What=/dev/disk/by-label/large\n"), mount)?;
    check(messages.is_empty(), messages)
}

fn conf_of_more_than_a_mebibyte() -> Result<(), Failed> {
    let mut conf = b"[Veneer]\nstore=LABEL=large\n#".to_vec();
    conf.resize(1024 * 1024 + 1, b'x');
    let (mount, messages) = with_conf(&conf)?;
    check(mount.contains("What=/dev/disk/veneer/store\n"), mount)?;
    check(messages == "veneer-generator: /etc/veneer.conf: larger than 1 MiB, ignored\n", messages)
}

fn conf_of_noise() -> Result<(), Failed> {
    // A linear congruential generator: noise, but the same every time.
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    let noise: Vec<u8> = noise.take(1024 * 1024).collect();
    let (mount, messages) = with_conf(&noise)?;
    check(mount.contains("What=/dev/disk/veneer/store\n"), mount)?;
    check(messages.lines().count() <= 13, format!("a flood of {} messages", messages.lines().count()))?;
    check(!messages.contains(|c: char| c.is_control() && c != '\n'), messages)
}
