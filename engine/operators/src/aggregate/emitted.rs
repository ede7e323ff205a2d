//! What was emitted of each group, of the calls whose value could not be had from the state again.
//!
//! Merging states in another grouping, as compaction does, may change the last bits of a `stddev`. A row that is retracted must be the
//! row that was emitted, so these values are kept beside the state: one block a window or hash bucket and epoch, the newest value of a
//! key counts. State that an older engine left has none; it is then what that engine would have retracted, until the group is emitted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, interleave, take_record_batch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use epoch::EpochId;
use expr::aggregate::is_steady;
use state::{BlockKey, OperatorId};

use super::group::{GroupColumn, key_fields};
use super::index::Index;
use super::shard::UNSHARDED;
use super::spec::AggregateSpec;
use super::state::delete_below;
use crate::OperatorError;
use crate::block;
use crate::block_changes::BlockChanges;
use crate::block_source::BlockSource;
use crate::block_tiers::{BlockRef, COMPACTED_WRITER};
use crate::by_hash::ByHash;
use crate::keyed::hash::hash_keys;
use crate::sized_batch::sized_batch;

/// The values that were emitted.
#[derive(Debug)]
pub(super) struct Emitted {
    operator: OperatorId,
    schema: SchemaRef,
    /// Columns of the result that hold the keys, in the order of the keys.
    keys: Vec<usize>,
    /// Columns of the result that are kept.
    kept: Vec<usize>,
    index: Index,
    /// What the running epoch emitted, by window or hash bucket.
    fresh: Mutex<BTreeMap<i64, RecordBatch>>,
    /// Blocks of the running epoch, not yet committed.
    pending: BTreeMap<BlockKey, Arc<[u8]>>,
}

/// What was last emitted of a window or hash bucket.
#[derive(Debug)]
pub(super) struct EmittedRows {
    rows: RecordBatch,
    /// What stands for the key of each row, and the newest row of each key.
    hashes: Vec<u128>,
    newest: ByHash<u32>,
}

/// The name under which it is filed. It is part of the format of checkpoints: never change it.
pub(super) fn name(operator: &str) -> String {
    format!("{operator}/emitted")
}

/// Columns of the result whose values are kept.
fn kept_columns(spec: &AggregateSpec) -> Vec<usize> {
    let calls = spec.calls.iter().enumerate().filter(|(_, call)| !is_steady(&call.function));
    calls.map(|(at, _)| spec.group.len() + at).collect()
}

/// True if there is a call whose value must be kept.
pub(super) fn is_needed(spec: &AggregateSpec) -> bool {
    !kept_columns(spec).is_empty()
}

impl Emitted {
    /// With the blocks that it has in the checkpoint.
    pub(super) fn open(spec: &AggregateSpec, blocks: Vec<(BlockKey, u64)>) -> Emitted {
        let column_of = |key: usize| spec.group.iter().position(|column| *column == GroupColumn::Key(key));
        let kept = kept_columns(spec);
        let mut fields = key_fields(&spec.keys, &spec.input);
        fields.extend(kept.iter().map(|column| {
            let kind = spec.output.field(*column).data_type().clone();
            Field::new(format!("value_{}", column - spec.group.len()), kind, true)
        }));
        Emitted {
            operator: OperatorId::of(&name(&spec.operator)),
            schema: Arc::new(Schema::new(fields)),
            keys: (0..spec.keys.len()).filter_map(column_of).collect(),
            kept,
            index: Index::new(blocks.into_iter().map(|(key, bytes)| BlockRef { key, bytes })),
            fresh: Mutex::new(BTreeMap::new()),
            pending: BTreeMap::new(),
        }
    }

    /// What stands for the keys of result rows, in this process.
    pub(super) fn hashes(&self, result: &RecordBatch) -> Result<Vec<u128>, OperatorError> {
        let keys: Vec<ArrayRef> = self.keys.iter().map(|column| Arc::clone(result.column(*column))).collect();
        Ok(hash_keys(&keys, result.num_rows())?.keys)
    }

