//! The store: the file system (or directory) that holds the layers. Nothing outside its `veneer/` is touched.

mod layer;
mod lock;
mod preflight;
mod state;

pub use layer::{Action, Created, Layer, LayerName, LayerState, Trial};

use std::cell::RefCell;
use std::ffi::{CStr, CString};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatVfsMountFlags, StatxAttributes, StatxFlags};
use serde::{Deserialize, Serialize};

use crate::error::{At as _, Error, Result};
use crate::order;
use crate::report::Problem;
use crate::tree::Dir;
use lock::Lock;

const ROOT: &CStr = c"veneer";
const STATE: &CStr = c"store";
const LAYERS: &CStr = c"layers";
const PROBLEMS: &CStr = c"problems";

/// A layer's `problems` file is a list of what a rebase set aside, which can be long.
const PROBLEMS_LIMIT: u64 = 4 * 1024 * 1024;

/// Room that a layer needs to be of any use: on a full upper not even `rm` works, since a whiteout needs an inode.
const RESERVE: u64 = 1024 * 1024;

/// What `veneer/store` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoreState {
    /// Random, for pinning a machine to its store.
    id: String,
    /// Who made it.
    by: String,
}

/// An open, locked store.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    root: Dir,
    layers: Dir,
    id: String,
    /// The directory of the layer that was read last.
    last: RefCell<Option<(LayerName, Dir)>>,
    /// Held as long as the store is open; the kernel lets go of it when the process ends, however it ends.
    _lock: Lock,
}

/// What is in a store.
#[derive(Debug, Default)]
pub struct Contents {
    /// The store's id; `None` if it was never used, empty if it was made without one.
    pub id: Option<String>,
    /// Layers whose state could be read, oldest first.
    pub layers: Vec<Layer>,
    /// Layers whose state could not, with the reason.
    pub damaged: Vec<(LayerName, String)>,
    /// Work that was cut off: directories that never became a layer.
    pub leftovers: Vec<CString>,
}

impl Contents {
    /// The layer that was booted last, which the next base's is derived from.
    #[must_use]
    pub fn last_used(&self) -> Option<&Layer> {
        last_used(&self.layers)
    }

    /// Reads the state of every layer; with the directory of the last of them, which is the one most often used next.
    fn read(layers: &Dir) -> Result<(Self, Option<(LayerName, Dir)>)> {
        let (mut contents, mut last) = (Contents::default(), None);
        for file in layers.names()? {
            if file.to_bytes().ends_with(b".tmp") {
                contents.leftovers.push(file);
                continue;
            }
            // What is no layer is none of ours.
            let Some(name) = LayerName::of(&file) else { continue };
            let read = layers.sub(&file).and_then(|dir| Ok((Layer::read(&dir, &name)?, dir)));
            match read {
                Ok((layer, dir)) => {
                    contents.layers.push(layer);
                    last = Some((name, dir));
                }
                Err(error) => contents.damaged.push((name, error.to_string())),
            }
        }
        order::sort_by(&mut contents.layers, |a, b| a.name.cmp(&b.name));
        Ok((contents, last))
    }
}

/// Of these layers the one that was booted last; of layers that never were, the newest.
#[must_use]
pub fn last_used(layers: &[Layer]) -> Option<&Layer> {
    layers.iter().max_by_key(|layer| (layer.trial.used, layer.name.number()))
}

/// Why there is no store to work with, before any question of what is in it.
#[derive(Debug)]
pub enum Absent {
    /// The directory is not there, or nothing is mounted on it.
    Missing,
    /// It is there and cannot be used.
    Error(Error),
}

impl Store {
    /// Opens the store at `path` and takes its lock, making `veneer/` in it if this is the first time.
    ///
    /// With `mounted`, a directory that nothing is mounted on counts as missing: systemd makes the mount point before
    /// it knows whether there is something to mount, and the initramfs behind it is memory.
    pub fn open(path: &Path, mounted: bool) -> std::result::Result<Self, Absent> {
        Self::find(path, mounted)?;
        Self::open_there(path)
    }

