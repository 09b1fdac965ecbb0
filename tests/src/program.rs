//! The programs under test.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The built program `bin` of the workspace's package `package`, brought up to date first: cargo builds other packages'
/// libraries for a test, but not their programs.
///
/// # Panics
///
/// If it cannot be built, with cargo's own account of the reason on stderr: no test has a meaning then.
#[must_use]
pub fn program(package: &str, bin: &str) -> PathBuf {
    // The cargo that runs the tests; the one that compiled them if they are run by hand.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let output = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--message-format=json-render-diagnostics",
            "--package",
            package,
            "--bin",
            bin,
        ])
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "cargo could not build {bin} of {package}");
    let messages = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let path = messages.lines().filter_map(|line| serde_json::from_str(line).ok()).find_map(|message| {
        let message: serde_json::Value = message;
        let is_it = message["reason"] == "compiler-artifact" && message["target"]["name"] == bin;
        message["executable"].as_str().filter(|_| is_it).map(PathBuf::from)
    });
    path.expect("cargo names the program that it built")
}
