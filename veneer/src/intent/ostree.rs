//! Where /var is on an ostree system before the switch of the root. Pure: the command line in, a path out.
//!
//! ostree-prepare-root(1) leaves a deployment as the root, with the disk's own root at `sysroot` in it. All deployments of
//! a state root share its `var`; what a deployment has at /var is an empty directory until ostree's generator of the running
//! system covers it. With the marker for that, ostree-prepare-root mounts the same directory there itself.

use std::path::PathBuf;

use super::Cmdline;

/// The directory that is to be /var, from the root that is mounted in the initramfs on. `None` unless the command line
/// names a deployment: `ostree=/ostree/boot.1/STATEROOT/CHECKSUM/0`.
pub(super) fn var(cmdline: &Cmdline) -> Option<PathBuf> {
    let word = cmdline.last("ostree")??;
    let parts: Vec<&str> = word.strip_prefix("/ostree/boot.")?.split('/').collect();
    let [version, name, checksum, serial] = parts[..] else { return None };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = version.split('.').all(is_number) && !checksum.is_empty() && is_number(serial);
    // It becomes a part of a path, and of a unit.
    let is_name =
        !matches!(name, "" | "." | "..") && !name.contains(|c: char| c.is_control() || c == '\u{fffd}');
    (is_whole && is_name).then(|| ["sysroot/ostree/deploy", name, "var"].iter().collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Intent;
    use super::*;

    #[test]
    fn the_word_names_the_state_root() {
        let cases = [
            ("", None),
            ("root=UUID=1 rw", None),
            ("ostree", None),
            ("ostree=", None),
            ("ostree=/ostree/root.a", None),
            ("ostree=/ostree/boot.1", None),
            ("ostree=/ostree/boot.1/os/3f9c", None),
            ("ostree=/ostree/boot.1/os/3f9c/0/x", None),
            ("ostree=/ostree/boot.1/os/3f9c/0/", None),
            ("ostree=/ostree/boot.1/os//0", None),
            ("ostree=/ostree/boot.1//3f9c/0", None),
            ("ostree=/ostree/boot.1/../3f9c/0", None),
            ("ostree=/ostree/boot.1/./3f9c/0", None),
            ("ostree=\"/ostree/boot.1/o\ns/3f9c/0\"", None),
            ("ostree=/ostree/boot.x/os/3f9c/0", None),
            ("ostree=ostree/boot.1/os/3f9c/0", None),
            ("xostree=/ostree/boot.1/os/3f9c/0", None),
            ("rw ostree=/ostree/boot.1/fedora-coreos/3f9c/0 quiet", Some("fedora-coreos")),
            ("ostree=/ostree/boot.0.1/os/3f9c/12", Some("os")),
            ("ostree=\"/ostree/boot.0/a b%/3f9c/0\"", Some("a b%")),
            ("ostree=/ostree/boot.0/a/3f9c/0 ostree=/ostree/boot.0/b/3f9c/0", Some("b")),
        ];
        for (line, name) in cases {
            let expected = name.map(|name| Path::new("sysroot/ostree/deploy").join(name).join("var"));
            assert_eq!(var(&Cmdline::parse(line.as_bytes())), expected, "{line:?}");
        }
        assert_eq!(var(&Cmdline::parse(b"ostree=/ostree/boot.0/\xff/3f9c/0")), None);
    }

    #[test]
    fn only_what_is_in_var_is_elsewhere() {
        let there = Intent { var: Some("sysroot/ostree/deploy/os/var".into()), ..Intent::default() };
        let cases = [
            ("/var/lib/veneer", "sysroot/ostree/deploy/os/var/lib/veneer"),
            ("/var", "sysroot/ostree/deploy/os/var"),
            ("/variety", "variety"),
            ("/srv/var/lib", "srv/var/lib"),
            ("/sysroot/veneer", "sysroot/veneer"),
            ("/", ""),
        ];
        for (path, expected) in cases {
            assert_eq!(there.below_sysroot(Path::new(path)), Path::new(expected));
            let plain = Path::new(path.trim_start_matches('/'));
            assert_eq!(Intent::default().below_sysroot(Path::new(path)), plain);
        }
    }
}
