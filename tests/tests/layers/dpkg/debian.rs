//! A real Debian: two bases of more than 300 packages each, packages of the archive on top, and Debian's own dpkg and apt in
//! a chroot of what the layer shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use veneer_tests::deb::DATABASE;
use veneer_tests::debian::{Debian, Recipe};
use veneer_tests::machine::Machine;
use veneer_tests::run::{Finished, tool, within};
use veneer_tests::store::Store;
use veneer_tests::tree::{Tree, assert_same};

use super::ground::record;

macro_rules! common {
    () => {
        "systemd-sysv,dbus,man-db,curl,tmux,jq,python3,rsync,fontconfig,fonts-dejavu-core,shared-mime-info,\
         desktop-file-utils,libgtk-3-0t64,libglib2.0-bin,gsettings-desktop-schemas,hicolor-icon-theme,strace,lsof,\
         bzip2,xz-utils,zip,unzip,file,gnupg,openssh-client,ca-certificates,attr,acl,psmisc,bc,sqlite3,socat"
    };
}

const A: Recipe = Recipe {
    name: "a",
    sources: "deb http://deb.debian.org/debian trixie main; deb http://deb.debian.org/debian trixie-backports main",
    include: concat!(common!(), ",less,nano,wget,htop"),
    user: "nginx tree curl/trixie-backports memcached",
};

/// With updates, tmux from backports, tree added and nano dropped.
const B: Recipe = Recipe {
    name: "b",
    sources: "deb http://deb.debian.org/debian trixie main; deb http://deb.debian.org/debian trixie-updates main; \
              deb http://deb.debian.org/debian-security trixie-security main; \
              deb http://deb.debian.org/debian trixie-backports main",
    include: concat!(common!(), ",less,wget,tree,tmux/trixie-backports,htop"),
    user: "",
};

/// Why the bases cannot be had.
pub(super) fn lacking() -> Option<String> {
    [A, B].iter().find_map(|recipe| recipe.prepare().err())
}

/// The machine with the archive's packages at hand.
struct Story {
    machine: Machine,
    debs: PathBuf,
}

impl Story {
    /// A command in a chroot of what /usr shows, with its own /proc and /dev, and the packages at /mnt.
    fn run(&self, words: &[&str]) -> Finished {
        let script = "root=$1 debs=$2; shift 2
            mount -t proc proc \"$root/proc\"
            mount --rbind /dev \"$root/dev\"
            mount --bind \"$debs\" \"$root/mnt\"
            exec chroot \"$root\" \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-euc", script, "sh"]);
        command.arg(&self.machine.sysroot).arg(&self.debs).args(words);
        command.env_clear().envs([
            ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            ("LC_ALL", "C.UTF-8"),
            ("DEBIAN_FRONTEND", "noninteractive"),
        ]);
        within(Duration::from_secs(300), &mut command)
    }

    #[track_caller]
    fn good(&self, words: &[&str]) -> String {
        let done = self.run(words);
        assert_eq!(done.code, Some(0), "{words:?}: {}{}", done.stdout, done.stderr);
        done.stdout
    }

    fn install(&self, package: &str) {
        let line = format!("apt-get install --yes --quiet --allow-change-held-packages /mnt/{package}/*.deb");
        self.good(&["sh", "-euc", &line]);
    }

    /// Version and state of each package; fails if one is listed twice.
    fn listed(&self, more: &[&str]) -> BTreeMap<String, String> {
        let format = "${binary:Package}\t${Version} ${db:Status-Abbrev}\n";
        let text = self.good(&[&["dpkg-query"], more, &["--show", "--showformat", format]].concat());
        let mut all = BTreeMap::new();
        for line in text.lines() {
            let (name, state) = line.split_once('\t').expect("a name and what it is");
            let twice = all.insert(name.to_owned(), state.trim().to_owned());
            assert!(twice.is_none(), "{name} twice");
        }
        all
    }

    /// What Debian's own tools say.
    #[track_caller]
    fn check(&self) {
        let audit = self.good(&["dpkg", "--audit"]);
        assert!(audit.trim().is_empty(), "dpkg --audit: {audit}");
        self.good(&["apt-get", "check"]);
        // Configuration files are those of the machine's /etc, which an update does not touch.
        let verify = self.run(&["dpkg", "--verify"]).stdout;
        let wrong: Vec<_> = verify.lines().filter(|line| line.contains(" /usr/")).collect();
        assert!(wrong.is_empty(), "dpkg --verify: {wrong:#?}");
    }
}

/// The paths below /usr that each package lists; of several architectures the last one's.
fn lists(usr: &Path) -> BTreeMap<String, BTreeSet<PathBuf>> {
    let info = usr.join(DATABASE).join("info");
    let mut all = BTreeMap::new();
    for entry in info.read_dir().expect("list the descriptions") {
        let path = entry.expect("list the descriptions").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(".list") else { continue };
        let text = fs::read_to_string(&path).expect("read a list");
        let below = |line: &str| {
            let line = line.strip_prefix('/')?;
            Some(PathBuf::from(line.strip_prefix("usr/").unwrap_or(line)))
        };
        let name = name.split(':').next().expect("a name").to_owned();
        all.insert(name, text.lines().filter_map(below).collect());
    }
    all
}

