//! What a program or library says to the loader (elf(5), and the Linux Standard Base's "Symbol Versioning"): which
//! libraries it needs, which versions of their symbols, and which versions it has itself.

use std::collections::BTreeSet;

use super::header::{Header, number};

/// Entries of the dynamic section. Real ones have some thirty, and one for each library.
const ENTRY_LIMIT: u64 = 4096;
/// Libraries, and versions of symbols; the most that Debian has of either is a few hundred.
const NAME_LIMIT: usize = 4096;
/// Bytes of a name: that of a library is a file's, mostly.
const NAME_LENGTH: usize = 255;
/// Bytes of a list of directories.
const PATH_LENGTH: usize = 4096;

const NULL: u64 = 0;
const NEEDED: u64 = 1;
const STRTAB: u64 = 5;
const SONAME: u64 = 14;
const RPATH: u64 = 15;
const RUNPATH: u64 = 29;
const VERDEF: u64 = 0x6fff_fffc;
const VERDEF_COUNT: u64 = 0x6fff_fffd;
const VERNEED: u64 = 0x6fff_fffe;
const VERNEED_COUNT: u64 = 0x6fff_ffff;

/// `VER_FLG_BASE`: the definition is the file's own name; `VER_FLG_WEAK`: the loader goes on without this version.
const BASE: u64 = 1;
const WEAK: u64 = 2;

/// A file's bytes.
pub(crate) trait Source {
    /// Exactly these; `None` if they are not there.
    fn at(&mut self, offset: u64, length: usize) -> Option<&[u8]>;
}

impl Source for &[u8] {
    fn at(&mut self, offset: u64, length: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset).ok()?;
        self.get(start..start.checked_add(length)?)
    }
}

/// A version of a library's symbols without which a program does not start.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Needed {
    /// The library, as it is in [`Dynamic::needed`].
    pub(crate) library: String,
    /// The version's name.
    pub(crate) version: String,
}

/// What the loader reads. Names that are not UTF-8 are none that anybody has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Dynamic {
    /// The name that others know the library by.
    pub(crate) soname: Option<String>,
    /// Libraries, in order.
    pub(crate) needed: Vec<String>,
    /// Where to look for them first, `$ORIGIN` and all.
    pub(crate) run_path: Vec<String>,
    /// Versions that must be there.
    pub(crate) versions: Vec<Needed>,
    /// Versions that are here. Without any, whatever version is asked for is good enough for the loader.
    pub(crate) defines: BTreeSet<String>,
}

impl Dynamic {
    /// Reads it; `None` if the file is not whole or not as it should be. A static program needs nothing.
    pub(crate) fn read(header: &Header, source: &mut impl Source) -> Option<Self> {
        let mut found = Dynamic::default();
        let Some((offset, size)) = header.dynamic else { return Some(found) };
        let mut reader = Reader { little: header.is_little(), source };
        let word: u64 = if header.is_64() { 8 } else { 4 };
        let width = usize::try_from(word).ok()?;
        let count = size / (2 * word);
        if count > ENTRY_LIMIT {
            return None;
        }
        let (mut names, mut needed, mut soname) = (None, Vec::new(), None);
        let (mut rpath, mut runpath) = (None, None);
        let (mut needs, mut defines) = ((None, 0), (None, 0));
        for index in 0..count {
            let at = offset.checked_add(index * 2 * word)?;
            let (tag, value) = (reader.number(at, 0, width)?, reader.number(at, word, width)?);
            match tag {
                NULL => break,
                NEEDED => needed.push(value),
                STRTAB => names = Some(value),
                SONAME => soname = Some(value),
                RPATH => rpath = Some(value),
                RUNPATH => runpath = Some(value),
                VERDEF => defines.0 = Some(value),
                VERDEF_COUNT => defines.1 = value,
                VERNEED => needs.0 = Some(value),
                VERNEED_COUNT => needs.1 = value,
                _ => {}
            }
        }
        let Some(names) = names else { return Some(found) };
        let names = header.offset_of(names)?;
        let mut left = NAME_LIMIT;
        for name in needed {
            found.needed.push(reader.name(names, name, &mut left)?);
        }
        // The old list counts only without the new one.
        if let Some(path) = runpath.or(rpath) {
            let path = reader.text(names, path, PATH_LENGTH)?;
            found.run_path.extend(path.split(':').filter(|dir| !dir.is_empty()).map(str::to_owned));
        }
        if let Some(name) = soname {
            found.soname = Some(reader.name(names, name, &mut left)?);
        }
        if let (Some(at), count) = needs {
            reader.needs(names, header.offset_of(at)?, count, &mut left, &mut found.versions)?;
        }
        if let (Some(at), count) = defines {
            reader.defines(names, header.offset_of(at)?, count, &mut left, &mut found.defines)?;
        }
        Some(found)
    }
}

