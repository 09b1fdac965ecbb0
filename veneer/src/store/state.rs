//! State files: one line that names kind, format and checksum, then JSON. Replaced atomically, read with bounds.

use std::ffi::{CStr, CString};
use std::io::{ErrorKind, Write as _};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use crate::error::{At as _, Error, Result};
use crate::hex;
use crate::report::one_line;
use crate::tree::{Dir, leave_open, read_at_once};

/// The format that this program writes, for every kind of state file.
const FORMAT: u32 = 1;

/// Reads a state file of `kind`; `None` if it is not there. Whatever else is wrong has a name: damage is never
/// guessed around.
pub(super) fn read<T: DeserializeOwned>(dir: &Dir, name: &CStr, kind: &str, limit: u64) -> Result<Option<T>> {
    let Some(bytes) = content(dir, name, limit)? else { return Ok(None) };
    match parse(&bytes, kind) {
        Ok(value) => Ok(Some(value)),
        Err(Flaw::Format(found)) => Err(Error::Format { path: dir.path_of(name), found, known: FORMAT }),
        Err(Flaw::Damage(what)) => Err(Error::Damaged { path: dir.path_of(name), what }),
    }
}

/// Replaces a state file: the new content is on disk before the name points to it, and the name before this returns.
pub(super) fn write<T: Serialize + ?Sized>(dir: &Dir, name: &CStr, kind: &str, value: &T) -> Result<()> {
    let text = render(kind, value).map_err(std::io::Error::other).writing(dir.path_of(name))?;
    let tmp = CString::new([name.to_bytes(), b".new"].concat())
        .map_err(std::io::Error::from)
        .writing(dir.path())?;
    let mut file = match dir.create(&tmp, 0o600) {
        // Left behind by a power cut, or put there by somebody: either way not to be written through.
        Err(Error::Write { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists => {
            dir.remove_file(&tmp)?;
            dir.create(&tmp, 0o600)?
        }
        other => other?,
    };
    file.write_all(text.as_bytes()).writing(dir.path_of(&tmp))?;
    rustix::fs::fsync(&file).writing(dir.path_of(&tmp))?;
    leave_open(file);
    rustix::fs::renameat(dir, &*tmp, dir, name).writing(dir.path_of(name))?;
    dir.sync()
}

/// The content of a file, `None` if there is none. Nothing is asked of the file first: every boot reads some of these,
/// a FIFO or a device cannot block a reader that does not wait, and what was cut off has the wrong checksum.
fn content(dir: &Dir, name: &CStr, limit: u64) -> Result<Option<Vec<u8>>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let path = dir.path_of(name);
    let no_file = || Error::Damaged { path: path.clone(), what: "not a regular file".into() };
    let file = match rustix::fs::openat(dir, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        // A symlink, a socket, or a device that nothing drives.
        Err(Errno::LOOP | Errno::NXIO | Errno::NODEV) => return Err(no_file()),
        other => other.opening(&path)?,
    };
    let read = read_at_once(&file, limit, &path);
    leave_open(file);
    match read {
        Err(Error::Read { source, .. })
            if matches!(source.kind(), ErrorKind::IsADirectory | ErrorKind::WouldBlock) =>
        {
            Err(no_file())
        }
        other => other.map(Some),
    }
}

enum Flaw {
    Format(u32),
    Damage(String),
}

fn render<T: Serialize + ?Sized>(kind: &str, value: &T) -> serde_json::Result<String> {
    let body = serde_json::to_string(value)?;
    Ok(format!("veneer {kind} {FORMAT} {}\n{body}\n", checksum(body.as_bytes())))
}

fn parse<T: DeserializeOwned>(bytes: &[u8], kind: &str) -> std::result::Result<T, Flaw> {
    let damage = |what: &str| Flaw::Damage(what.to_owned());
    let text = std::str::from_utf8(bytes).map_err(|_| damage("not text"))?;
    let (head, body) = text.split_once('\n').ok_or_else(|| damage("cut off"))?;
    let body = body.strip_suffix('\n').ok_or_else(|| damage("cut off"))?;
    let words: Vec<&str> = head.split(' ').collect();
    let [magic, found_kind, format, sum] = words[..] else { return Err(damage("no Veneer state file")) };
    if magic != "veneer" || found_kind != kind {
        return Err(damage(&format!("no Veneer {kind} file")));
    }
    // The format first: a later one may have another checksum.
    match format.parse() {
        Ok(FORMAT) => {}
        Ok(other) => return Err(Flaw::Format(other)),
        Err(_) => return Err(damage("its format is no number")),
    }
    if sum != checksum(body.as_bytes()) {
        return Err(damage("its checksum is wrong"));
    }
    // Its words quote the file, which is whatever somebody made it.
    serde_json::from_str(body).map_err(|e| damage(&one_line(&e.to_string(), 200)))
}

/// Enough of a SHA-256 to tell damage; it keeps nobody from forging a file.
fn checksum(body: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(body).into();
    hex::encode(&digest[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = render("trial", &vec![1, 2, 3]).expect("numbers are JSON");
        assert!(matches!(parse::<Vec<u32>>(text.as_bytes(), "trial"), Ok(v) if v == [1, 2, 3]));
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let text = render("trial", &vec![1, 2, 3]).expect("numbers are JSON").into_bytes();
        for at in 0..text.len() {
            let mut other = text.clone();
            other[at] ^= 0x20;
            assert!(parse::<Vec<u32>>(&other, "trial").is_err(), "byte {at}");
            assert!(parse::<Vec<u32>>(&text[..at], "trial").is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_later_format_is_told_from_damage() {
        let text = render("trial", &1).expect("a number is JSON").replace("trial 1 ", "trial 2 ");
        assert!(matches!(parse::<u32>(text.as_bytes(), "trial"), Err(Flaw::Format(2))));
    }

    /// A million: see [`crate::fuzz`].
    #[test]
    fn noise_is_damage_and_never_a_panic() {
        use crate::report::Problem;
        use crate::store::{LayerState, Trial};

        let base = r#"{"id":"3f9c2a1b7d04","source":"stamp","os":"debian","version":"13","version_id":"13","like":["a"],"level":null,"arch":"x"}"#;
        let layer = format!(
            r#"{{"base":{base},"parent":"0001-3f9c2a1b7d04","created":{{"at":1,"by":"veneer 0.1.0"}}}}"#
        );
        let problem = r#"[{"kind":"quarantined","package":null,"path":"/usr/x","message":"m"}]"#;
        let trial = r#"{"begun":1,"used":2}"#;
        let mut random = crate::fuzz::Random::new();
        for round in 0..crate::fuzz::rounds(3000) {
            let (kind, good) = [("layer", &*layer), ("problems", problem), ("trial", trial)][round % 3];
            let seal = |body: &[u8]| {
                let head = format!("veneer {kind} 1 {}\n", checksum(body));
                [head.as_bytes(), body, b"\n"].concat()
            };
            // Half of them with the right checksum: a forger can do that too.
            let bytes = if random.below(2) == 0 {
                seal(&random.mangle(good.as_bytes()))
            } else {
                random.mangle(&seal(good.as_bytes()))
            };
            let flaw = match kind {
                "layer" => parse::<LayerState>(&bytes, kind).err(),
                "problems" => parse::<Vec<Problem>>(&bytes, kind).err(),
                _ => parse::<Trial>(&bytes, kind).err(),
            };
            if let Some(Flaw::Damage(what)) = flaw {
                assert!(what.len() < 300 && !what.contains(char::is_control), "{what:?}");
            }
        }
    }
}
