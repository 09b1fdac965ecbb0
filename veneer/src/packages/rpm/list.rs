//! A database as a list of packages, each once: what verdicts and the file engine ask for. Headers stay in the database
//! and are read again when their files are asked for.

use super::database::{Database as Headers, Place};
use super::files::files;
use super::header::{Header, tag};
use crate::error::{Error, Result};
use crate::order;
use crate::packages::version::compare_rpm;
use crate::packages::{Aliases, Database, Listed, Package, See, State, below_usr};

/// Longer names and versions nobody has, in bytes.
const WORD_LIMIT: usize = 512;
/// Nor are all of them together longer: 3,000 packages need some 200 KiB.
const WORDS_LIMIT: usize = 4 * 1024 * 1024;

/// See the module.
#[derive(Debug)]
pub struct List {
    headers: Headers,
    packages: Vec<Package>,
    /// Of each package the header that counts; others that have its name after it.
    places: Vec<Vec<Place>>,
    aliases: Aliases,
}

impl List {
    /// Reads the list. `aliases` are those of the tree that the packages' files are in.
    pub fn read(headers: Headers, aliases: Aliases) -> Result<Self> {
        let mut found: Vec<(Package, Place)> = Vec::new();
        let mut length = 0;
        let damaged = |what: &str| Error::Damaged { path: headers.path().into(), what: what.into() };
        headers.each(|place, _, header| {
            let package = package(&header)
                .ok_or_else(|| damaged("a package of it has no name and version, or none that rpm allows"))?;
            length += package.name.len() + package.arch.len() + package.version.len();
            if length > WORDS_LIMIT {
                return Err(damaged("its packages have longer names than those of any distribution"));
            }
            found.push((package, place));
            Ok(())
        })?;
        // Of two versions of one package, which a transaction leaves that is cut off, the newer one is the user's.
        order::sort_by(&mut found, |(a, _), (b, _)| {
            a.key().cmp(&b.key()).then_with(|| compare_rpm(&b.version, &a.version))
        });
        let mut list = List { headers, packages: Vec::new(), places: Vec::new(), aliases };
        for (package, place) in found {
            let is_next = list.packages.last().is_none_or(|last: &Package| last.key() != package.key());
            match list.places.last_mut() {
                Some(places) if !is_next => places.push(place),
                _ => {
                    list.packages.push(package);
                    list.places.push(vec![place]);
                }
            }
        }
        Ok(list)
    }

    /// The database that it is of.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// All headers of a package: the one that counts first.
    #[must_use]
    pub fn places(&self, number: usize) -> &[Place] {
        self.places.get(number).map_or(&[], Vec::as_slice)
    }

    /// Shows `see` the header of a package that counts.
    pub fn with_header<T>(&self, number: usize, see: impl FnOnce(&Header<'_>) -> T) -> Result<Option<T>> {
        let Some(place) = self.places(number).first() else { return Ok(None) };
        let blob = self.headers.at(*place)?;
        let header = Header::parse(&blob).ok_or_else(|| self.changed())?;
        Ok(Some(see(&header)))
    }

    fn changed(&self) -> Error {
        Error::Damaged { path: self.headers.path().into(), what: "it changed while it was read".into() }
    }
}

impl Database for List {
    fn packages(&self) -> &[Package] {
        &self.packages
    }

    fn each_file(&self, number: usize, see: &mut See<'_>) -> Result<()> {
        let mut path = Vec::new();
        for place in self.places(number) {
            let blob = self.headers.at(*place)?;
            let header = Header::parse(&blob).ok_or_else(|| self.changed())?;
            for file in files(&header).filter(|file| file.installed) {
                path.clear();
                path.extend_from_slice(file.dir);
                path.extend_from_slice(file.name);
                if let Some(below) = below_usr(&path) {
                    see(Listed::Path(&self.aliases.resolve(below)), file.digest);
                }
            }
        }
        Ok(())
    }
}

/// What verdicts need of a header; `None` if it is of no package.
fn package(header: &Header<'_>) -> Option<Package> {
    let name = word(header, tag::NAME)?;
    let version = evr(header)?;
    let mut arch = word(header, tag::ARCH).unwrap_or_default();
    if is_one_of_many(&name, header) {
        arch = format!("{arch} {version}");
    }
    Some(Package { arch, identity: identity(header), version, state: State::Installed, wanted: false, name })
}

/// `[epoch:]version-release`, as rpm itself writes it.
fn evr(header: &Header<'_>) -> Option<String> {
    let (version, release) = (word(header, tag::VERSION)?, word(header, tag::RELEASE)?);
    Some(match header.number(tag::EPOCH) {
        Some(epoch) => format!("{epoch}:{version}-{release}"),
        None => format!("{version}-{release}"),
    })
}

fn word(header: &Header<'_>, tag: u32) -> Option<String> {
    let text = header.text(tag).filter(|text| !text.is_empty() && text.len() <= WORD_LIMIT)?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// The start of the digest of what the package was built with. Signatures and the time of installation are not in it.
fn identity(header: &Header<'_>) -> u64 {
    let digest = header.text(tag::SHA256HEADER).or_else(|| header.text(tag::SHA1HEADER));
    let start = digest.and_then(|digest| std::str::from_utf8(digest.get(..16)?).ok());
    start.and_then(|start| u64::from_str_radix(start, 16).ok()).unwrap_or(0)
}

/// True for what is installed side by side in several versions: keys, and what dnf and zypper have on their lists
/// (`installonlypkgs` of dnf.conf(5), `multiversion` of zypp.conf).
fn is_one_of_many(name: &str, header: &Header<'_>) -> bool {
    const PROVIDED: [&[u8]; 4] = [
        b"installonlypkg(kernel)",
        b"installonlypkg(kernel-module)",
        b"installonlypkg(vm)",
        b"multiversion(kernel)",
    ];
    matches!(name, "gpg-pubkey" | "kernel" | "kernel-core")
        || header.texts(tag::PROVIDENAME).any(|provided| PROVIDED.contains(&provided))
}
