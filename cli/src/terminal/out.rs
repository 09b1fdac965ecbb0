//! Standard output, in which each line gets its colours on the way, if there are to be any.

use std::io::{BufWriter, StdoutLock, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use super::{bar, paint::paint};

/// Whether there are colours: one program, one terminal.
static COLOUR: AtomicBool = AtomicBool::new(false);

pub(super) fn set_colour(is_wanted: bool) {
    COLOUR.store(is_wanted, Ordering::Relaxed);
}

/// A writer of lines, for what is too long for one text.
pub(crate) struct Out {
    inner: BufWriter<StdoutLock<'static>>,
    /// What there is of a line; only with colours.
    line: Option<Vec<u8>>,
}

impl Out {
    pub(crate) fn new() -> Self {
        // What is printed begins where the bar was.
        bar::end();
        let line = COLOUR.load(Ordering::Relaxed).then(Vec::new);
        Out { inner: BufWriter::with_capacity(64 * 1024, std::io::stdout().lock()), line }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let Some(line) = &mut self.line else { return self.inner.write(bytes) };
        let mut parts = bytes.split(|byte| *byte == b'\n');
        line.extend(parts.next().unwrap_or_default());
        for part in parts {
            self.inner.write_all(paint(&String::from_utf8_lossy(line)).as_bytes())?;
            self.inner.write_all(b"\n")?;
            line.clear();
            line.extend(part);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if let Some(line) = &mut self.line {
            self.inner.write_all(paint(&String::from_utf8_lossy(line)).as_bytes())?;
            line.clear();
        }
        self.inner.flush()
    }
}
