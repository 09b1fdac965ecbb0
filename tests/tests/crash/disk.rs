//! A disk that writes down what is written to it, and where it is flushed: a file system in user space (FUSE, protocol
//! 7.31 as in include/uapi/linux/fuse.h) that has one file and nothing else, on which a loop device is put.
//!
//! The file is opened for direct I/O and requests are answered one by one, so what is written down is the order in
//! which the disk would have got them.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::io::Errno;

use crate::image::Image;

/// What a disk sees.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Bytes at an offset.
    Write(u64, Vec<u8>),
    /// Everything written so far is to be durable.
    Flush,
}

/// The recording disk, mounted as a file.
pub(crate) struct Disk {
    state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
    point: std::path::PathBuf,
}

struct State {
    bytes: Vec<u8>,
    log: Vec<Event>,
}

/// FUSE's operations that a kernel sends for one file on which a loop device is put.
mod operation {
    pub(super) const FORGET: u32 = 2;
    pub(super) const GETATTR: u32 = 3;
    pub(super) const SETATTR: u32 = 4;
    pub(super) const OPEN: u32 = 14;
    pub(super) const READ: u32 = 15;
    pub(super) const WRITE: u32 = 16;
    pub(super) const STATFS: u32 = 17;
    pub(super) const RELEASE: u32 = 18;
    pub(super) const FSYNC: u32 = 20;
    pub(super) const FLUSH: u32 = 25;
    pub(super) const INIT: u32 = 26;
    pub(super) const INTERRUPT: u32 = 36;
    pub(super) const DESTROY: u32 = 38;
    pub(super) const BATCH_FORGET: u32 = 42;
    pub(super) const FALLOCATE: u32 = 43;
}

const IN_HEADER: usize = 40;
const MAX_WRITE: u32 = 1 << 20;

impl Disk {
    /// Mounts a disk with this content over the file `point`, which is made.
    pub(crate) fn mount(image: &Image, point: &Path) -> Disk {
        File::create(point).expect("make the disk's mount point");
        let device = File::options().read(true).write(true).open("/dev/fuse").expect("open /dev/fuse");
        let options = format!("fd={},rootmode=100600,user_id=0,group_id=0\0", device.as_raw_fd());
        let options = std::ffi::CStr::from_bytes_with_nul(options.as_bytes()).expect("one NUL, at the end");
        rustix::mount::mount("disk", point, "fuse", rustix::mount::MountFlags::empty(), options)
            .expect("mount the disk");
        let state = Arc::new(Mutex::new(State { bytes: image.bytes(), log: Vec::new() }));
        let served = Arc::clone(&state);
        let server = std::thread::spawn(move || serve(device, &served));
        Disk { state, server, point: point.to_path_buf() }
    }

    /// How many events there were.
    pub(crate) fn seen(&self) -> usize {
        self.state.lock().expect("the disk's server is well").log.len()
    }

    /// Unmounts the disk, and returns what it saw.
    pub(crate) fn unmount(self) -> Vec<Event> {
        // The loop device lets go of its file some time after its file system is unmounted.
        for _ in 0..500 {
            match rustix::mount::unmount(&self.point, rustix::mount::UnmountFlags::empty()) {
                Err(Errno::BUSY) => std::thread::sleep(std::time::Duration::from_millis(10)),
                done => {
                    done.expect("unmount the disk");
                    break;
                }
            }
        }
        self.server.join().expect("the disk's server ends well");
        std::mem::take(&mut self.state.lock().expect("the disk's server ended well").log)
    }
}

