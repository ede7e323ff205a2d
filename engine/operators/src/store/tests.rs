//! What a store promises, one promise a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod fixture;
mod model;

use std::sync::Arc;

use super::*;
use crate::memory_blocks::MemoryBlocks;
use fixture::{Row, epoch_time, keys, rows, spec, texts};

fn open(blocks: &MemoryBlocks) -> Store {
    Store::open(spec(), blocks.list(), Arc::default())
}

/// Inserts rows into their shards in one small epoch, and commits it.
fn epoch(store: &mut Store, blocks: &mut MemoryBlocks, number: u64, inserted: &[Row]) {
    let time = epoch_time(number, None, number as i64);
    for shard in 0..SHARDS {
        let of_shard: Vec<Row> = inserted.iter().filter(|row| row.shard() == shard).cloned().collect();
        if !of_shard.is_empty() {
            let batch = rows(&of_shard);
            store.shard(shard, &time, blocks).unwrap().insert(&batch, &keys(&of_shard)).unwrap();
        }
    }
    store.finish(0..SHARDS, &time).unwrap();
    let changes = store.prepare_commit(&time, blocks).unwrap();
    blocks.apply(&changes);
    store.committed();
}

fn row(key: i64, value: i64) -> Row {
    Row { key, value, expires: None, expires_at: None }
}

fn row_of(key: i64) -> Row {
    row(key, key)
}

#[test]
fn a_store_reads_nothing_before_it_is_asked() {
    let mut blocks = MemoryBlocks::default();
    epoch(&mut open(&blocks), &mut blocks, 0, &[row(1, 10), row(2, 20)]);
    let store = open(&blocks);
    assert_eq!(blocks.reads(), 0);
    assert_eq!(store.metrics().rows, 0);
    let shard = store.shard(row(1, 0).shard(), &epoch_time(1, None, 1), &blocks).unwrap();
    assert_eq!(texts(&shard), ["1 10"]);
    assert_eq!(blocks.reads(), 2, "the summary and the one block");
}

#[test]
fn rows_of_one_key_come_oldest_first_before_and_after_a_restart() {
    let mut blocks = MemoryBlocks::default();
    let mut store = open(&blocks);
    for number in 0..40 {
        epoch(&mut store, &mut blocks, number, &[row(7, number as i64), row(7, 100 + number as i64)]);
    }
    let expected: Vec<String> =
        (0..40).flat_map(|number| [format!("7 {number}"), format!("7 {}", 100 + number)]).collect();
    for store in [store, open(&blocks)] {
        let shard = store.shard(row(7, 0).shard(), &epoch_time(40, None, 40), &blocks).unwrap();
        let found: Vec<u32> = shard.find(keys(&[row(7, 0)])[0]).collect();
        assert_eq!(fixture::texts_at(&shard, &found), expected);
        assert!(!shard.contains(keys(&[row(8, 0)])[0]));
    }
}

#[test]
fn an_epoch_without_changes_writes_nothing() {
    let mut blocks = MemoryBlocks::default();
    let mut store = open(&blocks);
    epoch(&mut store, &mut blocks, 0, &[row(1, 10)]);
    let time = epoch_time(1, Some(5), 1);
    drop(store.shard(3, &time, &blocks).unwrap());
    store.finish(0..SHARDS, &time).unwrap();
    let changes = store.prepare_commit(&time, &blocks).unwrap();
    assert!(changes.puts.is_empty() && changes.deletes.is_empty() && changes.drops.is_empty());
}

#[test]
fn what_is_due_is_known_without_reading_once_anything_was_read() {
    let mut blocks = MemoryBlocks::default();
    let late = Row { expires: Some(50), ..row(1, 10) };
    epoch(&mut open(&blocks), &mut blocks, 0, std::slice::from_ref(&late));
    let mut store = open(&blocks);
    assert!(store.any_due(&epoch_time(1, Some(1), 1)), "nothing is known yet");
    let changes = store.prepare_commit(&epoch_time(1, Some(1), 1), &blocks).unwrap();
    assert!(changes.puts.is_empty());
    store.committed();
    assert!(!store.any_due(&epoch_time(2, Some(49), 2)));
    assert!(store.any_due(&epoch_time(2, Some(50), 2)));
    assert!(store.is_due(late.shard(), &epoch_time(2, Some(50), 2)));
    assert_eq!(store.metrics().rows, 1);
    blocks.apply(&store.prepare_commit(&epoch_time(2, Some(50), 2), &blocks).unwrap());
    store.committed();
    assert!(!store.any_due(&epoch_time(3, Some(60), 3)));
    assert_eq!(blocks.list(), [], "the last row is gone, and every block with it");
    assert_eq!((store.metrics().rows, store.metrics().removed), (0, 1));
}

/// Rows of large epochs that live for two of them lay there for sixteen, until it was their shard's turn: a join's state was seen
/// growing to more than twice of what was alive.
#[test]
fn dead_rows_are_never_more_than_the_living() {
    let mut blocks = MemoryBlocks::default();
    let mut store = open(&blocks);
    store.limits = Limits { dead_entries: 16, ..Limits::default() };
    for number in 0..40 {
        let of_epoch = |row: i64| Row { expires: Some(number + 2), ..row_of(number * 6_400 + row) };
        let inserted: Vec<Row> = (0..6_400).map(of_epoch).collect();
        let time = epoch_time(number as u64, Some(number), number);
        for shard in 0..SHARDS {
            let of_shard: Vec<Row> = inserted.iter().filter(|row| row.shard() == shard).cloned().collect();
            store.shard(shard, &time, &blocks).unwrap().insert(&rows(&of_shard), &keys(&of_shard)).unwrap();
            store.finish(shard..shard + 1, &time).unwrap();
        }
        let changes = store.prepare_commit(&time, &blocks).unwrap();
        blocks.apply(&changes);
        store.committed();
        let summary = store.summary(&blocks).unwrap();
        let stored: u64 = summary.buckets.iter().map(|bucket| bucket.stored).sum();
        let live = store.metrics().rows;
        assert_eq!(live, 6_400 * (number + 1).min(2) as u64);
        assert!(stored <= 2 * live + 16 * u64::from(SHARDS), "epoch {number}: {stored} rows for {live}");
    }
}

