//! Which configuration files count, found and read as systemd's tools do: one main file, the first there is; then the
//! drop-ins of all directories in the order of their names, where a name in an earlier directory hides the same one in
//! a later one. An empty file or a link to /dev/null hides without saying anything.
//!
//! This runs twice on every boot, so nothing is looked at that need not be: one open for each place a main file may be
//! in, one listing for each drop-in directory, one open for each file that counts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::warning::Warnings;
use crate::error::Error;
use crate::tree::Dir;

/// Later wins over earlier in none of these: the first one that has a file of a name hides the others.
const DIRECTORIES: [&str; 4] = ["etc", "run", "usr/local/lib", "usr/lib"];

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// One file that counts: its path without the root, for the warnings, and its content.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ConfFile {
    pub(super) name: String,
    pub(super) text: Vec<u8>,
}

/// The files in the order in which they are to be applied.
pub(super) fn read(root: &Path, warnings: &mut Warnings) -> Vec<ConfFile> {
    let mut main = DIRECTORIES.iter().map(|dir| root.join(dir).join("veneer.conf"));
    let main = main.find_map(|path| read_file(root, &path, warnings));

    let mut drop_ins: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    for directory in DIRECTORIES {
        let directory = root.join(directory).join("veneer.conf.d");
        let names = match Dir::open(&directory).and_then(|dir| dir.names()) {
            Ok(names) => names,
            Err(Error::Open { source, .. }) if source.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                warnings.add(format!("{error}; going on without its drop-ins"));
                continue;
            }
        };
        for name in names {
            let name = OsString::from_vec(name.into_bytes());
            if name.as_bytes().ends_with(b".conf") && !name.as_bytes().starts_with(b".") {
                let path = directory.join(&name);
                drop_ins.entry(name).or_insert(path);
            }
        }
    }
    let drop_ins = drop_ins.values().filter_map(|path| read_file(root, path, warnings));
    main.into_iter().chain(drop_ins.collect::<Vec<_>>()).collect()
}

/// `None` if there is no such file. One that cannot be used counts as empty: it is there and hides others.
fn read_file(root: &Path, path: &Path, warnings: &mut Warnings) -> Option<ConfFile> {
    let name = Path::new("/").join(path.strip_prefix(root).unwrap_or(path)).display().to_string();
    match content(path) {
        Ok(Content::Text(text)) => Some(ConfFile { name, text }),
        Ok(Content::Refused(why)) => {
            warnings.add(format!("{name}: {why}, ignored"));
            Some(ConfFile { name, text: Vec::new() })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            warnings.add(format!("{name}: {error}; going on without it"));
            Some(ConfFile { name, text: Vec::new() })
        }
    }
}

enum Content {
    Text(Vec<u8>),
    Refused(&'static str),
}

fn content(path: &Path) -> io::Result<Content> {
    // Opening a FIFO would wait for a writer, for ever if nobody comes.
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = std::fs::File::options().read(true).custom_flags(nonblock).open(path)?;
    let metadata = file.metadata()?;
    let kind = metadata.file_type();
    // By the device and not by the link's text: dracut makes links relative in the initramfs.
    let device = metadata.rdev();
    if kind.is_char_device() && (rustix::fs::major(device), rustix::fs::minor(device)) == (1, 3) {
        return Ok(Content::Text(Vec::new()));
    }
    if !kind.is_file() {
        return Ok(Content::Refused("not a regular file"));
    }
    // The size in the metadata is no bound: files in /proc and /sys have none, others may grow.
    let mut text = Vec::with_capacity(usize::try_from(metadata.len().min(LARGEST)).unwrap_or(0) + 1);
    file.take(LARGEST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Ok(Content::Refused("larger than 1 MiB"));
    }
    Ok(Content::Text(text))
}

#[cfg(test)]
mod tests {
    use fs_err as fs;

    use super::*;

    /// A root of its own that goes away with the test.
    struct Root(PathBuf);

    impl Root {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("veneer-conf-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn write(&self, path: &str, text: impl AsRef<[u8]>) {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn read(&self) -> (Vec<(String, usize)>, Vec<String>) {
            let mut warnings = Warnings::default();
            let files = read(&self.0, &mut warnings);
            let files = files.into_iter().map(|file| (file.name, file.text.len())).collect();
            (files, warnings.into_list().iter().map(ToString::to_string).collect())
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            // A leftover in the temporary directory is all that a failure means here.
            drop(std::fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn nothing_there_is_nothing_read() {
        assert_eq!(Root::new("none").read(), (vec![], vec![]));
    }

    #[test]
    fn first_main_file_then_drop_ins_by_name() {
        let root = Root::new("order");
        root.write("usr/lib/veneer.conf", "xx");
        root.write("run/veneer.conf", "x");
        root.write("usr/lib/veneer.conf.d/10-a.conf", "xxx");
        root.write("etc/veneer.conf.d/20-b.conf", "xxxx");
        root.write("etc/veneer.conf.d/README", "no");
        root.write("etc/veneer.conf.d/.hidden.conf", "no");
        root.write("usr/local/lib/veneer.conf.d/15-c.conf", "");
        root.write("usr/lib/veneer.conf.d/15-c.conf", "hidden by the empty one");
        let files = [
            ("/run/veneer.conf", 1),
            ("/usr/lib/veneer.conf.d/10-a.conf", 3),
            ("/usr/local/lib/veneer.conf.d/15-c.conf", 0),
            ("/etc/veneer.conf.d/20-b.conf", 4),
        ];
        assert_eq!(root.read(), (files.map(|(name, size)| (name.to_owned(), size)).to_vec(), vec![]));
    }

    #[test]
    fn masks_hide_and_are_silent() {
        let root = Root::new("mask");
        root.write("usr/lib/veneer.conf", "hidden");
        root.write("usr/lib/veneer.conf.d/10-a.conf", "hidden");
        root.write("etc/veneer.conf.d/x", "");
        std::os::unix::fs::symlink("/dev/null", root.0.join("etc/veneer.conf")).unwrap();
        let relative = format!("{}dev/null", "../".repeat(40));
        std::os::unix::fs::symlink(relative, root.0.join("etc/veneer.conf.d/10-a.conf")).unwrap();
        let files = ["/etc/veneer.conf", "/etc/veneer.conf.d/10-a.conf"].map(|name| (name.to_owned(), 0));
        assert_eq!(root.read(), (files.to_vec(), vec![]));
    }

    #[test]
    fn the_bound_is_one_mebibyte() {
        let root = Root::new("large");
        root.write("etc/veneer.conf", vec![b'#'; 1024 * 1024]);
        assert_eq!(root.read(), (vec![("/etc/veneer.conf".to_owned(), 1024 * 1024)], vec![]));
        root.write("etc/veneer.conf", vec![b'#'; 1024 * 1024 + 1]);
        let (files, warnings) = root.read();
        assert_eq!(files, [("/etc/veneer.conf".to_owned(), 0)]);
        assert_eq!(warnings, ["/etc/veneer.conf: larger than 1 MiB, ignored"]);
    }

    #[test]
    fn what_is_no_file_neither_blocks_nor_counts() {
        let root = Root::new("fifo");
        root.write("etc/x", "");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let fifo = root.0.join("etc/veneer.conf");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        fs::create_dir_all(root.0.join("run/veneer.conf.d/50-dir.conf")).unwrap();
        let (_, warnings) = root.read();
        assert_eq!(
            warnings,
            [
                "/etc/veneer.conf: not a regular file, ignored",
                "/run/veneer.conf.d/50-dir.conf: not a regular file, ignored"
            ]
        );
    }
}
