//! `status.json` in its fixed form, read without mercy: a key too few, too many or of another type fails.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::Value;

/// All reason codes.
pub const REASONS: [&str; 13] = [
    "ok",
    "disabled",
    "store-missing",
    "store-unusable",
    "store-corrupt",
    "store-busy",
    "no-space",
    "incompatible",
    "trial-failed",
    "probe-failed",
    "mount-failed",
    "rebase-failed",
    "internal",
];

/// What a boot reported.
#[derive(Clone, Debug)]
pub struct Status {
    /// Whether a layer was mounted; else the boot is pristine.
    pub layered: bool,
    /// Reason code.
    pub reason: String,
    /// The sentence for people.
    pub message: String,
    /// Base id; empty if it could not be told.
    pub base: String,
    /// The layer, if one is mounted.
    pub layer: Option<Layer>,
    /// What the layer stands on (`flattened` or `stacked`), and whether an extension fits on top.
    pub lower: Option<(String, Option<bool>)>,
    /// What the user should know.
    pub problems: Vec<Problem>,
}

/// The mounted layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its directory's name below `layers/`.
    pub id: String,
    /// The layer that it was derived from.
    pub parent: Option<String>,
    /// `used`, `bound` or `rebased`.
    pub action: String,
}

/// One problem.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Its kind.
    pub kind: String,
    /// The package it is about.
    pub package: Option<String>,
    /// The path it is about.
    pub path: Option<String>,
    /// The sentence for people.
    pub message: String,
}

impl Status {
    /// Reads and checks `RUNTIME/status.json`.
    #[track_caller]
    pub fn read(runtime: &Path) -> Status {
        let path = runtime.join("status.json");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("read {}: {e}", path.display()));
        let value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("status.json: {e}\n{text}"));
        check(&value).unwrap_or_else(|e| panic!("status.json: {e}\n{text}"))
    }

    /// The mounted layer.
    #[track_caller]
    pub fn layer(&self) -> &Layer {
        self.layer.as_ref().unwrap_or_else(|| panic!("no layer is mounted: {self:?}"))
    }

    /// Whether a problem names this path below /usr, or a directory that it is in.
    pub fn speaks_of(&self, path: &Path) -> bool {
        self.problems.iter().filter_map(|problem| problem.path.as_deref()).any(|named| {
            let named = named.trim_start_matches('/');
            Path::new(&spelled(path)).starts_with(named.strip_prefix("usr/").unwrap_or(named))
        })
    }
}

/// A path as it is told: bytes that are not UTF-8, control characters and backslashes as `\xNN`.
pub fn spelled(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control() || letter == '\\' {
                text.extend(letter.to_string().bytes().map(|byte| format!("\\x{byte:02x}")));
            } else {
                text.push(letter);
            }
        }
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

fn check(value: &Value) -> Result<Status, String> {
    let fixed = ["format", "outcome", "reason", "message", "base", "layer", "problems", "timings_us"];
    // Told of a base that is an overlay itself, and of no other.
    let lower = &value["lower"];
    let more: &[&str] = if lower.is_null() { &[] } else { &["lower"] };
    keys(value, &[&fixed, more].concat())?;
    if value["format"] != 1 {
        return Err(format!("format is {}", value["format"]));
    }
    let layered = match string(value, "outcome")?.as_str() {
        "layer" => true,
        "pristine" => false,
        other => return Err(format!("outcome {other:?}")),
    };
    let reason = string(value, "reason")?;
    if !REASONS.contains(&reason.as_str()) || layered != (reason == "ok") {
        return Err(format!("outcome {} with reason {reason:?}", value["outcome"]));
    }
    let message = string(value, "message")?;
    if message.trim().is_empty() || message.contains('\n') {
        return Err(format!("message {message:?} is not one line of text"));
    }
    // A base that could not even be looked at has nothing to say, but says it with the same keys.
    let base = &value["base"];
    keys(base, &["id", "source", "os", "version"])?;
    for key in ["id", "source", "os", "version"] {
        optional(base, key)?;
    }
    let layer = layer(&value["layer"])?;
    if layer.is_some() != layered {
        return Err(format!("outcome {} with layer {}", value["outcome"], value["layer"]));
    }
    let problems = value["problems"].as_array().ok_or("problems is no array")?;
    let problems = problems.iter().map(problem).collect::<Result<_, _>>()?;
    let timings = value["timings_us"].as_object().ok_or("timings_us is no object")?;
    if let Some((key, time)) = timings.iter().find(|(_, time)| !time.is_u64()) {
        return Err(format!("timing {key} is {time}"));
    }
    let base = optional(base, "id")?.unwrap_or_default();
    let lower = if lower.is_null() {
        None
    } else {
        keys(lower, &["form", "extension_fits"])?;
        Some((string(lower, "form")?, lower["extension_fits"].as_bool()))
    };
    Ok(Status { layered, reason, message, base, layer, lower, problems })
}

fn layer(value: &Value) -> Result<Option<Layer>, String> {
    if value.is_null() {
        return Ok(None);
    }
    keys(value, &["id", "parent", "action"])?;
    let layer = Layer {
        id: string(value, "id")?,
        parent: optional(value, "parent")?,
        action: string(value, "action")?,
    };
    let (number, base) = layer.id.split_once('-').ok_or("a layer id without a dash")?;
    let digits = number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit());
    let short = base.len() == 12 && base.bytes().all(|b| b.is_ascii_hexdigit());
    if !digits || !short || !["used", "bound", "rebased"].contains(&layer.action.as_str()) {
        return Err(format!("layer {layer:?}"));
    }
    Ok(Some(layer))
}

fn problem(value: &Value) -> Result<Problem, String> {
    keys(value, &["kind", "package", "path", "message"])?;
    Ok(Problem {
        kind: string(value, "kind")?,
        package: optional(value, "package")?,
        path: optional(value, "path")?,
        message: string(value, "message")?,
    })
}

fn keys(value: &Value, expected: &[&str]) -> Result<(), String> {
    let object = value.as_object().ok_or_else(|| format!("{value} is no object"))?;
    let found: BTreeSet<&str> = object.keys().map(String::as_str).collect();
    let expected: BTreeSet<&str> = expected.iter().copied().collect();
    if found == expected { Ok(()) } else { Err(format!("keys {found:?}, not {expected:?}")) }
}

fn string(value: &Value, key: &str) -> Result<String, String> {
    value[key].as_str().map(str::to_owned).ok_or_else(|| format!("{key} is {}, not a text", value[key]))
}

fn optional(value: &Value, key: &str) -> Result<Option<String>, String> {
    if value[key].is_null() { Ok(None) } else { string(value, key).map(Some) }
}