/// An update of a real base under real packages, checked path by path and by Debian's own tools; then package management
/// goes on.
pub(super) fn story(dir: &Path) {
    let (a, b) = (A.prepare().expect("the base A"), B.prepare().expect("the base B"));
    assert!(a.count() > 300 && b.count() > 300, "{} and {} packages", a.count(), b.count());
    let mut story = Story { machine: Machine::new(dir, Store::Dir), debs: a.debs() };
    furnish(&story.machine, &a);
    story.machine.install(&a.base());
    story.machine.boot_layer("bound");
    for package in ["nginx", "tree", "curl", "memcached"] {
        story.install(package);
    }
    story.good(&["apt-get", "purge", "--yes", "wget"]);
    story.good(&["apt-mark", "hold", "jq"]);
    story.check();
    record(&story.machine);
    let (on_a, lists_a) = (story.machine.visible(), lists(&story.machine.usr()));
    let (listed_a, wanted_a) = (story.listed(&[]), story.good(&["apt-mark", "showmanual"]));

    story.machine.install(&b.base());
    let boot = story.machine.boot_layer("rebased");
    println!("rebase: {:?}", boot.program.took);
    assert!(boot.status.problems.is_empty(), "{:#?}", boot.status.problems);
    story.check();
    let base = story.machine.base_point();
    let lists_b = lists(&base);
    let mine = ["nginx", "nginx-common", "memcached", "perl", "perl-modules-5.40", "libperl5.40"];
    let mine = [&mine[..], &["libevent-2.1-7t64", "libgdbm-compat4t64"]].concat();
    let newer = ["curl", "libcurl4t64", "libnghttp3-9", "libngtcp2-16", "libngtcp2-crypto-ossl0"];

    // The list of packages: B's, less what was removed, with what is the user's.
    let admin = format!("--admindir=/bare/{DATABASE}");
    let bare = story.machine.sysroot.join("bare");
    fs::create_dir(&bare).expect("make a mount point");
    tool(Command::new("mount").arg("--bind").arg(&base).arg(&bare));
    let mut expected = story.listed(&[&admin]);
    tool(Command::new("umount").arg(&bare));
    expected.retain(|name, _| name != "wget");
    let is_mine = |name: &str| {
        let name = name.split(':').next().expect("a name");
        mine.contains(&name) || newer.contains(&name)
    };
    expected.extend(
        listed_a.iter().filter(|(name, _)| is_mine(name)).map(|(name, state)| (name.clone(), state.clone())),
    );
    expected.entry("jq".to_owned()).and_modify(|state| *state = state.replace(" ii", " hi"));
    assert_eq!(expected, story.listed(&[]));
    assert_eq!(wanted_a, story.good(&["apt-mark", "showmanual"]), "who wants what");

    // The files: B's, less those of wget and of its versions of what the user has newer, with those of the user's packages.
    let theirs = |name: &&str| lists_a.get(*name).unwrap_or_else(|| panic!("{name} has a list")).clone();
    let users: BTreeSet<PathBuf> = mine.iter().chain(&newer).flat_map(theirs).collect();
    let is_there = |name: &str| name != "wget" && !newer.contains(&name);
    let there: BTreeSet<&PathBuf> =
        lists_b.iter().filter(|(name, _)| is_there(name)).flat_map(|(_, paths)| paths).collect();
    let gone: BTreeSet<&PathBuf> =
        lists_b.iter().filter(|(name, _)| !is_there(name)).flat_map(|(_, paths)| paths).collect();
    let outside = |tree: &Tree| tree.without(|path| path.starts_with(DATABASE));
    let bare = outside(story.machine.bare());
    let wanted =
        bare.without(|path| gone.contains(&path.to_path_buf()) && !there.contains(&path.to_path_buf()));
    let users = outside(&on_a).without(|path| {
        !users.contains(path) || bare.get(path).is_some() && there.contains(&path.to_path_buf())
    });
    assert_same("files", &wanted.and(users), &outside(&story.machine.visible()));

    // Used again, and package management goes on.
    story.machine.boot_layer("used");
    story.good(&["apt-get", "purge", "--yes", "memcached", "nginx", "nginx-common"]);
    story.good(&["apt-get", "autoremove", "--purge", "--yes"]);
    story.install("tree");
    story.check();

    // And back.
    story.machine.install(&a.base());
    story.machine.boot_layer("used");
    assert_same("back on A", &on_a, &story.machine.visible());
}

/// The system's own /etc and /var.
fn furnish(machine: &Machine, debian: &Debian) {
    for name in ["etc", "var"] {
        let to = machine.sysroot.join(name);
        fs::remove_dir_all(&to).expect("remove the empty one");
        tool(Command::new("cp").arg("-a").arg(debian.root().join(name)).arg(&machine.sysroot));
    }
    for name in ["mnt", "root"] {
        fs::create_dir_all(machine.sysroot.join(name)).expect("make a directory");
    }
}
