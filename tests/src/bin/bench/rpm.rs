//! What a rebase costs a layer with many rpm packages, beside what rpm takes to write the new base's database out and in:
//! 200 packages of the user's over some 1,500, of which 350 are those of a real system, with rpm itself.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use veneer_tests::rpm::{RPM6, in_root, prepare_root, rpm};

use super::Result;
use super::cost::median;
use super::ground::{Ground, medians, time};
use super::place::quiet;

/// Beside those of the real system.
const BASE: usize = 1150;
const USERS: usize = 200;
const FILES: usize = 20;
/// How often each thing is measured.
const TIMES: usize = 5;

/// Specs in `specs/`, packages in `rpms/` by their names; then both bases.
const MAKE: &str = r#"
mkdir -p low up work buildroot top root
mount -o loop,ro "$IMAGE" low
mkdir -p root/usr
for dir in bin sbin lib lib64; do ln -s usr/$dir root/$dir; done
mount -t overlay -o lowerdir=low,upperdir=up,workdir=work overlay root/usr
for dir in specs top; do mkdir -p root/$dir; mount --bind $dir root/$dir; done
mount -t proc proc root/proc
for set in one two own; do
    chroot root rpmbuild -bb --quiet --define "_topdir /top/$set" --define '_build_id_links none' \
        --define '_binary_payload w.ufdio' --define '__os_install_post %{nil}' --define 'debug_package %{nil}' \
        --buildroot /tmp/buildroot /specs/$set.spec
    mkdir -p top/$set/all
    find top/$set/RPMS -name '*.rpm' -exec mv {} top/$set/all/ \;
    rm -rf root/tmp/buildroot
done
chroot root sh -c 'rpm --noplugins -i --nosignature --nodeps /top/one/all/*.rpm'
mkfs.erofs 1.erofs root/usr > mkfs.log 2>&1
chroot root sh -c 'rpm --noplugins -U --nosignature --nodeps /top/two/all/*.rpm'
mkfs.erofs 2.erofs root/usr > mkfs.log 2>&1
umount root/proc root/specs root/top root/usr
"#;

pub(crate) fn print(programs: &Path) -> Result<()> {
    if let Some(why) = RPM6.ready() {
        return Err(format!("no system with rpm: {why}").into());
    }
    Ground::with("rpm", programs, measure)
}

fn measure(ground: &Ground) -> Result<()> {
    let specs = ground.root.join("specs");
    fs::create_dir(&specs)?;
    fs::write(specs.join("one.spec"), spec("pkg", 1, (0..BASE).collect())?)?;
    fs::write(specs.join("two.spec"), spec("pkg", 2, (0..BASE).step_by(10).collect())?)?;
    fs::write(specs.join("own.spec"), spec("own", 1, (0..USERS).collect())?)?;
    for root in ["root", "s", "b"] {
        let root = ground.root.join(root);
        fs::create_dir_all(root.join("tmp"))?;
        for dir in ["proc", "dev"] {
            fs::create_dir_all(root.join(dir))?;
        }
        prepare_root(&root);
    }
    ground.shell(&format!("IMAGE={}\n{MAKE}", RPM6.base("a").path.display()))?;
    ground.shell("mount -o loop,ro 1.erofs s/usr; mkdir -p s/top; mount --bind top s/top")?;
    ground.boot()?;
    quiet(ground.veneer().arg("bless"))?;
    let own = fs::read_dir(ground.root.join("top/own/all"))?
        .map(|entry| Ok(Path::new("/top/own/all").join(entry?.file_name())))
        .collect::<std::io::Result<Vec<_>>>()?;
    let sysroot = ground.root.join("s");
    quiet(rpm(&sysroot).args(["-i", "--nosignature", "--nodeps"]).args(own))?;
    let record = time(|| quiet(ground.veneer().arg("record")))?;
    let again = ground.record_again()?;
    ground.off()?;
    ground.save()?;
    ground.shell("mount -o loop,ro 2.erofs b/usr")?;

    let other = ground.root.join("b");
    let native =
        |program: &str, words: &str| quiet(in_root(&other, "sh").arg("-c").arg(format!("{program} {words}")));
    // Each in its turn, so that a noisy machine is noisy for all. The first of each warms the cache.
    let mut all: [Vec<f64>; 4] = Default::default();
    let (mut parts, mut ratios) = (Vec::new(), Vec::new());
    for run in 0..=TIMES {
        let export = time(|| native("rpmdb", "--exportdb > /tmp/headers"))?;
        let import = time(|| native("rpmdb", "--define '_dbpath /tmp/db' --importdb < /tmp/headers"))?;
        ground.shell("rm -r b/tmp/db b/tmp/headers")?;
        let judge = time(|| quiet(&mut ground.judge()))?;
        let (rebase, of_run) = ground.rebase("2.erofs")?;
        ground.again()?;
        if run > 0 {
            for (all, one) in all.iter_mut().zip([export, import, judge, rebase]) {
                all.push(one);
            }
            ratios.push(rebase / (export + import));
            parts.push(of_run);
        }
    }
    let [export, import, judge, rebase] = all.each_mut().map(|all| median(all));
    println!(
        "{USERS} packages over {BASE} and a system, rpm 6: rebase at boot {rebase:.0} ms ({}), judging alone {judge:.0} ms, \
         veneer record {record:.0} ms, after one file more {again:.0} ms; rpmdb --exportdb {export:.0} ms, --importdb {import:.0} ms; rebase against both {:.1}",
        medians(&parts),
        median(&mut ratios)
    );
    Ok(())
}

/// A spec file of many packages.
fn spec(word: &str, version: usize, numbers: Vec<usize>) -> Result<String> {
    let mut spec = format!(
        "Name: {word}-all\nVersion: {version}\nRelease: 1\nSummary: many\nLicense: none\nBuildArch: noarch\nAutoReqProv: no\n\
         %description\nMany.\n%install\nfor number in {}; do\n dir=%{{buildroot}}/usr/share/{word}-$number\n mkdir -p $dir\n \
         for file in $(seq {FILES}); do echo \"file $file of $number {version}\" > $dir/$file; done\ndone\n",
        numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    );
    for number in numbers {
        write!(
            spec,
            "%package -n {word}-{number}\nSummary: one of many\nAutoReqProv: no\nRequires: pkg-{}\n%description -n \
             {word}-{number}\nNothing that anybody needs.\n%files -n {word}-{number}\n/usr/share/{word}-{number}\n",
            number / 2
        )?;
    }
    Ok(spec)
}
