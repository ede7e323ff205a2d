//! The blocks of a store: rows, ids of removed rows, ids of marked rows, each with the shards that they are of.
//!
//! A row's id is the epoch that inserted it and its number among the rows of its shard in that epoch: ids ascend in the
//! order of the rows and never come again. A block holds the step from one id to the next, nearly always 1, which packs to
//! nothing.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt8Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt8Type, UInt64Type};
use epoch::EpochId;

use crate::OperatorError;
use crate::keyed::SHARDS;

/// Bits of a row's number within its epoch: 16 million rows of a shard, and 40 bits are left for the epoch, enough for 30,000 years of
/// an epoch a second. Part of the format of blocks: never change it.
const NUMBER_BITS: u32 = 24;

/// Rows of one block at most: large enough to compress well, small enough that decoding one is no burden on memory.
pub(super) const BLOCK_ROWS: usize = 32_768;

/// A row's shard and id.
pub(super) type Entry = (u8, u64);

/// The id of a row.
///
/// # Errors
/// If there are more rows in the epoch than numbers.
pub(super) fn id(store: &str, epoch: EpochId, number: u64) -> Result<u64, OperatorError> {
    if number >> NUMBER_BITS != 0 || epoch.0 >> (u64::BITS - NUMBER_BITS) != 0 {
        let what = format!("epoch {epoch} keeps more than {} rows of one shard", 1_u64 << NUMBER_BITS);
        return Err(OperatorError::Compute(format!("store {store}: {what}; lower max_offsets_per_trigger")));
    }
    Ok(epoch.0 << NUMBER_BITS | number)
}

/// The epoch that made an id.
pub(super) fn epoch_of(id: u64) -> EpochId {
    EpochId(id >> NUMBER_BITS)
}

/// Rows of a block.
#[derive(Debug, Clone)]
pub(super) struct BlockRows {
    pub shards: Vec<u8>,
    pub ids: Vec<u64>,
    pub marked: Vec<bool>,
    pub rows: RecordBatch,
}

impl BlockRows {
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn entry(&self, row: usize) -> Entry {
        (self.shards[row], self.ids[row])
    }

    /// The rows of one shard; blocks are sorted by shard.
    pub fn of_shard(&self, shard: u8) -> std::ops::Range<usize> {
        self.shards.partition_point(|other| *other < shard)..self.shards.partition_point(|other| *other <= shard)
    }
}

/// How a store's blocks look.
#[derive(Debug)]
pub(super) struct Format {
    rows: SchemaRef,
    ids: SchemaRef,
    columns: SchemaRef,
}

impl Format {
    pub fn new(columns: &SchemaRef) -> Format {
        let ids = vec![Field::new("_shard", DataType::UInt8, false), Field::new("_step", DataType::UInt64, false)];
        let mut rows: Vec<Arc<Field>> = ids.iter().cloned().map(Arc::new).collect();
        rows.push(Arc::new(Field::new("_marked", DataType::Boolean, false)));
        rows.extend(columns.fields().iter().cloned());
        Format { rows: Arc::new(Schema::new(rows)), ids: Arc::new(Schema::new(ids)), columns: Arc::clone(columns) }
    }

    pub fn encode_rows(&self, rows: &BlockRows) -> Result<Arc<[u8]>, OperatorError> {
        debug_assert!((1..rows.len()).all(|row| rows.entry(row - 1) < rows.entry(row)), "rows stand by shard and id");
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt8Array::from(rows.shards.clone())),
            Arc::new(steps(&rows.ids)),
            Arc::new(BooleanArray::from(rows.marked.clone())),
        ];
        columns.extend(rows.rows.columns().iter().cloned());
        crate::block::encode(&RecordBatch::try_new(Arc::clone(&self.rows), columns)?)
    }

    pub fn decode_rows(&self, bytes: &[u8]) -> Result<BlockRows, OperatorError> {
        let found = crate::block::decode(bytes, &self.rows)?;
        let marked = found.column(2).as_boolean().values().iter().collect();
        let (shards, ids) = names(&found)?;
        let columns = found.columns()[3..].to_vec();
        Ok(BlockRows { shards, ids, marked, rows: RecordBatch::try_new(Arc::clone(&self.columns), columns)? })
    }

    pub fn encode_ids(&self, entries: &[Entry]) -> Result<Arc<[u8]>, OperatorError> {
        debug_assert!(entries.is_sorted(), "ids stand by shard");
        let ids: Vec<u64> = entries.iter().map(|(_, id)| *id).collect();
        let shards = UInt8Array::from_iter_values(entries.iter().map(|(shard, _)| *shard));
        let columns: Vec<ArrayRef> = vec![Arc::new(shards), Arc::new(steps(&ids))];
        crate::block::encode(&RecordBatch::try_new(Arc::clone(&self.ids), columns)?)
    }

    pub fn decode_ids(&self, bytes: &[u8]) -> Result<Vec<Entry>, OperatorError> {
        let (shards, ids) = names(&crate::block::decode(bytes, &self.ids)?)?;
        Ok(shards.into_iter().zip(ids).collect())
    }
}

/// The step from each id to the next. It wraps where a new shard begins, whose ids begin anew.
fn steps(ids: &[u64]) -> UInt64Array {
    let mut before = 0_u64;
    UInt64Array::from_iter_values(ids.iter().map(|id| id.wrapping_sub(std::mem::replace(&mut before, *id))))
}

fn names(found: &RecordBatch) -> Result<(Vec<u8>, Vec<u64>), OperatorError> {
    let shards = found.column(0).as_primitive::<UInt8Type>().values().to_vec();
    let steps = found.column(1).as_primitive::<UInt64Type>();
    if shards.iter().any(|shard| *shard >= SHARDS) || found.column(0).null_count() + steps.null_count() > 0 {
        return Err(OperatorError::Damaged("a block names a shard that is not there".to_string()));
    }
    let mut id = 0_u64;
    let ids = steps.values().iter().map(|step| {
        id = id.wrapping_add(*step);
        id
    });
    Ok((shards, ids.collect()))
}
