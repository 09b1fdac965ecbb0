//! What a rebase costs a layer with many packages, beside what dpkg takes to read its own database: 200 packages of the
//! user's and 10 newer ones over 1,500 of the base, of 60 files each.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::Result;
use super::cost::median;
use super::ground::{Ground, TREE, medians, time};
use super::place::quiet;

const BASE: usize = 1500;
const USERS: usize = 200;
const FILES: usize = 60;
/// How often each thing is measured.
const TIMES: usize = 7;
const DATABASE: &str = "lib/sysimage/dpkg";

/// A package of the base, or one of the user's, by number, in a version.
#[derive(Clone, Copy)]
struct Package {
    users: bool,
    number: usize,
    version: usize,
}

impl Package {
    fn name(self) -> String {
        format!("{}-{:04}", if self.users { "own" } else { "pkg" }, self.number)
    }

    fn file(self, number: usize) -> String {
        format!("share/{}/{}/file-{number}", self.name(), number / 20)
    }

    fn stanza(self) -> String {
        let Package { number, version, .. } = self;
        format!(
            "Package: {}\nStatus: install ok installed\nPriority: optional\nSection: misc\nInstalled-Size: 240\n\
             Maintainer: Nobody <nobody@example.org>\nArchitecture: all\nVersion: {version}\n\
             Depends: pkg-{:04} (>= 1), pkg-{:04}\nDescription: one of many\n Nothing that anybody needs.\n\n",
            self.name(),
            number / 2,
            number / 3,
        )
    }

    /// Puts its files into a tree.
    fn put(self, usr: &Path) -> Result<()> {
        for number in 0..FILES {
            let path = usr.join(self.file(number));
            fs::create_dir_all(path.parent().ok_or("a path without a directory")?)?;
            fs::write(path, format!("file {number} of {} {}\n", self.name(), self.version))?;
        }
        Ok(())
    }
}

/// What A has, and B: a tenth is newer there, 5 are gone, and 20 of the user's are there.
fn set(version: usize) -> Vec<Package> {
    let base = (0..BASE).filter(|number| version == 1 || number % 300 != 299).map(|number| {
        let version = if number % 10 == 0 { version } else { 1 };
        Package { users: false, number, version }
    });
    let users = (0..20).filter(|_| version == 2).map(|number| Package { users: true, number, version });
    base.chain(users).collect()
}

/// The packages whose files are in the layer: the user's own, and ten that the base has, too.
fn of_the_layer() -> Vec<Package> {
    let own = (0..USERS).map(|number| Package { users: true, number, version: 1 });
    own.chain((0..10).map(|number| Package { users: false, number: number * 10, version: 3 })).collect()
}

/// Lists and digests of all packages in the tree, as dpkg has them.
const DESCRIBE: &str = r#"
mkdir -p $TREE/lib/sysimage/dpkg/info
cd "$TREE"
find share -path '*-[0-9][0-9][0-9][0-9]/*' -type f | LC_ALL=C sort | xargs md5sum | awk '
    { split($2, part, "/"); name = part[2]; base = "lib/sysimage/dpkg/info/" name
      if (name != last) { close(lastbase ".list"); close(lastbase ".md5sums"); dir = ""
          print "/.\n/usr\n/usr/share\n/usr/share/" name > (base ".list") }
      if (part[3] != dir) { dir = part[3]; print "/usr/share/" name "/" dir > (base ".list") }
      print "/usr/" $2 > (base ".list"); print $1 "  usr/" $2 > (base ".md5sums"); last = name; lastbase = base }'
"#;

pub(crate) fn print(programs: &Path) -> Result<()> {
    Ground::with("packages", programs, |ground| Bench { ground }.measure())
}

struct Bench<'a> {
    ground: &'a Ground,
}

