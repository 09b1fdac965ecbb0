//! What dpkg knows beside packages: diversions, overrides of owner and mode, alternatives, triggers.

use std::fs;
use std::path::Path;

use veneer_tests::base::{Base, Form};
use veneer_tests::deb::{
    DATABASE, Deb, assert_content, dpkg, fill_with, helper, install, link_database, purge,
};
use veneer_tests::edit::Edits;
use veneer_tests::machine::Machine;
use veneer_tests::run::tool;
use veneer_tests::store::Store;
use veneer_tests::tree::Tree;

use super::ground::{Expected, assert_whole, machine, packages_a, packages_b, part, rebase, record};

fn a_tool(version: &'static str) -> Deb {
    let files = Edits::new()
        .file("bin/tool", format!("tool {version}"))
        .mode("bin/tool", 0o755)
        .file("share/tool/conf", format!("conf {version}"))
        .file("share/tool/data", "data");
    Deb::new("tool", version, files)
}

fn with(mut packages: Vec<Deb>, more: impl IntoIterator<Item = Deb>) -> Vec<Deb> {
    packages.extend(more);
    packages
}

fn divert(root: &Path, package: &[&str], path: &str) {
    let to = format!("{path}.distrib");
    tool(helper(root, "dpkg-divert").args(package).args(["--divert", &to, "--rename", "--add", path]));
}

/// The tree of one path, as another one is.
fn at(tree: &Tree, path: &str, other: &str) -> Tree {
    let node = tree.get(other).unwrap_or_else(|| panic!("{other} is there")).clone();
    Tree([(path.into(), node)].into())
}

/// A package of the user's and the administrator divert files of the base: on B the base's are B's, in the other place.
pub(super) fn diversion(dir: &Path) {
    let (a, b) = (with(packages_a(), [a_tool("1")]), with(packages_b(), [a_tool("2")]));
    let (mut machine, _, b) = machine(dir, &a, &b);
    let root = machine.sysroot.clone();
    divert(&root, &["--package", "wrap"], "/usr/bin/tool");
    let wrap = Edits::new().file("bin/tool", "wrapper").mode("bin/tool", 0o755);
    install(&root, &[Deb::new("wrap", "1", wrap).build(dir)]);
    divert(&root, &["--local"], "/usr/share/tool/conf");
    Edits::new().file("share/tool/conf", "my own").apply(&machine.usr());
    divert(&root, &["--local"], "/usr/share/tool/data");
    assert_content(&root);
    record(&machine);
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    assert!(status.problems.is_empty(), "{status:?}");
    let mine = on_a
        .only("bin/tool")
        .and(on_a.only("share/tool/conf"))
        .and(part(&on_a, &["info/wrap."]))
        .and(at(machine.bare(), "bin/tool.distrib", "bin/tool"))
        .and(at(machine.bare(), "share/tool/conf.distrib", "share/tool/conf"))
        .and(at(machine.bare(), "share/tool/data.distrib", "share/tool/data"));
    let hidden = &["bin/tool", "share/tool/conf", "share/tool/data"];
    let database = &["diversions"];
    assert_whole(
        &machine,
        &Expected { listed: &[("wrap", "1 ii")], hidden, mine, database, ..Expected::default() },
    );
    // Undone, they are where the base has them.
    purge(&root, &["wrap"]);
    for (package, path) in
        [(&["--package", "wrap"][..], "/usr/bin/tool"), (&["--local"][..], "/usr/share/tool/data")]
    {
        tool(helper(&root, "dpkg-divert").args(package).args(["--rename", "--remove", path]));
    }
    assert_content(&root);
    assert_eq!(fs::read(machine.usr().join("bin/tool")).expect("read"), b"tool 2");
}

