//! How the program is linked: measured, see docs/performance.md.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is =
        |key: &str, word: &str| std::env::var(key).is_ok_and(|value| value.split(',').any(|one| one == word));
    // Rust's standard library asks for the unwinder as libgcc_s.so.1. In a debug build, whose panics unwind, the
    // compiler's archive is named before it and has all that is asked for: a library less to load, as in a release build,
    // which has src/unwinder.rs. A static program takes the archive anyway.
    let is_static = is("CARGO_CFG_TARGET_FEATURE", "crt-static");
    if !is("CARGO_CFG_TARGET_ENV", "gnu") || is_static {
        return;
    }
    if is("PROFILE", "debug") {
        println!("cargo::rustc-link-lib=gcc_eh");
    } else {
        // An index for unwinding within the program. Debuggers read the table itself, which stays.
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
    }
}
