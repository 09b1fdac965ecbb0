//! SELinux: what a rebased layer has in /usr is labelled by the policy of this system. The policy may be another one than when
//! the layer's files were made, and what was composed in the initramfs was composed without any.

use std::ffi::CStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use veneer::error::Result;
use veneer::tree::{Dir, Kind, check_depth};

use super::{Step, When};

/// The command that does it, with every path of the layer. Never all of /usr: what the base has wrong would be copied into the
/// layer to be put right.
pub(crate) fn relabel(upper: &Dir) -> Result<Step> {
    let mut paths = Vec::new();
    list(upper, c".", Path::new("/usr"), 0, &mut paths)?;
    Ok(Step::new(When::Early, "restorecon", &["-i", "-0", "-f", "-"]).with_input(paths))
}

fn list(dir: &Dir, name: &CStr, path: &Path, depth: usize, paths: &mut Vec<u8>) -> Result<()> {
    check_depth(dir, depth)?;
    paths.extend_from_slice(path.as_os_str().as_bytes());
    paths.push(0);
    let Some(sub) = dir.sub_if_there(name)? else { return Ok(()) };
    for name in sub.names()? {
        if sub.stat(&name)?.is_some_and(|stat| Kind::of(&stat) != Kind::Whiteout) {
            let path = path.join(std::ffi::OsStr::from_bytes(name.to_bytes()));
            list(&sub, &name, &path, depth + 1, paths)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_once_but_what_is_hidden() {
        let path = std::env::temp_dir().join(format!("veneer-relabel-{}", std::process::id()));
        std::fs::create_dir_all(path.join("lib/a")).expect("make");
        std::fs::write(path.join("lib/a/new\nline"), "").expect("write");
        std::os::unix::fs::symlink("lib", path.join("lib64")).expect("link");
        let upper = Dir::open(&path).expect("open");
        let step = relabel(&upper).expect("list");
        std::fs::remove_dir_all(&path).expect("remove");
        assert_eq!(step.to_string(), "restorecon -i -0 -f -");
        let text = String::from_utf8(step.input).expect("text");
        assert_eq!(text, "/usr\0/usr/lib\0/usr/lib/a\0/usr/lib/a/new\nline\0/usr/lib64\0");
    }
}