/// A package of the base that diverts another one's file was removed by the user: on B the file is where it belongs.
pub(super) fn diversion_removed(dir: &Path) {
    let base = |usr: &Path, packages: Vec<Deb>, wrapper: &str| {
        fill_with(dir, usr, &packages, |root| {
            divert(root, &["--package", "wrapper"], "/usr/bin/tool");
            let version: &'static str = if wrapper == "wrapper 1" { "1" } else { "2" };
            install(root, &[Deb::new("wrapper", version, Edits::new().file("bin/tool", wrapper)).build(dir)]);
        });
    };
    let mut machine = Machine::new(dir, Store::Dir);
    link_database(&machine.sysroot);
    let a = Base::build_with(dir, "A", Form::Dir, |usr| {
        base(usr, with(packages_a(), [a_tool("1")]), "wrapper 1");
    });
    let b = Base::build_with(dir, "B", Form::Dir, |usr| {
        base(usr, with(packages_b(), [a_tool("2")]), "wrapper 2");
    });
    machine.install(&a);
    machine.boot_layer("bound");
    let root = machine.sysroot.clone();
    purge(&root, &["wrapper"]);
    tool(helper(&root, "dpkg-divert").args([
        "--package",
        "wrapper",
        "--rename",
        "--remove",
        "/usr/bin/tool",
    ]));
    assert_content(&root);
    record(&machine);
    let status = rebase(&mut machine, &b);
    assert!(status.problems.is_empty(), "{status:?}");
    let mine = at(machine.bare(), "bin/tool", "bin/tool.distrib");
    let (hidden, database) = (&["bin/tool", "bin/tool.distrib"], &["diversions"]);
    assert_whole(
        &machine,
        &Expected { listed: &[("wrapper", "")], hidden, mine, database, ..Expected::default() },
    );
}

/// Owner and mode that the administrator gave to files of the base are in force on B's.
pub(super) fn statoverride(dir: &Path) {
    let (a, b) = (with(packages_a(), [a_tool("1")]), with(packages_b(), [a_tool("2")]));
    let (mut machine, _, b) = machine(dir, &a, &b);
    let root = machine.sysroot.clone();
    // The directory is another file's: dpkg keeps the file in the root's own /etc for nobody.
    for (user, group, mode, path) in [
        ("root", "#34", "2755", "/usr/bin/tool"),
        ("#12", "root", "0600", "/usr/share/tool/data"),
        ("root", "root", "0700", "/usr/share/tool"),
        ("root", "root", "0755", "/usr/share/nowhere"),
    ] {
        let mut command = helper(&root, "dpkg-statoverride");
        let update = if path.ends_with("nowhere") { &["--add"][..] } else { &["--update", "--add"][..] };
        tool(command.args(update).args([user, group, mode, path]));
    }
    record(&machine);
    let status = rebase(&mut machine, &b);
    let about: Vec<_> = status.problems.iter().filter(|problem| problem.kind == "limited").collect();
    assert!(about.is_empty(), "{about:?}");
    let changed = |path: &str, owner, mode| {
        let mut tree = machine.bare().only(path);
        let node = tree.0.values_mut().next().expect("the base has it");
        (node.owner, node.mode) = (owner, mode);
        tree
    };
    let mine = changed("bin/tool", (0, 34), 0o2755)
        .and(changed("share/tool/data", (12, 0), 0o600))
        .and(changed("share/tool", (0, 0), 0o700));
    assert_whole(&machine, &Expected { mine, database: &["statoverride"], ..Expected::default() });
    let list = tool(helper(&root, "dpkg-statoverride").arg("--list"));
    assert_eq!(list.lines().count(), 4, "{list}");
}

