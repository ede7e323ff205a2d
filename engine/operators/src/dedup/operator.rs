//! The running deduplication: looks keys up shard by shard, and remembers those that are new.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, TimestampMicrosecondArray, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use expr::types::instants;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::spec::{DedupSpec, Expiry};
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::change::Change;
use crate::cut::joined;
use crate::epoch_time::EpochTime;
use crate::keyed::{KeyedInput, ShardInput};
use crate::one_store::one_store;
use crate::operator::{Operator, Task};
use crate::store::{Shard, Store};
use crate::stored::Stored;

/// A deduplication with its state.
#[derive(Debug)]
pub struct Dedup {
    spec: Arc<DedupSpec>,
    store: Store,
    input: KeyedInput,
}

impl Dedup {
    pub(super) fn open(spec: Arc<DedupSpec>, stored: Stored) -> Dedup {
        let blocks = stored.blocks.into_iter().next().unwrap_or_default();
        let store = Store::open(spec.store(), blocks, stored.budget);
        Dedup { spec, store, input: KeyedInput::default() }
    }

    /// The rows whose keys are new, which are remembered.
    fn take_new(
        &self,
        shard: &mut Shard,
        rows: &ShardInput<'_>,
        time: &EpochTime,
    ) -> Result<Option<RecordBatch>, OperatorError> {
        let mut seen: HashTable<u128> = HashTable::new();
        let mut new = Vec::new();
        for (row, key) in rows.keys.iter().enumerate().filter(|(_, key)| !shard.contains(**key)) {
            if let Entry::Vacant(slot) = seen.entry(*key as u64, |other| other == key, |other| *other as u64) {
                slot.insert(*key);
                new.push(row as u32);
            }
        }
        if new.is_empty() {
            return Ok(None);
        }
        let keys: Vec<u128> = new.iter().map(|row| rows.keys[*row as usize]).collect();
        let passed = take_record_batch(&rows.rows, &UInt32Array::from(new))?;
        shard.insert(&self.remembered(&passed, time)?, &keys)?;
        Ok(Some(passed))
    }

    /// What is kept of rows: their keys, and when they are evicted.
    fn remembered(&self, rows: &RecordBatch, time: &EpochTime) -> Result<RecordBatch, OperatorError> {
        let mut columns: Vec<ArrayRef> = self.spec.keys.iter().map(|key| rows.column(*key).clone()).collect();
        let times = match self.spec.expiry {
            Expiry::Never => None,
            Expiry::EventTimeKey { column } => {
                let times = instants(rows.column(column))?;
                Some(times.as_primitive::<TimestampMicrosecondType>().clone())
            }
            Expiry::Within { column, delay_us } => {
                let times = instants(rows.column(column))?;
                let times = times.as_primitive::<TimestampMicrosecondType>();
                let expires = times.iter().map(|us| us.unwrap_or(0).saturating_add(delay_us));
                Some(TimestampMicrosecondArray::from_iter_values(expires))
            }
            Expiry::TimeToLive { us } => {
                let expires = time.batch_time_us.saturating_add(us);
                Some(TimestampMicrosecondArray::from_value(expires, rows.num_rows()))
            }
        };
        columns.extend(times.map(|times| Arc::new(times.with_timezone("UTC")) as ArrayRef));
        Ok(RecordBatch::try_new(Arc::clone(&self.store.spec().schema), columns)?)
    }
}

impl Operator for Dedup {
    one_store!();

    fn tasks(&mut self, time: &EpochTime) -> Result<Vec<Task>, OperatorError> {
        Ok(self.input.tasks(self.store.any_due(time)))
    }

    fn run(&self, task: Task, time: &EpochTime, committed: &dyn BlockSource) -> Result<Vec<Change>, OperatorError> {
        let shards = KeyedInput::shards_of(task);
        let mut passed = Vec::new();
        for number in shards.clone() {
            let mut rows = self.input.of_shard(number).peekable();
            if rows.peek().is_none() && !self.store.is_due(number, time) {
                continue;
            }
            let mut shard = self.store.shard(number, time, committed)?;
            for part in rows {
                passed.extend(self.take_new(&mut shard, &part, time)?);
            }
            shard.evict(time);
        }
        self.store.finish(shards, time)?;
        Ok(joined(&self.spec.input, &passed)?.into_iter().map(Change::add).collect())
    }

    fn has_pending_output(&self, next: &EpochTime) -> bool {
        self.store.any_due(next)
    }
}