#[test]
fn a_block_of_another_operator_is_refused() {
    let mut blocks = MemoryBlocks::default();
    epoch(&mut open(&blocks), &mut blocks, 0, &[row(1, 10)]);
    let mut list = blocks.list();
    list.push((BlockKey { bucket: 99, ..list[0].0 }, 1));
    let store = Store::open(spec(), list, Arc::default());
    let error = store.shard(0, &epoch_time(1, None, 1), &blocks).unwrap_err();
    assert!(matches!(error, OperatorError::Damaged(what) if what.contains("is no block of store gold.test")));
}

#[test]
fn more_rows_than_an_epoch_can_number_are_refused() {
    assert_eq!(format::id("s", EpochId(3), 5).unwrap(), 3 << 24 | 5);
    let error = format::id("gold.test", EpochId(3), 1 << 24).unwrap_err().to_string();
    assert!(error.contains("lower max_offsets_per_trigger"), "{error}");
}

#[test]
fn a_store_of_keys_refuses_to_give_rows() {
    let blocks = MemoryBlocks::default();
    let mut store = Store::open(StoreSpec { keeps_rows: false, ..spec() }, Vec::new(), Arc::default());
    let now = epoch_time(0, None, 0);
    let mut shard = store.shard(row(1, 1).shard(), &now, &blocks).unwrap();
    shard.insert(&rows(&[row(1, 1)]), &keys(&[row(1, 1)])).unwrap();
    drop(shard);
    store.finish(0..SHARDS, &now).unwrap();
    store.prepare_commit(&now, &blocks).unwrap();
    let shard = store.shard(row(1, 1).shard(), &now, &blocks).unwrap();
    assert!(shard.contains(keys(&[row(1, 1)])[0]));
    assert!(shard.gather(&[0]).unwrap_err().to_string().contains("keeps no rows"));
}

#[test]
fn metrics_count_the_rows_of_the_running_epoch() {
    let blocks = MemoryBlocks::default();
    let store = open(&blocks);
    let now = epoch_time(0, None, 0);
    store.shard(row(1, 1).shard(), &now, &blocks).unwrap().insert(&rows(&[row(1, 1)]), &keys(&[row(1, 1)])).unwrap();
    assert_eq!(store.metrics().rows, 1);
    store.finish(0..SHARDS, &now).unwrap();
    assert_eq!(store.metrics().rows, 1);
}

#[test]
fn the_budget_knows_what_is_in_memory() {
    let budget = Arc::new(Budget::new(1 << 40));
    let mut blocks = MemoryBlocks::default();
    let mut store = Store::open(spec(), Vec::new(), Arc::clone(&budget));
    let many: Vec<Row> = (0..10_000).map(|key| row(key, key)).collect();
    epoch(&mut store, &mut blocks, 0, &many);
    assert_eq!(store.metrics().memory_bytes, budget.used_bytes() as u64);
    assert!(budget.used_bytes() > 10_000 * 30);
    drop(store);
    assert_eq!(budget.used_bytes(), 0);
}

/// Large rows of one key, which all lie in one shard: what is written, read back, merged and compacted goes in parts.
#[test]
fn fault_5_rows_of_any_size_are_kept_in_blocks_that_can_be_read_back() {
    use arrow::array::{AsArray, StringArray};
    let large = |values: std::ops::Range<i64>| {
        let rows_of: Vec<Row> = values.map(|value| row(7, value)).collect();
        let plain = rows(&rows_of);
        let text = StringArray::from_iter_values(rows_of.iter().map(|_| "x".repeat(50 << 20)));
        let mut columns = plain.columns().to_vec();
        columns[2] = Arc::new(text);
        (arrow::array::RecordBatch::try_new(plain.schema(), columns).unwrap(), keys(&rows_of))
    };
    let mut blocks = MemoryBlocks::default();
    let mut store = open(&blocks);
    let number = row(7, 0).shard();
    for epoch in 0..2 {
        let time = epoch_time(epoch, None, epoch as i64);
        let mut shard = store.shard(number, &time, &blocks).unwrap();
        for first in [0, 2] {
            let first = epoch as i64 * 4 + first;
            let (batch, keys) = large(first..first + 2);
            shard.insert(&batch, &keys).unwrap();
        }
        drop(shard);
        store.finish(0..SHARDS, &time).unwrap();
        let changes = store.prepare_commit(&time, &blocks).unwrap();
        assert!(changes.puts.len() > 2, "{} blocks for four rows of 50 MiB, and a summary", changes.puts.len());
        blocks.apply(&changes);
        store.committed();
    }
    let store = open(&blocks);
    let shard = store.shard(number, &epoch_time(2, None, 2), &blocks).unwrap();
    let positions: Vec<u32> = shard.positions().collect();
    let parts = shard.gather_parts(&positions, usize::MAX).unwrap();
    assert!(parts.iter().all(|part| crate::cut::batch_bytes(part) <= crate::cut::PART_BYTES) && parts.len() > 1);
    let values =
        parts.iter().flat_map(|part| part.column(1).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec());
    assert_eq!(values.collect::<Vec<i64>>(), (0..8).collect::<Vec<i64>>());
    assert_eq!(shard.sizes(&positions).unwrap().len(), 8);
}
