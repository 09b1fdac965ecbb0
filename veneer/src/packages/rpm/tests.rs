//! The readers on files that rpm 4.20 and SQLite made, whole and mangled.
//!
//! `testdata/small.sqlite`, with pages of 512 bytes: the headers of two packages, `tool` and `empty`, in the table
//! `Packages`, and 300 blobs in `Numbers`, of which number N is N % 37 bytes of value N % 256, number 100 3000 bytes. Its
//! log has two commits: the last ten numbers removed and number 1000 added; `tool` removed.

use super::database::{Database, Format};
use super::files::{File, files, flag};
use super::header::{Header, tag};
use super::made::{self, Value, list, package, slots};
use super::sqlite::{self, Fault};
use super::wal::Log;
use crate::fuzz::{Random, rounds};
use crate::packages::Database as _;
use crate::packages::memory::TempDir;
use crate::tree::Dir;

const SMALL: &[u8] = include_bytes!("testdata/small.sqlite");
const LOG: &[u8] = include_bytes!("testdata/small.sqlite-wal");

/// A database directory with these bytes in it.
fn dir(main: &[u8], log: Option<&[u8]>) -> (TempDir, Dir) {
    let temp = TempDir::new();
    std::fs::write(temp.0.join("rpmdb.sqlite"), main).expect("write");
    if let Some(log) = log {
        std::fs::write(temp.0.join("rpmdb.sqlite-wal"), log).expect("write");
    }
    let dir = Dir::open(&temp.0).expect("open");
    (temp, dir)
}

fn numbers(main: &[u8], log: Option<&[u8]>) -> Result<Vec<Vec<u8>>, Fault> {
    let (_temp, dir) = dir(main, log);
    let open = |name: &std::ffi::CStr| dir.file(name).expect("open");
    let log = match log {
        Some(_) => Log::read_from(open(c"rpmdb.sqlite-wal"))?,
        None => None,
    };
    let database = sqlite::Database::new(open(c"rpmdb.sqlite"), log)?;
    let mut blobs = Vec::new();
    database.each("Numbers", 4000, |place, blob| {
        assert_eq!(database.at(place, 4000)?, blob);
        blobs.push(blob.to_vec());
        Ok::<(), Fault>(())
    })?;
    Ok(blobs)
}

fn number(n: usize) -> Vec<u8> {
    vec![u8::try_from(n % 256).expect("a byte"); if n == 100 { 3000 } else { n % 37 }]
}

fn names(main: &[u8], log: Option<&[u8]>) -> crate::Result<Vec<String>> {
    let (_temp, dir) = dir(main, log);
    let database = Database::open(&dir)?.expect("there is one");
    assert_eq!(database.format(), Format::Sqlite);
    let mut names = Vec::new();
    database.each(|place, blob, header| {
        assert_eq!(database.at(place)?, blob);
        names.push(String::from_utf8_lossy(header.text(tag::NAME).unwrap_or_default()).into_owned());
        Ok(())
    })?;
    Ok(names)
}

/// The header of `tool`.
fn tool() -> Vec<u8> {
    let (_temp, dir) = dir(SMALL, None);
    let mut found = Vec::new();
    let database = Database::open(&dir).expect("good").expect("there is one");
    database
        .each(|_, blob, header| {
            if header.text(tag::NAME) == Some(b"tool") {
                found = blob.to_vec();
            }
            Ok(())
        })
        .expect("good");
    found
}

#[test]
fn every_row_is_read_from_leaves_inner_pages_and_overflow() {
    let expected: Vec<_> = (1..=300).map(number).collect();
    assert_eq!(numbers(SMALL, None).expect("good"), expected);
    assert_eq!(names(SMALL, None).expect("good"), ["tool", "empty"]);
}

#[test]
fn what_was_committed_counts_and_nothing_else() {
    let mut expected: Vec<_> = (1..=290).map(number).collect();
    expected.push(b"new".repeat(300));
    assert_eq!(numbers(SMALL, Some(LOG)).expect("good"), expected);
    assert_eq!(names(SMALL, Some(LOG)).expect("good"), ["empty"]);
    // The last commit is not whole: the one before it is.
    let cut = &LOG[..LOG.len() - 1];
    assert_eq!(numbers(SMALL, Some(cut)).expect("good"), expected);
    assert_eq!(names(SMALL, Some(cut)).expect("good"), ["tool", "empty"]);
    // Nor is the first.
    let expected: Vec<_> = (1..=300).map(number).collect();
    let mut broken = LOG.to_vec();
    broken[100] ^= 1;
    for log in [&broken[..], &LOG[..60], &[]] {
        assert_eq!(numbers(SMALL, Some(log)).expect("good"), expected);
    }
}

