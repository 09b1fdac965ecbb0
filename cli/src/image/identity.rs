//! What tells this build of the image from the next one. A layer is bound to that, so two builds with one identity would
//! share a layer, and what belongs to neither would be mixed.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use veneer::packages::DATABASES;

use crate::args::Stamp;
use crate::failure::Failure;
use crate::finding::Finding;
use crate::root::Root;

const STAMP: &str = "usr/lib/veneer/base";
/// What a boot reads of it.
const LIMIT: usize = 4096;

#[derive(Debug)]
enum Found {
    Missing,
    /// It is there, and no boot could use it.
    Unusable(&'static str),
    Good,
}

#[derive(Debug)]
pub(crate) struct Facts {
    stamp: Found,
    /// ostree, and bootc with it, have a checksum for each deployment.
    is_ostree: bool,
    /// The database that was changed after the stamp was written.
    changed_since: Option<PathBuf>,
}

impl Facts {
    pub(crate) fn gather(root: &Root) -> Self {
        let metadata = root.find(STAMP).and_then(|path| fs::metadata(path).ok());
        let stamp = match &metadata {
            None => Found::Missing,
            Some(metadata) if !metadata.is_file() => Found::Unusable("no regular file"),
            Some(metadata) if metadata.len() > LIMIT as u64 => Found::Unusable("larger than 4096 bytes"),
            Some(_) => match root.bytes(STAMP) {
                Some(bytes) if !bytes.trim_ascii().is_empty() => Found::Good,
                _ => Found::Unusable("empty"),
            },
        };
        let stamped = metadata.and_then(|metadata| metadata.modified().ok());
        let is_newer = |path: &PathBuf| {
            let changed = root.find(path).and_then(|path| fs::metadata(path).ok()?.modified().ok());
            newer(changed, stamped)
        };
        let mut databases = DATABASES.iter().map(|place| Path::new("/usr").join(place.main_file));
        let is_ostree = root.exists("usr/lib/ostree/prepare-root.conf") || root.exists("usr/lib/bootc");
        Facts { stamp, is_ostree, changed_since: databases.find(is_newer) }
    }

    pub(crate) fn judge(&self) -> Vec<Finding> {
        let anew = "Write it as the last step of the image build: `veneer lint --stamp`.";
        match (&self.stamp, &self.changed_since) {
            (Found::Unusable(why), _) => {
                let message = format!("the stamp /{STAMP} is of no use: {why}");
                vec![Finding::error("stamp-unusable", message, anew)]
            }
            (Found::Good, Some(database)) => {
                let message = format!(
                    "/{STAMP} is older than {}: it may be the stamp of the image that this one was made from",
                    database.display()
                );
                vec![Finding::error("stamp-old", message, anew)]
            }
            (Found::Good, None) => Vec::new(),
            (Found::Missing, _) if self.is_ostree => vec![Finding::note(
                "stamp-by-ostree",
                "there is no stamp; ostree's checksum of the deployment tells builds apart",
                "Nothing is to be done.",
            )],
            (Found::Missing, _) => vec![Finding::warning(
                "stamp-missing",
                "nothing in the tree says which build this is; unless /usr comes on dm-verity or composefs, builds are told apart \
                 by os-release, the file system's UUID and times alone, which may be the same for two of them",
                anew,
            )],
        }
    }
}

/// By whole seconds: archives and some file systems keep no more.
fn newer(changed: Option<SystemTime>, stamped: Option<SystemTime>) -> bool {
    let seconds =
        |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    matches!((changed, stamped), (Some(changed), Some(stamped)) if seconds(changed) > seconds(stamped))
}

/// Writes the stamp.
pub(crate) fn stamp(root: &Root, stamp: &Stamp) -> Result<(), Failure> {
    let text = match stamp {
        Stamp::Text(text) => text.clone(),
        Stamp::Random => random().map_err(Failure::Output)?,
    };
    let dir = root.dir().join("usr/lib/veneer");
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(&dir)?;
        // A file of its own: the one that is there may have other names, in the image that this one was made from.
        let new = dir.join("base.new");
        fs::write(&new, format!("{text}\n"))?;
        fs::rename(new, dir.join("base"))
    };
    write().map_err(|error| {
        Failure::Missing(format!("cannot write the stamp {}: {error}", dir.join("base").display()))
    })
}

/// 128 bits of the kernel's, in hexadecimal digits.
fn random() -> std::io::Result<String> {
    use std::fmt::Write as _;
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let mut text = String::new();
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::image::tests::names;
    use crate::root::tests::Tree;

    #[test]
    fn a_stamp_is_wanted_unless_something_stronger_is_there() {
        let tree = Tree::new();
        let found = || names(&Facts::gather(&tree.root()).judge());
        assert_eq!(found(), ["stamp-missing"]);
        tree.write("usr/lib/ostree/prepare-root.conf", "");
        assert_eq!(found(), ["stamp-by-ostree"]);
        for (text, is_good) in
            [(String::new(), false), ("  \n".into(), false), ("x".repeat(4097), false), ("1".into(), true)]
        {
            tree.write(STAMP, &text);
            assert_eq!(found().is_empty(), is_good, "{text:?}");
        }
        // Packages were installed into an image that was stamped before.
        let database = tree.write("usr/lib/sysimage/dpkg/status", "").path("usr/lib/sysimage/dpkg/status");
        let file = fs::File::options().write(true).open(database).expect("open");
        file.set_modified(SystemTime::now() + Duration::from_secs(60)).expect("set a time");
        assert_eq!(found(), ["stamp-old"]);
        tree.remove("usr/lib/sysimage").remove(STAMP);
        tree.path("usr/lib/veneer/base/x");
        assert_eq!(found(), ["stamp-unusable"]);
    }

    #[test]
    fn what_is_written_can_be_used_and_is_another_each_time() {
        let tree = Tree::new();
        let written = |what: &Stamp| {
            stamp(&tree.root(), what).expect("write the stamp");
            assert_eq!(names(&Facts::gather(&tree.root()).judge()), [""; 0]);
            tree.root().text(STAMP).expect("a stamp")
        };
        let (one, other) = (written(&Stamp::Random), written(&Stamp::Random));
        assert_ne!(one, other);
        assert!(one.trim().len() == 32 && one.trim().bytes().all(|b| b.is_ascii_hexdigit()), "{one}");
        assert_eq!(written(&Stamp::Text("image 7".into())), "image 7\n");
    }
}
