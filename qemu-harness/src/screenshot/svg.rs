//! A terminal's window as SVG. Each piece of text has a place of its own, so that columns stand below each other in any
//! font of one width.

use std::fmt::Write as _;

use super::ansi::{Look, Span};

/// Size of a character, in hundredths of a pixel: of DejaVu Sans Mono at 14 pixels.
const WIDTH: usize = 843;
const HEIGHT: usize = 1900;

/// Room around the text, and above it for the window's title.
const MARGIN: usize = 1600;
const TITLE: usize = 3000;

/// No line is wider; the window is as wide as its longest.
const COLUMNS: usize = 120;
const LEAST: usize = 60;

const BACKGROUND: &str = "#1e1e24";
const FOREGROUND: &str = "#d8d8d8";
const COLOURS: [&str; 16] = [
    "#3b3b45", "#f2777a", "#8fce8b", "#f0c674", "#81a2be", "#b294bb", "#8abeb7", "#d8d8d8", "#767680",
    "#ff8f92", "#a8e6a3", "#ffdf94", "#9dbfdd", "#ceb0d7", "#a6dad3", "#ffffff",
];

/// Draws a command line and what it printed.
pub(super) fn draw(typed: &str, printed: &[Vec<Span>]) -> String {
    let prompt = Look { colour: Some(10), ..Look::default() };
    let bold = Look { bold: true, ..Look::default() };
    let span = |look, text: &str| Span { look, text: text.to_owned() };
    let mut lines = vec![vec![span(prompt, "# "), span(bold, typed)]];
    lines.extend(printed.iter().flat_map(|line| wrapped(line)));
    let columns = lines.iter().map(|line| length(line)).max().unwrap_or(0).max(LEAST);
    let (width, height) = (columns * WIDTH + 2 * MARGIN, lines.len() * HEIGHT + TITLE + MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n",
        w = pixels(width),
        h = pixels(height)
    );
    for (number, colour) in [1, 3, 2].into_iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(
            svg,
            "<circle cx=\"{}\" cy=\"15\" r=\"5\" fill=\"{}\"/>",
            20 + 17 * number,
            COLOURS[colour]
        );
    }
    for (number, line) in lines.iter().enumerate() {
        let mut column = 0;
        for span in line {
            if !span.text.trim().is_empty() {
                svg.push_str(&text(span, MARGIN + column * WIDTH, TITLE + number * HEIGHT + 1400));
            }
            column += span.text.chars().count();
        }
    }
    svg + "</svg>\n"
}

fn text(span: &Span, x: usize, y: usize) -> String {
    let look = span.look;
    let fill = look.colour.map_or(FOREGROUND, |colour| COLOURS[usize::from(colour)]);
    let weight = if look.bold { " font-weight=\"bold\"" } else { "" };
    let opacity = if look.faint { " opacity=\"0.65\"" } else { "" };
    format!(
        "<text x=\"{}\" y=\"{}\" textLength=\"{}\" fill=\"{fill}\"{weight}{opacity} xml:space=\"preserve\">{}</text>\n",
        pixels(x),
        pixels(y),
        pixels(span.text.chars().count() * WIDTH),
        span.text.replace('&', "&amp;").replace('<', "&lt;")
    )
}

fn pixels(hundredths: usize) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn length(line: &[Span]) -> usize {
    line.iter().map(|span| span.text.chars().count()).sum()
}

/// As a terminal wraps a line that is too long.
fn wrapped(line: &[Span]) -> Vec<Vec<Span>> {
    let mut lines = vec![Vec::new()];
    let mut room = COLUMNS;
    for span in line {
        let mut rest: &str = &span.text;
        while !rest.is_empty() {
            if room == 0 {
                lines.push(Vec::new());
                room = COLUMNS;
            }
            let end = rest.char_indices().nth(room).map_or(rest.len(), |(at, _)| at);
            let (part, more) = rest.split_at(end);
            if let Some(last) = lines.last_mut() {
                last.push(Span { look: span.look, text: part.to_owned() });
            }
            room -= part.chars().count();
            rest = more;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::ansi::lines;
    use super::*;

    #[test]
    fn every_character_has_its_place() {
        let svg = draw("veneer diff", &lines("\x1b[32madded\x1b[0m    /usr/a<b&c\n"));
        assert!(svg.contains(">veneer diff</text>"), "{svg}");
        // Behind the five characters of the word, in the second line.
        let place = format!("<text x=\"{}\" y=\"{}\"", pixels(1600 + 5 * 843), pixels(3000 + 1900 + 1400));
        assert!(svg.contains(&place), "{place}\n{svg}");
        assert!(svg.contains(">added</text>") && svg.contains(COLOURS[2]), "{svg}");
        assert!(svg.contains("/usr/a&lt;b&amp;c"), "{svg}");
    }

    #[test]
    fn long_lines_are_wrapped() {
        let long = format!("{}\x1b[1m{}", "a".repeat(100), "b".repeat(150));
        let wrapped = wrapped(&lines(&long)[0]);
        assert_eq!(wrapped.iter().map(|line| length(line)).collect::<Vec<_>>(), [120, 120, 10]);
    }
}
