//! What execve(2) and the loader ask of an ELF file's header (elf(5)). Pure: the file's first bytes and its size in,
//! answers out.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// How much of a file is looked at. Linkers put the program headers right behind the file's own.
pub(super) const LENGTH: usize = 4096;

/// `PT_LOAD` and `PT_INTERP`.
const LOAD: usize = 1;
const INTERP: usize = 3;

/// The header of an ELF program or library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Elf {
    /// Word size, byte order and processor: what must be the same for two programs to run on one machine.
    machine: [u8; 4],
    /// The loader that the program asks for.
    pub(super) loader: Option<PathBuf>,
    /// Where the last part that is loaded ends, in bytes from the start of the file.
    end: u64,
}

impl Elf {
    /// Reads the header; `None` if `bytes` do not begin an ELF file, or only a part of its headers is there.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(b"\x7fELF") {
            return None;
        }
        let (class, order) = (*bytes.get(4)?, *bytes.get(5)?);
        let (is_64, little) = (class == 2, order == 1);
        let number = |at: usize, size: usize| -> Option<usize> {
            let bytes = bytes.get(at..at.checked_add(size)?)?;
            let fold = |n: usize, b: &u8| (n << 8) | usize::from(*b);
            Some(if little { bytes.iter().rev().fold(0, fold) } else { bytes.iter().fold(0, fold) })
        };
        // e_phoff, e_phentsize, e_phnum; then p_offset and p_filesz within an entry.
        let (table, entry, count) = if is_64 {
            (number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?)
        } else {
            (number(0x1c, 4)?, number(0x2a, 2)?, number(0x2c, 2)?)
        };
        let (offset_at, size_at, width) = if is_64 { (0x08, 0x20, 8) } else { (0x04, 0x10, 4) };
        let mut elf = Elf { machine: [class, order, *bytes.get(18)?, *bytes.get(19)?], loader: None, end: 0 };
        for index in 0..count {
            let at = table.checked_add(index.checked_mul(entry)?)?;
            let kind = number(at, 4)?;
            let offset = number(at.checked_add(offset_at)?, width)?;
            let size = number(at.checked_add(size_at)?, width)?;
            let end = offset.checked_add(size)?;
            if kind == LOAD {
                elf.end = elf.end.max(end as u64);
            } else if kind == INTERP {
                let text = bytes.get(offset..end)?;
                let path = PathBuf::from(OsStr::from_bytes(text.split(|b| *b == 0).next()?));
                elf.loader = path.is_absolute().then_some(path);
            }
        }
        // Nothing to load is nothing to run.
        (elf.end > 0).then_some(elf)
    }

    /// True if a file of `size` bytes holds all that is to be loaded.
    pub(super) fn is_whole(&self, size: u64) -> bool {
        self.end <= size
    }

    /// True if both are for one kind of machine.
    pub(super) fn same_machine(&self, other: &Self) -> bool {
        self.machine == other.machine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_real_program() {
        let bytes = std::fs::read("/proc/self/exe").expect("a test can read itself");
        let elf = Elf::parse(&bytes[..LENGTH.min(bytes.len())]).expect("a test is an ELF program");
        assert!(elf.is_whole(bytes.len() as u64) && !elf.is_whole(5000));
        assert!(elf.loader.is_none_or(|path| path.to_string_lossy().contains("ld")));
    }

    #[test]
    fn noise_is_read_without_a_panic() {
        let mut header = b"\x7fELF\x02\x01".to_vec();
        let rounds = u32::try_from(crate::fuzz::rounds(4096)).expect("a number of 32 bits");
        for seed in 0..rounds {
            header.truncate(6);
            let mut state = seed.wrapping_mul(2_654_435_761) | 1;
            for _ in 0..200 {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                header.push(state.to_le_bytes()[0]);
            }
            let found = Elf::parse(&header).and_then(|elf| elf.loader);
            assert!(found.is_none_or(|path| path.is_absolute()));
        }
    }
}
