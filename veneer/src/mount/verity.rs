//! fs-verity's digest of a file (Documentation/filesystems/fsverity.rst). Like statmount(2), it is not to be had without an
//! unsafe block.

use std::os::fd::{AsRawFd as _, OwnedFd};

use crate::hex;

/// `FS_IOC_MEASURE_VERITY`, by the fixed part of `struct fsverity_digest`.
const MEASURE: libc::Ioctl = libc::_IOWR::<[u16; 2]>(b'f' as u32, 134);

/// `struct fsverity_digest`: algorithm, size of the digest in bytes, and room for the largest one.
#[repr(C)]
struct Measured {
    algorithm: u16,
    size: u16,
    digest: [u8; 64],
}

/// The digest that the kernel holds everything against that is read from `file`, in hexadecimal digits; `None` if it does
/// not.
#[expect(unsafe_code, reason = "the kernel writes no more than the structure says that it has room for")]
pub(crate) fn measure(file: &OwnedFd) -> Option<String> {
    let mut measured = Measured { algorithm: 0, size: 64, digest: [0; 64] };
    // SAFETY: the descriptor is open, and the call writes at most `size` bytes behind the structure's first four, all of
    // which are there; any bytes are bytes.
    let done = unsafe { libc::ioctl(file.as_raw_fd(), MEASURE, &raw mut measured) };
    let digest = measured.digest.get(..measured.size.into())?;
    (done == 0).then(|| hex::encode(digest))
}
