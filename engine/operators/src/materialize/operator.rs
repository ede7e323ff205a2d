//! The part that has memory: rows by bucket, and what an epoch does to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::spec::{Bucket, MaterializeSpec};
use crate::OperatorError;
use crate::block_changes::BlockChanges;
use crate::block_source::BlockSource;
use crate::change::{Change, Sign};
use crate::epoch_time::EpochTime;
use crate::first_emission::FirstEmission;
use crate::keyed::{KeyedInput, ShardInput, shard_of_key};
use crate::metrics::StateMetrics;
use crate::multiset::{count, row_hashes, take_out};
use crate::operator::{LanePart, Operator, Task};
use crate::store::{Shard, Store};
use crate::stored::Stored;
use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use state::KeyPartitioning;

/// The bucket of a table that is emitted whole.
const WHOLE: i64 = 0;

/// The operator with its state.
#[derive(Debug)]
pub(super) struct Materialize {
    spec: Arc<MaterializeSpec>,
    store: Store,
    partitioning: KeyPartitioning,
    /// Only if the table is emitted in the first epoch.
    first_emission: Option<FirstEmission>,
    input: KeyedInput,
}

/// What an epoch brought for one bucket.
#[derive(Default)]
struct TouchedBucket {
    key: u128,
    retracted: Vec<u128>,
}

impl Materialize {
    pub(super) fn open(spec: Arc<MaterializeSpec>, stored: Stored) -> Materialize {
        let Stored { blocks, partitioning, budget, .. } = stored;
        let mut blocks = blocks.into_iter();
        let store = Store::open(spec.store_spec(), blocks.next().unwrap_or_default(), Arc::clone(&budget));
        let first_emission = (spec.bucket == Bucket::Whole)
            .then(|| FirstEmission::open(&spec.name, blocks.next().unwrap_or_default(), partitioning, budget));
        Materialize { spec, store, partitioning, first_emission, input: KeyedInput::default() }
    }

    /// True until a table that is emitted whole has been.
    fn is_first(&self) -> bool {
        self.first_emission.as_ref().is_some_and(|first_emission| !first_emission.has_emitted())
    }

    /// Takes in the rows of a shard, all that are added before any that is retracted; says which buckets they touch.
    fn take_in(
        &self,
        parts: &[ShardInput<'_>],
        shard: &mut Shard,
    ) -> Result<BTreeMap<i64, TouchedBucket>, OperatorError> {
        let mut touched = BTreeMap::<i64, TouchedBucket>::new();
        for part in parts {
            let buckets = part.rows.column(0).as_primitive::<Int64Type>();
            let hashes = match part.sign {
                Sign::Add => {
                    shard.insert(&part.rows, part.keys)?;
                    None
                }
                Sign::Retract => Some(row_hashes(&part.rows)?),
                Sign::Replace { .. } => return Err(self.spec.fault("whole buckets reach it")),
            };
            for (row, bucket) in buckets.values().iter().enumerate() {
                let bucket = touched.entry(*bucket).or_default();
                bucket.key = part.keys[row];
                bucket.retracted.extend(hashes.as_ref().map(|hashes| hashes[row]));
            }
        }
        Ok(touched)
    }

    /// What a bucket has once the rows that are retracted are removed, the oldest of equal ones first.
    /// In parts that are small enough to be put together, one at least; a table that is emitted whole is one, as what stands above it sorts
    /// it perhaps.
    fn rows_of(&self, touched: TouchedBucket, shard: &mut Shard) -> Result<Vec<RecordBatch>, OperatorError> {
        let mut positions: Vec<u32> = shard.find(touched.key).collect();
        let gather = |shard: &Shard, positions: &[u32]| match self.spec.bucket {
            Bucket::Whole => Ok(vec![shard.gather(positions)?]),
            _ => shard.gather_parts(positions, usize::MAX),
        };
        let mut parts = gather(shard, &positions)?;
        if !touched.retracted.is_empty() {
            let mut counts = count(touched.retracted.iter().copied());
            let mut is_retracted = Vec::with_capacity(positions.len());
            for rows in &parts {
                is_retracted.extend(take_out(&mut counts, &row_hashes(rows)?));
            }
            if is_retracted.iter().filter(|is_retracted| **is_retracted).count() < touched.retracted.len() {
                return Err(self.spec.fault("a row is retracted that was never added"));
            }
            let (retracted, stay): (Vec<_>, Vec<_>) =
                positions.into_iter().zip(is_retracted).partition(|(_, is_retracted)| *is_retracted);
            retracted.into_iter().for_each(|(position, _)| shard.remove(position));
            positions = stay.into_iter().map(|(position, _)| position).collect();
            parts = gather(shard, &positions)?;
        }
        if parts.is_empty() {
            return Ok(vec![RecordBatch::new_empty(Arc::clone(&self.spec.schema))]);
        }
        let shown = |rows: RecordBatch| {
            let columns = rows.columns()[self.spec.extra_columns()..].to_vec();
            Ok(RecordBatch::try_new(Arc::clone(&self.spec.schema), columns)?)
        };
        parts.into_iter().map(shown).collect()
    }

    fn run_shard(
        &self,
        number: u8,
        time: &EpochTime,
        committed: &dyn BlockSource,
    ) -> Result<BTreeMap<i64, Vec<RecordBatch>>, OperatorError> {
        let parts: Vec<ShardInput<'_>> = self.input.of_shard(number).collect();
        if parts.is_empty() && !self.store.is_due(number, time) {
            return Ok(BTreeMap::new());
        }
        let mut shard = self.store.shard(number, time, committed)?;
        let mut out = BTreeMap::new();
        for (bucket, touched) in self.take_in(&parts, &mut shard)? {
            out.insert(bucket, self.rows_of(touched, &mut shard)?);
        }
        shard.evict(time);
        Ok(out)
    }
}

impl Operator for Materialize {
    fn absorb(&mut self, _: &EpochTime, part: LanePart, _: u16) -> Result<(), OperatorError> {
        self.input.absorb(part)
    }

