//! Which package a path belongs to, asked of the package manager itself, whose answer people know.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};

use veneer::packages::{DATABASES, Manager};

/// So many paths fit a command line, however long they are.
const BATCH: usize = 200;

/// The packages of these paths (absolute, below the system's root); a path that no package has is left out. Without a
/// package manager, nothing is.
pub(crate) fn owners(root: &Path, paths: &[String]) -> HashMap<String, String> {
    let mut owners = HashMap::new();
    let Some(place) = DATABASES.iter().find(|place| root.join("usr").join(place.main_file).exists()) else {
        return owners;
    };
    for batch in paths.chunks(BATCH) {
        let mut command = match place.manager {
            Manager::Dpkg => {
                let mut command = Command::new("dpkg-query");
                command.arg("--admindir").arg(root.join("usr").join(place.dir)).arg("--search");
                command
            }
            Manager::Rpm => {
                let mut command = Command::new("rpm");
                command.arg("--root").arg(root).args(["--query", "--file", "--queryformat"]);
                command.arg("[%{=NAME}: %{FILENAMES}\\n]");
                command
            }
            Manager::Pacman => {
                let mut command = Command::new("pacman");
                command.arg("--root").arg(root).args(["--query", "--owns"]);
                command
            }
        };
        command.args(batch).env("LC_ALL", "C").stdin(Stdio::null()).stderr(Stdio::null());
        // It fails if one of the paths is nobody's; and without it, all are.
        let Ok(output) = command.output() else { return owners };
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            if let Some((path, package)) = read(place.manager, line) {
                owners.insert(path.to_owned(), package.to_owned());
            }
        }
    }
    owners.retain(|path, _| paths.contains(path));
    owners
}

/// A line of the manager's answer: the path, and its package or packages.
fn read(manager: Manager, line: &str) -> Option<(&str, &str)> {
    match manager {
        // `a, b: /usr/share/x`; a diversion has lines of its own, which begin with that word.
        Manager::Dpkg | Manager::Rpm if line.starts_with("diversion by ") => None,
        Manager::Dpkg | Manager::Rpm => line.split_once(": ").map(|(packages, path)| (path, packages)),
        Manager::Pacman => {
            let (path, rest) = line.split_once(" is owned by ")?;
            Some((path, rest.split(' ').next()?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_all_three() {
        let dpkg = |line| read(Manager::Dpkg, line);
        assert_eq!(dpkg("libc6:amd64: /usr/lib/x"), Some(("/usr/lib/x", "libc6:amd64")));
        assert_eq!(dpkg("a, b: /usr/share/doc"), Some(("/usr/share/doc", "a, b")));
        assert_eq!(dpkg("diversion by dash from: /usr/bin/sh"), None);
        assert_eq!(read(Manager::Rpm, "bash: /usr/bin/bash"), Some(("/usr/bin/bash", "bash")));
        let pacman = read(Manager::Pacman, "/usr/bin/bash is owned by bash 5.3-1");
        assert_eq!(pacman, Some(("/usr/bin/bash", "bash")));
        assert_eq!(read(Manager::Pacman, "error: No package owns /usr/x"), None);
    }
}
