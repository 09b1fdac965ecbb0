//! Tables of what each package manager itself says (`apt-get check`, `rpm -Va --nofiles`, `pacman -Dk`), and noise.

use super::*;
use crate::fuzz::{Random, rounds};
use crate::packages::version::Order;

/// Name, version, architecture, Multi-Arch, Provides.
type There = (&'static str, &'static str, &'static str, &'static str, &'static str);

const DPKG: &[There] = &[
    ("none", "1.0", "amd64", "", ""),
    ("allall", "1.0", "", "", ""),
    ("foreign", "1.0", "amd64", "foreign", ""),
    ("allowed", "1.0", "amd64", "allowed", ""),
    ("same", "1.0", "amd64", "same", ""),
    ("same", "1.0", "i386", "same", ""),
    ("inone", "1.0", "i386", "", ""),
    ("iforeign", "1.0", "i386", "foreign", ""),
    ("iallowed", "1.0", "i386", "allowed", ""),
    ("prov", "1.0", "amd64", "", "v1, v2 (= 2.0), v3:i386, v4:any (= 3), v5 (>= 1)"),
    ("provf", "1.0", "i386", "foreign", "vf (= 1)"),
    ("prova", "1.0", "amd64", "allowed", "va (= 1), v6:i386"),
];

/// What is unmet of a package that asks for this.
fn dpkg(field: &str, kind: Kind) -> Vec<String> {
    let mut check = Check::new(Order::Dpkg, "amd64");
    let user = Member { name: "user", version: "1", ..Member::default() };
    check.require(&user, super::dpkg::requirements(field, kind));
    check.see(&user, super::dpkg::provides("self"));
    for (name, version, arch, multi_arch, provides) in DPKG {
        let member = Member { name, version, arch, multi_arch: MultiArch::parse(multi_arch) };
        check.see(&member, super::dpkg::provides(provides));
    }
    texts(check.finish(&|_| false))
}

fn texts(report: Report) -> Vec<String> {
    assert!(report.complete);
    report.unmet.into_iter().map(|unmet| unmet.to_string()).collect()
}

#[test]
fn dpkg_finds_what_is_there() {
    for field in [
        "none",
        "none (= 1.0-0)",
        "none (>= 0.9~), none (<< 1.0.1)",
        "allall",
        "allowed:any",
        "iallowed:any",
        "inone:i386",
        "iforeign",
        "same",
        "same:i386",
        "v1",
        "v2 (>= 2.0)",
        "v2 | nope",
        "nope | v2",
        "v3:i386",
        "v4:any",
        "vf",
        "vf:i386",
        "va:any",
        "va",
        "self",
    ] {
        assert_eq!(dpkg(field, Kind::Needs), [""; 0], "{field}");
    }
}

#[test]
fn dpkg_misses_what_is_not() {
    for (field, there) in [
        ("nope", ""),
        ("none (>> 1.0)", "none 1.0"),
        ("none:any", "none 1.0"),
        ("same:any", "same 1.0"),
        ("foreign:any", "foreign 1.0"),
        ("allall:any", "allall 1.0"),
        ("none:i386", "none 1.0"),
        ("inone", "inone 1.0"),
        ("inone:any", "inone 1.0"),
        ("iforeign:amd64", "iforeign 1.0"),
        ("iallowed", "iallowed 1.0"),
        ("v1 (= 1.0)", "v1 without a version of prov"),
        ("v2 (<< 2.0)", "v2 2.0 of prov"),
        ("v3", "v3 without a version of prov"),
        ("v4", "v4 3 of prov"),
        ("v6:any", "v6 without a version of prova"),
        ("v4:amd64", "v4 3 of prov"),
        ("v5", "v5 1 of prov"),
        ("v5 (>= 1)", "v5 1 of prov"),
        ("nope | v2 (>> 3)", "v2 2.0 of prov"),
    ] {
        let there = if there.is_empty() { String::new() } else { format!("; there is {there}") };
        assert_eq!(dpkg(field, Kind::Needs), [format!("user needs {field}{there}")]);
    }
    let got = dpkg("v1, nope, nope2 (>= 1) | nope3", Kind::Needs);
    assert_eq!(got, ["user needs nope", "user needs nope2 (>= 1) | nope3"]);
    assert_eq!(dpkg("nope", Kind::Wishes), ["user recommends nope"]);
}

#[test]
fn dpkg_finds_what_must_not_be_there() {
    for (field, with) in [
        ("none", "none"),
        ("none (<< 2)", "none"),
        ("none:amd64", "none"),
        ("inone", "inone"),
        ("inone:i386", "inone"),
        ("v1", "prov"),
        ("v2 (= 2.0)", "prov"),
        ("v2 (>> 1)", "prov"),
        ("v3", "prov"),
        ("v3:i386", "prov"),
    ] {
        let expected = if with == field {
            format!("user conflicts with {with}")
        } else {
            format!("user conflicts with {field}; there is {with}")
        };
        assert_eq!(dpkg(field, Kind::Forbids), [expected]);
    }
    for field in [
        "nope",
        "none (<< 1)",
        "foreign:any",
        "none:any",
        "inone:amd64",
        "none:i386",
        "v1 (= 1.0)",
        "v1 (>> 0)",
        "v3:amd64",
        "v4",
        "self",
        "user",
    ] {
        assert_eq!(dpkg(field, Kind::Forbids), [""; 0], "{field}");
    }
}

/// `name sign version` as rpm's headers have it.
fn rpm_parts(text: &str) -> (&str, u32, &str) {
    if text.starts_with('(') {
        return (text, 0, "");
    }
    let mut words = text.split(' ');
    let name = words.next().unwrap_or_default();
    let flags = match words.next() {
        None => 0,
        Some("<") => 2,
        Some("<=") => 10,
        Some("=") => 8,
        Some(">=") => 12,
        Some(">") => 4,
        Some(other) => panic!("{other}"),
    };
    (name, flags, words.next().unwrap_or_default())
}

fn rpm(text: &str, kind: Kind) -> Vec<String> {
    let mut check = Check::new(Order::Rpm, "");
    let user = Member { name: "user", version: "1-1", ..Member::default() };
    let (name, flags, version) = rpm_parts(text);
    check.require(&user, super::rpm::requirement(name, flags, version, kind));
    for (name, version, provides) in [
        ("user", "1-1", "self"),
        ("b1", "1.0-2", "v1,v2 = 2.0,v3 = 3.0-4,v4 >= 2,v5 < 2,j1,j2,sp(x) = 1"),
        ("b2", "1:1.0-2", "v2 = 1.0,j1,/sbin/said"),
        ("b3", "1.0-1", "j2"),
    ] {
        let provides = provides.split(',').map(|text| {
            let (name, flags, version) = rpm_parts(text);
            super::rpm::provided(name, flags, version)
        });
        check.see(&Member { name, version, ..Member::default() }, provides);
    }
    texts(check.finish(&|path| path == "/usr/bin/tool"))
}

#[test]
fn rpm_compares_ranges() {
    for text in [
        "b1",
        "b1 = 1.0",
        "b1 = 1.0-2",
        "b1 <= 1.0",
        "b1 >= 1.0",
        "b1 > 1.0-1",
        "b1 = 0:1.0",
        "b2 = 1:1.0",
        "b2 > 9",
        "v1 = 3",
        "v2 = 1.0",
        "v2 > 1.5",
        "v2 > 2.0-1",
        "v2 < 1.0-1",
        "v2 >= 2.0-7",
        "v3 >= 3.0",
        "v4 < 2-1",
        "v5 < 2-3",
        "v5 < 3",
        "v5 > 1.9",
        "v3 = 3.0",
        "v3 <= 3.0",
        "v4 < 3",
        "v4 = 5",
        "v4 <= 2",
        "/usr/bin/tool",
        "/bin/tool",
        "/sbin/said",
        "rpmlib(Any) <= 9",
        "self",
    ] {
        assert_eq!(rpm(text, Kind::Needs), [""; 0], "{text}");
    }
    for text in [
        "nope",
        "b1 = 1.0-3",
        "b1 < 1.0",
        "b1 > 1.0",
        "b1 >= 1.0-3",
        "b2 = 1.0",
        "v2 < 1",
        "v3 = 3.0-5",
        "v3 > 3.0",
        "v3 < 3.0",
        "v4 = 1",
        "v4 < 1",
        "v5 > 2-3",
        "v5 >= 2-3",
        "v5 >= 2",
        "/usr/bin/nope",
        "/usr/bin/tool = 1",
    ] {
        let got = rpm(text, Kind::Needs);
        assert!(got.len() == 1 && got[0].starts_with(&format!("user needs {text}")), "{text}: {got:?}");
    }
}

#[test]
fn rpm_combines() {
    for text in [
        "(b1 or nope)",
        "(nope if nope2)",
        "(nope if nope2 else b2)",
        "(j1 with j2)",
        "(j1 without j2)",
        "(j2 without j1)",
        "(j1 without nope)",
        "(sp(x) >= 1 or nope)",
        "(b1 and (nope or b2))",
        "(b1 = 1.0 with v2 > 1)",
        "((j1 with j2) and b2)",
        "(nope if (b1 and nope2))",
        "(j1 with j2 with v1)",
        "(b1 and b2 and b3)",
        "((b1 or b2) with j2)",
        "(j1 with (j2 or nope))",
        "((j1 without j2) if b1)",
        "(b1)",
        "( b1  or  nope )",
        "(/bin/tool and b1)",
    ] {
        assert_eq!(rpm(text, Kind::Needs), [""; 0], "{text}");
    }
    for text in [
        "(b1 and nope)",
        "(nope1 or nope2)",
        "(nope if b1)",
        "(nope if b1 else b2)",
        "(nope if nope2 else nope3)",
        "(j1 with nope)",
        "(sp(x) > 1 or nope)",
        "(b2 with v2 > 1.5)",
        "(b3 with j1)",
    ] {
        let got = rpm(text, Kind::Needs);
        assert!(got.len() == 1 && got[0].starts_with(&format!("user needs {text}")), "{text}: {got:?}");
    }
    for text in [
        "(",
        "()",
        "(b1",
        "(b1 or)",
        "(b1 or nope))",
        "(b1 or nope and b2)",
        "(b1 xor b2)",
        "(b1 if b2 else b3 else b1)",
        "(b1 without b2 without b3)",
        "(b1 >= )",
        "(b1 else b2)",
    ] {
        assert_eq!(
            rpm(text, Kind::Needs),
            [format!("user has a requirement that is not understood: {text}")]
        );
    }
}

#[test]
fn rpm_finds_what_must_not_be_there() {
    for text in [
        "b1",
        "b1 = 1.0",
        "v1 = 1",
        "v4 = 3",
        "(b1 unless nope)",
        "(b1 unless b2 else b3)",
        "(b1 or nope)",
        "(j1 with j2)",
        "(j1 without j2)",
    ] {
        let got = rpm(text, Kind::Forbids);
        assert!(got.len() == 1 && got[0].starts_with("user conflicts with "), "{text}: {got:?}");
    }
    for text in [
        "b1 < 1",
        "b1 = 1.0-3",
        "v4 = 1",
        "nope",
        "(b1 unless b2)",
        "(nope unless b2)",
        "(nope unless nope)",
        "(b1 unless b2 else nope)",
        "(b1 and nope)",
        "self",
        "user",
    ] {
        assert_eq!(rpm(text, Kind::Forbids), [""; 0], "{text}");
    }
}

#[test]
fn rpm_does_not_ask_again_for_what_installing_needed() {
    let asks = |flags| super::rpm::requirement("a", flags, "", Kind::Needs).is_some();
    // pre, post with interp, pretrans, pre with verify, posttrans.
    assert!(![512, 1280, 128, 8704, 32].into_iter().any(asks));
    // None, pre with preun, postun, verify, pre with meta, interp.
    assert!([0, 2560, 4096, 8192, 536_871_424, 256].into_iter().all(asks));
}

fn pacman(text: &str, kind: Kind) -> Vec<String> {
    let mut check = Check::new(Order::Pacman, "");
    let user = Member { name: "user", version: "1-1", ..Member::default() };
    check.require(&user, [super::pacman::requirement(text, kind)]);
    for (name, version, provides) in [
        ("user", "1-1", "self=1"),
        ("b1", "1.0-1", "v1,v2=2.0,v3=3.0-4,v4>=2,libx.so=1-64,libx.so=2-64"),
        ("b2", "1:1.0-1", "v2=1.0"),
    ] {
        let member = Member { name, version, ..Member::default() };
        check.see(&member, provides.split(',').filter_map(super::pacman::provided));
    }
    texts(check.finish(&|_| false))
}

#[test]
fn pacman_takes_exact_versions_of_what_is_provided() {
    for text in [
        "b1",
        "b1=1.0",
        "b1=1.0-1",
        "b2>9",
        "v2>1.5",
        "v2",
        "v3=3.0",
        "v4",
        "libx.so=2-64",
        "libx.so=2",
        "libx.so",
        "self=1",
    ] {
        assert_eq!(pacman(text, Kind::Needs), [""; 0], "{text}");
    }
    for text in [
        "b1=1.0-2",
        "b1>1.0",
        "b1>=1.0-2",
        "b2=1.0",
        "v1=1",
        "v2<1",
        "v3=3.0-5",
        "v4>=2",
        "v4=2",
        "v4>1",
        "libx.so=3-64",
        "nope",
        "b1=",
        "b1==1.0",
        "b1=>1",
    ] {
        let got = pacman(text, Kind::Needs);
        assert!(got.len() == 1 && got[0].starts_with(&format!("user needs {text}")), "{text}: {got:?}");
    }
    for text in ["b1=1.0", "v1", "v2=2.0"] {
        assert_eq!(pacman(text, Kind::Forbids), [format!("user conflicts with {text}; there is b1")]);
    }
    for text in ["b1<1", "v2=9", "v1=1", "self", "nope"] {
        assert_eq!(pacman(text, Kind::Forbids), [""; 0], "{text}");
    }
}

#[test]
fn a_package_is_useful_if_it_meets_an_unmet_need() {
    let mut check = Check::new(Order::Dpkg, "amd64");
    let user = Member { name: "user", version: "1", ..Member::default() };
    check.require(&user, super::dpkg::requirements("a | b, c (>= 2)", Kind::Needs));
    check.require(&user, super::dpkg::requirements("d", Kind::Wishes));
    check.require(&user, super::dpkg::requirements("e", Kind::Forbids));
    let mut useful = |name, version| check.see(&Member { name, version, ..Member::default() }, []);
    assert!(useful("a", "1"));
    assert!(!useful("b", "1"), "a is there already");
    assert!(!useful("c", "1"), "too old");
    assert!(!useful("d", "1") && !useful("e", "1"));
    assert!(useful("c", "2"));
    assert!(!useful("c", "3"));
}

#[test]
fn problems_are_sorted_by_package() {
    let mut check = Check::new(Order::Pacman, "");
    for (name, needs) in [("b", "z"), ("a", "y"), ("b", "x")] {
        let member = Member { name, version: "1-1", ..Member::default() };
        check.require(&member, [super::pacman::requirement(needs, Kind::Needs)]);
    }
    assert_eq!(texts(check.finish(&|_| false)), ["a needs y", "b needs z", "b needs x"]);
}

#[test]
fn too_much_is_not_complete() {
    let asker = |name| Member { name, version: "1-1", ..Member::default() };
    let mut check = Check::new(Order::Pacman, "");
    check.room = 1 << 20;
    let many = (0..20_000).map(|n| super::pacman::requirement(&format!("nope{n}"), Kind::Needs));
    check.require(&asker("hog"), many);
    check.require(&asker("more"), [super::pacman::requirement("nope", Kind::Needs)]);
    let report = check.finish(&|_| false);
    assert!(!report.complete && report.unmet.len() < 5000, "{}", report.unmet.len());

    // One name, wanted and provided in many versions: all pairs would take hours.
    let mut check = Check::new(Order::Pacman, "");
    check.work = 1 << 20;
    let many = (0..2000).map(|n| super::pacman::requirement(&format!("a={n}"), Kind::Needs));
    check.require(&asker("hog"), many);
    let provides: Vec<String> = (2000..4000).map(|n| format!("a={n}")).collect();
    check.see(&asker("hog"), provides.iter().filter_map(|text| super::pacman::provided(text)));
    let report = check.finish(&|_| false);
    // What was not seen may be there.
    assert!(!report.complete && report.unmet.is_empty());
}

/// A million: see [`crate::fuzz`].
#[test]
fn noise_is_checked_without_a_panic() {
    let mut random = Random::new();
    let seed = b"(a >= 1:2-3 or (b with c(x) = 1) if d else e), f:any (>= 1) | g, h (<< 2), libx.so=1-64, /bin/i unless j";
    for round in 0..rounds(2000) {
        let [asked, there] = [(); 2].map(|()| String::from_utf8_lossy(&random.mangle(seed)).into_owned());
        let mut check = Check::new([Order::Dpkg, Order::Rpm, Order::Pacman][round % 3], "amd64");
        for kind in [Kind::Needs, Kind::Forbids] {
            let user = Member { name: "user", version: &there, arch: &asked, ..Member::default() };
            check.require(&user, super::dpkg::requirements(&asked, kind));
            check.require(&user, super::rpm::requirement(&asked, 12, &there, kind));
            check.require(&user, super::rpm::requirement(&format!("({asked})"), 0, "", kind));
            check.require(&user, asked.split(',').map(|text| super::pacman::requirement(text, kind)));
        }
        let member = Member { name: &there, version: &asked, ..Member::default() };
        check.see(&member, super::dpkg::provides(&there));
        check.see(&member, there.split(',').filter_map(super::pacman::provided));
        check.see(
            &member,
            there.split([',', ' ', '(', ')']).map(|name| super::rpm::provided(name, 8, &asked)),
        );
        // What was left unmet is said once for each requirement at most.
        let report = check.finish(&|path| path.len() % 2 == 0);
        assert!(report.complete && report.unmet.len() <= 4 * (asked.len() + 4));
    }
}
