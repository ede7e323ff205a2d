//! What a task works on: the rows of its shards, and the live sessions of their keys.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};

use super::intervals::{Intervals, MergedSessions, merge_overlapping};
use super::spec::{GroupTime, SessionSpec};
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::by_hash::ByHash;
use crate::cut::{PART_BYTES, batch_bytes};
use crate::epoch_time::EpochTime;
use crate::keyed::{KeyedInput, ShardInput};
use crate::store::Store;

/// The keys that an epoch touched in some shards. Keys are numbered in the order in which they came, shard by shard.
#[derive(Debug)]
pub(super) struct TouchedKeys {
    /// The shards that have rows.
    pub shards: Vec<TouchedShard>,
    /// What stands for each key in memory.
    pub hashes: Vec<u128>,
    /// The merged sessions.
    pub merged: MergedSessions,
    /// The rows, as they came.
    pub rows: RecordBatch,
    /// The state rows of [`MergedSessions::old`].
    pub old: RecordBatch,
    /// Where they stand in their shards.
    pub positions: Vec<u32>,
}

/// A shard that has rows.
#[derive(Debug)]
pub(super) struct TouchedShard {
    /// Its number.
    pub shard: u8,
    /// Its keys.
    pub keys: Range<u32>,
    /// Its part of [`TouchedKeys::positions`].
    pub old: Range<usize>,
}

/// Some of the rows of an epoch: they are taken in one portion after the other, as if they had come so.
pub(super) struct InputPart<'a> {
    pub input: &'a KeyedInput,
    /// Which parts of it.
    pub parts: Range<usize>,
}

impl<'a> InputPart<'a> {
    fn of_shard(&self, shard: u8) -> impl Iterator<Item = ShardInput<'a>> + use<'a> {
        self.input.of_shard_in(self.parts.clone(), shard)
    }
}

/// What the rows of the first of these shards touch, of so many as can be put together with the sessions that they had: one at least.
/// Takes them off `shards`. `None` if there are no rows.
///
/// # Errors
/// If state is missing or damaged.
pub(super) fn touched(
    spec: &SessionSpec,
    input: &InputPart<'_>,
    shards: &mut Range<u8>,
    store: &Store,
    time: &EpochTime,
    committed: &dyn BlockSource,
) -> Result<Option<TouchedKeys>, OperatorError> {
    let mut gathered = Gathered::default();
    // Few rows may belong to large states, such as long lists.
    while gathered.old_bytes <= PART_BYTES
        && let Some(shard) = shards.next()
    {
        if gathered.take_rows(input, shard) {
            gathered.take_sessions(shard, store, time, committed)?;
        }
    }
    let Some(first) = gathered.rows.first() else { return Ok(None) };
    let rows = concat(first.schema_ref().clone(), &gathered.rows)?;
    let old = concat(Arc::clone(&store.spec().schema), &gathered.old)?;
    gathered.into_touched(spec, rows, &old).map(Some)
}

#[derive(Debug, Default)]
struct Gathered {
    shards: Vec<TouchedShard>,
    hashes: Vec<u128>,
    rows: Vec<RecordBatch>,
    row_key: Vec<u32>,
    old: Vec<RecordBatch>,
    old_bytes: usize,
    old_key: Vec<u32>,
    positions: Vec<u32>,
}

impl Gathered {
    /// Takes the rows of a shard and numbers their keys; false if there are none.
    fn take_rows(&mut self, input: &InputPart<'_>, shard: u8) -> bool {
        let from = self.hashes.len();
        let count = input.of_shard(shard).map(|part| part.keys.len()).sum();
        let mut numbers: ByHash<u32> = ByHash::default();
        numbers.reserve(count);
        self.row_key.reserve(count);
        for part in input.of_shard(shard) {
            for hash in part.keys {
                self.row_key.push(*numbers.entry(*hash).or_insert_with(|| {
                    self.hashes.push(*hash);
                    self.hashes.len() as u32 - 1
                }));
            }
            self.rows.push(part.rows);
        }
        if count > 0 {
            let keys = from as u32..self.hashes.len() as u32;
            self.shards.push(TouchedShard { shard, keys, old: 0..0 });
        }
        count > 0
    }

    /// Takes the live sessions of the keys of the shard that was taken last.
    fn take_sessions(
        &mut self,
        shard: u8,
        store: &Store,
        time: &EpochTime,
        committed: &dyn BlockSource,
    ) -> Result<(), OperatorError> {
        let Some(touched) = self.shards.last() else { return Ok(()) };
        let from = self.positions.len();
        let state = store.shard(shard, time, committed)?;
        for key in touched.keys.clone() {
            self.positions.extend(state.find(self.hashes[key as usize]));
            self.old_key.resize(self.positions.len(), key);
        }
        if self.positions.len() > from {
            let old = state.gather(&self.positions[from..])?;
            self.old_bytes += batch_bytes(&old);
            self.old.push(old);
        }
        Ok(())
    }

    fn into_touched(
        mut self,
        spec: &SessionSpec,
        rows: RecordBatch,
        old: &RecordBatch,
    ) -> Result<TouchedKeys, OperatorError> {
        debug_assert_eq!(
            (self.old_key.len(), self.positions.len()),
            (old.num_rows(), old.num_rows()),
            "a key and a place for each old session"
        );
        let old_keys = std::mem::take(&mut self.old_key);
        let mut key = old_keys.clone();
        key.append(&mut self.row_key);
        let (start, end) = times(spec, old, &rows);
        let intervals = Intervals { keys: self.hashes.len(), old: old.num_rows(), key, start, end };
        let merged = merge_overlapping(&intervals);
        let is_as_it_was = merged.old.len() == old.num_rows()
            && merged.old.iter().enumerate().all(|(at, other)| at == *other as usize);
        let old = match is_as_it_was {
            true => old.clone(),
            false => take_record_batch(old, &UInt32Array::from(merged.old.clone()))?,
        };
        // Both go by key, and so by shard.
        for shard in &mut self.shards {
            let below = |key: u32| merged.old.partition_point(|at| old_keys[*at as usize] < key);
            shard.old = below(shard.keys.start)..below(shard.keys.end);
        }
        let positions = merged.old.iter().map(|at| self.positions[*at as usize]).collect();
        Ok(TouchedKeys { shards: self.shards, hashes: self.hashes, merged, rows, old, positions })
    }
}

/// Starts and ends of old sessions and of rows. What is grouped by key alone is all at one time, so that it is one group.
fn times(spec: &SessionSpec, old: &RecordBatch, rows: &RecordBatch) -> (Vec<i64>, Vec<i64>) {
    let GroupTime::Session { start, end } = spec.time else {
        let count = old.num_rows() + rows.num_rows();
        return (vec![0; count], vec![0; count]);
    };
    let both = |old_column: usize, column: usize| {
        let mut values = old.column(old_column).as_primitive::<TimestampMicrosecondType>().values().to_vec();
        values.extend_from_slice(rows.column(column).as_primitive::<TimestampMicrosecondType>().values());
        values
    };
    (both(spec.keys.len(), start), both(spec.keys.len() + 1, end))
}

fn concat(schema: SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch, OperatorError> {
    match batches {
        [one] => Ok(one.clone()),
        _ => Ok(concat_batches(&schema, batches)?),
    }
}
