//! ELF files (elf(5)), as the kernel and the loader read them: what machine they are for, and what they need of each other.
//! Pure, and made for files that anybody may have written: whatever is in them, reading ends, within bounds.

mod dynamic;
mod header;
#[cfg(test)]
pub(crate) mod made;

pub(crate) use dynamic::{Dynamic, Source};
pub(crate) use header::{Header, LENGTH};
