//! Small ELF files for tests: 64-bit, little endian, with a dynamic section and nothing to run.

/// What is in one.
#[derive(Clone, Default)]
pub(crate) struct Made<'a> {
    pub(crate) soname: &'a str,
    pub(crate) needed: &'a [&'a str],
    pub(crate) rpath: &'a str,
    pub(crate) run_path: &'a str,
    /// Library and version.
    pub(crate) versions: &'a [(&'a str, &'a str)],
    pub(crate) defines: &'a [&'a str],
    pub(crate) loader: &'a str,
}

/// The processor that it says it is for: x86-64.
pub(crate) const PROCESSOR: u16 = 62;

impl Made<'_> {
    /// Its bytes, which are loaded at address 0x10000.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        const BASE: u64 = 0x10000;
        const HEADERS: usize = 0x40 + 3 * 0x38;
        let mut body = vec![0; HEADERS];
        let mut names = vec![0];
        let mut name = |text: &str| {
            let at = names.len() as u64;
            names.extend(text.bytes().chain([0]));
            at
        };
        let mut dynamic: Vec<(u64, u64)> = self.needed.iter().map(|needed| (1, name(needed))).collect();
        if !self.soname.is_empty() {
            dynamic.push((14, name(self.soname)));
        }
        if !self.rpath.is_empty() {
            dynamic.push((15, name(self.rpath)));
        }
        if !self.run_path.is_empty() {
            dynamic.push((29, name(self.run_path)));
        }
        // Verneed, each with one Vernaux.
        let needs = body.len() as u64;
        for (number, (library, version)) in self.versions.iter().enumerate() {
            let next: u32 = if number + 1 == self.versions.len() { 0 } else { 32 };
            body.extend(1_u16.to_le_bytes().into_iter().chain(1_u16.to_le_bytes()));
            for half in [name(library), 16, u64::from(next), 0, 2 << 16, name(version), 0] {
                body.extend(u32::try_from(half).expect("small").to_le_bytes());
            }
        }
        // Verdef, the first for the file's own name.
        let defines = body.len() as u64;
        let all: Vec<(u16, &str)> = if self.defines.is_empty() {
            Vec::new()
        } else {
            [(1, self.soname)].into_iter().chain(self.defines.iter().map(|version| (0, *version))).collect()
        };
        for (number, (flags, version)) in all.iter().enumerate() {
            let next: u32 = if number + 1 == all.len() { 0 } else { 28 };
            for half in [1, *flags, 2, 1] {
                body.extend(u16::to_le_bytes(half));
            }
            for half in [0, 20, u64::from(next), name(version), 0] {
                body.extend(u32::try_from(half).expect("small").to_le_bytes());
            }
        }
        let strings = body.len() as u64;
        body.extend_from_slice(&names);
        let loader = body.len() as u64;
        body.extend(self.loader.bytes().chain([0]));
        body.resize(body.len().next_multiple_of(8), 0);
        if !self.versions.is_empty() {
            dynamic.extend([(0x6fff_fffe, BASE + needs), (0x6fff_ffff, self.versions.len() as u64)]);
        }
        if !all.is_empty() {
            dynamic.extend([(0x6fff_fffc, BASE + defines), (0x6fff_fffd, all.len() as u64)]);
        }
        dynamic.extend([(5, BASE + strings), (0, 0)]);
        let section = body.len() as u64;
        for (tag, value) in &dynamic {
            body.extend(tag.to_le_bytes().into_iter().chain(value.to_le_bytes()));
        }
        let end = body.len() as u64;
        let loader = (loader, if self.loader.is_empty() { 0 } else { self.loader.len() as u64 + 1 });
        let parts = [(1_u32, 0, end), (2, section, end - section), (3, loader.0, loader.1)];
        body[..HEADERS].copy_from_slice(&headers(BASE, &parts));
        body
    }
}

fn headers(base: u64, parts: &[(u32, u64, u64); 3]) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend(3_u16.to_le_bytes().into_iter().chain(PROCESSOR.to_le_bytes()));
    bytes.extend(1_u32.to_le_bytes());
    for word in [0_u64, 0x40, 0] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(0_u32.to_le_bytes());
    for half in [0x40_u16, 0x38, 3, 0, 0, 0] {
        bytes.extend(half.to_le_bytes());
    }
    for (kind, offset, size) in parts {
        bytes.extend(kind.to_le_bytes().into_iter().chain(4_u32.to_le_bytes()));
        for word in [*offset, base + offset, base + offset, *size, *size, 8] {
            bytes.extend(word.to_le_bytes());
        }
    }
    bytes
}