impl Bench<'_> {
    fn measure(&self) -> Result<()> {
        let ground = self.ground;
        ground.shell(TREE)?;
        for version in [1, 2] {
            self.base(version)?;
        }
        ground.shell("mount -o loop,ro 1.erofs s/usr")?;
        ground.boot()?;
        quiet(ground.veneer().arg("bless"))?;
        ground.off()?;
        self.fill()?;
        ground.shell("mount -o loop,ro 1.erofs s/usr")?;
        ground.boot()?;
        let record = time(|| quiet(ground.veneer().arg("record")))?;
        let hook = ground.record_again()?;
        ground.off()?;
        ground.save()?;
        ground.shell("mount -o loop,ro 2.erofs b/usr")?;

        // Each in its turn, so that a noisy machine is noisy for all. The first of each warms the cache.
        let mut all: [Vec<f64>; 5] = Default::default();
        let (mut parts, mut ratios) = (Vec::new(), Vec::new());
        let database = ground.root.join("b/usr").join(DATABASE);
        for run in 0..=TIMES {
            let dpkg = |words: &[&str]| {
                let mut command = Command::new(words[0]);
                command.arg(format!("--admindir={}", database.display())).args(&words[1..]);
                quiet(&mut command)
            };
            let query = time(|| dpkg(&["dpkg-query", "-W"]))?;
            let audit = time(|| dpkg(&["dpkg", "--audit"]))?;
            let judge = time(|| quiet(&mut ground.judge()))?;
            let (rebase, of_run) = ground.rebase("2.erofs")?;
            ground.shell("mount -o loop,ro 2.erofs s/usr")?;
            let again = time(|| ground.boot())?;
            ground.off()?;
            ground.again()?;
            if run > 0 {
                for (all, one) in all.iter_mut().zip([query, audit, judge, rebase, again]) {
                    all.push(one);
                }
                ratios.push(rebase / (query + audit));
                parts.push(of_run);
            }
        }
        let [query, audit, judge, rebase, again] = all.each_mut().map(|all| median(all));
        println!(
            "{USERS} packages over {BASE}, dpkg: rebase at boot {rebase:.0} ms ({}), unchanged base {again:.0} ms, judging \
             alone {judge:.0} ms, veneer record {record:.0} ms, after one file more {hook:.0} ms; dpkg-query -W {query:.0} ms, dpkg --audit {audit:.0} ms; \
             rebase against both {:.1}",
            medians(&parts),
            median(&mut ratios)
        );
        Ok(())
    }

    /// A base as an image.
    fn base(&self, version: usize) -> Result<()> {
        let tree = self.ground.root.join("tree");
        fs::write(tree.join("lib/os-release"), format!("ID=debian\nVERSION_ID={version}\n"))?;
        let set = set(version);
        if version == 2 {
            self.ground.shell("rm -r tree/share tree/lib/sysimage")?;
        }
        let mut status = String::new();
        for package in &set {
            package.put(&tree)?;
            status.push_str(&package.stanza());
        }
        self.ground.shell(&format!("TREE=tree\n{DESCRIBE}"))?;
        fs::write(tree.join(DATABASE).join("status"), status)?;
        fs::write(tree.join(DATABASE).join("available"), "")?;
        self.ground.shell(&format!("mkfs.erofs {version}.erofs tree > mkfs.log 2>&1"))
    }

    /// What dpkg leaves in the layer's upper directory when it installs them.
    fn fill(&self) -> Result<()> {
        let upper = self.ground.upper()?;
        let mine = of_the_layer();
        for package in &mine {
            package.put(&upper)?;
        }
        self.ground.shell(&format!("TREE={}\n{DESCRIBE}", upper.display()))?;
        let is_mine = |package: &&Package| mine.iter().all(|mine| mine.name() != package.name());
        let mut all: Vec<Package> = set(1).iter().filter(is_mine).copied().collect();
        all.extend(&mine);
        let mut status = String::new();
        all.iter().try_for_each(|package| write!(status, "{}", package.stanza()))?;
        Ok(fs::write(upper.join(DATABASE).join("status"), status)?)
    }
}