    fn find(path: &Path, mounted: bool) -> std::result::Result<(), Absent> {
        if !mounted {
            return Ok(());
        }
        match rustix::fs::statx(rustix::fs::CWD, path, AtFlags::empty(), StatxFlags::TYPE) {
            Err(rustix::io::Errno::NOENT) => return Err(Absent::Missing),
            Err(e) => return Err(Absent::Error(Err::<(), _>(e).reading(path).unwrap_err())),
            // The attribute is there from 5.8 on; without it systemd's own checks have to do.
            Ok(stat) => {
                let known = stat.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT);
                if known && !stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) {
                    return Err(Absent::Missing);
                }
            }
        }
        Ok(())
    }

    /// Reads what is in the store at `path` without taking its lock or making anything; a store that was never used
    /// is empty.
    pub fn look(path: &Path, mounted: bool) -> std::result::Result<Contents, Absent> {
        Self::find(path, mounted)?;
        let top = Self::top(path)?;
        let read = || -> Result<Contents> {
            let Some(root) = top.sub_if_there(ROOT)? else { return Ok(Contents::default()) };
            let id = read_id(&root)?;
            match root.sub_if_there(LAYERS)? {
                Some(layers) => Ok(Contents { id, ..Contents::read(&layers)?.0 }),
                None => Ok(Contents { id, ..Contents::default() }),
            }
        };
        read().map_err(Absent::Error)
    }

    /// The id of the store at `path`; nothing else is read, and nothing made. `None` if it was never used.
    pub fn id_at(path: &Path, mounted: bool) -> std::result::Result<Option<String>, Absent> {
        Self::find(path, mounted)?;
        let top = Self::top(path)?;
        let root = top.sub_if_there(ROOT).map_err(Absent::Error)?;
        root.map_or(Ok(None), |root| read_id(&root)).map_err(Absent::Error)
    }

    fn top(path: &Path) -> std::result::Result<Dir, Absent> {
        Dir::open(path).map_err(|error| match error {
            Error::Open { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Absent::Missing,
            other => Absent::Error(other),
        })
    }

    fn open_there(path: &Path) -> std::result::Result<Self, Absent> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let full = path.join("veneer");
        // Every boot but the first.
        let (root, new) = match rustix::fs::openat(CWD, &full, flags, Mode::empty()) {
            Ok(root) => (Dir::from_fd(root, full), false),
            Err(_) => Self::start(path, &Self::top(path)?).map_err(Absent::Error)?,
        };
        let open = || {
            let lock = Lock::take(&root)?;
            let (layers, id) = Self::open_layers(path, &root, new)?;
            Ok((lock, layers, id))
        };
        let (lock, layers, id) = open().map_err(Absent::Error)?;
        Ok(Store { path: path.into(), root, layers, id, last: RefCell::default(), _lock: lock })
    }

    /// Makes the store's directory if it is missing; true with it if this did.
    fn start(path: &Path, top: &Dir) -> Result<(Dir, bool)> {
        let state = rustix::fs::fstatvfs(top).reading(path)?;
        if state.f_flag.contains(StatVfsMountFlags::RDONLY) {
            return Err(Error::Unfit { path: path.into(), what: lock::READ_ONLY.into() });
        }
        match top.sub_if_there(ROOT)? {
            Some(root) => Ok((root, false)),
            None if top.stat(ROOT)?.is_some() => {
                Err(Error::Damaged { path: top.path_of(ROOT), what: "not a directory".into() })
            }
            None => {
                check_fit(top)?;
                Ok((top.make_sub(ROOT, 0o755)?, true))
            }
        }
    }

    /// The state file is written last, so its absence beside an empty `layers/` is a creation that was cut off.
    fn open_layers(path: &Path, root: &Dir, new: bool) -> Result<(Dir, String)> {
        let id = read_id(root)?;
        let layers = match root.sub_if_there(LAYERS)? {
            Some(layers) => layers,
            None if root.stat(LAYERS)?.is_some() => {
                return Err(Error::Damaged { path: root.path_of(LAYERS), what: "not a directory".into() });
            }
            None if id.is_some() => {
                return Err(Error::Damaged { path: root.path_of(LAYERS), what: "missing".into() });
            }
            None => root.make_sub(LAYERS, 0o700)?,
        };
        let Some(id) = id else {
            if layers.names()?.iter().any(|name| LayerName::of(name).is_some()) {
                return Err(Error::Damaged {
                    path: root.path_of(STATE),
                    what: "missing beside layers".into(),
                });
            }
            let top = Dir::open(path)?;
            if !new {
                check_fit(&top)?;
            }
            let state = StoreState { id: random_id(), by: by() };
            state::write(root, STATE, "store", &state)?;
            top.sync()?;
            return Ok((layers, state.id));
        };
        Ok((layers, id))
    }

    /// Where the store is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its `layers` directory.
    #[must_use]
    pub fn layers(&self) -> &Dir {
        &self.layers
    }

    /// Where a layer's directory is, as a path for mount options and messages.
    #[must_use]
    pub fn path_of(&self, name: &LayerName) -> PathBuf {
        self.path.join("veneer/layers").join(name.to_string())
    }

    /// Opens a layer's directory.
    pub fn open_layer(&self, name: &LayerName) -> Result<Dir> {
        self.layers.sub(&name.file_name())
    }

    /// Reads the state of every layer.
    pub fn contents(&self) -> Result<Contents> {
        let (contents, last) = Contents::read(&self.layers)?;
        *self.last.borrow_mut() = last;
        Ok(Contents { id: Some(self.id.clone()), ..contents })
    }

    /// Does something in a layer's directory.
    pub fn in_layer<T>(&self, name: &LayerName, act: impl FnOnce(&Dir) -> Result<T>) -> Result<T> {
        match &*self.last.borrow() {
            Some((last, dir)) if last == name => act(dir),
            _ => act(&self.open_layer(name)?),
        }
    }

    /// Refuses if less than `bytes` and the reserve are free.
    pub fn check_room(&self, bytes: u64) -> Result<()> {
        check_room(&self.root, bytes)
    }

    /// Makes the directory `NAME.tmp` for a layer in the making: `upper`, which takes mode and owner of the base's
    /// /usr, and `work`.
    pub fn start_layer(&self, name: &LayerName) -> Result<Dir> {
        let dir = self.layers.make_sub(&name.tmp_file_name(), 0o700)?;
        dir.make_sub(c"upper", 0o755)?;
        dir.make_sub(c"work", 0o700)?;
        dir.make_sub(c"record", 0o700)?;
        Ok(dir)
    }

    /// Turns `NAME.tmp` into the layer `name`: its state file, everything on disk, then one rename.
    pub fn finish_layer(&self, name: &LayerName, layer: &LayerState, problems: &[Problem]) -> Result<()> {
        let tmp = name.tmp_file_name();
        let dir = self.layers.sub(&tmp)?;
        if !problems.is_empty() {
            state::write(&dir, PROBLEMS, "problems", &problems)?;
        }
        layer.write(&dir)?;
        dir.sync_filesystem()?;
        rustix::fs::renameat(&self.layers, &*tmp, &self.layers, &*name.file_name())
            .writing(self.layers.path_of(&name.file_name()))?;
        self.layers.sync()
    }

    /// Removes a layer for good. Cut off in between, it is a leftover, which goes at the next start.
    pub fn remove_layer(&self, name: &LayerName) -> Result<()> {
        let tmp = name.tmp_file_name();
        rustix::fs::renameat(&self.layers, &*name.file_name(), &self.layers, &*tmp)
            .writing(self.layers.path_of(&name.file_name()))?;
        self.layers.sync()?;
        self.layers.remove_tree(&tmp)
    }

    /// What the user should know of a layer on its base, as its rebase left it.
    pub fn problems(&self, name: &LayerName) -> Result<Vec<Problem>> {
        let read = |dir: &Dir| state::read(dir, PROBLEMS, "problems", PROBLEMS_LIMIT);
        Ok(self.in_layer(name, read)?.unwrap_or_default())
    }

    /// Reads a layer's trial count.
    pub fn read_trial(&self, name: &LayerName) -> Result<Trial> {
        self.in_layer(name, Trial::read)
    }

    /// Writes a layer's trial count, durably.
    pub fn write_trial(&self, name: &LayerName, trial: Trial) -> Result<()> {
        self.in_layer(name, |dir| trial.write(dir))
    }
}

