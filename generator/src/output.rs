//! Writes units out: the one place of the generator with an effect on the file system.

use std::io;
use std::path::Path;

use fs_err as fs;

use crate::units::Units;

/// Makes the files, then the links, below `directory`. What is there already is replaced, so that a second run gives
/// what the first one gave.
pub(crate) fn write(units: &Units, directory: &Path) -> io::Result<()> {
    for (path, text) in &units.files {
        fs::write(prepared(directory, path)?, text)?;
    }
    for (path, target) in &units.links {
        let path = prepared(directory, path)?;
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        fs::os::unix::fs::symlink(target, path)?;
    }
    Ok(())
}

/// The path of a file whose directory is there.
fn prepared(directory: &Path, path: &Path) -> io::Result<std::path::PathBuf> {
    let path = directory.join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(path)
}
