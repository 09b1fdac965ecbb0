//! The store, as this boot finds it: opened if it is the one that it has to be, and why there is none otherwise.

use std::path::{Path, PathBuf};

use rustix::fs::StatVfsMountFlags;

use super::trust::trusted;
use super::{Places, refuse};
use crate::error::{At as _, Error, Result};
use crate::intent::{Intent, StoreSource};
use crate::mount::{self, Bind, MountRow, MountTable};
use crate::paths;
use crate::store::{Absent, Contents, Store};
use crate::tree::Dir;
use crate::verdict::{Reason, Refusal};

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