/// Answers the kernel until the disk is unmounted.
fn serve(mut device: File, state: &Mutex<State>) {
    let mut buffer = vec![0; MAX_WRITE as usize + 64 * 1024];
    loop {
        let length = match device.read(&mut buffer) {
            Ok(length) => length,
            Err(e) if e.raw_os_error() == Some(Errno::NODEV.raw_os_error()) => return,
            Err(e)
                if [Errno::INTR, Errno::AGAIN, Errno::NOENT]
                    .iter()
                    .any(|n| e.raw_os_error() == Some(n.raw_os_error())) =>
            {
                continue;
            }
            Err(e) => panic!("read a request of the kernel: {e}"),
        };
        let request = &buffer[..length];
        let answer = answer(number(request, 4, 4), &request[IN_HEADER..], state);
        let Some(answer) = answer else { continue };
        let (error, body) = match answer {
            Ok(body) => (0, body),
            Err(errno) => (-errno.raw_os_error(), Vec::new()),
        };
        let mut out = u32::try_from(16 + body.len()).expect("a short answer").to_le_bytes().to_vec();
        out.extend(error.to_le_bytes());
        out.extend(&request[8..16]);
        out.extend(body);
        match device.write(&out) {
            Ok(_) => {}
            // Nobody waits for this answer any more.
            Err(e) if e.raw_os_error() == Some(Errno::NOENT.raw_os_error()) => {}
            Err(e) => panic!("answer the kernel: {e}"),
        }
    }
}

/// The answer to a request; none where none is expected.
fn answer(operation: u64, request: &[u8], state: &Mutex<State>) -> Option<Result<Vec<u8>, Errno>> {
    let mut state = state.lock().expect("only this thread writes");
    Some(Ok(match u32::try_from(operation).unwrap_or(u32::MAX) {
        operation::INIT => init(),
        operation::GETATTR | operation::SETATTR => attributes(state.bytes.len() as u64),
        // fh, FOPEN_DIRECT_IO
        operation::OPEN => [0_u64.to_le_bytes(), 1_u64.to_le_bytes()].concat(),
        operation::READ => {
            let (start, length) = place(request);
            let end = (start + length).min(state.bytes.len());
            state.bytes[start.min(end)..end].to_vec()
        }
        operation::WRITE => {
            let (start, length) = place(request);
            let data = &request[40..40 + length];
            if start + length > state.bytes.len() {
                return Some(Err(Errno::NOSPC));
            }
            state.bytes[start..start + length].copy_from_slice(data);
            state.log.push(Event::Write(start as u64, data.to_vec()));
            (length as u64).to_le_bytes().to_vec()
        }
        operation::FSYNC => {
            state.log.push(Event::Flush);
            Vec::new()
        }
        operation::STATFS => vec![0; 80],
        operation::RELEASE | operation::FLUSH | operation::DESTROY => Vec::new(),
        operation::FORGET | operation::BATCH_FORGET | operation::INTERRUPT => return None,
        // No holes, no discards: everything comes as a write.
        operation::FALLOCATE => return Some(Err(Errno::OPNOTSUPP)),
        _ => return Some(Err(Errno::NOSYS)),
    }))
}

/// Offset and size of a read or write (struct fuse_read_in, fuse_write_in).
fn place(request: &[u8]) -> (usize, usize) {
    let at = |start, length| usize::try_from(number(request, start, length)).expect("a place on the disk");
    (at(8, 8), at(16, 4))
}

fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    bytes[at..at + length].iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// struct fuse_init_out.
fn init() -> Vec<u8> {
    const BIG_WRITES: u32 = 1 << 5;
    const MAX_PAGES: u32 = 1 << 22;
    let mut out = Vec::new();
    for word in [7, 31, 0, BIG_WRITES | MAX_PAGES, 0, MAX_WRITE, 1, MAX_WRITE / 4096] {
        out.extend(u32::to_le_bytes(word));
    }
    out.resize(64, 0);
    out
}

/// struct fuse_attr_out of the file.
fn attributes(size: u64) -> Vec<u8> {
    let mut out = Vec::new();
    // attr_valid, its nanoseconds; ino, size, blocks, three times
    for word in [3600, 0, 1, size, size / 512, 0, 0, 0] {
        out.extend(u64::to_le_bytes(word));
    }
    // nanoseconds of the times, mode, nlink, uid, gid, rdev, blksize, flags
    for word in [0, 0, 0, 0o100_600, 1, 0, 0, 0, 4096, 0] {
        out.extend(u32::to_le_bytes(word));
    }
    out
}
