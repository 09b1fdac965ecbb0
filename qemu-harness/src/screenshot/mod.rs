//! Pictures of what the command prints, for the documentation: a real machine prints, on a terminal; here it is drawn.

mod ansi;
mod svg;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use fs_err as fs;

use crate::command;
use crate::disk::Store;
use crate::error::{Error, Result};
use crate::recipe::{DEBIAN13_A, DEBIAN13_B};
use crate::scenario::{Boot, Scenario};
use crate::tap::Report;

/// The boots in which the pictures are taken.
pub(crate) fn story() -> Scenario {
    // Nobody waits for it but the one who wants pictures, on whatever machine.
    let deadline = Duration::from_secs(3600);
    let boots = vec![
        Boot {
            next: Some(&DEBIAN13_B),
            deadline,
            ..Boot::new("a layer with changes", &DEBIAN13_A, include_str!("../../screenshots/1.sh"))
        },
        Boot { deadline, ..Boot::new("the next base", &DEBIAN13_B, include_str!("../../screenshots/2.sh")) },
    ];
    Scenario { name: "screenshots", about: "pictures for the documentation", store: Store::Ext4, boots }
}

/// Draws what the boots of the run in `run` reported into `dir`; the paths of the pictures.
pub(crate) fn render(run: &Path, dir: &Path) -> Result<Vec<PathBuf>> {
    let what = "drawing a screenshot";
    fs::create_dir_all(dir).map_err(Error::io(what))?;
    let mut pictures = Vec::new();
    for number in 1..=story().boots.len() {
        let report = fs::read(run.join(format!("boot-{number}/report.tap"))).map_err(Error::io(what))?;
        for (name, bytes) in Report::parse(&String::from_utf8_lossy(&report)).shots {
            let text = String::from_utf8_lossy(&bytes);
            // The first line is the command itself.
            let (typed, printed) = text.split_once('\n').unwrap_or((&text, ""));
            let picture = svg::draw(typed, &ansi::lines(printed));
            let path = dir.join(format!("{name}.svg"));
            fs::write(&path, picture).map_err(Error::io(what))?;
            let png = path.with_extension("png");
            let mut convert = Command::new("rsvg-convert");
            convert.args(["--zoom", "1.5", "--output"]).arg(&png).arg(&path);
            command::run(
                "rsvg-convert (of Debian's librsvg2-bin)",
                &mut convert,
                &run.join("rsvg-convert.log"),
            )?;
            // A handful of colours: a quarter of the size.
            let mut shrink = Command::new("pngquant");
            shrink.args(["--force", "--speed", "1", "--output"]).arg(&png).arg("32").arg(&png);
            command::run("pngquant", &mut shrink, &run.join("pngquant.log"))?;
            pictures.extend([path, png]);
        }
    }
    Ok(pictures)
}
