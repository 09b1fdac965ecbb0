//! What execve(2) and the loader ask of an ELF file's header (elf(5)). Pure: the file's first bytes in, answers out.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// How much of a file is looked at. Linkers put the program headers right behind the file's own.
pub(crate) const LENGTH: usize = 4096;

/// `PT_LOAD`, `PT_DYNAMIC` and `PT_INTERP`.
const LOAD: usize = 1;
const DYNAMIC: usize = 2;
const INTERP: usize = 3;

/// The header of an ELF program or library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// Word size, byte order and processor: what must be the same for two programs to run on one machine.
    pub(crate) machine: [u8; 4],
    /// The loader that the program asks for.
    pub(crate) loader: Option<PathBuf>,
    /// Where the last part that is loaded ends, in bytes from the start of the file.
    end: u64,
    /// What is loaded: where, from where in the file, and how many bytes.
    pub(super) loads: Vec<Load>,
    /// Where the dynamic section is in the file, and its length.
    pub(super) dynamic: Option<(u64, u64)>,
}

/// A part of the file that is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Load {
    /// The address.
    pub(super) address: u64,
    /// Where in the file.
    pub(super) offset: u64,
    /// How many bytes.
    pub(super) size: u64,
}

/// A number in a file's own byte order.
pub(super) fn number(bytes: &[u8], little: bool) -> u64 {
    let fold = |n: u64, b: &u8| (n << 8) | u64::from(*b);
    if little { bytes.iter().rev().fold(0, fold) } else { bytes.iter().fold(0, fold) }
}

impl Header {
    /// Reads the header; `None` if `bytes` do not begin an ELF file, or only a part of its headers is there.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(b"\x7fELF") {
            return None;
        }
        let (class, order) = (*bytes.get(4)?, *bytes.get(5)?);
        let (is_64, little) = (class == 2, order == 1);
        let at = |at: usize, size: usize| -> Option<usize> {
            usize::try_from(number(bytes.get(at..at.checked_add(size)?)?, little)).ok()
        };
        // e_phoff, e_phentsize, e_phnum; then p_offset, p_vaddr and p_filesz within an entry.
        let (table, entry, count) = if is_64 {
            (at(0x20, 8)?, at(0x36, 2)?, at(0x38, 2)?)
        } else {
            (at(0x1c, 4)?, at(0x2a, 2)?, at(0x2c, 2)?)
        };
        let (offset_at, address_at, size_at, width) =
            if is_64 { (0x08, 0x10, 0x20, 8) } else { (0x04, 0x08, 0x10, 4) };
        let machine = [class, order, *bytes.get(18)?, *bytes.get(19)?];
        let mut header = Header { machine, loader: None, end: 0, loads: Vec::new(), dynamic: None };
        for index in 0..count {
            let start = table.checked_add(index.checked_mul(entry)?)?;
            let kind = at(start, 4)?;
            let offset = at(start.checked_add(offset_at)?, width)?;
            let address = at(start.checked_add(address_at)?, width)?;
            let size = at(start.checked_add(size_at)?, width)?;
            let end = offset.checked_add(size)?;
            match kind {
                LOAD => {
                    header.end = header.end.max(end as u64);
                    let load = Load { address: address as u64, offset: offset as u64, size: size as u64 };
                    header.loads.push(load);
                }
                DYNAMIC => header.dynamic = Some((offset as u64, size as u64)),
                // libc is a program, too, and has the name of its loader far behind the headers.
                INTERP => {
                    let text = bytes.get(offset..end).and_then(|text| text.split(|b| *b == 0).next());
                    let path = text.map(|text| PathBuf::from(OsStr::from_bytes(text)));
                    header.loader = path.filter(|path| path.is_absolute());
                }
                _ => {}
            }
        }
        // Nothing to load is nothing to run.
        (header.end > 0).then_some(header)
    }

    /// True for 64-bit words.
    pub(super) fn is_64(&self) -> bool {
        self.machine[0] == 2
    }

    /// True if the lowest byte of a number comes first.
    pub(super) fn is_little(&self) -> bool {
        self.machine[1] == 1
    }

    /// Where in the file an address is loaded from.
    pub(super) fn offset_of(&self, address: u64) -> Option<u64> {
        let load = self
            .loads
            .iter()
            .find(|load| address.checked_sub(load.address).is_some_and(|distance| distance < load.size))?;
        load.offset.checked_add(address - load.address)
    }

    /// True if a file of `size` bytes holds all that is to be loaded.
    pub(crate) fn is_whole(&self, size: u64) -> bool {
        self.end <= size
    }

    /// True if both are for one kind of machine.
    pub(crate) fn same_machine(&self, other: &Self) -> bool {
        self.machine == other.machine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_real_program() {
        let bytes = std::fs::read("/proc/self/exe").expect("a test can read itself");
        let header = Header::parse(&bytes[..LENGTH.min(bytes.len())]).expect("a test is an ELF program");
        assert!(header.is_whole(bytes.len() as u64) && !header.is_whole(5000));
        assert!(header.loader.is_none_or(|path| path.to_string_lossy().contains("ld")));
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
            let found = Header::parse(&header).and_then(|found| found.loader);
            assert!(found.is_none_or(|path| path.is_absolute()));
        }
    }
}
