//! Tests: whatever is parted by key is parted along one line, and checkpoints of before keep their own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};

use super::*;
use crate::keyed::{SHARDS as STORE_SHARDS, shard_of};

const BY_GROUP: KeyPartitioning = KeyPartitioning::KeyGroups;

fn spread(partitioning: KeyPartitioning, has_panes: bool) -> Spread {
    Spread { partitioning, keys: 1, has_panes }
}

fn rows(keys: impl Iterator<Item = i64>) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(keys));
    RecordBatch::try_new(Arc::new(Schema::new(vec![Field::new("key", DataType::Int64, false)])), vec![column]).unwrap()
}

fn keys(rows: &RecordBatch) -> Vec<i64> {
    rows.column(0).as_primitive::<Int64Type>().values().to_vec()
}

#[test]
fn buckets_shards_and_stores_part_keys_along_one_line() {
    let all = rows(0..20_000);
    let group = |key: i64| key_group(stable_hashes(rows(std::iter::once(key)).columns(), 1).unwrap()[0]);
    for (bucket, of_bucket) in spread(BY_GROUP, false).by_bucket(&all).unwrap() {
        let groups = bucket as u16 * BUCKET_GROUPS..(bucket as u16 + 1) * BUCKET_GROUPS;
        assert!(keys(&of_bucket).into_iter().all(|key| groups.contains(&group(key))), "bucket {bucket}");
        // Within a bucket too a shard is a range: two groups of its sixteen.
        for (shard, of_shard) in spread(BY_GROUP, false).by_shard(&of_bucket).unwrap() {
            let first = groups.start + u16::from(shard) * 2;
            assert!(keys(&of_shard).into_iter().all(|key| (first..first + 2).contains(&group(key))), "shard {shard}");
        }
    }
    for (shard, of_shard) in spread(BY_GROUP, true).by_shard(&all).unwrap() {
        for key in keys(&of_shard) {
            let of_store = shard_of(stable_hashes(rows(std::iter::once(key)).columns(), 1).unwrap()[0], BY_GROUP);
            assert_eq!(of_store / (STORE_SHARDS / SHARDS), shard, "a pane's shard is eight of a store's, key {key}");
        }
    }
}

#[test]
fn a_key_is_of_one_group_however_wide_its_numbers_are() {
    let wide: ArrayRef = Arc::new(Int64Array::from(vec![7, -1, 1_000]));
    let narrow = arrow::compute::cast(&wide, &DataType::Int16).unwrap();
    let buckets = |column: &ArrayRef| key_buckets(std::slice::from_ref(column), 3, BY_GROUP).unwrap();
    assert_eq!(buckets(&wide), buckets(&narrow));
}

#[test]
fn the_rows_of_a_shard_are_those_that_splitting_puts_there() {
    let all = rows(0..1_000);
    for partitioning in [BY_GROUP, KeyPartitioning::PerOperator] {
        for has_panes in [true, false] {
            let spread = spread(partitioning, has_panes);
            for (shard, of_shard) in spread.by_shard(&all).unwrap() {
                assert_eq!(spread.of_shard(&all, shard).unwrap(), of_shard);
            }
        }
    }
}

#[test]
fn a_checkpoint_of_format_1_keeps_its_buckets_and_shards() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "user-12345", ""]));
    // XXH3 with seed 0 of the text alone, by the Python package xxhash: modulo 16; and of its upper half modulo 8.
    assert_eq!(key_buckets(&[Arc::clone(&texts)], 4, KeyPartitioning::PerOperator).unwrap(), [15, 15, 4, 2]);
    let schema = Schema::new(vec![Field::new("key", DataType::Utf8, false)]);
    let rows = RecordBatch::try_new(Arc::new(schema), vec![texts]).unwrap();
    let spread = spread(KeyPartitioning::PerOperator, false);
    let hashes = spread.hashes(&rows).unwrap();
    assert_eq!(hashes.into_iter().map(|hash| spread.shard(hash)).collect::<Vec<_>>(), [6, 4, 3, 5]);
}
