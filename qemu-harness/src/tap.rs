//! What a guest reports: TAP, ended by the word `done`. Text in, value out; nothing here can fail, because
//! whatever a guest writes is a result, if only a bad one.

/// One test point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    /// `ok` or `not ok`.
    pub(crate) ok: bool,
    /// The text after the dash.
    pub(crate) text: String,
    /// The `#` lines that follow.
    pub(crate) notes: Vec<String>,
}

/// A whole report.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// In order.
    pub(crate) points: Vec<Point>,
    /// Lines for people, without their `> `.
    pub(crate) said: Vec<String>,
    /// What was printed on a terminal, by name.
    pub(crate) shots: Vec<(String, Vec<u8>)>,
    /// What the script kept for the command line of the boots that follow.
    pub(crate) kept: Option<String>,
    /// Which system it was, for people.
    pub(crate) system: Option<String>,
    /// The number of the plan line.
    plan: Option<usize>,
    /// Whether the last word was said.
    done: bool,
    /// The reason of a `Bail out!`.
    pub(crate) bail: Option<String>,
}

impl Report {
    /// Reads whatever there is of a report.
    pub(crate) fn parse(text: &str) -> Self {
        let mut report = Self::default();
        for line in text.lines() {
            if let Some(said) = line.strip_prefix("> ") {
                report.said.push(said.to_owned());
            } else if let Some(shot) = line.strip_prefix("* ").and_then(shot) {
                report.shots.push(shot);
            } else if let Some(kept) = line.strip_prefix("= ") {
                report.kept = Some(kept.to_owned());
            } else if let Some(system) = line.strip_prefix("@ ") {
                report.system = Some(system.to_owned());
            } else if let Some(note) = line.strip_prefix("# ") {
                if let Some(point) = report.points.last_mut() {
                    point.notes.push(note.to_owned());
                }
            } else if let Some(rest) = line.strip_prefix("ok ") {
                report.points.push(point(true, rest));
            } else if let Some(rest) = line.strip_prefix("not ok ") {
                report.points.push(point(false, rest));
            } else if let Some(count) = line.strip_prefix("1..") {
                report.plan = count.trim().parse().ok();
            } else if let Some(reason) = line.strip_prefix("Bail out!") {
                report.bail = Some(reason.trim().to_owned());
            } else if line == "done" {
                report.done = true;
            }
        }
        report
    }

    /// Why the report cannot be trusted to be whole, if so.
    pub(crate) fn defect(&self) -> Option<String> {
        if let Some(reason) = &self.bail {
            return Some(format!("the guest gave up: {reason}"));
        }
        match self.plan {
            None => Some("the script did not come to its end".to_owned()),
            Some(plan) if plan != self.points.len() => {
                Some(format!("{plan} points were planned, {} reported", self.points.len()))
            }
            Some(0) => Some("the script tested nothing".to_owned()),
            Some(_) if !self.done => Some("the guest did not say that it was done".to_owned()),
            Some(_) => None,
        }
    }
}

/// A name, and bytes in hexadecimal digits.
fn shot(line: &str) -> Option<(String, Vec<u8>)> {
    let (name, digits) = line.split_once(' ')?;
    let pair = |at| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(pair).collect();
    Some((name.to_owned(), bytes?))
}

fn point(ok: bool, rest: &str) -> Point {
    let text = rest.split_once(" - ").map_or(rest, |(_, text)| text);
    Point { ok, text: text.to_owned(), notes: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::{Point, Report};

    #[test]
    fn a_whole_report() {
        let report = Report::parse(
            "ok 1 - a - b\n> hello\n= 0001-abc\n@ Linux 7\nnot ok 2 - c\n# why\n# more\n1..2\ndone\n# leaving\n",
        );
        let notes = vec!["why".to_owned(), "more".to_owned(), "leaving".to_owned()];
        assert_eq!(report.points[0], Point { ok: true, text: "a - b".to_owned(), notes: vec![] });
        assert_eq!(report.points[1], Point { ok: false, text: "c".to_owned(), notes });
        assert_eq!(report.said, ["hello"]);
        assert_eq!(report.kept.as_deref(), Some("0001-abc"));
        assert_eq!(report.system.as_deref(), Some("Linux 7"));
        assert_eq!(report.defect(), None);
    }

    #[test]
    fn pictures() {
        let report = Report::parse("* diff 1b5b6d0a\n* odd 1b5\n* no 1g\n* \n");
        assert_eq!(report.shots, [("diff".to_owned(), b"\x1b[m\n".to_vec())]);
    }

    #[test]
    fn what_is_not_whole_is_a_defect() {
        for (text, word) in [
            ("", "end"),
            ("ok 1 - a\n", "end"),
            ("ok 1 - a\n1..1\n", "done"),
            ("ok 1 - a\n1..2\ndone\n", "planned"),
            ("1..0\ndone\n", "nothing"),
            ("ok 1 - a\n1..1\ndone\nBail out! emergency\n", "emergency"),
            ("1..x\ndone\n", "end"),
        ] {
            let defect = Report::parse(text).defect().unwrap_or_default();
            assert!(defect.contains(word), "{text:?} gave {defect:?}");
        }
    }

    #[test]
    fn noise_is_not_a_point() {
        assert_eq!(Report::parse("okay\nnot okay\n#x\n\u{fffd}\n").points, []);
    }
}
