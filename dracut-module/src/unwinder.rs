//! The unwinder that a program does without whose panics abort: there is nothing to find by walking up the stack.
//!
//! Rust's standard library asks for one by these names, to show where a panic came from (with RUST_BACKTRACE, and in a
//! program without symbols as bare numbers) and to clean up after it, which it has no occasion to do here. Answered here,
//! the compiler sees that no frame is ever looked at, and leaves out what reads debugging information, a tenth of the
//! program, as well as the unwinder of GCC, a library to load at every boot. A panic still says where it was.
//!
//! The names and what they give back: the C++ ABI for Itanium, level I, and the additions of GCC's unwind.h. A name that
//! the standard library comes to ask for in addition is taken from libgcc_s again, at the cost of loading it.
#![expect(
    unsafe_code,
    reason = "nothing else in the program has these names, since GCC's library is not linked statically"
)]

use std::ffi::{c_int, c_void};

/// `_URC_END_OF_STACK`.
const END_OF_STACK: c_int = 5;

/// No frame to show to anybody.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_show: *const c_void, _to: *const c_void) -> c_int {
    END_OF_STACK
}

/// What follows is called from within the unwinding of a stack alone.
macro_rules! never {
    ($($name:ident)*) => {
        $(#[unsafe(no_mangle)]
        extern "C" fn $name() -> ! {
            std::process::abort()
        })*
    };
}

never! {
    _Unwind_Resume
    _Unwind_RaiseException
    _Unwind_DeleteException
    _Unwind_FindEnclosingFunction
    _Unwind_GetCFA
    _Unwind_GetDataRelBase
    _Unwind_GetGR
    _Unwind_GetIP
    _Unwind_GetIPInfo
    _Unwind_GetLanguageSpecificData
    _Unwind_GetRegionStart
    _Unwind_GetTextRelBase
    _Unwind_SetGR
    _Unwind_SetIP
}
