//! Real libraries and programs, made by the compiler, and what the loader of this machine says of them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::base::interpreter;
use crate::edit::Edits;
use crate::run::{tool, within};

/// The libraries that this machine's shell, which is that of all bases, needs: names below /usr, and content.
pub fn libraries_of_the_shell() -> Edits {
    let mut list = Command::new(interpreter(Path::new("/bin/sh")));
    let list = tool(list.arg("--list").arg("/bin/sh"));
    let paths = list.lines().filter_map(|line| line.split_once(" => ")?.1.split_whitespace().next());
    paths.fold(Edits::new(), |edits, path| {
        let name = Path::new(path).file_name().expect("a library's name");
        edits.file(Path::new("lib").join(name), fs::read(path).expect("read a library"))
    })
}

/// The name of a version's function.
fn function(version: &str) -> String {
    version.to_lowercase().replace('.', "_")
}

/// A library with a function for each version of its symbols: `FOO_1.0` has `foo_1_0`.
pub fn library(dir: &Path, soname: &str, versions: &[&str]) -> Vec<u8> {
    let dir = dir.join("elf");
    fs::create_dir_all(&dir).expect("make a directory");
    let (mut code, mut script) = (String::new(), String::new());
    for version in versions {
        let function = function(version);
        writeln!(code, "int {function}(void) {{ return 1; }}").expect("write into a string");
        writeln!(script, "{version} {{ global: {function}; }};").expect("write into a string");
    }
    fs::write(dir.join("code.c"), code).expect("write code");
    fs::write(dir.join("script"), script).expect("write a version script");
    let out = dir.join(soname);
    let mut gcc = Command::new("gcc");
    gcc.args(["-shared", "-fPIC", "-nostdlib", "-o"]).arg(&out).arg(dir.join("code.c"));
    tool(gcc.arg(format!("-Wl,-soname,{soname},--version-script={}", dir.join("script").display())));
    fs::read(out).expect("read the library")
}

/// A program that needs these versions of a library that [`library`] made last under this name.
pub fn program(dir: &Path, soname: &str, versions: &[&str]) -> Vec<u8> {
    let dir = dir.join("elf");
    let (mut declared, mut called) = (String::new(), String::new());
    for function in versions.iter().map(|version| function(version)) {
        writeln!(declared, "int {function}(void);").expect("write into a string");
        write!(called, "{function}();").expect("write into a string");
    }
    let code = format!("{declared}void _start(void) {{ {called} for (;;); }}\n");
    fs::write(dir.join("main.c"), code).expect("write code");
    let out = dir.join("program");
    let mut gcc = Command::new("gcc");
    gcc.args(["-nostdlib", "-o"]).arg(&out).arg(dir.join("main.c")).arg(dir.join(soname));
    tool(gcc.arg("-Wl,--no-as-needed"));
    fs::read(out).expect("read the program")
}

/// What the loader says to a program of the system below `root`: nothing if it finds all that the program needs.
pub fn loader_says(root: &Path, program: &str) -> String {
    let loader: PathBuf = interpreter(Path::new("/bin/sh"));
    let mut list = Command::new(loader);
    list.arg("--library-path").arg(root.join("usr/lib")).arg("--list").arg(root.join(program));
    let done = within(Duration::from_secs(20), &mut list);
    let missing = done.stdout.lines().filter(|line| line.contains("not found"));
    let said: Vec<&str> = missing.chain(done.stderr.lines()).collect();
    assert!(done.code == Some(0) || !said.is_empty(), "the loader cannot read {program}: {done:?}");
    said.join("\n")
}
