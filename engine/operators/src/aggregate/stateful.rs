//! The aggregate behind the interface of all operators: what it gives out in each output mode.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::SchemaRef;
use state::BlockKey;

use super::block::Delta;
use super::lane::AggregateLane;
use super::merge::Merger;
use super::operator::Aggregate;
use super::spec::AggregateSpec;
use crate::OperatorError;
use crate::block_changes::BlockChanges;
use crate::block_source::BlockSource;
use crate::change::{Change, Sign};
use crate::emission::Emission;
use crate::epoch_time::EpochTime;
use crate::keyed::hash::hash_keys;
use crate::metrics::StateMetrics;
use crate::operator::{Bound, LanePart, LateRows, Operator, OperatorLane, OperatorSpec, Task};
use crate::state_rows::{self, StateRows};
use crate::stored::Stored;

/// An aggregate as the plan made it.
#[derive(Debug, Clone)]
pub struct AggregateOperator {
    /// What it computes.
    pub spec: Arc<AggregateSpec>,
    /// What it emits.
    pub emission: Emission,
}

impl OperatorSpec for AggregateOperator {
    fn name(&self) -> &str {
        &self.spec.operator
    }

    fn input(&self, _: usize) -> &SchemaRef {
        &self.spec.input
    }

    fn output(&self) -> &SchemaRef {
        &self.spec.output
    }

    fn stores(&self) -> Vec<String> {
        vec![self.spec.operator.clone()]
    }

    fn lane(self: Arc<Self>) -> Result<Box<dyn OperatorLane>, OperatorError> {
        Ok(Box::new(Lane { lane: AggregateLane::new(Arc::clone(&self.spec))?, emission: self.emission }))
    }

    fn open(self: Arc<Self>, mut stored: Stored) -> Result<Box<dyn Operator>, OperatorError> {
        let blocks = stored.blocks.pop().unwrap_or_default();
        let aggregate = Aggregate::open(Arc::clone(&self.spec), blocks)?;
        Ok(Box::new(Stateful { aggregate, emission: self.emission, updated: 0 }))
    }

    fn fingerprint(&self) -> Result<Vec<String>, OperatorError> {
        Ok(self.spec.fingerprint()?)
    }

    fn describe(&self) -> String {
        self.spec.describe()
    }

    fn bound(&self) -> Bound {
        match (self.emission, self.spec.window) {
            (Emission::Complete, _) if !self.spec.is_global() => {
                Bound::Unbounded("one row a key, for ever: complete mode forgets nothing".to_string())
            }
            (_, Some(_)) => {
                Bound::Watermark("one row a key and pane; a pane goes when its last window is complete".to_string())
            }
            (_, None) if self.spec.is_global() => Bound::Constant,
            (_, None) => Bound::Unbounded("one row a key, for ever".to_string()),
        }
    }

    fn state_rows(
        self: Arc<Self>,
        stored: Stored,
        committed: &dyn BlockSource,
    ) -> Result<Vec<StateRows>, OperatorError> {
        let blocks = stored.blocks.into_iter().next().unwrap_or_default();
        let aggregate = Aggregate::open(Arc::clone(&self.spec), blocks)?;
        let is_open = |group: &i64| match (self.spec.window, stored.last) {
            (Some(window), Some(last)) if self.emission != Emission::Complete => {
                !window.is_complete(*group, last.watermark_us)
            }
            _ => true,
        };
        let groups: Vec<i64> = match stored.last {
            Some(last) => aggregate.all_groups(&last).into_iter().filter(is_open).collect(),
            None => Vec::new(),
        };
        let tasks = aggregate.merge_items(&groups).into_iter();
        let parts = tasks.map(|task| aggregate.merge(committed, task)).collect::<Result<Vec<_>, _>>()?;
        let rows = concat_batches(&self.spec.output, &parts)?;
        let calls: Vec<String> = self.spec.calls.iter().map(|call| call.name.clone()).collect();
        let names = state_rows::result_names(&self.spec.group, "window", &self.spec.key_names, &calls);
        Ok(vec![StateRows { name: self.spec.operator.clone(), rows: state_rows::renamed(rows, &names)? }])
    }
}

