//! Where pacman.conf(5) puts the database: the first `DBPath` of its `[options]`, as `pacman-conf DBPath` says it.

use std::path::Path;

/// The place, from the root directory on; `None` if the text leaves it to pacman. `Include` is not followed.
#[must_use]
pub fn database_path(text: &str) -> Option<&Path> {
    let mut section = "";
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
        }
        // Upper and lower case are told apart, and what follows a value is part of it.
        match line.split_once('=') {
            Some((key, value)) if section == "options" && key.trim_end() == "DBPath" => {
                return Some(Path::new(value.trim_start()));
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_path_of_the_options_counts() {
        let text = "# DBPath = /no\nDBPath = /no\n[core]\nDBPath = /no\n [options] \n#DBPath=/no\nDbPath = /no\n\
                    HoldPkg = a\n  DBPath  =  /usr/lib/a b/\nDBPath = /no\n";
        assert_eq!(database_path(text), Some(Path::new("/usr/lib/a b/")));
        assert_eq!(database_path("[options]\nDBPath\n[x]\nDBPath=/no"), None);
    }

    #[test]
    fn noise_is_read_without_a_panic() {
        let mut random = crate::fuzz::Random::new();
        for _ in 0..crate::fuzz::rounds(3000) {
            let text =
                random.mangle(b"[options]\nDBPath = /usr/lib/sysimage/lib/pacman/\n[core]\nSigLevel=Never\n");
            let text = String::from_utf8_lossy(&text);
            assert!(database_path(&text).is_none_or(|path| text.contains(path.to_str().expect("UTF-8"))));
        }
    }
}
