//! A sum of doubles as one whole number of the smallest step that a double can make, wide enough for any of them.

/// Words of 64 bits: 2,098 bits are the width of all doubles, the others are room for 2^77 of the largest.
const WORDS: usize = 34;

/// Bits of a double's mantissa that are stored.
const MANTISSA_BITS: u32 = 52;

/// Bytes of the three counts that an encoded sum begins with.
const COUNT_BYTES: usize = 24;

/// A sum of doubles of any size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WideSum {
    /// The finite ones in steps of 2^-1074, in two's complement, the lowest word first.
    words: [u64; WORDS],
    /// How many were infinite, above and below, and how many were no number.
    above: i64,
    below: i64,
    no_number: i64,
}

impl Default for WideSum {
    fn default() -> WideSum {
        WideSum { words: [0; WORDS], above: 0, below: 0, no_number: 0 }
    }
}

impl WideSum {
    /// The sum of these values.
    pub(super) fn of(values: &[f64]) -> WideSum {
        let mut sum = WideSum::default();
        values.iter().for_each(|value| sum.add(*value));
        sum
    }

    /// Adds a value.
    pub(super) fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return self.add_special(value, 1);
        }
        let bits = value.to_bits();
        let exponent = (bits >> MANTISSA_BITS & 0x7ff) as usize;
        let stored = bits & ((1 << MANTISSA_BITS) - 1);
        let mantissa = if exponent == 0 { stored } else { stored | 1 << MANTISSA_BITS };
        let shift = exponent.max(1) - 1;
        let shifted = u128::from(mantissa) << (shift % 64);
        let parts = [shifted as u64, (shifted >> 64) as u64];
        match value.is_sign_negative() {
            true => self.change(shift / 64, &parts, u64::overflowing_sub),
            false => self.change(shift / 64, &parts, u64::overflowing_add),
        }
    }

    /// Counts an infinite value or one that is no number so many times more.
    pub(super) fn add_special(&mut self, value: f64, times: i64) {
        match value {
            f64::INFINITY => self.above += times,
            f64::NEG_INFINITY => self.below += times,
            _ => self.no_number += times,
        }
    }

    /// Adds another sum.
    pub(super) fn merge(&mut self, other: &WideSum) {
        self.change(0, &other.words, u64::overflowing_add);
        self.above += other.above;
        self.below += other.below;
        self.no_number += other.no_number;
    }

    /// Adds `parts` to the words from `at` on, or takes them away, with what is carried from word to word.
    fn change(&mut self, at: usize, parts: &[u64], step: fn(u64, u64) -> (u64, bool)) {
        let mut carries = false;
        for (place, word) in self.words.iter_mut().skip(at).enumerate() {
            if place >= parts.len() && !carries {
                break;
            }
            let (changed, first) = step(*word, parts.get(place).copied().unwrap_or(0));
            let (changed, second) = step(changed, u64::from(carries));
            (*word, carries) = (changed, first || second);
        }
    }

    fn is_negative(&self) -> bool {
        self.words[WORDS - 1] >> 63 == 1
    }

    /// The double that is nearest to the sum; of two as near, the even one.
    pub(super) fn round(&self) -> f64 {
        match (self.no_number > 0, self.above > 0, self.below > 0) {
            (true, ..) | (_, true, true) => return f64::NAN,
            (_, true, _) => return f64::INFINITY,
            (_, _, true) => return f64::NEG_INFINITY,
            _ => {}
        }
        let mut size = self.clone();
        if self.is_negative() {
            size.words = [0; WORDS];
            size.change(0, &self.words, u64::overflowing_sub);
        }
        let rounded = size.round_up_from_zero();
        if self.is_negative() { -rounded } else { rounded }
    }

    /// As [`WideSum::round`], of a sum that is not negative.
    fn round_up_from_zero(&self) -> f64 {
        let Some(word) = self.words.iter().rposition(|word| *word != 0) else { return 0.0 };
        let top = word * 64 + 63 - self.words[word].leading_zeros() as usize;
        let Some(shift) = top.checked_sub(MANTISSA_BITS as usize) else { return f64::from_bits(self.words[0]) };
        let mantissa = self.bits_from(shift);
        let is_odd = mantissa & 1 == 1;
        let half = shift > 0 && self.bits_from(shift - 1) & 1 == 1;
        let more = shift > 1 && self.any_below(shift - 1);
        let mantissa = mantissa + u64::from(half && (is_odd || more));
        // A mantissa that was rounded up to the next power of two carries into the exponent, as it should.
        let bits = ((shift as u64) << MANTISSA_BITS) + mantissa;
        if bits >= f64::INFINITY.to_bits() { f64::INFINITY } else { f64::from_bits(bits) }
    }

    /// The 53 bits from this one on.
    fn bits_from(&self, bit: usize) -> u64 {
        let (word, offset) = (bit / 64, bit % 64);
        let high = self.words.get(word + 1).copied().unwrap_or(0);
        let both = u128::from(self.words[word]) | u128::from(high) << 64;
        (both >> offset) as u64 & ((1 << (MANTISSA_BITS + 1)) - 1)
    }

    /// True if a bit below this one is set.
    fn any_below(&self, bit: usize) -> bool {
        let (word, offset) = (bit / 64, bit % 64);
        self.words[..word].iter().any(|word| *word != 0) || self.words[word] & ((1 << offset) - 1) != 0
    }

    /// The sum as two doubles that are it without an error, the first of them the sum rounded; `None` if it is more than that.
    pub(super) fn pair(&self) -> Option<(f64, f64)> {
        let high = self.round();
        if !high.is_finite() {
            return None;
        }
        let mut rest = self.clone();
        rest.add(-high);
        let low = rest.round();
        rest.add(-low);
        rest.words.iter().all(|word| *word == 0).then_some((high, low))
    }

    /// The sum in bytes: the counts, where its words begin, those that are not all like its sign, and its sign.
    pub(super) fn encode(&self) -> Vec<u8> {
        let counts = [self.above, self.below, self.no_number];
        let mut bytes: Vec<u8> = counts.into_iter().flat_map(i64::to_le_bytes).collect();
        let sign = if self.is_negative() { u64::MAX } else { 0 };
        let from = self.words.iter().position(|word| *word != 0).unwrap_or(0);
        let until = self.words.iter().rposition(|word| *word != sign).map_or(from, |last| (last + 1).max(from));
        bytes.extend([from as u8, u8::from(self.is_negative())]);
        bytes.extend(self.words[from..until].iter().flat_map(|word| word.to_le_bytes()));
        bytes
    }

    /// What [`WideSum::encode`] wrote; `None` if it did not.
    pub(super) fn decode(bytes: &[u8]) -> Option<WideSum> {
        let (counts, rest) = bytes.split_at_checked(COUNT_BYTES)?;
        let [from, sign, words @ ..] = rest else { return None };
        let (counts, _) = counts.as_chunks::<8>();
        let (words, left) = words.as_chunks::<8>();
        let from = usize::from(*from);
        if *sign > 1 || !left.is_empty() || from + words.len() > WORDS {
            return None;
        }
        let mut sum = WideSum::default();
        sum.words[from..].fill(if *sign == 1 { u64::MAX } else { 0 });
        sum.words[from..].iter_mut().zip(words).for_each(|(word, bytes)| *word = u64::from_le_bytes(*bytes));
        [sum.above, sum.below, sum.no_number] =
            std::array::from_fn(|at| counts.get(at).map_or(0, |bytes| i64::from_le_bytes(*bytes)));
        Some(sum)
    }
}
