//! The part that has memory: rows as they came and as they were emitted, and what an epoch does to them.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;

use super::spec::TimedSpec;
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::by_hash::ByHash;
use crate::change::{Change, Sign};
use crate::cut::{in_halves, joined, runs};
use crate::epoch_time::EpochTime;
use crate::keyed::hash::hash_keys;
use crate::keyed::{KeyedInput, ShardInput};
use crate::multiset::{count, take_out};
use crate::one_store::one_store;
use crate::operator::{Operator, Task};
use crate::store::{Shard, Store};
use crate::stored::Stored;

/// Rows that are looked at again at a time.
const RECHECK_ROWS: usize = 65_536;

/// The operator with its state.
#[derive(Debug)]
pub(super) struct Timed {
    spec: Arc<TimedSpec>,
    store: Store,
    schema: SchemaRef,
    input: KeyedInput,
}

/// What a shard emits.
#[derive(Default)]
struct Emits {
    retracted: Vec<RecordBatch>,
    added: Vec<RecordBatch>,
}

impl Timed {
    pub(super) fn open(spec: Arc<TimedSpec>, stored: Stored) -> Timed {
        let Stored { blocks, budget, .. } = stored;
        let store = spec.store_spec();
        let schema = Arc::clone(&store.schema);
        let store = Store::open(store, blocks.into_iter().next().unwrap_or_default(), budget);
        Timed { spec, store, schema, input: KeyedInput::default() }
    }

    fn run_shard(
        &self,
        number: u8,
        time: &EpochTime,
        committed: &dyn BlockSource,
        emits: &mut Emits,
    ) -> Result<(), OperatorError> {
        let parts: Vec<ShardInput<'_>> = self.input.of_shard(number).collect();
        if parts.is_empty() && !self.spec.is_rechecked && !self.store.is_due(number, time) {
            return Ok(());
        }
        if parts.iter().any(|part| matches!(part.sign, Sign::Replace { .. })) {
            return Err(OperatorError::fault(&self.spec.name, "whole buckets reach it"));
        }
        let mut shard = self.store.shard(number, time, committed)?;
        // A row that is added and retracted in one epoch was never there.
        let mut left = count(of_sign(&parts, Sign::Retract).flat_map(|part| part.keys.iter().copied()));
        let mut added = Vec::new();
        for part in of_sign(&parts, Sign::Add) {
            let stays: BooleanArray = take_out(&mut left, part.keys).into_iter().map(|gone| Some(!gone)).collect();
            let keys = part.keys.iter().zip(stays.values()).filter(|(_, stays)| *stays).map(|(key, _)| *key);
            added.push((filter_record_batch(&part.rows, &stays)?, keys.collect::<Vec<u128>>()));
        }
        let retracted = of_sign(&parts, Sign::Retract).flat_map(|part| part.keys.iter().copied());
        self.retract(retracted, left, &mut shard, emits)?;
        if self.spec.is_rechecked {
            self.recheck(&mut shard, emits)?;
        }
        for (rows, keys) in added {
            let mut rest = keys.as_slice();
            for (rows, made, origins) in self.evaluate(&rows)? {
                let keys;
                (keys, rest) = rest.split_at(rows.num_rows());
                shard.insert(&self.spec.filed(&rows, (&made, &origins), &self.schema)?, keys)?;
                emits.added.push(made);
            }
        }
        shard.evict(time);
        Ok(())
    }

    /// What is made of rows now, in pieces that are as long as one column can hold: rows, what is made of them, and of which of them each.
    fn evaluate(&self, rows: &RecordBatch) -> Result<Vec<(RecordBatch, RecordBatch, Vec<u32>)>, OperatorError> {
        in_halves(rows, &|rows| {
            let (made, origins) = self.spec.evaluate(rows)?;
            Ok((rows.clone(), made, origins))
        })
    }

    /// Removes a row for each of `keys`, the oldest of equal ones first, `left` of each, and retracts what was emitted of them.
    fn retract(
        &self,
        keys: impl Iterator<Item = u128>,
        mut left: ByHash<u32>,
        shard: &mut Shard,
        emits: &mut Emits,
    ) -> Result<(), OperatorError> {
        let mut found: ByHash<usize> = ByHash::default();
        let mut positions = Vec::new();
        for key in keys {
            let Some(left) = left.get_mut(&key).filter(|left| **left > 0) else { continue };
            *left -= 1;
            let before = found.entry(key).or_default();
            let position = shard.find(key).nth(*before);
            positions.push(position.ok_or_else(|| self.spec.fault("a row is retracted that was never added"))?);
            *before += 1;
        }
        for filed in shard.gather_parts(&positions, usize::MAX)? {
            emits.retracted.push(self.spec.emitted(&filed)?);
        }
        positions.into_iter().for_each(|position| shard.remove(position));
        Ok(())
    }

