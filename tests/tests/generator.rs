//! Golden trees of veneer-generator. A case is a directory in `tests/generator`: `root/` is what the generator sees as
//! the machine, `expected/normal`, `early` and `late` are what it must write, file for file and link for link, and
//! `expected/messages` what it must say; what is not there must not come. `environment` has further variables.
//!
//! `VENEER_BLESS=1` writes the expectation anew from what came; read the difference before committing it.

#[path = "generator/invocations.rs"]
mod invocations;
#[path = "generator/tree.rs"]
mod tree;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::{Arguments, Failed, Trial};

use tree::{Scratch, Tree};

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    if !arguments.list {
        // Once and first: the trials run side by side.
        generator();
    }
    let can_verify = tool_is_there("systemd-analyze");
    for case in cases() {
        let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
        trials.push(Trial::test(format!("units::{name}"), {
            let case = case.clone();
            move || golden(&case)
        }));
        // Where nothing is written there is nothing to verify.
        if case.join("expected/normal").exists() {
            let verify = Trial::test(format!("verify::{name}"), move || verify(&case));
            trials.push(match (can_verify, std::env::var_os("CI")) {
                (true, _) => verify,
                (false, None) => verify.with_kind("needs systemd-analyze").with_ignored_flag(true),
                (false, Some(_)) => Trial::test(format!("verify::{name}"), || {
                    Err("systemd-analyze is not there, and in CI that is a failure".into())
                }),
            });
        }
    }
    if can_verify {
        trials.push(Trial::test("order::of_a_whole_initramfs", order));
    }
    trials.extend(invocations::trials());
    libtest_mimic::run(&arguments, trials).exit();
}

/// The built generator.
fn generator() -> &'static Path {
    static PROGRAM: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    PROGRAM.get_or_init(|| veneer_tests::program("veneer-generator", "veneer-generator"))
}

fn cases() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("generator");
    let mut cases: Vec<PathBuf> = fs::read_dir(directory)
        .expect("the cases are there")
        .map(|entry| entry.expect("a case").path())
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "no cases: nothing would be tested");
    cases
}

/// Runs the generator on the machine in `root`, with its output below `output`.
fn run(root: &Path, output: &Path, environment: &[(&str, &str)]) -> Output {
    let directories = ["normal", "early", "late"].map(|name| output.join(name));
    for directory in &directories {
        fs::create_dir_all(directory).expect("the output directories can be made");
    }
    Command::new(generator())
        .args(&directories)
        .env_remove("SYSTEMD_IN_INITRD")
        .env("VENEER_ROOT", root)
        .envs(environment.iter().copied())
        .output()
        .expect("the generator can be started")
}

/// Runs a case twice into the same place, as systemd may, and gives what is there then.
fn result_of(case: &Path, output: &Path) -> Result<Tree, Failed> {
    let root = case.join("root");
    let environment = fs::read_to_string(case.join("environment")).unwrap_or_default();
    let environment: Vec<(&str, &str)> =
        environment.lines().filter_map(|line| line.split_once('=')).collect();
    let first = run(&root, output, &environment);
    if !first.status.success() {
        return Err(format!("{}: {}", first.status, String::from_utf8_lossy(&first.stderr)).into());
    }
    let mut tree = Tree::read(output)?;
    let second = run(&root, output, &environment);
    if !second.status.success() || Tree::read(output)? != tree {
        return Err(
            format!("a second run gives something else: {}", Tree::read(output)?.difference(&tree)).into()
        );
    }
    let root = format!("{}/", root.display());
    let messages = String::from_utf8_lossy(&first.stderr).replace(&root, "ROOT/");
    if let Some(long) = messages.lines().find(|line| line.len() > 940) {
        return Err(format!("too long for a record of the kernel's log: {long}").into());
    }
    if !messages.is_empty() {
        tree.add_file("messages", messages.into_bytes());
    }
    Ok(tree)
}

fn golden(case: &Path) -> Result<(), Failed> {
    let scratch = Scratch::new();
    let got = result_of(case, &scratch.path)?;
    let expected = case.join("expected");
    if std::env::var_os("VENEER_BLESS").is_some() {
        got.write(&expected)?;
    }
    let expected = Tree::read(&expected)?;
    if got == expected { Ok(()) } else { Err(got.difference(&expected).into()) }
}

/// The services as they are installed.
fn write_services(units: &Path) -> std::io::Result<()> {
    let services = [
        ("veneer-assemble.service", include_str!("../../dracut-module/59veneer/veneer-assemble.service")),
        (
            "veneer-assemble-fstab.service",
            include_str!("../../dracut-module/59veneer/veneer-assemble-fstab.service"),
        ),
    ];
    for (name, text) in services {
        // The program is not installed here, which is all that would be said about the services.
        let text = text.replace("ExecStart=/usr/lib/veneer/veneer-assemble", "ExecStart=/bin/true");
        fs::write(units.join(name), text)?;
    }
    Ok(())
}

/// systemd itself loads the units and has nothing to say about them.
fn verify(case: &Path) -> Result<(), Failed> {
    let scratch = Scratch::new();
    result_of(case, &scratch.path)?;
    let units = scratch.path.join("normal");
    write_services(&units)?;
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=one"])
        .args(
            ["veneer-assemble.service", "veneer-assemble-fstab.service", "run-initramfs-veneer-store.mount"]
                .map(|unit| units.join(unit))
                .iter()
                .filter(|path| path.exists()),
        )
        .env("SYSTEMD_UNIT_PATH", format!("{}:", units.display()))
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && said.trim().is_empty() {
        Ok(())
    } else {
        Err(format!("{}:\n{said}", output.status).into())
    }
}

/// In the whole transaction of an initramfs, with a /usr that came with the fstab of the real root, no unit waits for itself:
/// systemd would drop one to break the circle.
fn order() -> Result<(), Failed> {
    let scratch = Scratch::new();
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("generator/09-dir");
    result_of(&case, &scratch.path)?;
    let units = scratch.path.join("normal");
    write_services(&units)?;
    let mount = |name: &str, target: &str, place: &str| {
        let text = format!("[Unit]\nBefore={target}\n[Mount]\nWhat=/dev/vda\nWhere={place}\n");
        fs::write(units.join(name), text)?;
        fs::create_dir_all(units.join(format!("{target}.requires")))?;
        std::os::unix::fs::symlink(format!("../{name}"), units.join(format!("{target}.requires/{name}")))
    };
    mount("sysroot.mount", "initrd-root-fs.target", "/sysroot")?;
    mount("sysroot-usr.mount", "initrd-fs.target", "/sysroot/usr")?;
    // systemd-analyze takes files, and looks for the other units where systemd has them.
    let has = |name: &str| Path::new("/usr/lib/systemd/system").join(name);
    fs::copy(has("initrd.target"), units.join("initrd.target"))?;
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=yes"])
        .args(["initrd.target", "veneer-assemble-fstab.service"].map(|name| units.join(name)))
        .env("SYSTEMD_IN_INITRD", "1")
        .env("SYSTEMD_UNIT_PATH", format!("{}:", units.display()))
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("cycle") || said.contains("veneer") { Err(said.into_owned().into()) } else { Ok(()) }
}

fn tool_is_there(name: &str) -> bool {
    Command::new(name).arg("--version").output().is_ok()
}
