//! The packages of the bases and of the user, apart from those that are a real system's.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::package::Rpm;
use crate::edit::Edits;
use crate::run::tool;

fn file(path: &str, content: &str) -> Edits {
    Edits::new().file(path, content)
}

/// In base A.
pub(super) fn a() -> Vec<Rpm> {
    vec![
        Rpm::new(
            "libfoo",
            "1.0-1",
            file("lib/libfoo.so.1", "foo 1.0").dir("share/doc/libfoo").file("share/doc/libfoo/NEWS", "1.0"),
        ),
        Rpm::new(
            "editor",
            "1:3.0-1",
            file("bin/editor", "editor 3.0").dir("share/editor").file("share/editor/syntax", "3.0"),
        ),
        Rpm::new("plugin", "1.0-1", file("lib/plugin/one", "1.0")),
        Rpm::new("leftover", "1.0-1", file("bin/leftover", "leftover").dir("share/leftover")),
        Rpm::new(
            "libneeded",
            "1.0-1",
            file("lib/libneeded.so", "needed").dir("lib/needed").file("lib/needed/data", "data"),
        )
        .with("Provides: needed-capability = 1\n"),
        Rpm::new("libsona", "1.0-1", elf("lib/libsona.so.1")),
        Rpm::new("pam_site", "1.0-1", file("lib/security/pam_site.so", "pam 1.0")),
    ]
}

/// What base B has in another version, or has and A has not.
pub(super) fn b() -> Vec<Rpm> {
    vec![
        Rpm::new(
            "libfoo",
            "1.1-1",
            file("lib/libfoo.so.1", "foo 1.1")
                .dir("share/doc/libfoo")
                .file("share/doc/libfoo/NEWS", "1.1")
                .dir("lib/foo")
                .file("lib/foo/x", "x"),
        ),
        Rpm::new(
            "editor",
            "1:3.1-1",
            file("bin/editor", "editor 3.1")
                .dir("share/editor")
                .file("share/editor/syntax", "3.1")
                .file("share/editor/new", "new")
                .file("bin/editor-tool", "new"),
        ),
        Rpm::new(
            "plugin",
            "1.1-1",
            file("lib/plugin/one", "1.1").dir("share/editor").file("share/editor/plugin", "1.1"),
        ),
        Rpm::new("libsona2", "2.0-1", elf("lib/libsona.so.2")),
        Rpm::new(
            "pam_site",
            "1.1-1",
            file("lib/security/pam_site.so", "pam 1.1").file("lib/security/new", ""),
        ),
        Rpm::new("helper", "1.5-1", file("bin/helper", "helper 1.5").file("share/helper/data", "1.5")),
        Rpm::new("newcomer", "1.0-1", file("bin/newcomer", "newcomer")),
        Rpm::new("v-epoch", "5.0-1", file("lib/v/epoch", "base")),
        Rpm::new("v-tilde", "1.0~rc2-1", file("lib/v/tilde", "base")),
        Rpm::new("v-final", "1.0-1", file("lib/v/final", "base")),
        Rpm::new("v-caret", "1.0-1", file("lib/v/caret", "base")),
        Rpm::new("v-snapshot", "1.0^git1-1", file("lib/v/snapshot", "base")),
        Rpm::new("v-revision", "1.0-9", file("lib/v/revision", "base")),
    ]
}

/// What base C has in another version than B.
pub(super) fn c() -> Vec<Rpm> {
    vec![Rpm::new(
        "libfoo",
        "1.3-1",
        file("lib/libfoo.so.1", "foo 1.3").dir("share/doc/libfoo").file("share/doc/libfoo/NEWS", "1.3"),
    )]
}

/// What a user installs.
pub(super) fn user() -> Vec<Rpm> {
    let ollama = Edits::new()
        .file("bin/ollama", "ollama 0.5")
        .mode("bin/ollama", 0o755)
        .symlink("bin/ollama-run", "ollama")
        .file("lib/systemd/system/ollama.service", "[Service]\nExecStart=/usr/bin/ollama\n")
        .dir("share/ollama")
        .file("share/ollama/models", "none");
    vec![
        Rpm::new("ollama", "0.5-1", ollama)
            .with("Requires: libfoo >= 1.0\nRequires: /usr/bin/bash\nRequires: (editor or newcomer)\n")
            .ghosts(&["share/ollama/cache"]),
        Rpm::new("more", "1.0-1", file("bin/more-of-it", "more")),
        // Installed after the other one, and not before long.
        Rpm::new("slow", "1.0-1", file("bin/slow", "slow"))
            .with("Requires: more\n")
            .scripts("%post %NAME\ntouch /tmp/slow\nexec sleep 300\n"),
        Rpm::new("helper", "1.0-1", file("bin/helper", "helper 1.0").file("share/helper/old", "1.0")),
        Rpm::new(
            "libfoo",
            "1.2-1",
            file("lib/libfoo.so.1", "foo 1.2")
                .dir("share/doc/libfoo")
                .file("share/doc/libfoo/NEWS", "1.2")
                .file("lib/only-in-1.2", "y"),
        ),
        Rpm::new(
            "pam_site",
            "1.2-1",
            file("lib/security/pam_site.so", "pam 1.2").file("lib/security/mine", ""),
        ),
        Rpm::new("needer", "1.0-1", file("bin/needer", "needer")).with("Requires: needed-capability\n"),
        Rpm::new("sonauser", "1.0-1", elf("bin/sonauser")),
        Rpm::new("v-epoch", "1:0.1-1", file("lib/v/epoch", "user")),
        Rpm::new("v-tilde", "1.0-1", file("lib/v/tilde", "user")),
        Rpm::new("v-final", "1.0~rc1-1", file("lib/v/final", "user")),
        Rpm::new("v-caret", "1.0^git1-1", file("lib/v/caret", "user")),
        Rpm::new("v-snapshot", "1.0-1", file("lib/v/snapshot", "user")),
        Rpm::new("v-revision", "1.0-10", file("lib/v/revision", "user")),
    ]
}

/// A real library, `libNAME.so.N`, or a program that is linked with libsona.so.1.
fn elf(path: &str) -> Edits {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("veneer-elf-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("make a directory");
    let build = |source: &str, words: &[&str]| {
        let out = dir.join("out");
        std::fs::write(dir.join("source.c"), source).expect("write the source");
        let mut gcc = Command::new("gcc");
        gcc.args(["-nostdlib", "-o"]).arg(&out).arg(dir.join("source.c")).args(words);
        tool(&mut gcc);
        std::fs::read(out).expect("read what was built")
    };
    let library =
        |soname: &str| build("void sona(void) {}", &["-shared", "-fPIC", &format!("-Wl,-soname,{soname}")]);
    let name = path.rsplit('/').next().expect("a name");
    let bytes = if name.contains(".so") {
        library(name)
    } else {
        let needed = dir.join("libsona.so.1");
        std::fs::write(&needed, library("libsona.so.1")).expect("write the library");
        build("void sona(void); void _start(void) { sona(); }", &[needed.to_str().expect("UTF-8")])
    };
    std::fs::remove_dir_all(&dir).expect("remove what was built");
    Edits::new().file(path, bytes).mode(path, 0o755)
}
