//! A hash of grouping keys that is the same in every build: it decides where state lies on disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::row::{RowConverter, SortField};
use datafusion::error::Result;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Shards that a large delta is split into, so that a window can be merged task by task.
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

/// The shard of a row. It takes other bits of the hash than [`bucket_of`], so that one key bucket has rows in every shard.
pub fn shard_of(hash: u64) -> u8 {
    ((hash >> 32) % u64::from(SHARDS)) as u8
}

/// The bucket of a row without a window.
pub fn bucket_of(hash: u64) -> i64 {
    (hash % KEY_BUCKETS) as i64
}

/// Splits rows by `part`, which is below `parts`; parts without rows are left out. The order within a part is kept.
///
/// # Errors
/// If the keys have no hash or the rows cannot be copied.
pub fn split_by_key<P: Copy + Into<i64>>(
    rows: &RecordBatch,
    keys: usize,
    part: impl Fn(u64) -> P,
) -> Result<Vec<(P, RecordBatch)>> {
    let mut positions: BTreeMap<i64, (Option<P>, Vec<u32>)> = BTreeMap::new();
    for (row, hash) in key_hashes(&rows.columns()[..keys], rows.num_rows())?.into_iter().enumerate() {
        let of_row = part(hash);
        let slot = positions.entry(of_row.into()).or_default();
        slot.0 = Some(of_row);
        slot.1.push(row as u32);
    }
    let parts = positions.into_values().filter_map(|(part, rows)| Some((part?, rows)));
    parts.map(|(part, of_part)| Ok((part, take_record_batch(rows, &UInt32Array::from(of_part))?))).collect()
}

/// One representative for values that are one group: 0.0 for -0.0, one NaN for all (Spark's `NormalizeFloatingNumbers`).
pub fn normalized(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Float64 => Arc::new(
            column
                .as_primitive::<Float64Type>()
                .unary::<_, Float64Type>(|value| if value.is_nan() { f64::NAN } else { value + 0.0 }),
        ),
        DataType::Float32 => Arc::new(
            column
                .as_primitive::<Float32Type>()
                .unary::<_, Float32Type>(|value| if value.is_nan() { f32::NAN } else { value + 0.0 }),
        ),
        _ => Arc::clone(column),
    }
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
            let rows = converter.convert_columns(&[normalized(column)])?;
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
