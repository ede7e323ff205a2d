//! Hashes of key columns: one of 64 bits that says a key's group, one of 128 bits that stands for the key in memory.

mod encode;

use std::sync::OnceLock;

use arrow::array::{Array, ArrayRef};
use arrow::buffer::NullBuffer;
use datafusion::error::Result;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

use encode::Encoder;

/// Keys of a batch, hashed.
///
/// Two keys that differ have the same `key` with a chance of 2^-128 a pair; the seed is made anew in every process, so no
/// sender of records can aim at one. Results never depend on the seed: nothing is ordered by `key`.
#[derive(Debug, Clone, Default)]
pub struct KeyHashes {
    /// Stands for the key of each row, in this process only.
    pub keys: Vec<u128>,
    /// What the key group of each row is made of, the same in every build and process.
    pub stable: Vec<u64>,
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
    let mut hashes = KeyHashes { keys: Vec::with_capacity(rows), stable: Vec::with_capacity(rows), has_null: None };
    let seed = seed();
    for_each_key(&encoders, rows, |key| {
        hashes.keys.push(xxh3_128_with_seed(key, seed));
        hashes.stable.push(xxh3_64(key));
    });
    // A dictionary may hold its nulls among its values.
    let nulls: Vec<NullBuffer> = columns.iter().filter_map(|column| column.logical_nulls()).collect();
    if nulls.iter().any(|nulls| nulls.null_count() > 0) {
        hashes.has_null = Some((0..rows).map(|row| nulls.iter().any(|nulls| nulls.is_null(row))).collect());
    }
    Ok(hashes)
}

/// [`KeyHashes::stable`] alone, for rows that are not looked up by key.
///
/// # Errors
/// If a key type has no encoding.
pub fn stable_hashes(columns: &[ArrayRef], rows: usize) -> Result<Vec<u64>> {
    let encoders = columns.iter().map(Encoder::new).collect::<Result<Vec<_>>>()?;
    let mut hashes = Vec::with_capacity(rows);
    for_each_key(&encoders, rows, |key| hashes.push(xxh3_64(key)));
    Ok(hashes)
}

/// Calls `take` with the bytes of each row's key.
fn for_each_key(encoders: &[Encoder], rows: usize, mut take: impl FnMut(&[u8])) {
    let mut key = Vec::with_capacity(64);
    for row in 0..rows {
        key.clear();
        encoders.iter().for_each(|encoder| encoder.append(row, &mut key));
        take(&key);
    }
}

fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| RandomState::new().hash_one("keys"))
}

#[cfg(test)]
mod tests;
