//! A machine with something to ask about: a layer that was carried over with something set aside, another one that was
//! put away, and a next base.

use std::fs;
use std::path::{Path, PathBuf};

use veneer_tests::base::{Base, Form, os_release, system};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::run::Finished;
use veneer_tests::store::Store;

/// What the machine runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Situation {
    /// A layer that was carried over once.
    Running,
    /// The same, with a guarded /usr.
    Guarded,
    /// A newer base, which has no layer yet, pristine since that was asked for.
    Pristine,
    /// Another distribution's base, to which the layer does not belong.
    Foreign,
    /// As [`Situation::Pristine`], and the store is not mounted.
    Unmounted,
}

pub(crate) struct Ground {
    pub(crate) machine: Machine,
    /// The root of the next base.
    pub(crate) next: PathBuf,
    layers: Vec<String>,
}

fn base(version: &str) -> Edits {
    system(version)
        .file("bin/tool", format!("tool of {version}\n"))
        .mode("bin/tool", 0o755)
        .file("share/doc/tool/README", "read me\n")
        .dir("lib/veneer.conf.d")
}

/// One file is the user's alone, one is changed by every base too, and the shell's link is there anew.
fn mine() -> Edits {
    Edits::new()
        .file("bin/mine", "mine\n")
        .file("bin/tool", "edited\n")
        .remove("share/doc/tool/README")
        .remove("bin/sh")
        .symlink("bin/sh", "dash")
}

impl Ground {
    pub(crate) fn new(dir: &Path, situation: Situation) -> Ground {
        fs::create_dir(dir).expect("make a directory for the machine");
        // A file system with a file to it can be unmounted, and mounted as the pages say.
        let store = if situation == Situation::Unmounted { Store::Ext4(32) } else { Store::Dir };
        let mut machine = Machine::new(dir, store);
        fs::create_dir(machine.sysroot.join("etc/veneer.conf.d")).expect("make a directory for drop-ins");
        fs::write(machine.sysroot.join("etc/veneer.conf"), "[Veneer]\nmode=normal\n")
            .expect("write veneer.conf");
        machine.install(&Base::build(dir, "A", Form::Dir, &base("1")));
        machine.boot_layer("bound");
        mine().apply(&machine.usr());
        machine.record();
        machine.install(&Base::build(dir, "B", Form::Dir, &base("2")));
        let carried = machine.boot_layer("rebased").status.layer().id.clone();
        for words in [&["reset", "--yes"][..], &["use", &carried]] {
            let done = machine.veneer(words);
            assert_eq!(done.code, Some(0), "{words:?}: {done:?}");
        }
        assert_eq!(machine.boot_layer("used").status.layer().id, carried);
        let next = dir.join("next");
        fs::create_dir_all(next.join("usr")).expect("make a mount point");
        Base::build(dir, "C", Form::Dir, &base("3")).put(&next.join("usr"));
        let layers = machine.layer_names();
        let mut ground = Ground { machine, next, layers };
        ground.come_to(dir, situation);
        ground
    }

    fn come_to(&mut self, dir: &Path, situation: Situation) {
        match situation {
            Situation::Running => {}
            Situation::Guarded => {
                self.machine.say("rd.veneer.mode=guarded");
                assert!(self.machine.boot_unread().layered, "{}", self.machine.kernel_log());
            }
            Situation::Pristine | Situation::Unmounted => {
                self.machine.say("rd.veneer.mode=pristine");
                self.machine.install(&Base::build(dir, "D", Form::Dir, &base("4")));
                self.machine.boot_pristine(&["disabled"]);
            }
            Situation::Foreign => {
                let foreign = base("1").file("lib/os-release", os_release(&[("ID", "another")]));
                self.machine.install(&Base::build(dir, "E", Form::Dir, &foreign));
                self.machine.boot_pristine(&["incompatible"]);
            }
        }
        if situation == Situation::Unmounted {
            rustix::mount::unmount(&self.machine.store, rustix::mount::UnmountFlags::empty())
                .expect("unmount the store");
        }
    }

    /// The name of the layer with this number.
    pub(crate) fn layer(&self, number: &str) -> Option<&str> {
        self.layers.iter().map(String::as_str).find(|name| name.starts_with(number))
    }

    /// The command, with names for what pages leave open, and what a command that is only mentioned needs.
    pub(crate) fn veneer(&self, words: &[String]) -> Finished {
        let next = self.next.to_str().expect("UTF-8");
        let layer = self.layer("0003-").expect("a layer that was put away");
        let initramfs = self.machine.cmdline.to_string_lossy();
        let filled = words.iter().map(|word| match word.as_str() {
            "BASE" | "DIR" => next,
            "COMMAND" => "true",
            "FILE" => &initramfs,
            "WORD..." => "word",
            "PATH" => "/usr/bin/tool",
            "ID" => layer,
            other => other,
        });
        let mut filled: Vec<&str> = filled.collect();
        let lacks_base = !filled.contains(&"--base");
        match filled.as_slice() {
            ["check" | "rebase", ..] if lacks_base => filled.extend(["--base", next]),
            ["why"] => filled.push("/usr/bin/tool"),
            ["use"] => filled.push(layer),
            // An image, which nothing of this boot is about.
            ["lint", ..] => filled.extend(["--root", next, "--runtime", next]),
            ["run"] => filled.extend(["--", "true"]),
            _ => {}
        }
        self.machine.veneer(&filled)
    }
}
