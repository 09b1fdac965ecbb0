//! What is there: the user's words, the base, the store and its layers. Reads, and takes the store's lock; judges
//! nothing.

use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, StatVfsMountFlags};

use crate::base::Base;
use crate::encryption;
use crate::error::{At as _, Error, Result};
use crate::fstab;
use crate::intent::{Cmdline, Intent, StoreSource};
use crate::mount::{self, Bind, MountRow, MountTable, Site};
use crate::paths;
use crate::store::{Absent, Contents, LayerName, Store, Trial};
use crate::tree::{Dir, sum_of};
use crate::verdict::{self, Reason, Refusal};

/// Where things are; tests move each of them.
#[derive(Debug, Clone)]
pub struct Places {
    /// The root that veneer.conf, /dev and /run are looked for in.
    pub root: PathBuf,
    /// The real root.
    pub sysroot: PathBuf,
    /// Where the store is mounted.
    pub store: PathBuf,
    /// True if `store` is the mount point of a real boot: nothing mounted there means no store.
    pub store_is_mount: bool,
    /// Where `status.json` goes.
    pub runtime: PathBuf,
    /// The kernel's command line.
    pub cmdline: PathBuf,
}

impl Places {
    /// The base, bound read-only beside the store for the running system.
    #[must_use]
    pub fn base(&self) -> PathBuf {
        base_beside(&self.store)
    }

    /// A link to the composefs image that the base was mounted from, where nothing else tells of it.
    #[must_use]
    pub(crate) fn image(&self) -> PathBuf {
        self.base().with_file_name("image")
    }

    /// An empty directory for kernels that cannot mount detached.
    #[must_use]
    pub fn staging(&self) -> PathBuf {
        self.store.parent().unwrap_or(Path::new("/")).join("staging")
    }

    /// The /usr to be.
    #[must_use]
    pub fn usr(&self) -> PathBuf {
        self.sysroot.join("usr")
    }
}

/// Where the bare base of a running layer is, by the place of the store.
#[must_use]
pub fn base_beside(store: &Path) -> PathBuf {
    store.parent().unwrap_or(Path::new("/")).join("base")
}

/// The machine as found, but for the store.
#[derive(Debug)]
pub struct Machine {
    /// The bare /usr.
    pub usr: Dir,
    /// Where that is.
    pub site: Site,
    /// The base that it is.
    pub base: Base,
}

impl Machine {
    /// Looks at the base.
    pub fn observe(places: &Places, words: &Cmdline) -> Result<Self> {
        let path = places.usr();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let usr = rustix::fs::openat(CWD, &path, flags, Mode::empty()).opening(&path)?;
        let usr = Dir::from_fd(usr, path);
        let site = mount::site(&usr)?;
        let base = Base::observe(&places.sysroot, &usr, &site, words)?;
        Ok(Machine { usr, site, base })
    }

    /// True if the base is an overlay itself.
    #[must_use]
    pub(crate) fn is_overlay(&self) -> bool {
        self.site.mount.as_ref().is_some_and(|row| row.kind == "overlay")
    }

    /// True if a layer is mounted over /usr already.
    #[must_use]
    pub fn is_layered(&self) -> bool {
        self.site.mount.as_ref().is_some_and(|row| row.kind == "overlay" && row.source == Path::new("veneer"))
    }
}

/// No fstab is larger than this, in bytes.
const FSTAB_LIMIT: u64 = 1024 * 1024;

/// True if there is no /usr to look at because the real root's /etc/fstab names one, which systemd mounts later.
#[must_use]
pub fn awaits_usr(places: &Places) -> bool {
    let there = Dir::open(&places.usr()).and_then(|usr| usr.names());
    // What is not there systemd makes when it mounts; what cannot be looked at is no case for waiting.
    let is_empty = match there {
        Ok(names) => names.is_empty(),
        Err(Error::Open { source, .. }) => source.kind() == std::io::ErrorKind::NotFound,
        Err(_) => false,
    };
    if !is_empty {
        return false;
    }
    let fstab =
        Dir::open(&places.sysroot).and_then(|root| root.read_down(Path::new("etc/fstab"), FSTAB_LIMIT));
    fstab
        .unwrap_or_else(|error| {
            log::warn!("{error}; going on as if it named no /usr");
            None
        })
        .is_some_and(|text| fstab::names_usr(&text))
}

