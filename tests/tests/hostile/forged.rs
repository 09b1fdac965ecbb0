//! State files with a right checksum and absurd content.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::ground::{AT_ONCE, Ground};

const LAYER: &str = "veneer/layers/LAYER/layer";
const TRIAL: &str = "veneer/layers/LAYER/trial";
const STORE: &str = "veneer/store";
const PROBLEMS: &str = "veneer/layers/LAYER/problems";

/// Writes a state file as Veneer does: kind, format and checksum, then JSON.
pub(crate) fn seal(path: &Path, kind: &str, body: &str) {
    let digest = Sha256::digest(body.as_bytes());
    let sum = digest[..8].iter().fold(String::new(), |sum, byte| sum + &format!("{byte:02x}"));
    fs::write(path, format!("veneer {kind} 1 {sum}\n{body}\n")).expect("write a state file");
}

/// Reads a state file's content.
pub(crate) fn unseal(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("read a state file");
    let (_, body) = text.split_once('\n').expect("a first line");
    serde_json::from_str(body).expect("JSON in a state file")
}

fn kind(file: &str) -> &str {
    file.rsplit('/').next().expect("a name")
}

/// Fields that a forger sets, by JSON pointer.
fn values() -> Vec<(&'static str, &'static str, Value)> {
    let long = "x".repeat(50_000);
    let many: Vec<String> = (0..5000).map(|n| format!("os{n}")).collect();
    vec![
        (TRIAL, "/begun", json!(u32::MAX)),
        (TRIAL, "/begun", json!(u64::MAX)),
        (TRIAL, "/begun", json!(-1)),
        (TRIAL, "/begun", json!(1e300)),
        (TRIAL, "/begun", Value::Null),
        (TRIAL, "/used", json!(u64::MAX)),
        (TRIAL, "/used", json!("\u{1b}[2J\n")),
        (LAYER, "/base/id", json!("")),
        (LAYER, "/base/id", json!("../../../../../../etc")),
        (LAYER, "/base/id", json!("é".repeat(40))),
        (LAYER, "/base/id", json!(long)),
        (LAYER, "/base/source", json!("\u{1b}]0;evil\u{7}\nMARK")),
        (LAYER, "/base/os", json!("\u{1b}]0;evil\u{7}\r\nMARK\n")),
        (LAYER, "/base/os", json!(long)),
        (LAYER, "/base/version", json!("\n\n\u{0}MARK")),
        (LAYER, "/base/version_id", json!("../..")),
        (LAYER, "/base/like", json!(many)),
        (LAYER, "/base/arch", json!("pdp11\nMARK")),
        (LAYER, "/base/level", json!("\u{9b}2J")),
        (LAYER, "/parent", json!("../../../etc")),
        (LAYER, "/parent", json!("0001-\n")),
        (LAYER, "/created/at", json!(u64::MAX)),
        (LAYER, "/created/by", json!(long)),
        (STORE, "/id", json!("\n")),
        (STORE, "/by", json!("y".repeat(3900))),
    ]
}

/// Every absurd value.
pub(crate) fn run(mut ground: Ground) {
    for (file, pointer, value) in values() {
        let shown: String = value.to_string().chars().take(60).collect();
        let status = ground.attack(&format!("{file}: {pointer} is {shown}"), |ground| {
            let path = ground.path(file);
            let mut state = if path.exists() { unseal(&path) } else { json!({"begun": 0, "used": 0}) };
            *state.pointer_mut(pointer).expect("a field of the state file") = value;
            seal(&path, kind(file), &state.to_string());
        });
        let message = &status.message;
        assert!(!message.contains(char::is_control), "{file}: {pointer}: control characters: {message:?}");
        assert!(message.len() < 8192, "{file}: {pointer}: a message of {} bytes", message.len());
        let motd = fs::read_to_string(ground.machine.runtime.join("motd")).unwrap_or_default();
        assert!(motd.lines().count() <= 1 && !motd.contains('\u{1b}'), "{file}: {pointer}: motd {motd:?}");
    }
    bodies(&mut ground);
}

/// Whole bodies.
fn bodies(ground: &mut Ground) {
    let own = |ground: &Ground| {
        let mut state = unseal(&ground.path(LAYER));
        let name = ground.layer.file_name().expect("a name").to_string_lossy().into_owned();
        state["parent"] = json!(name);
        state.to_string()
    };
    let nested = |open: &str, n: usize| open.repeat(n);
    let problem = r#"{"kind":"dropped","package":null,"path":null,"message":""}"#;
    let list = |n: usize| format!("[{}]", vec![problem; n].join(","));
    ground.attack("its own parent", |g| seal(&g.path(LAYER), "layer", &own(g)));
    for file in [LAYER, TRIAL, STORE, PROBLEMS] {
        for (what, body) in [
            ("nested arrays", nested("[", 4000)),
            ("nested objects", nested("{\"a\":", 700)),
            ("an array", "[1,2]".into()),
            ("nothing", String::new()),
            ("null", "null".into()),
            ("a number", "1e999999".into()),
            ("an object twice", "{\"begun\":1,\"begun\":2,\"used\":1}".into()),
        ] {
            ground.attack(&format!("{file} is {what}"), |g| seal(&g.path(file), kind(file), &body));
        }
    }
    for number in [10_000, 70_000, 1_000_000] {
        let status = ground.attack(&format!("{number} problems"), |g| {
            seal(&g.path(PROBLEMS), "problems", &list(number));
        });
        assert!(status.problems.len() <= number, "{}", status.problems.len());
    }
}

/// A store with very many layers, and names that come near to being one.
pub(crate) fn crowd(mut ground: Ground) {
    ground.attack("odd names among the layers", |g| {
        let names = [
            "0001-..",
            "0001-.",
            "..tmp",
            "...tmp",
            ".tmp",
            "0002-aaa\n",
            "0002-\u{1b}[2J",
            "-",
            "0000-",
            "4294967296-abc",
            "99999999999999999999-abc",
            "0002-abc.tmp.tmp",
            "0002-%2e%2e",
            "0002-abc ",
            " 0002-abc",
            "layer",
            "0002-ABC",
        ];
        for name in names {
            fs::create_dir(g.path("veneer/layers").join(name)).expect("make a directory");
        }
    });
    for (what, end, number) in
        [("layers without anything", "", 50_000), ("rebases that were cut off", ".tmp", 20_000)]
    {
        ground.reset();
        for n in 0..number {
            let name = format!("{:04}-aaaaaaaaaaaa{end}", n + 2);
            fs::create_dir(ground.path("veneer/layers").join(name)).expect("make a directory");
        }
        ground.boot(&format!("{number} {what}"), AT_ONCE, false);
        ground.machine.shutdown();
    }
    ground.reset();
    let state = fs::read(ground.path(LAYER)).expect("read the layer's state");
    let short = ground.layer.file_name().expect("a name").to_string_lossy()[5..].to_owned();
    for n in 0..9_000 {
        let layer = ground.path("veneer/layers").join(format!("{:04}-{short}", n + 2));
        for part in ["upper", "work"] {
            fs::create_dir_all(layer.join(part)).expect("make a directory");
        }
        fs::write(layer.join("layer"), &state).expect("write a layer's state");
    }
    ground.boot("9000 layers of this base", AT_ONCE, false);
    ground.machine.shutdown();
}
