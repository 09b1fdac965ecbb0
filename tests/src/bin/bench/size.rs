//! What the programs take on disk and in an initramfs.

use std::path::Path;
use std::process::Command;

use super::Result;

/// What the programs of the initramfs may take, in bytes: 1.2 MiB.
const LIMIT: u64 = 1_258_291;

pub(crate) fn print(programs: &Path) -> Result<()> {
    let path = programs.join("veneer-assemble");
    let size = std::fs::metadata(&path)?.len();
    let packed = Command::new("zstd").args(["-15", "--stdout", "--quiet"]).arg(&path).output()?.stdout.len();
    println!(
        "veneer-assemble, which is veneer-generator too: {size} bytes (limit {LIMIT}), {packed} with zstd -15"
    );
    if size > LIMIT { Err("the program is too large".into()) } else { Ok(()) }
}
