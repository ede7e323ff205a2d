//! Hashes of key columns: one of 64 bits that decides where state lies, one of 128 bits that stands for the key in memory.

mod encode;

use std::sync::OnceLock;

use arrow::array::{Array, ArrayRef};
use arrow::buffer::NullBuffer;
use datafusion::error::Result;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

use super::shards::SHARDS;
use encode::Encoder;

/// Keys of a batch, hashed.
///
/// Two keys that differ have the same `key` with a chance of 2^-128 a pair; the seed is made anew in every process, so no
/// sender of records can aim at one. Results never depend on the seed: nothing is ordered by `key`.
#[derive(Debug, Clone, Default)]
pub struct KeyHashes {
    /// Stands for the key of each row, in this process only.
    pub keys: Vec<u128>,
    /// The shard of each row, the same in every build.
    pub shards: Vec<u8>,
    /// Rows with a null among their keys, if there are any: an equality of SQL never holds for them.
    pub has_null: Option<Vec<bool>>,
}

/// Hashes the keys of `rows` rows. Nulls are equal to nulls, 0.0 to -0.0, every NaN to every other, also inside of lists
/// and structs; whole numbers of any width are equal if their values are, and so are texts however they are stored.
///
/// # Errors
/// If a key type has no encoding.
pub fn hash_keys(columns: &[ArrayRef], rows: usize) -> Result<KeyHashes> {
    let encoders = columns.iter().map(Encoder::new).collect::<Result<Vec<_>>>()?;
    let mut hashes = KeyHashes { keys: Vec::with_capacity(rows), shards: Vec::with_capacity(rows), has_null: None };
    let mut key = Vec::with_capacity(64);
    let seed = seed();
    for row in 0..rows {
        key.clear();
        encoders.iter().for_each(|encoder| encoder.append(row, &mut key));
        hashes.keys.push(xxh3_128_with_seed(&key, seed));
        hashes.shards.push((xxh3_64(&key) % u64::from(SHARDS)) as u8);
    }
    // A dictionary may hold its nulls among its values.
    let nulls: Vec<NullBuffer> = columns.iter().filter_map(|column| column.logical_nulls()).collect();
    if nulls.iter().any(|nulls| nulls.null_count() > 0) {
        hashes.has_null = Some((0..rows).map(|row| nulls.iter().any(|nulls| nulls.is_null(row))).collect());
    }
    Ok(hashes)
}

fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| RandomState::new().hash_one("keys"))
}

#[cfg(test)]
mod tests;
