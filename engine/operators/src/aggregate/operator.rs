//! An aggregate behind the interface of all operators: what it emits in each output mode.

use std::collections::HashSet;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use state::BlockKey;

use super::delta::Delta;
use super::emitted::{Emitted, EmittedRows};
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
    /// Only if a value that is emitted could not be had from the state again.
    emitted: Option<Emitted>,
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
            Emission::Replace => self.bucket(task.group, None, committed),
            Emission::ReplaceAndChanges => {
                let (changes, emitted) = self.changes(task.group, time, committed)?;
                let mut all = self.bucket(task.group, emitted.as_ref(), committed)?;
                all.extend(changes);
                Ok(all)
            }
            Emission::Changes => Ok(self.changes(task.group, time, committed)?.0),
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
        let mut all = self.state.prepare_commit(committed, time.epoch, evict_until_us)?;
        let window = self.state.spec().window;
        if let Some(emitted) = &mut self.emitted {
            let first_open = |us: i64| Some(us.saturating_sub(window?.size_us).saturating_add(1));
            all.extend(match self.emission {
                Emission::Changes | Emission::ReplaceAndChanges => {
                    emitted.prepare_commit(committed, time.epoch, evict_until_us.and_then(first_open))?
                }
                Emission::Append | Emission::Replace | Emission::Complete => emitted.clear(),
            });
        }
        Ok(all)
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
                merger.push(&state.read(committed, &key)?)?;
            }
            count += merger.groups() as u64;
        }
        Ok(count)
    }

    fn metrics(&self) -> StateMetrics {
        let (emitted_bytes, emitted_blocks) = self.emitted.as_ref().map_or((0, 0), Emitted::size);
        StateMetrics {
            updated: self.updated,
            blocks: (self.state.blocks() + emitted_blocks) as u64,
            bytes: self.state.bytes() + emitted_bytes,
            ..StateMetrics::default()
        }
    }
}

impl Aggregate {
    pub fn new(state: AggregateState, emission: Emission, emitted: Option<Emitted>) -> Aggregate {
        Aggregate { state, emission, emitted, updated: 0 }
    }

    /// One window or hash bucket, whole. Keys of which values were kept, and which the epoch did not touch, have these.
    fn bucket(
        &self,
        group: i64,
        kept: Option<&KeptValues>,
        committed: &dyn BlockSource,
    ) -> Result<Vec<Change>, OperatorError> {
        let sign = Sign::Replace { bucket: group };
        let rows = |task: Task| {
            let rows = self.state.merge(committed, task)?;
            match (&self.emitted, kept) {
                (Some(emitted), Some(kept)) => emitted.restore(rows, &kept.rows, |key| kept.touched.contains(&key)),
                _ => Ok(rows),
            }
        };
        self.state.merge_tasks(&[group]).into_iter().map(|task| Ok(Change { sign, rows: rows(task)? })).collect()
    }

    /// The difference that the epoch makes to one window or hash bucket, and the values that were kept of it. Only the keys it touched
    /// are merged, once without the epoch's blocks and once with them.
    fn changes(
        &self,
        group: i64,
        time: &EpochTime,
        committed: &dyn BlockSource,
    ) -> Result<(Vec<Change>, Option<KeptValues>), OperatorError> {
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
                before.push(&rows)?;
            }
            after.push(&rows)?;
        }
        // A global aggregate has its row from the first epoch on; before that there is nothing to retract.
        let is_first = time.epoch.0 == 0 && state.spec().is_global();
        let before = before.into_result(group)?;
        let before = if is_first { before.slice(0, 0) } else { before };
        let after = after.into_result(group)?;
        let Some(emitted) = &self.emitted else { return Ok((changes(&before, &after)?, None)) };
        let kept = emitted.of_group(group, committed)?;
        let before = match &kept {
            Some(kept) => emitted.restore(before, kept, |_| false)?,
            None => before,
        };
        emitted.note(group, &self.to_keep(group, kept.is_some(), &after, &touched, committed)?)?;
        let kept = kept.map(|rows| KeptValues { rows, touched });
        Ok((changes(&before, &after)?, kept))
    }

    /// What is kept of a group after this epoch: the rows that it emits; and the first time, in state that an older engine left, those
    /// of all other keys as they are before compaction.
    fn to_keep(
        &self,
        group: i64,
        is_kept: bool,
        after: &RecordBatch,
        touched: &HashSet<u128>,
        committed: &dyn BlockSource,
    ) -> Result<RecordBatch, OperatorError> {
        let is_new = |(_, is_new): (BlockKey, bool)| is_new;
        if is_kept || self.state.blocks_of(self.state.buckets_of(group)).all(is_new) {
            return Ok(after.clone());
        }
        let mut merger = Merger::new(self.state.spec())?;
        for (key, _) in self.state.blocks_of(self.state.buckets_of(group)).filter(|(_, is_new)| !is_new) {
            merger.push(&self.state.read(committed, &key)?)?;
        }
        let all = merger.into_result(group)?;
        let Some(emitted) = &self.emitted else { return Ok(after.clone()) };
        let others: BooleanArray = emitted.hashes(&all)?.iter().map(|key| Some(!touched.contains(key))).collect();
        Ok(concat_batches(&self.state.spec().output, [after, &filter_record_batch(&all, &others)?])?)
    }
}

/// What was kept of a window or hash bucket before this epoch, and the keys that the epoch touched.
struct KeptValues {
    rows: EmittedRows,
    touched: HashSet<u128>,
}
