//! How much of a crash test is done, and what it counted.

use std::io::Write as _;
use std::path::Path;

/// What the trials counted, a line each: they run in processes whose output is shown only if they fail.
fn file() -> &'static Path {
    Path::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/crash-numbers"))
}

/// Writes a line for [`print`].
pub(crate) fn note(line: &str) {
    let mut file =
        std::fs::File::options().create(true).append(true).open(file()).expect("open the file of numbers");
    writeln!(file, "{line}").expect("write a number");
}

/// Forgets what an earlier run counted.
pub(crate) fn forget() {
    match std::fs::remove_file(file()) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => panic!("remove {}: {e}", file().display()),
        _ => {}
    }
}

/// Prints what was counted.
pub(crate) fn print() {
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    for line in lines {
        println!("{line}");
    }
}

/// Whether everything is to be done (`VENEER_CRASH=all`, as `make crash` says), not only a sample.
pub(crate) fn all() -> bool {
    std::env::var_os("VENEER_CRASH").is_some_and(|word| word == "all")
}

/// All of `list`, or about `few` of it: the first, the last, and evenly between them. Always the same ones, so that what
/// failed once fails again.
pub(crate) fn sample<T>(list: &[T], few: usize) -> impl Iterator<Item = &T> {
    let length = list.len();
    let share = move |at: usize| at * few / length;
    let is_chosen = move |at: usize| all() || at == 0 || at + 1 == length || share(at) != share(at - 1);
    list.iter().enumerate().filter(move |(at, _)| is_chosen(*at)).map(|(_, item)| item)
}
