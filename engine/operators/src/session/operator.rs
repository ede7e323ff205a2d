//! The part of a session aggregate that holds state: merges what an epoch touched, and evicts what is due.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;

use super::fold;
use super::gather::{InputPart, TouchedKeys, touched};
use super::spec::SessionSpec;
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::change::{Change, Sign};
use crate::cut::{PART_BYTES, batch_bytes};
use crate::emission::Emission;
use crate::epoch_time::EpochTime;
use crate::keyed::{ALL_SHARDS, KeyedInput, SHARDS};
use crate::one_store::one_store;
use crate::operator::{Operator, Task};
use crate::store::Store;
use crate::stored::Stored;

/// So many due groups are emitted together, at least, if there are so many: chunks that large keep the operators behind busy, and no
/// more results than that are in memory at a time.
const DUE_ROWS: usize = 65_536;

/// A state of so many bytes is looked through shard by shard, so that lanes share the work; below it tasks cost more than they save.
const LARGE_BYTES: u64 = 1 << 20;

/// A session aggregate with its state.
#[derive(Debug)]
pub struct Session {
    spec: Arc<SessionSpec>,
    schema: SchemaRef,
    store: Store,
    input: KeyedInput,
}

impl Session {
    /// The operator with the state it has in the checkpoint.
    ///
    /// # Errors
    /// If a function does not say what its state is.
    pub fn open(spec: Arc<SessionSpec>, mut stored: Stored) -> Result<Session, OperatorError> {
        let blocks = stored.blocks.pop().unwrap_or_default();
        let store = Store::open(spec.store()?, blocks, stored.budget);
        Ok(Session { schema: spec.state_schema()?, store, input: KeyedInput::default(), spec })
    }

    /// Puts the merged sessions in the place of the old ones; returns what that changes in the result.
    fn merge(
        &self,
        touched: &TouchedKeys,
        time: &EpochTime,
        committed: &dyn BlockSource,
    ) -> Result<Vec<Change>, OperatorError> {
        let TouchedKeys { merged, rows, old, .. } = touched;
        let states = fold::merge(&self.spec, &self.schema, merged, old, rows, time.batch_time_us)?;
        let keys: Vec<u128> = merged.key.iter().map(|key| touched.hashes[*key as usize]).collect();
        debug_assert_eq!(keys.len(), states.num_rows(), "a state row for each merged session");
        for shard in &touched.shards {
            let mut state = self.store.shard(shard.shard, time, committed)?;
            touched.positions[shard.old.clone()].iter().for_each(|position| state.remove(*position));
            let sessions = merged.sessions_of(&shard.keys);
            state.insert(&states.slice(sessions.start, sessions.len()), &keys[sessions])?;
        }
        if self.spec.emission != Emission::Changes {
            return Ok(Vec::new());
        }
        let (before, after) = (fold::evaluate(&self.spec, old)?, fold::evaluate(&self.spec, &states)?);
        let (before, after) = fold::difference(merged, before, after)?;
        Ok(Change::replaced(before, after))
    }

    /// Evicts all groups that are due; emits them in append mode.
    fn evict(
        &self,
        shards: Range<u8>,
        time: &EpochTime,
        committed: &dyn BlockSource,
    ) -> Result<Vec<Change>, OperatorError> {
        let mut changes = Vec::new();
        let (mut due_rows, mut due_bytes) = (Vec::new(), 0);
        for shard in shards.filter(|shard| self.store.is_due(*shard, time)) {
            let mut state = self.store.shard(shard, time, committed)?;
            let due = if self.spec.emission == Emission::Append { state.due(time) } else { Vec::new() };
            // A restarted job looks into shards of which it does not know yet that nothing is due.
            let parts = state.gather_parts(&due, usize::MAX)?;
            state.evict(time);
            drop(state);
            for part in parts {
                let bytes = batch_bytes(&part);
                if !due_rows.is_empty() && due_bytes + bytes > PART_BYTES {
                    changes.push(Change::add(self.result(&std::mem::take(&mut due_rows))?));
                    due_bytes = 0;
                }
                due_bytes += bytes;
                due_rows.push(part);
            }
            if due_rows.iter().map(RecordBatch::num_rows).sum::<usize>() >= DUE_ROWS {
                changes.push(Change::add(self.result(&std::mem::take(&mut due_rows))?));
                due_bytes = 0;
            }
        }
        if !due_rows.is_empty() {
            changes.push(Change::add(self.result(&due_rows)?));
        }
        Ok(changes)
    }

    /// All groups that there are.
    fn whole(&self, time: &EpochTime, committed: &dyn BlockSource) -> Result<RecordBatch, OperatorError> {
        let mut states = Vec::with_capacity(SHARDS as usize);
        for shard in 0..SHARDS {
            let state = self.store.shard(shard, time, committed)?;
            let positions: Vec<u32> = state.positions().collect();
            states.push(state.gather(&positions)?);
        }
        self.result(&states)
    }

    /// The results of these state rows, in an order that a restart does not change.
    fn result(&self, states: &[RecordBatch]) -> Result<RecordBatch, OperatorError> {
        let states = concat_batches(&self.schema, states)?;
        fold::evaluate(&self.spec, &fold::in_order(&self.spec, states)?)
    }
}

impl Operator for Session {
    one_store!();

    fn tasks(&mut self, time: &EpochTime) -> Result<Vec<Task>, OperatorError> {
        if self.spec.emission == Emission::Complete {
            // The whole table is one change, so it is one task.
            let is_first = time.epoch.0 == 0;
            let task = (is_first || !self.input.is_empty()).then_some(Task { group: ALL_SHARDS, shard: None });
            return Ok(task.into_iter().collect());
        }
        let is_due = self.store.any_due(time);
        if is_due && self.input.is_empty() && self.store.metrics().bytes >= LARGE_BYTES {
            // Nothing is inserted, so there are no small blocks to be afraid of. How many rows there are is not known after a
            // restart, how many bytes is: the tasks, and so the order of the result, are those of the run before.
            let due = (0..SHARDS).filter(|shard| self.store.is_due(*shard, time));
            return Ok(due.map(|shard| Task { group: i64::from(shard), shard: None }).collect());
        }
        Ok(self.input.tasks(is_due))
    }

    fn run(&self, task: Task, time: &EpochTime, committed: &dyn BlockSource) -> Result<Vec<Change>, OperatorError> {
        let shards = KeyedInput::shards_of(task);
        if self.spec.forgotten_after_us.is_some() {
            // A group whose time has passed begins anew with the rows of this epoch, whether or not an epoch has run in between.
            self.evict(shards.clone(), time, committed)?;
        }
        let mut changes = Vec::new();
        for parts in self.input.portions(&shards) {
            let input = InputPart { input: &self.input, parts };
            let mut rest = shards.clone();
            while !rest.is_empty() {
                if let Some(touched) = touched(&self.spec, &input, &mut rest, &self.store, time, committed)? {
                    changes.extend(self.merge(&touched, time, committed)?);
                }
            }
        }
        if self.spec.emission == Emission::Complete {
            let rows = self.whole(time, committed)?;
            changes.push(Change { sign: Sign::Replace { bucket: 0 }, rows });
        } else {
            changes.extend(self.evict(shards.clone(), time, committed)?);
        }
        self.store.finish(shards, time)?;
        Ok(changes)
    }

    fn has_pending_output(&self, next: &EpochTime) -> bool {
        self.store.any_due(next)
    }
}
