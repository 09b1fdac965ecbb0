//! `veneer run -- COMMAND`: a program that may write to /usr while it is guarded. It gets a mount namespace of its own, in
//! which /usr is writable, and which ends with it: nobody else ever sees a writable /usr, however the program ends.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use veneer::mount::unguard_alone;

use super::guard::is_guarded;
use crate::args::Options;
use crate::failure::Failure;

pub(crate) fn run(options: &Options) -> Result<String, Failure> {
    let Some((program, words)) = options.words.split_first() else { return Ok(String::new()) };
    // Without guard there is nothing to open, and the program is on its own.
    if is_guarded(options) {
        if !rustix::process::geteuid().is_root() {
            return Err(Failure::Missing(format!(
                "/usr is guarded, and only root may open it: `sudo veneer run -- {} …`",
                program.to_string_lossy()
            )));
        }
        unguard_alone(&options.root.join("usr"))?;
    }
    let error = Command::new(program).args(words).exec();
    Err(Failure::Missing(format!("cannot run {}: {error}", program.to_string_lossy())))
}
