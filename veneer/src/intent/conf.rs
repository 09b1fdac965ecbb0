//! The text of one configuration file. Liberal, as people copy from elsewhere: the case of keys, quotes around values,
//! a missing section header and the line ends of other systems do not matter; what is not understood is told and skipped.

use std::borrow::Cow;

use super::Intent;
use super::setting::Setting;
use super::store_source::unquote;
use super::trust::is_nothing;
use super::warning::{Warnings, quoted};

/// Takes over what a file says. `name` is the file's, for the warnings.
pub(super) fn apply(text: &[u8], name: &str, intent: &mut Intent, warnings: &mut Warnings) {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut ours = true;
    for (number, line) in logical_lines(text) {
        let line = String::from_utf8_lossy(&line);
        if matches!(line, Cow::Owned(_)) && !is_demand(&line) {
            warnings.add(format!("{name}:{number}: {} is not UTF-8, ignored", quoted(line.trim())));
            continue;
        }
        let line = line.trim();
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            ours = section.trim().eq_ignore_ascii_case("veneer");
            // As in systemd's files, X-… is somebody's own.
            if !ours && !section.trim().to_ascii_lowercase().starts_with("x-") {
                warnings.add(format!("{name}:{number}: unknown section {}, ignored", quoted(section)));
            }
        } else if !ours {
            // The section was told of once.
        } else if let Some((key, value)) = line.split_once('=') {
            let place = format!("{name}:{number}");
            set(&place, key.trim(), unquote(value.trim()), intent, warnings);
        } else {
            warnings.add(format!("{name}:{number}: {} is no KEY=VALUE, ignored", quoted(line)));
        }
    }
}

fn setting(key: &str) -> Option<Setting> {
    Setting::of_conf(&key.to_ascii_lowercase().replace('-', "_"))
}

/// A line that says what the store has to be counts, however it is spoilt.
fn is_demand(line: &str) -> bool {
    line.split_once('=').and_then(|(key, _)| setting(key.trim())).is_some_and(Setting::is_demand)
}

fn set(place: &str, key: &str, value: &str, intent: &mut Intent, warnings: &mut Warnings) {
    let Some(setting) = setting(key) else {
        warnings.add(format!("{place}: unknown key {}, ignored", quoted(key)));
        return;
    };
    let is_nothing = setting == Setting::Require && is_nothing(value);
    if value.is_empty() || is_nothing || setting == Setting::StoreId {
        // As in systemd's files: a drop-in takes back what an earlier file set.
        setting.reset(intent);
    }
    if value.is_empty() {
        return;
    }
    if let Err(error) = setting.set(intent, Some(value)) {
        let used = setting.show(intent);
        warnings.add(format!("{place}: {key}={}: {error}; using {used}", quoted(value)));
    }
}

/// The lines that say something, with the number of the first one of each. A backslash at the end continues a line with
/// the next one that is no comment.
fn logical_lines(text: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let mut lines = Vec::new();
    let mut begun: Option<(usize, Vec<u8>)> = None;
    for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.starts_with(b"#") || line.starts_with(b";") {
            continue;
        }
        let (part, goes_on) = match line.strip_suffix(b"\\") {
            Some(part) => (part, true),
            None => (line, false),
        };
        let (_, whole) = begun.get_or_insert_with(|| (index + 1, Vec::new()));
        whole.extend_from_slice(part);
        if goes_on {
            whole.push(b' ');
        } else {
            lines.extend(begun.take());
        }
    }
    lines.extend(begun);
    lines.retain(|(_, line)| !line.trim_ascii().is_empty());
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Mode, Protected, StoreSource, VersionsPolicy};
    use super::*;

    fn read(text: impl AsRef<[u8]>) -> (Intent, Vec<String>) {
        let (mut intent, mut warnings) = (Intent::default(), Warnings::default());
        apply(text.as_ref(), "veneer.conf", &mut intent, &mut warnings);
        (intent, warnings.into_list().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_key_is_read() {
        let (intent, warnings) = read(
            "[Veneer]\nenabled=no\nstore=LABEL=a b\ntimeout=1min\nmode=pristine\nlayer=0001-x\ntrials=4\nversions=same-major\nkeep=0\nprotected=none\nprotected=/usr/bin/x\n",
        );
        assert_eq!(warnings, Vec::<String>::new());
        let expected = Intent {
            enabled: false,
            store: StoreSource::Label("a b".into()),
            timeout: Duration::from_secs(60),
            mode: Mode::Pristine,
            layer: Some("0001-x".into()),
            trials: 4,
            versions: VersionsPolicy::SameMajor,
            keep: 0,
            protected: Protected { with_default: false, more: vec!["bin/x".into()] },
            ..Intent::default()
        };
        assert_eq!(intent, expected);
    }

    #[test]
    fn the_template_shows_the_defaults() {
        let template = include_str!("../../../dracut-module/veneer.conf");
        assert_eq!(read(template), (Intent::default(), vec![]));
        let uncommented: String = template
            .lines()
            .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
            .flat_map(|line| [line, "\n"])
            .collect();
        assert_eq!(read(&uncommented), (Intent::default(), vec![]));
        assert_eq!(
            uncommented.lines().filter(|line| !line.starts_with('#') && line.contains('=')).count(),
            11
        );
    }

    #[test]
    fn small_liberties_are_taken() {
        let (intent, warnings) = read(
            "\u{feff}VENEER = off\r\n; note\r\n[ veneer ]\r\nStore = \"PARTLABEL=x y\"\r\nTIMEOUT \\\r\n# between\r\n = 3\r\n\r\nkeep='7'",
        );
        assert_eq!(warnings, Vec::<String>::new());
        assert!(!intent.enabled);
        assert_eq!(intent.store, StoreSource::PartLabel("x y".into()));
        assert_eq!((intent.timeout.as_secs(), intent.keep), (3, 7));
    }

    #[test]
    fn an_empty_value_takes_back() {
        assert_eq!(read("store=LABEL=x\nstore=\nlayer=a\nlayer=\n"), (Intent::default(), vec![]));
    }

    #[test]
    fn what_is_not_understood_is_told_with_its_line() {
        let (intent, warnings) = read(
            "timeout=9\n\ntimeout=soon\ncolour=red\n[Other]\nstore=tmpfs\n[X-mine]\na=b\n[Veneer]\nhello\n",
        );
        assert_eq!(intent, Intent { timeout: Duration::from_secs(9), ..Intent::default() });
        assert_eq!(
            warnings,
            [
                "veneer.conf:3: timeout=\"soon\": not a number of seconds from 0 to 3600; using 9",
                "veneer.conf:4: unknown key \"colour\", ignored",
                "veneer.conf:5: unknown section \"Other\", ignored",
                "veneer.conf:10: \"hello\" is no KEY=VALUE, ignored",
            ]
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_told_and_skipped() {
        let (intent, warnings) = read(b"keep=\xff\ntimeout=4\nstore=LABEL=a\0b\n\xfe\xff\x00\n# \xff\n");
        assert_eq!(intent, Intent { timeout: Duration::from_secs(4), ..Intent::default() });
        assert_eq!(warnings.len(), 3, "{warnings:?}");
    }
}