struct Lane {
    lane: AggregateLane,
    emission: Emission,
}

impl OperatorLane for Lane {
    fn push(&mut self, _: usize, sign: Sign, rows: &RecordBatch, time: &EpochTime) -> Result<LateRows, OperatorError> {
        if sign != Sign::Add {
            return Err(OperatorError::Compute("an aggregate of blocks cannot take rows back".to_string()));
        }
        // Complete mode forgets nothing, so nothing comes too late for it (Spark §3).
        self.lane.push(rows, time.late_us.filter(|_| self.emission != Emission::Complete))
    }

    fn finish(&mut self) -> Result<LanePart, OperatorError> {
        Ok(Box::new(self.lane.finish()?))
    }
}

struct Stateful {
    aggregate: Aggregate,
    emission: Emission,
    /// Groups that the last epoch touched, counted lane by lane.
    updated: u64,
}

impl Operator for Stateful {
    fn absorb(&mut self, time: &EpochTime, part: LanePart, lane: u16) -> Result<(), OperatorError> {
        let deltas = part.downcast::<Vec<Delta>>();
        let deltas = deltas.map_err(|_| OperatorError::Compute("a lane handed over what is no delta".to_string()))?;
        if lane == 0 {
            self.updated = 0;
        }
        self.updated += deltas.iter().map(|delta| delta.rows).sum::<u64>();
        self.aggregate.absorb(time.epoch, lane, *deltas);
        Ok(())
    }

    fn tasks(&mut self, time: &EpochTime) -> Result<Vec<Task>, OperatorError> {
        let whole = |groups: Vec<i64>| groups.into_iter().map(|group| Task { group, shard: None }).collect();
        Ok(match self.emission {
            Emission::Append => self.aggregate.merge_items(&self.aggregate.complete_windows(time)),
            Emission::Replace | Emission::Changes | Emission::ReplaceAndChanges => {
                whole(self.aggregate.touched_groups(time))
            }
            Emission::Complete => {
                // The first epoch gives out even nothing: what stands above may have a row all the same, as `count(*)` of all has.
                let is_due = self.aggregate.is_touched() || time.epoch.0 == 0;
                whole(if is_due { vec![0] } else { Vec::new() })
            }
        })
    }

    fn run(&self, task: Task, time: &EpochTime, committed: &dyn BlockSource) -> Result<Vec<Change>, OperatorError> {
        let aggregate = &self.aggregate;
        match self.emission {
            Emission::Append => Ok(vec![Change::add(aggregate.merge(committed, task)?)]),
            Emission::Replace => self.bucket(task.group, committed),
            Emission::ReplaceAndChanges => {
                let mut changes = self.bucket(task.group, committed)?;
                changes.extend(self.changes(task.group, time, committed)?);
                Ok(changes)
            }
            Emission::Changes => self.changes(task.group, time, committed),
            Emission::Complete => {
                let tasks = aggregate.merge_items(&aggregate.all_groups(time));
                let parts = tasks.into_iter().map(|task| aggregate.merge(committed, task));
                let rows = concat_batches(&aggregate.spec().output, &parts.collect::<Result<Vec<_>, _>>()?)?;
                Ok(vec![Change { sign: Sign::Replace { bucket: 0 }, rows }])
            }
        }
    }

    fn prepare_commit(&mut self, time: &EpochTime, committed: &dyn BlockSource) -> Result<BlockChanges, OperatorError> {
        let evict_until_us = time.watermark_us.filter(|_| self.emission != Emission::Complete);
        self.aggregate.prepare_commit(committed, time.epoch, evict_until_us)
    }

    fn committed(&mut self) {
        self.aggregate.committed();
    }

    fn has_pending_output(&self, next: &EpochTime) -> bool {
        self.emission != Emission::Complete && !self.aggregate.complete_windows(next).is_empty()
    }

