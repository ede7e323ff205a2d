//! Random numbers that depend on a seed and a place only, so that event n can be made without the ones before it.

/// SplitMix64 (Steele, Lea and Flood 2014): one addition and a few multiplications a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Random(u64);

/// The golden ratio, SplitMix64's step.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

fn mixed(mut number: u64) -> u64 {
    number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

impl Random {
    /// The numbers that belong to place `place` of stream `stream` of a seed.
    pub(crate) fn at(seed: u64, stream: u64, place: u64) -> Random {
        Random(mixed(mixed(seed ^ stream.wrapping_mul(STEP)).wrapping_add(place.wrapping_mul(STEP))))
    }

    /// Any 64 bits.
    #[inline]
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mixed(self.0)
    }

    /// A number from 0 to `bound` (exclusive). The bias is below bound / 2^32.
    #[inline]
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * u64::from(bound)) >> 32) as u32
    }

    /// A number from `first` to `last`, both included.
    #[inline]
    pub(crate) fn between(&mut self, first: u32, last: u32) -> u32 {
        first + self.below(last - first + 1)
    }

    /// True with this probability.
    #[inline]
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        // 53 bits fill a double's mantissa.
        ((self.next() >> 11) as f64) < probability * (1u64 << 53) as f64
    }

    /// One of several, all equally likely.
    #[inline]
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u32) as usize]
    }
}
