//! How the program is linked: measured, see docs/performance.md.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let has =
        |key: &str, word: &str| std::env::var(key).is_ok_and(|value| value.split(',').any(|one| one == word));
    // Rust's standard library asks for the unwinder, which it needs for backtraces alone, as libgcc_s.so.1. Named before
    // it, the compiler's archive has all that is asked for: a library less to load at every boot. A static program takes
    // the archive anyway.
    if has("CARGO_CFG_TARGET_ENV", "gnu") && !has("CARGO_CFG_TARGET_FEATURE", "crt-static") {
        println!("cargo::rustc-link-lib=gcc_eh");
    }
}
