//! Where state of a grouping key lies on disk: its bucket and its shard, both ranges of key groups. Never change them.

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use datafusion::error::Result;
use expr::group_key::key_hashes;
use state::KeyPartitioning;
use state::key_groups::{KEY_GROUPS, key_group, range_of};

use super::spec::AggregateSpec;
use crate::keyed::hash::stable_hashes;

/// Shards that a large delta is split into, so that a window can be merged task by task: enough for the cores of most machines, few
/// enough that a shard's block is worth reading.
pub const SHARDS: u8 = 8;

/// The shard of blocks that hold rows of every shard.
pub const UNSHARDED: u8 = u8::MAX;

/// Buckets over which keys without a window are spread. A table's bucket is a file that is written whole whenever a key of it changes,
/// and so is a bucket of state merged whole.
pub const KEY_BUCKETS: u16 = 16;

/// Key groups of one bucket.
const BUCKET_GROUPS: u16 = KEY_GROUPS / KEY_BUCKETS;

/// The bucket of each row's key, without a window.
///
/// # Errors
/// If a key type has no hash.
pub fn key_buckets(keys: &[ArrayRef], rows: usize, partitioning: KeyPartitioning) -> Result<Vec<i64>> {
    let hashes = hashes_of(keys, rows, partitioning)?;
    Ok(hashes.into_iter().map(|hash| bucket_of(hash, partitioning)).collect())
}

/// How the rows of one aggregate's state are spread. Their first columns are the keys.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    partitioning: KeyPartitioning,
    keys: usize,
    /// The buckets are panes, not ranges of keys.
    has_panes: bool,
}

impl Spread {
    /// As a checkpoint that spreads keys in this way has it.
    pub fn new(spec: &AggregateSpec, partitioning: KeyPartitioning) -> Spread {
        Spread { partitioning, keys: spec.keys.len(), has_panes: spec.window.is_some() }
    }

    /// Splits rows without a window by bucket; buckets without rows are left out. The order within a bucket is kept.
    ///
    /// # Errors
    /// If the keys have no hash or the rows cannot be copied.
    pub fn by_bucket(&self, rows: &RecordBatch) -> Result<Vec<(i64, RecordBatch)>> {
        split(rows, self.hashes(rows)?.into_iter().map(|hash| bucket_of(hash, self.partitioning)))
    }

    /// As [`Spread::by_bucket`], rows of one bucket by shard.
    ///
    /// # Errors
    /// As [`Spread::by_bucket`].
    pub fn by_shard(&self, rows: &RecordBatch) -> Result<Vec<(u8, RecordBatch)>> {
        split(rows, self.hashes(rows)?.into_iter().map(|hash| self.shard(hash)))
    }

    /// The rows of one shard, of rows of one bucket.
    ///
    /// # Errors
    /// As [`Spread::by_bucket`].
    pub fn of_shard(&self, rows: &RecordBatch, shard: u8) -> Result<RecordBatch> {
        let mask: BooleanArray = self.hashes(rows)?.iter().map(|hash| Some(self.shard(*hash) == shard)).collect();
        Ok(filter_record_batch(rows, &mask)?)
    }

    fn hashes(&self, rows: &RecordBatch) -> Result<Vec<u64>> {
        hashes_of(&rows.columns()[..self.keys], rows.num_rows(), self.partitioning)
    }

    fn shard(&self, hash: u64) -> u8 {
        match self.partitioning {
            KeyPartitioning::KeyGroups if self.has_panes => {
                range_of(key_group(hash), KEY_GROUPS, u16::from(SHARDS)) as u8
            }
            // A bucket has so many groups, one after the other, and rows in every shard.
            KeyPartitioning::KeyGroups => {
                range_of(key_group(hash) % BUCKET_GROUPS, BUCKET_GROUPS, u16::from(SHARDS)) as u8
            }
            KeyPartitioning::PerOperator => ((hash >> 32) % u64::from(SHARDS)) as u8,
        }
    }
}

fn hashes_of(keys: &[ArrayRef], rows: usize, partitioning: KeyPartitioning) -> Result<Vec<u64>> {
    match partitioning {
        KeyPartitioning::KeyGroups => stable_hashes(keys, rows),
        KeyPartitioning::PerOperator => key_hashes(keys, rows),
    }
}

fn bucket_of(hash: u64, partitioning: KeyPartitioning) -> i64 {
    match partitioning {
        KeyPartitioning::KeyGroups => i64::from(range_of(key_group(hash), KEY_GROUPS, KEY_BUCKETS)),
        KeyPartitioning::PerOperator => (hash % u64::from(KEY_BUCKETS)) as i64,
    }
}

fn split<P: Copy + Ord>(rows: &RecordBatch, parts: impl Iterator<Item = P>) -> Result<Vec<(P, RecordBatch)>> {
    let mut positions: BTreeMap<P, Vec<u32>> = BTreeMap::new();
    for (row, part) in parts.enumerate() {
        positions.entry(part).or_default().push(row as u32);
    }
    positions
        .into_iter()
        .map(|(part, of_part)| Ok((part, take_record_batch(rows, &UInt32Array::from(of_part))?)))
        .collect()
}

#[cfg(test)]
mod tests;
