//! Maps by a hash that is as good as random already.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map by a hash of 128 bits. Never iterated: its order means nothing, and the hashes' seed is this process's own.
pub(crate) type ByHash<V> = HashMap<u128, V, BuildHasherDefault<LowBits>>;

/// Takes the low 64 bits of a hash as its hash: no sender of records knows the seed, so none can make them collide.
#[derive(Debug, Default)]
pub(crate) struct LowBits(u64);

impl Hasher for LowBits {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Not called for keys of 128 bits; correct all the same.
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
}
