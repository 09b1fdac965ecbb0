//! The content of a disk, as a value: cheap to copy, to write to, and to put into a file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

const BLOCK: usize = 4096;

/// Blocks that are not all zeros, by their number.
#[derive(Clone, Default)]
pub(crate) struct Image {
    size: u64,
    blocks: BTreeMap<u64, Arc<[u8]>>,
}

impl Image {
    /// Reads a disk's file.
    pub(crate) fn read(path: &Path) -> Image {
        let mut file = File::open(path).expect("open a disk's file");
        let size = file.metadata().expect("look at a disk's file").len();
        let mut image = Image { size, blocks: BTreeMap::new() };
        let mut block = vec![0; BLOCK];
        for number in 0..size / BLOCK as u64 {
            file.read_exact(&mut block).expect("read a disk's file");
            if block.iter().any(|byte| *byte != 0) {
                image.blocks.insert(number, block.as_slice().into());
            }
        }
        image
    }

    /// The whole of it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(self.size).expect("a small disk")];
        for (number, block) in &self.blocks {
            let start = usize::try_from(*number).expect("a small disk") * BLOCK;
            bytes[start..start + BLOCK].copy_from_slice(block);
        }
        bytes
    }

    /// Writes bytes at an offset.
    pub(crate) fn write(&mut self, offset: u64, data: &[u8]) {
        let (mut at, mut left) = (offset, data);
        while !left.is_empty() {
            let within = usize::try_from(at % BLOCK as u64).expect("less than a block");
            let length = left.len().min(BLOCK - within);
            let block = self.blocks.entry(at / BLOCK as u64).or_insert_with(|| [0; BLOCK].into());
            let mut changed = block.to_vec();
            changed[within..within + length].copy_from_slice(&left[..length]);
            *block = changed.into();
            left = &left[length..];
            at += length as u64;
        }
    }

    /// Makes a disk's file, sparse where the disk is empty.
    pub(crate) fn save(&self, path: &Path) {
        // A new file: whoever still has the old one open keeps it.
        if path.exists() {
            std::fs::remove_file(path).expect("remove the old file of a disk");
        }
        let file = File::create(path).expect("make a disk's file");
        file.set_len(self.size).expect("size a disk's file");
        for (number, block) in &self.blocks {
            file.write_all_at(block, number * BLOCK as u64).expect("write a disk's file");
        }
    }
}

/// The pieces that a disk may write or lose one by one: bytes at an offset, within one block.
pub(crate) fn pieces(offset: u64, data: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let first = BLOCK - usize::try_from(offset % BLOCK as u64).expect("less than a block");
    let (head, tail) = data.split_at(first.min(data.len()));
    let mut at = offset;
    std::iter::once(head).chain(tail.chunks(BLOCK)).map(move |piece| {
        let place = at;
        at += piece.len() as u64;
        (place, piece)
    })
}