/// The choices are the base's and the user's, as far as their files are there. update-alternatives itself would change
/// this machine's links: what it writes is written here.
pub(super) fn alternatives(dir: &Path) {
    const FILE: &str = "alternatives/edit";
    let group = |status: &str, choices: &[(&str, &str)]| {
        let lines: Vec<String> =
            choices.iter().map(|(name, priority)| format!("/usr/bin/{name}\n{priority}\n")).collect();
        Edits::new()
            .file(Path::new(DATABASE).join(FILE), format!("{status}\n/usr/bin/edit\n\n{}\n", lines.concat()))
    };
    let base = |usr: &Path, packages: Vec<Deb>, choices: &[(&str, &str)]| {
        fill_with(dir, usr, &packages, |root| group("auto", choices).apply(&root.join("usr")));
    };
    let nano = |version| Deb::new("nano", version, Edits::new().file("bin/nano", version));
    let mut machine = Machine::new(dir, Store::Dir);
    link_database(&machine.sysroot);
    let a = [("editor", "50"), ("leftover", "10"), ("nano", "5")];
    let a = Base::build_with(dir, "A", Form::Dir, |usr| base(usr, with(packages_a(), [nano("1")]), &a));
    let b = [("editor", "60"), ("nano", "5"), ("newcomer", "20")];
    let b = Base::build_with(dir, "B", Form::Dir, |usr| base(usr, with(packages_b(), [nano("2")]), &b));
    machine.install(&a);
    machine.boot_layer("bound");
    let root = machine.sysroot.clone();
    install(&root, &[Deb::new("vi", "1", Edits::new().file("bin/vi", "vi")).build(dir)]);
    purge(&root, &["nano"]);
    // One that was added by hand, of a file that no package has, and one that is not there.
    Edits::new().file("bin/own", "own").apply(&machine.usr());
    let users = [("editor", "50"), ("gone", "1"), ("leftover", "10"), ("own", "1"), ("vi", "30")];
    group("manual", &users).apply(&machine.usr());
    record(&machine);
    let on_a = machine.visible();
    rebase(&mut machine, &b);
    let expected = dir.join("expected");
    let choices = [("editor", "60"), ("newcomer", "20"), ("own", "1"), ("vi", "30")];
    group("manual", &choices).apply(&expected);
    let read = |usr: &Path| fs::read_to_string(usr.join(DATABASE).join(FILE)).expect("read");
    assert_eq!(read(&machine.usr()), read(&expected));
    let mine = part(&on_a, &["bin/vi", "bin/own", "info/vi."]);
    let (listed, hidden) = (&[("vi", "1 ii"), ("nano", "")], &["bin/nano"]);
    assert_whole(&machine, &Expected { listed, hidden, mine, database: &[FILE], ..Expected::default() });
}

/// Who is to be told of what is there: the interests are those of packages that are, and nobody waits for what is not.
pub(super) fn triggers(dir: &Path) {
    let watcher = |name, version, path: &str| {
        let control =
            Edits::new().file("triggers", format!("interest-noawait {path}\ninterest {name}-named\n"));
        Deb::new(name, version, Edits::new().file(format!("bin/{name}"), version)).control(control)
    };
    let (man, icons) = ("/usr/share/man", "/usr/share/icons");
    let a = with(
        packages_a(),
        [watcher("man-db", "1", man), watcher("gone", "1", icons), watcher("dropped", "1", man)],
    );
    let b = with(packages_b(), [watcher("man-db", "2", man), watcher("gone", "2", icons)]);
    let (mut machine, _, b) = machine(dir, &a, &b);
    let root = machine.sysroot.clone();
    purge(&root, &["gone"]);
    let page = Deb::new("page", "1", Edits::new().file("share/man/man1/page.1", "page"));
    install(&root, &[watcher("mine", "1", "/usr/share/mine").build(dir), page.build(dir)]);
    // As a power cut leaves it: the page is to be told of, and waits.
    let path = machine.usr().join(DATABASE).join("status");
    let text = fs::read_to_string(&path).expect("read the status");
    let waits = "Package: page\nStatus: install ok triggers-awaited\nTriggers-Awaited: man-db\n";
    fs::write(&path, text.replace("Package: page\nStatus: install ok installed\n", waits)).expect("write");
    record(&machine);
    let on_a = machine.visible();
    let status = rebase(&mut machine, &b);
    assert!(status.problems.is_empty(), "{status:?}");
    let read = |name: &str| {
        let text =
            fs::read_to_string(machine.usr().join(DATABASE).join("triggers").join(name)).unwrap_or_default();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(read("File"), ["/usr/share/man man-db/noawait", "/usr/share/mine mine/noawait"]);
    assert_eq!((read("mine-named"), read("gone-named")), (vec!["mine".to_owned()], vec![]));
    let mine = part(&on_a, &["bin/mine", "man1", "info/mine.", "info/page."]).and(on_a.only("share/man"));
    let listed = &[("mine", "1 ii"), ("page", "1 ii"), ("gone", "")];
    let database = &["triggers/File", "triggers/mine-named", "triggers/gone-named"];
    assert_whole(
        &machine,
        &Expected { listed, hidden: &["bin/gone"], mine, database, ..Expected::default() },
    );
    // They can be told after all.
    let admin = format!("--admindir={}", machine.usr().join(DATABASE).display());
    tool(std::process::Command::new("dpkg-trigger").args([
        &admin,
        "--by-package=page",
        "/usr/share/man/man1/page.1",
    ]));
    tool(dpkg(&root).args(["--triggers-only", "--pending"]));
    assert_content(&root);
}