#[test]
fn a_header_tells_its_package() {
    let blob = tool();
    let header = Header::parse(&blob).expect("good");
    let text = |tag| header.text(tag).map(String::from_utf8_lossy);
    assert_eq!(text(tag::VERSION).as_deref(), Some("1.0~rc1"));
    assert_eq!(text(tag::RELEASE).as_deref(), Some("2"));
    assert_eq!(text(tag::ARCH).as_deref(), Some("noarch"));
    assert_eq!(header.number(tag::EPOCH), Some(3));
    assert_eq!(text(tag::SHA256HEADER).map(|text| text.len()), Some(64));
    assert!(header.number(tag::INSTALLTIME).is_some_and(|time| time > 1_600_000_000));
    let needs: Vec<_> = header.texts(tag::REQUIRENAME).map(String::from_utf8_lossy).collect();
    assert!(needs.iter().any(|name| name == "(a or b)") && needs.iter().any(|name| name == "glibc"));
    assert_eq!(header.numbers(tag::REQUIREFLAGS).count(), needs.len());
    let obsoletes: Vec<_> = header.texts(tag::OBSOLETEVERSION).collect();
    assert_eq!(obsoletes, [b"1"]);
    assert_eq!(header.text(9999), None);
}

#[test]
fn a_header_tells_its_files() {
    let blob = tool();
    let header = Header::parse(&blob).expect("good");
    let files: Vec<File<'_>> = files(&header).collect();
    let row = |file: &File<'_>| {
        let path = String::from_utf8_lossy(&file.path()).into_owned();
        (path, file.mode, file.digest.is_some(), file.flags & (flag::GHOST | flag::CONFIG))
    };
    let rows: Vec<_> = files.iter().map(row).collect();
    let expected = [
        ("/etc/tool.conf", 0o100_644, true, flag::CONFIG),
        ("/usr/bin/tl", 0o120_777, false, 0),
        ("/usr/bin/tool", 0o104_755, true, 0),
        ("/usr/lib/tool", 0o040_755, false, 0),
        ("/usr/lib/tool/cache", 0o100_644, false, flag::GHOST),
    ];
    assert_eq!(rows, expected.map(|(path, mode, digest, flags)| (path.to_owned(), mode, digest, flags)));
    assert!(files.iter().all(|file| file.installed));
}

#[test]
fn a_header_that_is_not_as_long_as_it_says_is_none() {
    let blob = tool();
    assert!(Header::parse(&blob[..blob.len() - 1]).is_none());
    assert!(Header::parse(&[&blob[..], b"x"].concat()).is_none());
    assert!(Header::parse(&[0xff; 16]).is_none() && Header::parse(&[0; 7]).is_none());
    assert!(Header::parse(&[0; 8]).is_some_and(|header| files(&header).next().is_none()));
}

#[test]
fn other_formats_are_named() {
    let temp = TempDir::new();
    let open = || Database::open(&Dir::open(&temp.0).expect("open"));
    assert!(open().expect("good").is_none());
    std::fs::write(temp.0.join("Packages"), "").expect("write");
    assert!(matches!(open(), Err(crate::Error::Foreign { .. })), "{:?}", open());
    std::fs::write(temp.0.join("rpmdb.sqlite"), "no database at all").expect("write");
    assert!(matches!(open(), Err(crate::Error::Damaged { .. })), "{:?}", open());
}

#[test]
fn a_circle_of_pages_has_an_end() {
    // The inner pages lead to leaves; here they lead to themselves.
    let mut forged = SMALL.to_vec();
    let root = (1..SMALL.len() / 512).rfind(|page| SMALL[page * 512] == 5).expect("an inner page");
    let itself = u32::try_from(root + 1).expect("small").to_be_bytes();
    forged[root * 512 + 8..root * 512 + 12].copy_from_slice(&itself);
    assert!(matches!(numbers(&forged, None), Err(Fault::Form(_))));
}

