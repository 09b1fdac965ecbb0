//! `make bench`: what Veneer costs. Sizes of the programs; a boot on an unchanged base beside a bare `mount -t overlay`;
//! judging a large layer beside find(1); a rebase of many packages beside what dpkg takes to read its database, and rpm to
//! write its own anew. All in turn, so that a noisy machine is noisy for all.
//!
//! Usage: bench DIRECTORY-OF-RELEASE-PROGRAMS [PART]: `size`, `cost`, `rebase`, `packages` or `rpm`; all without one. Needs
//! root, strace, zstd, mkfs.erofs, dpkg, and mmdebstrap for a system with rpm.

mod cost;
mod ground;
mod packages;
mod place;
mod rebase;
mod rpm;
mod size;

use std::path::PathBuf;
use std::process::ExitCode;

use place::Place;

/// Pairs of runs; the median of their ratios is what counts.
const PAIRS: usize = 200;

fn main() -> ExitCode {
    let Some(programs) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: bench DIRECTORY-OF-RELEASE-PROGRAMS [PART]");
        return ExitCode::from(2);
    };
    if let Err(error) = run(&programs) {
        eprintln!("bench: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn run(programs: &std::path::Path) -> Result<()> {
    let part = std::env::args().nth(2);
    let is_wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    // Mounts stay in a namespace that ends with this process.
    if std::env::var_os("VENEER_BENCH_INNER").is_none() {
        if is_wanted("size") {
            size::print(programs)?;
        }
        let me = std::env::current_exe()?;
        let status = std::process::Command::new("unshare")
            .args(["--mount", "--propagation", "private"])
            .arg(me)
            .args(std::env::args_os().skip(1))
            .env("VENEER_BENCH_INNER", "1")
            // Cargo sets it, and the loader would search each of its directories for each library.
            .env_remove("LD_LIBRARY_PATH")
            .status()?;
        return if status.success() { Ok(()) } else { Err("the measurements failed".into()) };
    }
    if is_wanted("cost") {
        cost::print(&Place::new(programs)?, PAIRS)?;
    }
    if is_wanted("rebase") {
        rebase::print(programs)?;
    }
    if is_wanted("packages") {
        packages::print(programs)?;
    }
    if is_wanted("rpm") {
        rpm::print(programs)?;
    }
    Ok(())
}
