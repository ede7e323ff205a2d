//! Where state of a grouping key lies on disk: its bucket and its shard, by a hash that is the same in every build. Never change them.

use std::collections::BTreeMap;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use datafusion::error::Result;
use expr::group_key::key_hashes;

/// Shards that a large delta is split into, so that a window can be merged task by task: enough for the cores of most machines, few
/// enough that a shard's block is worth reading.
pub const SHARDS: u8 = 8;

/// The shard of blocks that hold rows of every shard.
pub const UNSHARDED: u8 = u8::MAX;

/// Buckets over which keys without a window are spread. A table's bucket is a file that is written whole whenever a key of it changes,
/// and so is a bucket of state merged whole.
pub const KEY_BUCKETS: u64 = 16;

/// The shard of a row. It takes other bits of the hash than [`bucket_of`], so that one key bucket has rows in every shard.
pub fn shard_of(hash: u64) -> u8 {
    ((hash >> 32) % u64::from(SHARDS)) as u8
}

/// The bucket of a row without a window.
pub fn bucket_of(hash: u64) -> i64 {
    (hash % KEY_BUCKETS) as i64
}

/// Splits rows by a part of the hash of their keys; parts without rows are left out. The order within a part is kept.
///
/// # Errors
/// If the keys have no hash or the rows cannot be copied.
pub fn split_by_key<P: Copy + Ord>(
    rows: &RecordBatch,
    keys: usize,
    part: impl Fn(u64) -> P,
) -> Result<Vec<(P, RecordBatch)>> {
    let mut positions: BTreeMap<P, Vec<u32>> = BTreeMap::new();
    for (row, hash) in key_hashes(&rows.columns()[..keys], rows.num_rows())?.into_iter().enumerate() {
        positions.entry(part(hash)).or_default().push(row as u32);
    }
    positions
        .into_iter()
        .map(|(part, of_part)| Ok((part, take_record_batch(rows, &UInt32Array::from(of_part))?)))
        .collect()
}
