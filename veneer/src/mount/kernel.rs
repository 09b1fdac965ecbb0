//! The one place that knows how kernels differ in what Veneer asks of them.

use std::os::fd::AsFd;

use rustix::io::Errno;

/// What becomes of a boot whose kernel does not know an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lacking {
    /// The layer is not mounted: without the option it would not be safe on another base.
    Refuse,
    /// The kernel lacks the feature that the option turns off, or does what the option asks for anyway.
    Drop,
}

/// Every option is said, whatever its default: module parameters and Kconfig change those between distributions.
///
/// `redirect_dir=nofollow`: never follow a redirect that somebody else left. `index`, `metacopy`, `nfs_export` and
/// `xino` off: each of them makes new directories opaque, which would hide what a later base adds there.
/// `uuid=null` (6.6): leave no state in the upper; older kernels keep none.
pub(super) const OPTIONS: [(&str, &str, Lacking); 6] = [
    ("redirect_dir", "nofollow", Lacking::Refuse),
    ("metacopy", "off", Lacking::Refuse),
    ("index", "off", Lacking::Refuse),
    ("nfs_export", "off", Lacking::Refuse),
    ("xino", "off", Lacking::Refuse),
    ("uuid", "null", Lacking::Drop),
];

/// What mountinfo shows if the kernel did not do as told; options at their default are not shown there.
const FORBIDDEN: [&str; 9] = [
    "redirect_dir=on",
    "redirect_dir=follow",
    "metacopy=on",
    "index=on",
    "nfs_export=on",
    "xino=on",
    "volatile",
    "userxattr",
    "ro",
];

/// The word among the options of a layer's mount that must not be there.
#[must_use]
pub fn forbidden(options: &str) -> Option<&str> {
    options.split(',').find(|word| FORBIDDEN.contains(word))
}

/// Longest string that fsconfig(2) takes (fs/fsopen.c copies at most 255 bytes with the NUL), in bytes.
pub(super) const STRING_LIMIT: usize = 254;

/// True if the system call is not there: kernels before 5.2, or a filter that says so.
pub(super) fn is_missing(errno: Errno) -> bool {
    matches!(errno, Errno::NOSYS | Errno::PERM)
}

/// True if an image cannot be mounted from its file: kernels before 6.12, and file systems such as tmpfs.
pub(super) fn needs_device(errno: Errno) -> bool {
    errno == Errno::NOTBLK
}

/// True if the overlay has data-only lower layers, by its options: then it stands on no other overlay. They need
/// `lowerdir+` with a descriptor of a mount that is attached nowhere (6.15), and to do without `metacopy=on` and
/// `redirect_dir=on` (6.16).
pub(super) fn has_data_layers(options: &str) -> bool {
    options.split(',').any(|word| word.starts_with("datadir+="))
}

/// True if an option (or its value) is not known. `errno` comes from fsconfig(2) or mount(2).
pub(super) fn is_unknown_option(errno: Errno) -> bool {
    errno == Errno::INVAL
}

/// What the kernel has to say in a file-system context (fsopen(2)): lines such as `e overlay: …`, without their
/// level.
pub(super) fn messages(context: impl AsFd) -> String {
    let mut all = Vec::new();
    let mut buffer = [0_u8; 1024];
    // One message a read; ENODATA when there is none left.
    while let Ok(length) = rustix::io::read(&context, &mut buffer[..]) {
        if length == 0 || all.len() > 8 {
            break;
        }
        let text = String::from_utf8_lossy(&buffer[..length]);
        let text = text.trim();
        all.push(text.get(2..).filter(|_| text.get(1..2) == Some(" ")).unwrap_or(text).to_owned());
    }
    all.join("; ")
}