    fn tasks(&mut self, time: &EpochTime) -> Result<Vec<Task>, OperatorError> {
        Ok(self.input.tasks(self.is_first() || self.store.any_due(time)))
    }

    fn run(&self, task: Task, time: &EpochTime, committed: &dyn BlockSource) -> Result<Vec<Change>, OperatorError> {
        let shards = KeyedInput::shards_of(task);
        let mut out = BTreeMap::new();
        for number in shards.clone() {
            out.extend(self.run_shard(number, time, committed)?);
        }
        self.store.finish(shards.clone(), time)?;
        if let Some(first_emission) =
            self.first_emission.as_ref().filter(|first_emission| !first_emission.has_emitted())
        {
            // The task whose shard holds the one bucket emits it, rows or none; the others have nothing to do with it.
            let bucket: ArrayRef = Arc::new(Int64Array::from(vec![WHOLE]));
            if shards.contains(&shard_of_key(&[bucket], self.partitioning)?) {
                out.entry(WHOLE).or_insert_with(|| vec![RecordBatch::new_empty(Arc::clone(&self.spec.schema))]);
                first_emission.note(time, committed)?;
            }
        }
        let of_bucket = |(bucket, parts): (i64, Vec<RecordBatch>)| {
            parts.into_iter().map(move |rows| Change { sign: Sign::Replace { bucket }, rows })
        };
        Ok(out.into_iter().flat_map(of_bucket).collect())
    }

    fn prepare_commit(&mut self, time: &EpochTime, committed: &dyn BlockSource) -> Result<BlockChanges, OperatorError> {
        self.input.clear();
        let mut all = self.store.prepare_commit(time, committed)?;
        if let Some(first_emission) = &mut self.first_emission {
            all.extend(first_emission.prepare_commit(time, committed)?);
        }
        Ok(all)
    }

    fn committed(&mut self) {
        self.store.committed();
        self.first_emission.iter_mut().for_each(FirstEmission::committed);
    }

    fn has_pending_output(&self, next: &EpochTime) -> bool {
        self.is_first() || self.store.any_due(next)
    }

    fn is_final(&self, bucket: i64, time: &EpochTime) -> bool {
        self.spec.is_final(bucket, time.watermark_us)
    }

    fn count_rows(&self, committed: &dyn BlockSource) -> Result<u64, OperatorError> {
        self.store.count_rows(committed)
    }

    fn metrics(&self) -> StateMetrics {
        self.store.metrics()
    }
}
