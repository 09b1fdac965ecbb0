//! What the package managers' own tools say about pairs of versions.

use std::cmp::Ordering;
use std::fs;
use std::num::NonZero;
use std::process::{Command, Stdio};
use std::thread;

type Pairs = [(String, String)];

/// `dpkg --compare-versions` answers yes or no: it is asked to confirm. A process per pair.
pub(crate) fn dpkg(pairs: &Pairs, ours: &[Ordering]) -> Vec<(usize, String)> {
    each(pairs, ours, |a, b, our| {
        let operator = match our {
            Ordering::Less => "lt",
            Ordering::Equal => "eq",
            Ordering::Greater => "gt",
        };
        let output = command("dpkg").args(["--compare-versions", a, operator, b]).output().expect("run dpkg");
        // A malformed version is a warning only, and would show nothing.
        assert!(output.stderr.is_empty(), "{a} {b}: {}", String::from_utf8_lossy(&output.stderr));
        match output.status.code() {
            Some(0) => None,
            Some(1) => Some("dpkg denies it".to_owned()),
            other => panic!("dpkg ended with {other:?} on {a} {operator} {b}"),
        }
    })
}

/// `vercmp`, a process per pair.
pub(crate) fn vercmp(pairs: &Pairs, ours: &[Ordering]) -> Vec<(usize, String)> {
    each(pairs, ours, |a, b, our| {
        let output = command("vercmp").args([a, b]).output().expect("run vercmp");
        let answer = String::from_utf8(output.stdout).expect("vercmp writes a number");
        (sign(&answer) != our).then(|| format!("vercmp says {}", answer.trim()))
    })
}

/// One rpm that reads all of them.
pub(crate) fn rpm(pairs: &Pairs, ours: &[Ordering]) -> Vec<(usize, String)> {
    let path = std::env::temp_dir().join(format!("veneer-versions-{}", std::process::id()));
    let lines: String = pairs.iter().flat_map(|(a, b)| [a, "\n", b, "\n"].map(String::from)).collect();
    fs::write(&path, lines).expect("write the pairs");
    let script = "%{lua:
        local pairs = io.open(os.getenv('PAIRS'))
        for a in pairs:lines() do io.write(rpm.vercmp(a, pairs:read()), '\\n') end
    }";
    let output = command("rpm").env("PAIRS", &path).args(["--eval", script]).output().expect("run rpm");
    fs::remove_file(&path).expect("remove the pairs");
    assert!(output.status.success(), "rpm failed: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("numbers");
    // What the script expands to, nothing, is a line of its own.
    let answers: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(answers.len(), pairs.len(), "an answer for every pair");
    let answers = answers.into_iter().zip(ours).enumerate();
    answers
        .filter(|(_, (answer, our))| sign(answer) != **our)
        .map(|(at, (answer, _))| (at, format!("rpm says {answer}")))
        .collect()
}

fn sign(answer: &str) -> Ordering {
    answer.trim().parse::<i32>().expect("a number").cmp(&0)
}

/// No configuration or language of the user's.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("LC_ALL", "C").env("HOME", "/nonexistent").stdin(Stdio::null());
    command
}

/// Asks about all pairs, as many at a time as there are processors.
fn each(
    pairs: &Pairs,
    ours: &[Ordering],
    ask: impl Fn(&str, &str, Ordering) -> Option<String> + Sync,
) -> Vec<(usize, String)> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let ask = &ask;
    thread::scope(|scope| {
        let all: Vec<_> = (0..threads)
            .map(|first| {
                scope.spawn(move || {
                    let mine = (first..pairs.len()).step_by(threads);
                    mine.filter_map(|at| {
                        let (a, b) = &pairs[at];
                        ask(a, b, ours[at]).map(|said| (at, said))
                    })
                    .collect::<Vec<_>>()
                })
            })
            .collect();
        let mut differ: Vec<_> =
            all.into_iter().flat_map(|thread| thread.join().expect("a thread that ends")).collect();
        differ.sort();
        differ
    })
}
