//! The generator as a program of its own; see the library. In the initramfs it is a name of veneer-assemble.

use std::process::ExitCode;

fn main() -> ExitCode {
    veneer_generator::run().into()
}
