//! The programs under test.

use std::path::PathBuf;
use std::process::Command;

/// Builds a binary of the workspace as the tests themselves were built, and says where it is. A path in the
/// environment (`VENEER_ASSEMBLE` for `veneer-assemble`) is taken instead: the installed program, for one.
pub fn program(package: &str, bin: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable(bin)) {
        return path.into();
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--message-format=json-render-diagnostics", "--package", package]);
    command.args(["--bin", bin]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.output().unwrap_or_else(|e| panic!("start {command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    let executable = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == bin)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from));
    executable.unwrap_or_else(|| panic!("{command:?} did not say where {bin} is"))
}

/// The environment variable that names a program.
pub fn variable(bin: &str) -> String {
    bin.replace('-', "_").to_uppercase()
}
