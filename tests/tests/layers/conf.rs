//! veneer.conf: what it may switch off, and that no content of it fails a boot. It is the initramfs's own file, so
//! each scenario puts another /etc into place for the length of a boot.

use std::fs;
use std::path::Path;

use veneer_tests::dice::Dice;
use veneer_tests::edit::{Edits, Special};
use veneer_tests::machine::{Boot, Machine};
use veneer_tests::run::sh;
use veneer_tests::scenario::Scenario;
use veneer_tests::store::Store;

use crate::stories::settled;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "conf_switches_off", needs: &[], run: switches_off },
    Scenario { name: "conf_of_any_content", needs: &[], run: any_content },
];

/// Boots with these files in /etc.
#[track_caller]
fn boot(machine: &mut Machine, files: &Edits) -> Boot {
    machine.shutdown();
    let etc = machine.dir.join("etc");
    fs::create_dir(&etc).expect("make an /etc");
    files.apply(&etc);
    sh(&format!("mount --bind {} /etc", etc.display()));
    let boot = machine.boot();
    machine.shutdown();
    sh("umount /etc");
    fs::remove_dir_all(&etc).expect("remove the /etc");
    boot
}

fn switches_off(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    let off = "[Veneer]\nmode=pristine\n";
    let cases = [
        (Edits::new().file("veneer.conf", off), "", "disabled"),
        (Edits::new().file("veneer.conf", off), "rd.veneer.mode=normal", "ok"),
        (Edits::new().file("veneer.conf.d/10-off.conf", off), "", "disabled"),
        (Edits::new().file("veneer.conf.d/10-off.txt", off), "", "ok"),
        (
            Edits::new().file("veneer.conf.d/10-off.conf", off).symlink("veneer.conf", "nowhere"),
            "",
            "disabled",
        ),
        (
            Edits::new()
                .file("veneer.conf.d/10-off.conf", off)
                .file("veneer.conf.d/20-on.conf", "mode=normal\n"),
            "",
            "ok",
        ),
        (Edits::new().file("veneer.conf", "[Veneer]\nmode=\n[Other]\nmode=pristine\n"), "", "ok"),
    ];
    for (files, words, reason) in cases {
        machine.say(words);
        let boot = boot(&mut machine, &files);
        assert_eq!(boot.status.reason, reason, "{files:?} with {words:?}: {:?}", boot.status);
    }
}

fn any_content(dir: &Path) {
    let (mut machine, _) = settled(dir, Store::Dir);
    let mut dice = Dice::new(11);
    let noise: Vec<u8> = (0..1 << 20).map(|_| dice.byte()).collect();
    let cases = [
        Edits::new().file("veneer.conf", noise.clone()),
        Edits::new().file("veneer.conf", vec![b'['; 1 << 20]),
        Edits::new().file("veneer.conf", b"mode=\0pristine\n\0\xff\xfe=\n[\xff]\n".to_vec()),
        Edits::new().file("veneer.conf", "unknown=1\n\\\n\\\n\\".repeat(10_000)),
        Edits::new().special("veneer.conf", Special::Fifo),
        Edits::new().dir("veneer.conf"),
        Edits::new().symlink("veneer.conf", "veneer.conf"),
        Edits::new().symlink("veneer.conf", "/dev/zero"),
        Edits::new().file("veneer.conf.d/a.conf", noise).special("veneer.conf.d/b.conf", Special::Fifo),
        Edits::new().file("veneer.conf.d", "a file"),
        Edits::new().sparse("veneer.conf", 3 << 30),
    ];
    for files in cases {
        let kind = files.0.first().map(|edit| edit.path().to_path_buf());
        let boot = boot(&mut machine, &files);
        assert!(!boot.program.stderr.contains("panicked"), "{kind:?}: {boot:?}");
        assert!(boot.status.layered, "{kind:?}: {:?}", boot.status);
    }
}