/// An open store and what is in it.
#[derive(Debug)]
pub struct Found {
    /// The store, locked.
    pub store: Store,
    /// Its layers.
    pub contents: Contents,
}

/// Opens the store and reads its layers; a refusal if there is none to work with.
pub fn open_store(places: &Places, intent: &Intent) -> std::result::Result<Found, Refusal> {
    if places.store_is_mount {
        one_claimant(places, intent)?;
        trusted(places, intent)?;
        allocate_at_once(places, intent);
    }
    // Each time, since what is mounted there may be another by then.
    let open = || trusted(places, intent).map(|()| Store::open(&places.store, places.store_is_mount));
    let opened = match open()? {
        Err(Absent::Error(Error::Unfit { .. })) if matches!(intent.store, StoreSource::Dir(_)) => {
            // A root that the loader mounts read-only (`ro`) is writable a moment later anyway.
            if let Err(error) = mount::make_writable(&places.store) {
                log::warn!("{error}");
            }
            open()?
        }
        other => other,
    };
    let opened = match (opened, &intent.store) {
        // systemd could not make the directory on a root that was still read-only.
        (Err(Absent::Missing), StoreSource::Dir(dir)) if places.store_is_mount => {
            mount_directory(places, intent, dir).map_err(|error| refuse(&error))?;
            open()?
        }
        (other, _) => other,
    };
    let store = match opened {
        Ok(store) => store,
        Err(Absent::Missing) => return Err(missing(places, intent)),
        Err(Absent::Error(error)) => return Err(refuse(&error)),
    };
    if let Some(row) = mounted_layer(places).map_err(|error| refuse(&error))? {
        let message = format!(
            "a layer of {} is mounted already, at {}; unmount it first",
            places.store.display(),
            row.target.display()
        );
        return Err(Refusal::new(Reason::StoreBusy, message));
    }
    let contents = store.contents().map_err(|error| refuse(&error))?;
    Ok(Found { store, contents })
}

/// The layers of `base` that were derived ahead of a boot, and that another one would be derived instead of now: of a layer
/// that was changed since, or that is not the one used last any more. One that was booted is the user's own, whatever became
/// of its parent. One whose parent is gone, or cannot be looked at, stays: there is nothing to derive another from.
#[must_use]
pub fn outrun(store: &Path, contents: &Contents, base: &Base) -> Vec<LayerName> {
    let mut outrun = Vec::new();
    for layer in &contents.layers {
        let is_ahead = layer.trial == Trial::default() && layer.state.base.id == base.id;
        let (true, Some(noted), Some(parent)) = (is_ahead, &layer.state.ahead, &layer.state.parent) else {
            continue;
        };
        match upper(store, parent).and_then(|upper| sum_of(&upper)) {
            Ok(sum) if sum == *noted && contents.last_used().is_some_and(|last| last.name == *parent) => {}
            Ok(_) => {
                log::info!(
                    "layer {} was derived ahead of this boot from one that has changed since",
                    layer.name
                );
                outrun.push(layer.name.clone());
            }
            Err(error) => log::warn!("{error}"),
        }
    }
    outrun
}

fn upper(store: &Path, layer: &LayerName) -> Result<Dir> {
    Dir::open(store)?.sub(c"veneer")?.sub(c"layers")?.sub(&layer.file_name())?.sub(c"upper")
}