    fn is_final(&self, bucket: i64, time: &EpochTime) -> bool {
        let window = self.aggregate.spec().window.filter(|_| self.emission != Emission::Complete);
        window.is_some_and(|window| window.is_complete(bucket, time.watermark_us))
    }

    fn count_rows(&self, committed: &dyn BlockSource) -> Result<u64, OperatorError> {
        let aggregate = &self.aggregate;
        let mut count = 0;
        for bucket in aggregate.buckets() {
            let mut merger = Merger::new(aggregate.spec())?;
            for (key, _) in aggregate.blocks_of(bucket..bucket + 1) {
                merger.push(&aggregate.read(committed, &key)?, None)?;
            }
            count += merger.groups() as u64;
        }
        Ok(count)
    }

    fn metrics(&self) -> StateMetrics {
        StateMetrics {
            updated: self.updated,
            blocks: self.aggregate.blocks() as u64,
            bytes: self.aggregate.bytes(),
            ..StateMetrics::default()
        }
    }
}

impl Stateful {
    /// One window or hash bucket, whole.
    fn bucket(&self, group: i64, committed: &dyn BlockSource) -> Result<Vec<Change>, OperatorError> {
        let sign = Sign::Replace { bucket: group };
        let tasks = self.aggregate.merge_items(&[group]);
        tasks.into_iter().map(|task| Ok(Change { sign, rows: self.aggregate.merge(committed, task)? })).collect()
    }

    /// The difference that the epoch makes to one window or hash bucket. Only the keys it touched are merged, once without
    /// the epoch's blocks and once with them.
    fn changes(&self, group: i64, time: &EpochTime, committed: &dyn BlockSource) -> Result<Vec<Change>, OperatorError> {
        let aggregate = &self.aggregate;
        let blocks: Vec<(BlockKey, bool)> = aggregate.blocks_of(aggregate.buckets_of(group)).collect();
        let keys = aggregate.spec().keys.len();
        let mut touched = HashSet::new();
        for (key, _) in blocks.iter().filter(|(_, is_new)| *is_new) {
            let rows = aggregate.read(committed, key)?;
            touched.extend(hash_keys(&rows.columns()[..keys], rows.num_rows())?.keys);
        }
        let (mut before, mut after) = (Merger::new(aggregate.spec())?, Merger::new(aggregate.spec())?);
        for (key, is_new) in &blocks {
            let rows = aggregate.read(committed, key)?;
            let hashes = hash_keys(&rows.columns()[..keys], rows.num_rows())?.keys;
            let mask: BooleanArray = hashes.iter().map(|hash| Some(touched.contains(hash))).collect();
            let rows = filter_record_batch(&rows, &mask)?;
            if !is_new {
                before.push(&rows, None)?;
            }
            after.push(&rows, None)?;
        }
        // A global aggregate has its row from the first epoch on; before that there is nothing to take back.
        let is_first = time.epoch.0 == 0 && aggregate.spec().is_global();
        let before = before.into_result(group)?;
        let before = if is_first { before.slice(0, 0) } else { before };
        difference(before, after.into_result(group)?)
    }
}

/// What turns one set of rows into another. No row stands in a set twice.
fn difference(before: RecordBatch, after: RecordBatch) -> Result<Vec<Change>, OperatorError> {
    let hashes = |rows: &RecordBatch| -> Result<Vec<u128>, OperatorError> {
        let columns: Vec<ArrayRef> = rows.columns().to_vec();
        Ok(hash_keys(&columns, rows.num_rows())?.keys)
    };
    let (old, new) = (hashes(&before)?, hashes(&after)?);
    let without = |rows: &RecordBatch, own: &[u128], other: &[u128]| -> Result<RecordBatch, OperatorError> {
        let other: HashSet<&u128> = other.iter().collect();
        let mask: BooleanArray = own.iter().map(|hash| Some(!other.contains(hash))).collect();
        Ok(filter_record_batch(rows, &mask)?)
    };
    let changes = [Change::retract(without(&before, &old, &new)?), Change::add(without(&after, &new, &old)?)];
    Ok(changes.into_iter().filter(|change| change.rows.num_rows() > 0).collect())
}
