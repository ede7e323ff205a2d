//! How many shards the state of keyed operators has, which keys are of which, and which task does which.

use arrow::array::ArrayRef;
use datafusion::error::Result;
use state::KeyPartitioning;
use state::key_groups::{KEY_GROUPS, key_group, range_of};

use super::hash::stable_hashes;

/// Shards of a keyed operator's state: ranges of key groups, four each. A row's shard is part of where its state lies on disk: never
/// change it.
pub const SHARDS: u8 = 64;

/// An epoch with fewer input rows than this is done in one task, and its state is written to blocks of all shards together: 64 tasks
/// and 64 blocks of a few rows each would cost more than the rows. Part of how state is written: an epoch that is run again by
/// another build must write the same.
pub const SMALL_EPOCH_ROWS: usize = 16_384;

/// An epoch whose input rows take less than this, bytes, and are fewer than [`SMALL_EPOCH_ROWS`]. Part of how state is written as those.
pub const SMALL_EPOCH_BYTES: usize = 64 << 20;

/// The task that does all shards at once.
pub const ALL_SHARDS: i64 = SHARDS as i64;

/// The shard of a key with this [`super::hash::KeyHashes::stable`].
pub fn shard_of(hash: u64, partitioning: KeyPartitioning) -> u8 {
    match partitioning {
        KeyPartitioning::KeyGroups => range_of(key_group(hash), KEY_GROUPS, u16::from(SHARDS)) as u8,
        KeyPartitioning::PerOperator => (hash % u64::from(SHARDS)) as u8,
    }
}

/// The shard of the one key in these columns of one row; of no columns, that of the key of all rows.
///
/// # Errors
/// If a key type has no encoding.
pub fn shard_of_key(key: &[ArrayRef], partitioning: KeyPartitioning) -> Result<u8> {
    Ok(shard_of(stable_hashes(key, 1)?[0], partitioning))
}