struct Reader<'a, S> {
    little: bool,
    source: &'a mut S,
}

impl<S: Source> Reader<'_, S> {
    /// The number that is so far behind `start`.
    fn number(&mut self, start: u64, distance: u64, width: usize) -> Option<u64> {
        Some(number(self.source.at(start.checked_add(distance)?, width)?, self.little))
    }

    /// A name of the string table at `names`; one less is left.
    fn name(&mut self, names: u64, offset: u64, left: &mut usize) -> Option<String> {
        *left = left.checked_sub(1)?;
        self.text(names, offset, NAME_LENGTH)
    }

    /// What is in the string table up to the next zero.
    fn text(&mut self, names: u64, offset: u64, limit: usize) -> Option<String> {
        let mut text = Vec::new();
        let mut at = names.checked_add(offset)?;
        loop {
            // Short pieces: the table may end with the file.
            let byte = *self.source.at(at, 1)?.first()?;
            if byte == 0 {
                return Some(String::from_utf8_lossy(&text).into_owned());
            }
            if text.len() == limit {
                return None;
            }
            text.push(byte);
            at = at.checked_add(1)?;
        }
    }

    /// `Verneed` with its `Vernaux`, which look the same for all word sizes. Each says how far it is to the next.
    fn needs(
        &mut self,
        names: u64,
        mut at: u64,
        count: u64,
        left: &mut usize,
        into: &mut Vec<Needed>,
    ) -> Option<()> {
        for _ in 0..count {
            let versions = self.number(at, 2, 2)?;
            let library = self.number(at, 4, 4)?;
            let library = self.name(names, library, left)?;
            let mut version = at.checked_add(self.number(at, 8, 4)?)?;
            for _ in 0..versions {
                let (flags, name) = (self.number(version, 4, 2)?, self.number(version, 8, 4)?);
                let name = self.name(names, name, left)?;
                if flags & WEAK == 0 {
                    into.push(Needed { library: library.clone(), version: name });
                }
                version = version.checked_add(self.number(version, 12, 4)?)?;
            }
            at = at.checked_add(self.number(at, 12, 4)?)?;
        }
        Some(())
    }

    /// `Verdef` with its `Verdaux`: the first of these names the version, the others what it builds on.
    fn defines(
        &mut self,
        names: u64,
        mut at: u64,
        count: u64,
        left: &mut usize,
        into: &mut BTreeSet<String>,
    ) -> Option<()> {
        for _ in 0..count {
            let flags = self.number(at, 2, 2)?;
            let first = at.checked_add(self.number(at, 12, 4)?)?;
            let name = self.number(first, 0, 4)?;
            let name = self.name(names, name, left)?;
            if flags & BASE == 0 {
                into.insert(name);
            }
            at = at.checked_add(self.number(at, 16, 4)?)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::made::Made;
    use super::*;

    fn read(bytes: &[u8]) -> Option<Dynamic> {
        let header = Header::parse(&bytes[..super::super::LENGTH.min(bytes.len())])?;
        Dynamic::read(&header, &mut &*bytes)
    }

    #[test]
    fn reads_a_real_program_and_the_library_that_it_needs() {
        let bytes = std::fs::read("/proc/self/exe").expect("a test can read itself");
        let program = read(&bytes).expect("a test is an ELF program");
        let libc = program.needed.iter().find(|name| name.starts_with("libc.so"));
        // Not one that was linked with musl.
        let Some(libc) = libc else { return };
        assert!(program.versions.iter().any(|need| need.library == *libc), "{program:?}");
        let path = std::fs::read_to_string("/proc/self/maps").expect("maps");
        let path =
            path.lines().filter_map(|line| line.split_whitespace().nth(5)).find(|path| path.ends_with(libc));
        let bytes = std::fs::read(path.expect("libc is loaded")).expect("libc can be read");
        let library = read(&bytes).expect("libc is an ELF library");
        assert_eq!(library.soname.as_ref(), Some(libc));
        for need in program.versions.iter().filter(|need| need.library == *libc) {
            assert!(library.defines.contains(&need.version), "{need:?}");
        }
        assert!(!library.defines.contains(libc), "its own name is no version");
    }

    const MADE: Made<'_> = Made {
        soname: "libfoo.so.1",
        needed: &["libbar.so.2", "libc.so.6"],
        rpath: "",
        run_path: "$ORIGIN/../lib:/opt/lib::",
        versions: &[("libc.so.6", "GLIBC_2.34"), ("libbar.so.2", "BAR_1")],
        defines: &["FOO_1.0", "FOO_1.1"],
        loader: "/lib64/ld.so",
    };

    #[test]
    fn reads_what_a_library_needs_and_has() {
        let found = read(&MADE.bytes()).expect("a whole file");
        let need = |library: &str, version: &str| Needed { library: library.into(), version: version.into() };
        let expected = Dynamic {
            soname: Some("libfoo.so.1".into()),
            needed: vec!["libbar.so.2".into(), "libc.so.6".into()],
            run_path: vec!["$ORIGIN/../lib".into(), "/opt/lib".into()],
            versions: vec![need("libc.so.6", "GLIBC_2.34"), need("libbar.so.2", "BAR_1")],
            defines: ["FOO_1.0".into(), "FOO_1.1".into()].into(),
        };
        assert_eq!(found, expected);
        assert_eq!(read(&Made::default().bytes()), Some(Dynamic::default()));
        let bytes = MADE.bytes();
        assert_eq!(read(&bytes[..bytes.len() - 1]), None);
    }

    #[test]
    fn the_old_list_of_directories_counts_only_without_the_new_one() {
        let read = |made: Made<'_>| read(&made.bytes()).expect("a whole file").run_path;
        assert_eq!(read(Made { rpath: "/old", run_path: "/new", ..Made::default() }), ["/new"]);
        assert_eq!(read(Made { rpath: "/old", ..Made::default() }), ["/old"]);
        let long = "/".repeat(PATH_LENGTH + 1);
        let bytes = Made { run_path: &long, ..Made::default() }.bytes();
        assert_eq!(super::tests::read(&bytes), None);
    }

    #[test]
    fn offsets_at_the_end_of_all_numbers_are_nowhere() {
        let good = MADE.bytes();
        for at in 0..good.len() - 8 {
            for last in [0, 1, 2, 7, 15] {
                let mut bytes = good.clone();
                bytes[at..at + 8].copy_from_slice(&(u64::MAX - last).to_le_bytes());
                // Whatever it says, it says something.
                drop(read(&bytes));
            }
        }
    }

    #[test]
    fn noise_is_read_without_a_panic_and_within_bounds() {
        let good = MADE.bytes();
        let mut random = crate::fuzz::Random::new();
        let mut whole = 0;
        for _ in 0..crate::fuzz::rounds(10_000) {
            let bytes = random.mangle(&good);
            if let Some(found) = read(&bytes) {
                whole += 1;
                assert!(found.needed.len() + found.versions.len() + found.defines.len() <= 2 * NAME_LIMIT);
            }
        }
        assert!(whole > 0, "nothing was read at all");
    }

    #[test]
    fn a_list_that_leads_to_itself_ends() {
        let mut bytes = Made { versions: &[("a", "b")], ..Made::default() }.bytes();
        let section = bytes.len() - 16 * 5;
        // The count of libraries with versions, behind its tag: their only entry says that it is the last.
        let at =
            (section..bytes.len()).step_by(16).find(|at| bytes[*at..*at + 8] == VERNEED_COUNT.to_le_bytes());
        let at = at.expect("the count") + 8;
        bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(read(&bytes), None);
    }
}
