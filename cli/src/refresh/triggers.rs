//! dpkg's own triggers: what a package that looks after a directory would have been told, had the layer's packages been
//! installed on this base. Pure: the lines of `triggers/File` in, paths out.

use std::path::Path;

/// The paths of file triggers (`PATH PACKAGE`) below which the layer has something.
pub(crate) fn pending(file: &str, has: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for line in file.lines() {
        let Some((path, _)) = line.rsplit_once(' ') else { continue };
        let below = path.strip_prefix("/usr/").unwrap_or(path.trim_start_matches('/'));
        if has(Path::new(below)) && !paths.iter().any(|known| known == path) {
            paths.push(path.to_owned());
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_layer_touches_is_pending() {
        let file = "/usr/share/man man-db/noawait\n/lib/ld libc-bin\n/usr/share/mime/packages shared-mime-info\n/usr/share/man other\n";
        let has = |path: &Path| [Path::new("share/man"), Path::new("lib/ld")].contains(&path);
        assert_eq!(pending(file, has), ["/usr/share/man", "/lib/ld"]);
    }
}