    /// What committed epochs have emitted of a window or hash bucket; `None` if nothing was kept of it.
    ///
    /// # Errors
    /// If a block is missing or damaged.
    pub(super) fn of_group(
        &self,
        group: i64,
        committed: &dyn BlockSource,
    ) -> Result<Option<EmittedRows>, OperatorError> {
        let blocks: Vec<BlockRef> = self.index.blocks_in(group..group + 1).copied().collect();
        if blocks.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.newest(&blocks, committed)?))
    }

    /// Result rows with the values that were emitted, where one was kept of their keys. Rows for which `is_new` stay as they are.
    ///
    /// # Errors
    /// If the columns cannot be put together.
    pub(super) fn restore(
        &self,
        result: RecordBatch,
        emitted: &EmittedRows,
        is_new: impl Fn(u128) -> bool,
    ) -> Result<RecordBatch, OperatorError> {
        let place = |(row, hash): (usize, u128)| match emitted.newest.get(&hash).filter(|_| !is_new(hash)) {
            Some(kept) => (1, *kept as usize),
            None => (0, row),
        };
        let places: Vec<(usize, usize)> = self.hashes(&result)?.into_iter().enumerate().map(place).collect();
        let mut columns = result.columns().to_vec();
        for (at, column) in self.kept.iter().enumerate() {
            let kept = emitted.rows.column(self.keys.len() + at);
            columns[*column] = interleave(&[columns[*column].as_ref(), kept.as_ref()], &places)?;
        }
        Ok(sized_batch(&result.schema(), columns, result.num_rows())?)
    }

    /// Notes what the running epoch emits of a window or hash bucket.
    ///
    /// # Errors
    /// If the rows are not of the result's columns.
    pub(super) fn note(&self, group: i64, result: &RecordBatch) -> Result<(), OperatorError> {
        let columns = self.keys.iter().chain(&self.kept).map(|column| Arc::clone(result.column(*column))).collect();
        let rows = sized_batch(&self.schema, columns, result.num_rows())?;
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).insert(group, rows);
        Ok(())
    }

    /// Files what was emitted, merges blocks that have become many, and deletes those below `until`, whose results stand.
    ///
    /// # Errors
    /// If a block to be merged cannot be read.
    pub(super) fn prepare_commit(
        &mut self,
        committed: &dyn BlockSource,
        epoch: EpochId,
        until: Option<i64>,
    ) -> Result<BlockChanges, OperatorError> {
        let mut changes = BlockChanges::default();
        let fresh = std::mem::take(self.fresh.get_mut().unwrap_or_else(PoisonError::into_inner));
        let is_open = |group: i64| until.is_none_or(|until| group >= until);
        let open = fresh.into_iter().filter(|(group, rows)| rows.num_rows() > 0 && is_open(*group));
        for (bucket, rows) in open {
            let key = BlockKey { operator: self.operator, bucket, section: UNSHARDED, epoch, writer: 0, sequence: 0 };
            self.put(key, block::encode(&rows)?);
            while let Some((tier, run)) = self.index.due(bucket) {
                self.compact(committed, BlockKey { writer: COMPACTED_WRITER + tier, ..key }, &run, &mut changes)?;
            }
        }
        if let Some(until) = until {
            let gone = self.index.take_below(until).into_iter().map(|block| block.key).collect();
            delete_below(until, gone, &mut changes);
        }
        changes.puts = std::mem::take(&mut self.pending).into_iter().collect();
        Ok(changes)
    }

    /// Deletes everything: nobody is told of changes any more.
    pub(super) fn clear(&mut self) -> BlockChanges {
        let gone = self.index.take_below(i64::MAX).into_iter().map(|block| block.key);
        BlockChanges { deletes: gone.collect(), ..BlockChanges::default() }
    }

    /// Bytes and number of blocks.
    pub(super) fn size(&self) -> (u64, usize) {
        (self.index.bytes(), self.index.len())
    }

    fn put(&mut self, key: BlockKey, bytes: Arc<[u8]>) {
        self.index.add(BlockRef { key, bytes: bytes.len() as u64 });
        self.pending.insert(key, bytes);
    }

    fn compact(
        &mut self,
        committed: &dyn BlockSource,
        merged: BlockKey,
        run: &[BlockRef],
        changes: &mut BlockChanges,
    ) -> Result<(), OperatorError> {
        let EmittedRows { rows, hashes, newest } = self.newest(run, committed)?;
        let is_newest = |(hash, row): (&u128, u32)| (newest.get(hash) == Some(&row)).then_some(row);
        let positions: UInt32Array = hashes.iter().zip(0..).filter_map(is_newest).map(Some).collect();
        let rows = take_record_batch(&rows, &positions)?;
        self.index.remove(run);
        for block in run {
            if self.pending.remove(&block.key).is_none() {
                changes.deletes.push(block.key);
            }
        }
        self.put(merged, block::encode(&rows)?);
        Ok(())
    }

    /// The rows of blocks, oldest first, and which of each key is the newest.
    fn newest(&self, blocks: &[BlockRef], committed: &dyn BlockSource) -> Result<EmittedRows, OperatorError> {
        let read = |block: &BlockRef| match self.pending.get(&block.key) {
            Some(bytes) => block::decode(bytes, &self.schema),
            None => block::decode(&committed.block(&block.key)?, &self.schema),
        };
        let batches = blocks.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let rows = concat_batches(&self.schema, &batches)?;
        let hashes = hash_keys(&rows.columns()[..self.keys.len()], rows.num_rows())?.keys;
        let newest = hashes.iter().copied().zip(0_u32..).collect();
        Ok(EmittedRows { rows, hashes, newest })
    }
}