/// A million: see [`crate::fuzz`].
#[test]
fn noise_is_read_without_a_panic() {
    let mut random = Random::new();
    let blob = tool();
    for round in 0..rounds(1000) {
        let noise = random.mangle(&blob);
        if let Some(header) = Header::parse(&noise) {
            let count = files(&header).map(|file| file.path().len()).sum::<usize>();
            assert!(count <= noise.len() * 64);
            for tag in [tag::NAME, tag::REQUIRENAME, tag::FILEMODES, tag::FILESTATES, tag::EPOCH] {
                let found = header.texts(tag).count() + header.numbers(tag).count() + header.bytes(tag).len();
                assert!(found <= 3 * noise.len());
            }
        }
        // Files take longer.
        if round % 8 == 0 {
            let (main, log) = (random.mangle(SMALL), random.mangle(LOG));
            let rows = numbers(&main, (round % 16 == 0).then_some(&log));
            // Each row takes a byte or more.
            assert!(rows.map_or(0, |rows| rows.len()) <= main.len() + log.len());
            // A good answer or an error, either will do.
            let _ = names(&main, Some(&log));
        }
    }
}

/// rpm's own format.
#[test]
fn slots_lead_to_their_blocks() {
    let file = slots(&[tool(), made::header(&[(tag::NAME, Value::Text("other"))])]);
    let temp = TempDir::new();
    let read = |bytes: &[u8]| {
        std::fs::write(temp.0.join("Packages.db"), bytes).expect("write");
        let database = Database::open(&Dir::open(&temp.0).expect("open"))?.expect("there is one");
        let mut names = Vec::new();
        database.each(|place, blob, header| {
            assert_eq!(database.at(place)?, blob);
            names.push(String::from_utf8_lossy(header.text(tag::NAME).unwrap_or_default()).into_owned());
            Ok(())
        })?;
        Ok::<_, crate::Error>(names)
    };
    assert_eq!(read(&file).expect("good"), ["tool", "other"]);
    assert!(read(&file[..file.len() - 16]).is_err() && read(&file[..4095]).is_err());
    let mut random = Random::new();
    for _ in 0..rounds(300) {
        // A good answer or an error, either will do.
        let _ = read(&random.mangle(&file));
    }
}

#[test]
fn each_package_is_listed_once() {
    let kernel = |version| package(&format!("kernel-core {version}"), vec![]);
    let blobs = [
        package("foo 1.0-1", vec![]),
        // What an upgrade leaves that is cut off.
        package("foo 1.10-1", vec![(tag::EPOCH, Value::Numbers(&[0]))]),
        package("foo 1.9-1", vec![]),
        kernel("6.9-1"),
        kernel("6.10-1"),
        package("gpg-pubkey a1-b2", vec![]),
        package("gpg-pubkey c3-d4", vec![]),
        package("vm 2-1", vec![(tag::PROVIDENAME, Value::Texts(&["x", "installonlypkg(vm)"]))]),
        package("bar 2-1", vec![(tag::SHA256HEADER, Value::Text("00000000000000ff0000"))]),
    ];
    let list = list(&blobs).expect("good");
    let rows: Vec<String> = list
        .packages()
        .iter()
        .map(|p| format!("{} [{}] {} {}", p.name, p.arch, p.version, p.identity))
        .collect();
    assert_eq!(
        rows,
        [
            "bar [x86_64] 2-1 255",
            "foo [x86_64] 0:1.10-1 0",
            "gpg-pubkey [x86_64 a1-b2] a1-b2 0",
            "gpg-pubkey [x86_64 c3-d4] c3-d4 0",
            "kernel-core [x86_64 6.10-1] 6.10-1 0",
            "kernel-core [x86_64 6.9-1] 6.9-1 0",
            "vm [x86_64 2-1] 2-1 0",
        ]
    );
    assert_eq!((list.places(1).len(), list.places(0).len(), list.places(99).len()), (3, 1, 0));
    let version = list.with_header(1, |header| header.text(tag::VERSION).map(<[u8]>::to_vec)).expect("good");
    assert_eq!(version.flatten().as_deref(), Some(&b"1.10"[..]));
}

#[test]
fn a_header_without_name_or_version_is_damage() {
    for values in [vec![(tag::NAME, Value::Text("x"))], vec![(tag::VERSION, Value::Text("1"))], vec![]] {
        assert!(matches!(made::list(&[made::header(&values)]), Err(crate::Error::Damaged { .. })));
    }
}
