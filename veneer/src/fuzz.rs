//! Noise for the parsers' tests: seeded, so that what fails once fails again.
//!
//! `VENEER_FUZZ=N` runs every test of noise with N inputs instead of its own, smaller number. A million of each:
//! `VENEER_FUZZ=1000000 cargo test --release -p veneer noise`.

/// xorshift64*, enough of a generator to mangle text.
pub(crate) struct Random(u64);

impl Random {
    /// The same numbers every time.
    pub(crate) fn new() -> Self {
        Random(0x9E37_79B9_7F4A_7C15)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or(0) % end
    }

    /// Any byte.
    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    /// Nothing but noise, up to so many bytes.
    fn noise(&mut self, limit: usize) -> Vec<u8> {
        let length = self.below(limit);
        std::iter::repeat_with(|| self.byte()).take(length).collect()
    }

    /// A well-formed input with up to a dozen faults; every eighth is nothing but noise.
    pub(crate) fn mangle(&mut self, good: &[u8]) -> Vec<u8> {
        if self.below(8) == 0 {
            return self.noise(2048);
        }
        let mut text = good.to_vec();
        for _ in 0..self.below(12) {
            if text.is_empty() {
                break;
            }
            let at = self.below(text.len());
            match self.below(6) {
                0 => text[at] = self.byte(),
                1 => drop(text.remove(at)),
                2 => text.insert(at, b"\0\n\r\\\"'=[]{}:;, \t\xff\xc3-9e/"[self.below(22)]),
                3 => text.truncate(at),
                4 => text[at] ^= 1 << self.below(8),
                _ => {
                    let from = self.below(text.len());
                    let piece = text[from..text.len().min(from + 40)].to_vec();
                    text.splice(at..at, piece);
                }
            }
        }
        text
    }
}

/// How many inputs a test of noise tries.
pub(crate) fn rounds(few: usize) -> usize {
    match std::env::var("VENEER_FUZZ") {
        Ok(number) => number.parse().expect("VENEER_FUZZ is a number"),
        Err(_) => few,
    }
}
