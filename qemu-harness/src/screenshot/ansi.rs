//! What a terminal makes of text with colours (ECMA-48's SGR, the sixteen colours). Anything else that it would obey is
//! left out.

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) bold: bool,
    pub(super) faint: bool,
    /// 0 to 15.
    pub(super) colour: Option<u8>,
}

impl Look {
    fn obey(&mut self, number: u8) {
        match number {
            0 => *self = Self::default(),
            1 => self.bold = true,
            2 => self.faint = true,
            22 => (self.bold, self.faint) = (false, false),
            30..=37 => self.colour = Some(number - 30),
            90..=97 => self.colour = Some(number - 90 + 8),
            39 => self.colour = None,
            _ => {}
        }
    }
}

/// Text of one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) look: Look,
    pub(super) text: String,
}

/// The lines, each in pieces.
pub(super) fn lines(text: &str) -> Vec<Vec<Span>> {
    let mut look = Look::default();
    text.trim_end().lines().map(|line| spans(line, &mut look)).collect()
}

fn spans(line: &str, look: &mut Look) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\x1b' {
            let sequence: String = characters.by_ref().take_while(|c| !c.is_ascii_alphabetic()).collect();
            // Without a number it is 0.
            if let Some(numbers) = sequence.strip_prefix('[') {
                numbers.split(';').for_each(|number| look.obey(number.parse().unwrap_or(0)));
            }
        } else if character == '\r' {
            // Back to the beginning: what was there, how far some work is, is written over.
            spans.clear();
        } else if !character.is_control() {
            match spans.last_mut() {
                Some(last) if last.look == *look => last.text.push(character),
                _ => spans.push(Span { look: *look, text: character.into() }),
            }
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_begin_and_end() {
        let plain = Look::default();
        let span = |look, text: &str| Span { look, text: text.into() };
        let warning = Look { bold: true, colour: Some(3), ..plain };
        assert_eq!(
            lines("a \x1b[1;33mb\x1b[0m\r\n\x1b[2mc\x1b[22md\x1b[m\n\n"),
            [
                vec![span(plain, "a "), span(warning, "b")],
                vec![span(Look { faint: true, ..plain }, "c"), span(plain, "d")],
            ]
        );
        assert_eq!(lines("cut \x1b[3"), [vec![span(plain, "cut ")]]);
        assert_eq!(lines("half\r\x1b[Kdone\r\n"), [vec![span(plain, "done")]]);
    }
}
