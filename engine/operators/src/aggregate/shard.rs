//! A hash of grouping keys that is the same in every build: it decides where state lies on disk.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::row::{RowConverter, SortField};
use datafusion::error::Result;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Shards that a large delta is split into, so that a window can be merged piece by piece.
pub const SHARDS: u8 = 8;

/// The shard of blocks that hold rows of every shard.
pub const UNSHARDED: u8 = u8::MAX;

/// Buckets over which keys without a window are spread.
pub const KEY_BUCKETS: u64 = 16;

const NULL_HASH: u64 = 0x9E37_79B9_7F4A_7C15;

/// Hash of each row's keys.
///
/// # Errors
/// If a key type has no row encoding.
pub fn key_hashes(keys: &[ArrayRef], rows: usize) -> Result<Vec<u64>> {
    let mut hashes = vec![0_u64; rows];
    for key in keys {
        hash_column(key, &mut hashes)?;
    }
    Ok(hashes)
}

/// Splits rows by `hash % parts`; parts without rows are left out. The order within a part is kept.
///
/// # Errors
/// If the rows cannot be copied.
pub fn split_by_hash(rows: &RecordBatch, hashes: &[u64], parts: u64) -> Result<Vec<(u64, RecordBatch)>> {
    let mut positions: Vec<Vec<u32>> = vec![Vec::new(); parts as usize];
    for (row, hash) in hashes.iter().enumerate() {
        positions[(hash % parts) as usize].push(row as u32);
    }
    let mut split = Vec::new();
    for (part, rows_of_part) in positions.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
        split.push((part as u64, take_record_batch(rows, &UInt32Array::from(rows_of_part))?));
    }
    Ok(split)
}

fn hash_column(column: &ArrayRef, hashes: &mut [u64]) -> Result<()> {
    match column.data_type() {
        DataType::Utf8 => {
            let values = column.as_string::<i32>();
            combine(column.as_ref(), hashes, |row, seed| xxh3_64_with_seed(values.value(row).as_bytes(), seed));
        }
        DataType::Int32 => {
            let values = column.as_primitive::<Int32Type>();
            combine(column.as_ref(), hashes, |row, seed| xxh3_64_with_seed(&values.value(row).to_le_bytes(), seed));
        }
        DataType::Int64 => {
            let values = column.as_primitive::<Int64Type>();
            combine(column.as_ref(), hashes, |row, seed| xxh3_64_with_seed(&values.value(row).to_le_bytes(), seed));
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let values = column.as_primitive::<TimestampMicrosecondType>();
            combine(column.as_ref(), hashes, |row, seed| xxh3_64_with_seed(&values.value(row).to_le_bytes(), seed));
        }
        other => {
            let converter = RowConverter::new(vec![SortField::new(other.clone())])?;
            let rows = converter.convert_columns(&[Arc::clone(column)])?;
            combine(column.as_ref(), hashes, |row, seed| xxh3_64(rows.row(row).as_ref()) ^ seed.rotate_left(17));
        }
    }
    Ok(())
}

fn combine(column: &dyn Array, hashes: &mut [u64], hash: impl Fn(usize, u64) -> u64) {
    for (row, slot) in hashes.iter_mut().enumerate() {
        *slot = if column.is_null(row) { NULL_HASH ^ slot.rotate_left(23) } else { hash(row, *slot) };
    }
}