/// Refuses a store that is not what it has to be, before anything is made in it. Of one that is not there, whoever opens
/// it tells.
fn trusted(places: &Places, intent: &Intent) -> std::result::Result<(), Refusal> {
    let trust = &intent.trust;
    if trust.wants_encryption() {
        let is_missing = places.store_is_mount && mount::is_mount_point(&places.store) == Some(false);
        match unencrypted(&places.store, &places.root) {
            Err(Error::Open { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            _ if is_missing => {}
            Err(error) => return Err(refuse(&error)),
            Ok(what) => verdict::judge_encryption(trust, what.as_deref()).map_or(Ok(()), Err)?,
        }
    }
    if trust.id().is_some() {
        match Store::id_at(&places.store, places.store_is_mount) {
            Err(Absent::Missing) => {}
            Err(Absent::Error(error)) => return Err(refuse(&error)),
            Ok(id) => verdict::judge_id(trust, id.as_deref()).map_or(Ok(()), Err)?,
        }
    }
    Ok(())
}

/// What of the storage of the store at `path` is not encrypted, as the beginning of a sentence; `None` if all of it is.
/// `root` is where /sys and /dev are.
pub fn unencrypted(path: &Path, root: &Path) -> Result<Option<String>> {
    let site = mount::site(&Dir::open(path)?)?;
    Ok(match site.mount {
        Some(row) => encryption::unencrypted(&row, root),
        None => Some(format!("what is mounted at {} is not known", path.display())),
    })
}

/// A layer of the store that is mounted already. None is unless its base is bound beside the store, which spares a boot
/// the table of mounts.
fn mounted_layer(places: &Places) -> Result<Option<MountRow>> {
    if mount::is_mount_point(&places.base()) == Some(false) {
        return Ok(None);
    }
    Ok(MountTable::read()?.overlay_below(&places.store))
}

/// Has a store on ext4 allocate blocks at once. For good only if it is Veneer's alone, by its type or name.
fn allocate_at_once(places: &Places, intent: &Intent) {
    let row = mount::seen_at(&places.store).unwrap_or_default().filter(mount::delays_allocation);
    // A directory of the root has the root's options.
    let (Some(row), false) = (row, matches!(intent.store, StoreSource::Dir(_))) else { return };
    if let Err(error) = mount::allocate_at_once(&row, intent.store == StoreSource::Auto) {
        // Safe in all but a power cut; and whether there still is a store, opening it tells.
        log::warn!("{error}");
    }
}

/// Makes the directory of the real root that is to be the store, and mounts it where the store belongs. Where the root is
/// read-only, it is made through a view of Veneer's own: the system's mounts stay as whoever mounted them wants them.
fn mount_directory(places: &Places, intent: &Intent, dir: &Path) -> Result<()> {
    let sysroot = Dir::open(&places.sysroot)?;
    let below = intent.below_sysroot(dir);
    // What the command line says of an ostree system is found there, not made.
    if let Some(var) = intent.var.as_ref().filter(|var| below.starts_with(var)) {
        fs_err::metadata(places.sysroot.join(var)).opening(places.sysroot.join(var))?;
    }
    let (there, missing) = deepest(&sysroot, &below)?;
    fs_err::create_dir_all(&places.store).writing(&places.store)?;
    let state = rustix::fs::fstatvfs(&there).reading(there.path())?;
    if !state.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return mount::bind_store(there.ensure_down(&missing)?.path(), &places.store);
    }
    let staging = places.staging();
    fs_err::create_dir_all(&staging).writing(&staging)?;
    let _view = Bind::writable(there.path(), &staging)?;
    let made = Dir::open(&staging)?.ensure_down(&missing)?;
    mount::bind_store(made.path(), &places.store)
}

/// The deepest directory on the way down `path` that is there, and what is missing after it.
fn deepest(top: &Dir, path: &Path) -> Result<(Dir, PathBuf)> {
    for part in path.ancestors() {
        if let Some(dir) = top.down(part)? {
            return Ok((dir, path.strip_prefix(part).unwrap_or(path).to_path_buf()));
        }
    }
    Ok((top.again()?, path.to_path_buf()))
}

/// As [`open_store`] for somebody who only looks: no lock, nothing made.
pub fn look_at_store(places: &Places, intent: &Intent) -> std::result::Result<Contents, Refusal> {
    trusted(places, intent)?;
    match Store::look(&places.store, places.store_is_mount) {
        Ok(contents) => Ok(contents),
        Err(Absent::Missing) => Err(missing(places, intent)),
        Err(Absent::Error(error)) => Err(refuse(&error)),
    }
}

/// What an error with the store means for the boot.
#[must_use]
pub fn refuse(error: &Error) -> Refusal {
    let reason = match error {
        _ if error.is_no_space() => Reason::NoSpace,
        Error::Busy { .. } => Reason::StoreBusy,
        Error::Damaged { .. } | Error::Format { .. } => Reason::StoreCorrupt,
        _ => Reason::StoreUnusable,
    };
    Refusal::new(reason, format!("{error}; {}", reason.remedy()))
}

/// Two partitions that both say they are the store: taking either would be a guess.
fn one_claimant(places: &Places, intent: &Intent) -> std::result::Result<(), Refusal> {
    if intent.store != StoreSource::Auto {
        return Ok(());
    }
    let dir = places.root.join("dev/disk/veneer/candidates");
    // Without the directory there is no candidate, which the mount tells as well.
    let Ok(names) = Dir::open(&dir).and_then(|dir| dir.names()) else { return Ok(()) };
    let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
    if names.len() < 2 {
        return Ok(());
    }
    let message = format!(
        "{} partitions claim to be the store ({}); say which with rd.veneer.store=PARTUUID=…, or change the type of the others",
        names.len(),
        names.join(", ")
    );
    Err(Refusal::new(Reason::StoreUnusable, message))
}

/// Nothing is mounted: is there no device, or one that could not be mounted?
fn missing(places: &Places, intent: &Intent) -> Refusal {
    if !places.store_is_mount {
        let message =
            format!("there is no store at {}; {}", places.store.display(), Reason::StoreMissing.remedy());
        return Refusal::new(Reason::StoreMissing, message);
    }
    let device = intent.store.device().map(|device| match device.strip_prefix("/") {
        Ok(below) => places.root.join(below),
        Err(_) => device,
    });
    match device {
        Some(device) if device.exists() => {
            let holds = match file_system(places, &device) {
                Some(kind) => format!("its {kind} could not be mounted"),
                None => "it has no file system that is known".into(),
            };
            let message = format!(
                "the store {} is there, but {holds}; see `journalctl -b -u {} -u 'systemd-fsck@*'`; {}",
                device.display(),
                paths::STORE_UNIT,
                Reason::StoreUnusable.remedy()
            );
            Refusal::new(Reason::StoreUnusable, message)
        }
        _ => {
            let remedy = match &intent.store {
                StoreSource::Device(device) if device.starts_with("/dev/mapper") => {
                    "see whether it was unlocked: `journalctl -b -u 'systemd-cryptsetup@*'`"
                }
                _ => Reason::StoreMissing.remedy(),
            };
            let message = format!(
                "the store ({}) did not appear within {} s; {remedy}",
                intent.store,
                intent.timeout.as_secs()
            );
            Refusal::new(Reason::StoreMissing, message)
        }
    }
}

/// What udev found on a device (systemd's udev keeps it in /run/udev/data).
fn file_system(places: &Places, device: &Path) -> Option<String> {
    let rdev = rustix::fs::stat(device).ok()?.st_rdev;
    let name = format!("run/udev/data/b{}:{}", rustix::fs::major(rdev), rustix::fs::minor(rdev));
    let text = fs_err::read_to_string(places.root.join(name)).ok()?;
    text.lines().find_map(|line| line.strip_prefix("E:ID_FS_TYPE=")).map(str::to_owned)
}