    /// Looks at the conditions again: what was emitted and does not meet them any more is retracted, what meets them now is added.
    fn recheck(&self, shard: &mut Shard, emits: &mut Emits) -> Result<(), OperatorError> {
        let positions: Vec<u32> = shard.positions().collect();
        for run in runs(shard.sizes(&positions)?.into_iter(), RECHECK_ROWS) {
            let mut rest = &positions[run];
            let filed = shard.gather(rest)?;
            let mut from = 0;
            for (rows, made, origins) in self.evaluate(&self.spec.came(&filed)?)? {
                let positions;
                (positions, rest) = rest.split_at(rows.num_rows());
                let filed = filed.slice(from, rows.num_rows());
                from += rows.num_rows();
                self.recheck_rows(shard, emits, (positions, &filed), (rows, made, origins))?;
            }
        }
        Ok(())
    }

    /// As [`Timed::recheck`], of rows at these positions of which this is made now.
    fn recheck_rows(
        &self,
        shard: &mut Shard,
        emits: &mut Emits,
        (positions, filed): (&[u32], &RecordBatch),
        (rows, made, origins): (RecordBatch, RecordBatch, Vec<u32>),
    ) -> Result<(), OperatorError> {
        let mut meets = vec![false; positions.len()];
        origins.iter().for_each(|origin| meets[*origin as usize] = true);
        let emitted = self.spec.is_emitted(filed);
        let changed: BooleanArray = (0..positions.len()).map(|row| Some(meets[row] != emitted.value(row))).collect();
        if changed.true_count() == 0 {
            return Ok(());
        }
        emits.retracted.push(self.spec.emitted(&filter_record_batch(filed, &changed)?)?);
        let is_new: BooleanArray = origins.iter().map(|origin| Some(changed.value(*origin as usize))).collect();
        let made = filter_record_batch(&made, &is_new)?;
        // Where each of the changed rows stands among them.
        let mut places = vec![0; positions.len()];
        (0..positions.len()).filter(|row| changed.value(*row)).zip(0..).for_each(|(row, place)| places[row] = place);
        let origins = origins.iter().filter(|origin| changed.value(**origin as usize));
        let origins: Vec<u32> = origins.map(|origin| places[*origin as usize]).collect();
        let rows = filter_record_batch(&rows, &changed)?;
        let keys = hash_keys(rows.columns(), rows.num_rows())?.keys;
        (0..positions.len()).filter(|row| changed.value(*row)).for_each(|row| shard.remove(positions[row]));
        shard.insert(&self.spec.filed(&rows, (&made, &origins), &self.schema)?, &keys)?;
        emits.added.push(made);
        Ok(())
    }
}

fn of_sign<'a>(parts: &'a [ShardInput<'a>], sign: Sign) -> impl Iterator<Item = &'a ShardInput<'a>> {
    parts.iter().filter(move |part| part.sign == sign)
}

impl Operator for Timed {
    one_store!();

    fn tasks(&mut self, time: &EpochTime) -> Result<Vec<Task>, OperatorError> {
        Ok(self.input.tasks(self.spec.is_rechecked || self.store.any_due(time)))
    }

    fn run(&self, task: Task, time: &EpochTime, committed: &dyn BlockSource) -> Result<Vec<Change>, OperatorError> {
        let shards = KeyedInput::shards_of(task);
        let mut emits = Emits::default();
        for number in shards.clone() {
            self.run_shard(number, time, committed, &mut emits)?;
        }
        self.store.finish(shards, time)?;
        let schema = self.spec.output();
        let retracted = joined(schema, &emits.retracted)?.into_iter().map(Change::retract);
        let changes = retracted.chain(joined(schema, &emits.added)?.into_iter().map(Change::add));
        Ok(changes.filter(|change| change.rows.num_rows() > 0).collect())
    }

    fn has_pending_output(&self, next: &EpochTime) -> bool {
        self.store.any_due(next)
    }
}
