//! An aggregate behind the interface of all operators: what it emits in each output mode.

use std::collections::HashSet;

use arrow::array::BooleanArray;
use arrow::compute::{concat_batches, filter_record_batch};
use state::BlockKey;

use super::delta::Delta;
use super::merge::Merger;
use super::state::AggregateState;
use crate::OperatorError;
use crate::block_changes::BlockChanges;
use crate::block_source::BlockSource;
use crate::change::{Change, Sign};
use crate::emission::Emission;
use crate::epoch_time::EpochTime;
use crate::keyed::hash::hash_keys;
use crate::metrics::StateMetrics;
use crate::multiset::changes;
use crate::operator::{LanePart, Operator, Task};

/// An aggregate with its state.
pub(super) struct Aggregate {
    state: AggregateState,
    emission: Emission,
    /// Groups that the last epoch touched, counted lane by lane.
    updated: u64,
}

impl Operator for Aggregate {
    fn absorb(&mut self, time: &EpochTime, part: LanePart, lane: u16) -> Result<(), OperatorError> {
        let deltas = part.downcast::<Vec<Delta>>();
        let deltas = deltas.map_err(|_| OperatorError::Compute("a lane handed over what is no delta".to_string()))?;
        if lane == 0 {
            self.updated = 0;
        }
        self.updated += deltas.iter().map(|delta| delta.rows).sum::<u64>();
        self.state.absorb(time.epoch, lane, *deltas);
        Ok(())
    }

    fn tasks(&mut self, time: &EpochTime) -> Result<Vec<Task>, OperatorError> {
        let whole = |groups: Vec<i64>| groups.into_iter().map(|group| Task { group, shard: None }).collect();
        Ok(match self.emission {
            Emission::Append => self.state.merge_tasks(&self.state.complete_windows(time)),
            Emission::Replace | Emission::Changes | Emission::ReplaceAndChanges => {
                whole(self.state.touched_groups(time))
            }
            Emission::Complete => {
                // The first epoch emits even no rows: what stands above may have a row all the same, as `count(*)` of all has.
                let is_due = self.state.is_touched() || time.epoch.0 == 0;
                whole(if is_due { vec![0] } else { Vec::new() })
            }
        })
    }

    fn run(&self, task: Task, time: &EpochTime, committed: &dyn BlockSource) -> Result<Vec<Change>, OperatorError> {
        let state = &self.state;
        match self.emission {
            Emission::Append => Ok(vec![Change::add(state.merge(committed, task)?)]),
            Emission::Replace => self.bucket(task.group, committed),
            Emission::ReplaceAndChanges => {
                let mut changes = self.bucket(task.group, committed)?;
                changes.extend(self.changes(task.group, time, committed)?);
                Ok(changes)
            }
            Emission::Changes => self.changes(task.group, time, committed),
            Emission::Complete => {
                let tasks = state.merge_tasks(&state.all_groups(time));
                let parts = tasks.into_iter().map(|task| state.merge(committed, task));
                let rows = concat_batches(&state.spec().output, &parts.collect::<Result<Vec<_>, _>>()?)?;
                Ok(vec![Change { sign: Sign::Replace { bucket: 0 }, rows }])
            }
        }
    }

    fn prepare_commit(&mut self, time: &EpochTime, committed: &dyn BlockSource) -> Result<BlockChanges, OperatorError> {
        let evict_until_us = time.watermark_us.filter(|_| self.emission != Emission::Complete);
        self.state.prepare_commit(committed, time.epoch, evict_until_us)
    }

    fn committed(&mut self) {
        self.state.committed();
    }

    fn has_pending_output(&self, next: &EpochTime) -> bool {
        self.emission != Emission::Complete && !self.state.complete_windows(next).is_empty()
    }

    fn is_final(&self, bucket: i64, time: &EpochTime) -> bool {
        let window = self.state.spec().window.filter(|_| self.emission != Emission::Complete);
        window.is_some_and(|window| window.is_complete(bucket, time.watermark_us))
    }

    fn count_rows(&self, committed: &dyn BlockSource) -> Result<u64, OperatorError> {
        let state = &self.state;
        let mut count = 0;
        for bucket in state.buckets() {
            let mut merger = Merger::new(state.spec())?;
            for (key, _) in state.blocks_of(bucket..bucket + 1) {
                merger.push(&state.read(committed, &key)?, None)?;
            }
            count += merger.groups() as u64;
        }
        Ok(count)
    }

    fn metrics(&self) -> StateMetrics {
        StateMetrics {
            updated: self.updated,
            blocks: self.state.blocks() as u64,
            bytes: self.state.bytes(),
            ..StateMetrics::default()
        }
    }
}

impl Aggregate {
    pub fn new(state: AggregateState, emission: Emission) -> Aggregate {
        Aggregate { state, emission, updated: 0 }
    }

    /// One window or hash bucket, whole.
    fn bucket(&self, group: i64, committed: &dyn BlockSource) -> Result<Vec<Change>, OperatorError> {
        let sign = Sign::Replace { bucket: group };
        let tasks = self.state.merge_tasks(&[group]);
        tasks.into_iter().map(|task| Ok(Change { sign, rows: self.state.merge(committed, task)? })).collect()
    }

    /// The difference that the epoch makes to one window or hash bucket. Only the keys it touched are merged, once without
    /// the epoch's blocks and once with them.
    fn changes(&self, group: i64, time: &EpochTime, committed: &dyn BlockSource) -> Result<Vec<Change>, OperatorError> {
        let state = &self.state;
        let blocks: Vec<(BlockKey, bool)> = state.blocks_of(state.buckets_of(group)).collect();
        let keys = state.spec().keys.len();
        let mut touched = HashSet::new();
        for (key, _) in blocks.iter().filter(|(_, is_new)| *is_new) {
            let rows = state.read(committed, key)?;
            touched.extend(hash_keys(&rows.columns()[..keys], rows.num_rows())?.keys);
        }
        let (mut before, mut after) = (Merger::new(state.spec())?, Merger::new(state.spec())?);
        for (key, is_new) in &blocks {
            let rows = state.read(committed, key)?;
            let hashes = hash_keys(&rows.columns()[..keys], rows.num_rows())?.keys;
            let mask: BooleanArray = hashes.iter().map(|hash| Some(touched.contains(hash))).collect();
            let rows = filter_record_batch(&rows, &mask)?;
            if !is_new {
                before.push(&rows, None)?;
            }
            after.push(&rows, None)?;
        }
        // A global aggregate has its row from the first epoch on; before that there is nothing to retract.
        let is_first = time.epoch.0 == 0 && state.spec().is_global();
        let before = before.into_result(group)?;
        let before = if is_first { before.slice(0, 0) } else { before };
        changes(&before, &after.into_result(group)?)
    }
}