/// What the state file in the store's directory `root` has for an id.
fn read_id(root: &Dir) -> Result<Option<String>> {
    let state: Option<StoreState> = state::read(root, STATE, "store", 4096)?;
    Ok(state.map(|state| state.id))
}

/// Refuses a file system that cannot hold a layer, or has no room to tell.
fn check_fit(top: &Dir) -> Result<()> {
    match preflight::check(top) {
        Err(error) if error.is_no_space() => check_room(top, 0).and(Err(error)),
        other => other.and_then(|()| check_room(top, 0)),
    }
}

/// As [`Store::check_room`], for any directory.
fn check_room(dir: &Dir, bytes: u64) -> Result<()> {
    let state = rustix::fs::fstatvfs(dir).reading(dir.path())?;
    let have = state.f_bavail.saturating_mul(state.f_frsize);
    let need = bytes.saturating_add(RESERVE);
    // Some file systems (btrfs) make inodes as needed and say 0 of 0.
    let no_inodes = state.f_files > 0 && state.f_favail < 16;
    if have < need || no_inodes {
        return Err(Error::Room { path: dir.path().into(), have: if no_inodes { 0 } else { have }, need });
    }
    Ok(())
}

/// Who writes state files, for whoever reads them later.
pub(crate) fn by() -> String {
    concat!("veneer ", env!("CARGO_PKG_VERSION")).into()
}

fn random_id() -> String {
    // The kernel's own random UUID. Without /proc the store has no name to pin, which nothing else needs.
    let text = fs_err::read_to_string("/proc/sys/kernel/random/uuid").unwrap_or_default();
    text.trim().to_owned()
}
