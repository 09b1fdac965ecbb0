//! What the programs take on disk and in an initramfs.

use std::path::Path;
use std::process::Command;

use super::Result;

/// Both programs of the initramfs together, in bytes.
const LIMIT: u64 = 1_258_291;

pub(crate) fn print(programs: &Path) -> Result<()> {
    let mut sum = (0, 0);
    for name in ["veneer-generator", "veneer-assemble"] {
        let path = programs.join(name);
        let size = std::fs::metadata(&path)?.len();
        let packed = Command::new("zstd").args(["-15", "--stdout", "--quiet"]).arg(&path).output()?;
        let packed = packed.stdout.len() as u64;
        println!("{name:<18} {size:>8} bytes, {packed:>8} in a zstd initramfs");
        sum = (sum.0 + size, sum.1 + packed);
    }
    println!(
        "{:<18} {:>8} bytes, {:>8} in a zstd initramfs (limit {LIMIT}: 1.2 MiB)",
        "together", sum.0, sum.1
    );
    if sum.0 > LIMIT { Err("the programs are too large".into()) } else { Ok(()) }
}
