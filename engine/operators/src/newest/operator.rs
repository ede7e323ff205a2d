//! The part that has memory: puts new rows in the place of those of their keys.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{concat_batches, interleave_record_batch};

use super::spec::NewestSpec;
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::by_hash::ByHash;
use crate::change::{Change, Sign};
use crate::cut::{PART_BYTES, RowBytes, batch_bytes, runs};
use crate::epoch_time::EpochTime;
use crate::keyed::{KeyedInput, ShardInput};
use crate::multiset::changes;
use crate::one_store::one_store;
use crate::operator::{Operator, Task};
use crate::store::{Shard, Store};
use crate::stored::Stored;

/// The operator with its state.
#[derive(Debug)]
pub(super) struct Newest {
    spec: Arc<NewestSpec>,
    store: Store,
    input: KeyedInput,
}

impl Newest {
    pub(super) fn open(spec: Arc<NewestSpec>, stored: Stored) -> Newest {
        let blocks = stored.blocks.into_iter().next().unwrap_or_default();
        let store = Store::open(spec.store_spec(), blocks, stored.budget);
        Newest { spec, store, input: KeyedInput::default() }
    }

    /// Takes in the rows of a shard; returns the rows of the keys that they touch as they were and as they are, some keys at a time.
    /// A key of which a row is added has that row from now on, and one of which rows are only retracted has none: what exactly is
    /// retracted does not matter, since whoever retracts may have forgotten what it emitted.
    fn take_in(
        &self,
        parts: &[ShardInput<'_>],
        shard: &mut Shard,
    ) -> Result<Vec<(RecordBatch, RecordBatch)>, OperatorError> {
        let mut newest: ByHash<Option<(usize, usize)>> = ByHash::default();
        let mut touched = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            if matches!(part.sign, Sign::Replace { .. }) {
                return Err(OperatorError::fault(&self.spec.name, "whole buckets reach it"));
            }
            for (row, key) in part.keys.iter().enumerate() {
                let place = newest.entry(*key).or_insert_with(|| {
                    touched.push(*key);
                    None
                });
                if part.sign == Sign::Add {
                    *place = Some((at, row));
                }
            }
        }
        let batches: Vec<&RecordBatch> = parts.iter().map(|part| &part.rows).collect();
        let mut all = Vec::new();
        for keys in self.runs_of_keys(&touched, &newest, &batches, shard)? {
            let standing: Vec<u32> = keys.iter().flat_map(|key| shard.find(*key)).collect();
            let before = shard.gather(&standing)?;
            standing.into_iter().for_each(|position| shard.remove(position));
            let placed = keys.iter().filter_map(|key| Some((*key, newest.get(key).copied().flatten()?)));
            let (keys, places): (Vec<u128>, Vec<(usize, usize)>) = placed.unzip();
            if places.is_empty() {
                all.push((before, RecordBatch::new_empty(Arc::clone(&self.spec.schema))));
                continue;
            }
            let rows = interleave_record_batch(&batches, &places)?;
            let after = RecordBatch::try_new(Arc::clone(&self.spec.schema), rows.columns().to_vec())?;
            shard.insert(&after, &keys)?;
            all.push((before, after));
        }
        Ok(all)
    }

    /// Cuts keys into runs whose rows, as they were and as they are, can be put together.
    fn runs_of_keys<'a>(
        &self,
        touched: &'a [u128],
        newest: &ByHash<Option<(usize, usize)>>,
        batches: &[&RecordBatch],
        shard: &Shard,
    ) -> Result<Vec<&'a [u128]>, OperatorError> {
        let arriving: Vec<RowBytes> = batches.iter().map(|batch| RowBytes::new(batch)).collect();
        let standing: Vec<Vec<u32>> = touched.iter().map(|key| shard.find(*key).collect()).collect();
        let mut standing_bytes = shard.sizes(&standing.concat())?.into_iter();
        let sizes = touched.iter().zip(&standing).map(|(key, standing)| {
            let before: usize = standing_bytes.by_ref().take(standing.len()).sum();
            let after = newest.get(key).copied().flatten().map_or(0, |(batch, row)| arriving[batch].of(row));
            before + after
        });
        Ok(runs(sizes, usize::MAX).into_iter().map(|run| &touched[run]).collect())
    }
}

impl Operator for Newest {
    one_store!();

    fn tasks(&mut self, _: &EpochTime) -> Result<Vec<Task>, OperatorError> {
        Ok(self.input.tasks(false))
    }

    fn run(&self, task: Task, time: &EpochTime, committed: &dyn BlockSource) -> Result<Vec<Change>, OperatorError> {
        let shards = KeyedInput::shards_of(task);
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for number in shards.clone() {
            let parts: Vec<ShardInput<'_>> = self.input.of_shard(number).collect();
            if parts.is_empty() {
                continue;
            }
            let mut shard = self.store.shard(number, time, committed)?;
            for (was, is) in self.take_in(&parts, &mut shard)? {
                before.push(was);
                after.push(is);
            }
        }
        self.store.finish(shards, time)?;
        let schema = &self.spec.schema;
        if before.iter().chain(&after).map(batch_bytes).sum::<usize>() <= PART_BYTES {
            return changes(&concat_batches(schema, &before)?, &concat_batches(schema, &after)?);
        }
        // A key is of one part, so the changes of each stand for themselves.
        let of_parts = before.iter().zip(&after).map(|(before, after)| changes(before, after));
        Ok(of_parts.collect::<Result<Vec<_>, _>>()?.concat())
    }

    fn has_pending_output(&self, _: &EpochTime) -> bool {
        false
    }
}
