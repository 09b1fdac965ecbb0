//! What pacman has beside packages' files: scriptlets, hooks, and the lists of what could be installed.

use std::fs;
use std::path::Path;
use std::process::Command;

use veneer_tests::edit::Edits;
use veneer_tests::pacman::{DATABASE, Pkg, install};
use veneer_tests::run::tool;

use super::ground::{Expected, assert_whole, machine, packages_b, part, rebase};

/// What belongs to packages beside their files: scriptlets in the database, hooks, the lists of what could be installed.
pub(super) fn beside(dir: &Path) {
    let (mut machine, _, b) = machine(dir, &packages_b());
    let hook = "[Trigger]\nOperation = Install\nType = Package\nTarget = *\n[Action]\nWhen = PostTransaction\nExec = /usr/bin/no\n";
    let hooked = Pkg::new("hooked", "1-1", Edits::new().file("share/libalpm/hooks/hooked.hook", hook))
        .script("post_remove() {\n  :\n}\n");
    install(&machine.sysroot, &[hooked.build(dir)]);
    let sync = Path::new(DATABASE).join("sync");
    Edits::new().file(sync.join("extra.db"), "a list").apply(&machine.usr());
    let on_a = machine.visible();
    rebase(&mut machine, &b);
    let mine = part(&on_a, &["hooked", "libalpm", "extra.db"]).and(on_a.only(&sync));
    assert_whole(&machine, &Expected { versions: &[("hooked", Some("1-1"))], mine, ..Expected::default() });
    let script = Path::new(DATABASE).join("local/hooked-1-1/install");
    assert!(machine.usr().join(script).exists(), "the scriptlet that runs when it is removed");
}

/// The hook that is shipped, in a running system: this one, with a /usr and a /run that go with the trial.
pub(super) fn hook(dir: &Path) {
    let mount = |arguments: &[&str]| tool(Command::new("mount").args(arguments));
    for name in ["upper", "work", "db", "hooks"] {
        fs::create_dir(dir.join(name)).expect("make a directory");
    }
    let at = |name: &str| dir.join(name).display().to_string();
    let options = format!("lowerdir=/usr,upperdir={},workdir={}", at("upper"), at("work"));
    mount(&["-t", "overlay", "-o", &options, "overlay", "/usr"]);
    mount(&["-t", "tmpfs", "tmpfs", "/run"]);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/hooks/veneer.hook");
    fs::copy(source, dir.join("hooks/veneer.hook")).expect("take the hook");
    Edits::new()
        .file("usr/bin/veneer", "#!/bin/sh\necho \"$@\" >> /run/calls\n")
        .mode("usr/bin/veneer", 0o755)
        .apply(Path::new("/"));
    fs::write(dir.join("conf"), "[options]\nArchitecture = auto\nSigLevel = Never\n")
        .expect("write the configuration");
    let pacman = || {
        let mut command = Command::new("pacman");
        command.args([
            "--noconfirm",
            "--dbpath",
            &at("db"),
            "--hookdir",
            &at("hooks"),
            "--config",
            &at("conf"),
        ]);
        command.args(["--logfile", "/dev/null"]);
        command
    };
    let package = |version| {
        Pkg::new("veneer-test", version, Edits::new().file("share/veneer-test", version)).build(dir)
    };
    let calls = || fs::read_to_string("/run/calls").unwrap_or_default();
    tool(pacman().arg("-U").arg(package("1-1")));
    assert_eq!(calls(), "", "a boot without a layer");
    Edits::new().file("run/veneer/status.json", "{}").apply(Path::new("/"));
    tool(pacman().arg("-U").arg(package("2-1")));
    assert_eq!(calls(), "--quiet record\n");
    tool(pacman().args(["-R", "veneer-test"]));
    assert_eq!(calls(), "--quiet record\n--quiet record\n");
}
