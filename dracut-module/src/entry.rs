//! Where the program starts and ends: at C's `main` and at exit(3).
//!
//! What Rust's own start does before its `main` (it looks for the stack in /proc/self/maps, sets a stack for signals and
//! the handlers of three of them) is 21 system calls and a twentieth of the time of a boot on an unchanged base. This
//! program needs none of it: it lives for milliseconds, a signal that ends it is logged by systemd, and systemd opens
//! its standard streams and has it ignore SIGPIPE (systemd.exec(5), `IgnoreSIGPIPE=`).
//!
//! Only with the GNU C library, which hands the arguments to the standard library without Rust's start.

/// What the C library calls.
#[expect(
    unsafe_code,
    reason = "the name is the C library's: nothing else in the program has it, since Rust's own is left out"
)]
#[unsafe(no_mangle)]
extern "C" fn main() -> std::ffi::c_int {
    std::process::exit(crate::run().into())
}
