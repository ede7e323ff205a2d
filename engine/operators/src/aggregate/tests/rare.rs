//! Cases that random rows seldom meet: many groups, many epochs, the far ends of time, and faults that were found.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::functions_aggregate::array_agg::array_agg_udaf;
use datafusion::physical_expr::PhysicalSortExpr;
use datafusion::physical_expr::aggregate::AggregateExprBuilder;
use datafusion::physical_expr::expressions::col;
use expr::window::WindowSpec;
use std::sync::Arc;

use super::engine::{Row, absorb, by_group, epoch_time, input_schema, merged, open, spec, spec_of};
use crate::aggregate::AggregateCall;
use crate::aggregate::shard::{KEY_BUCKETS, SHARDS, UNSHARDED};
use crate::memory_blocks::MemoryBlocks;

const MINUTE: i64 = 60_000_000;

fn minute() -> Option<WindowSpec> {
    Some(WindowSpec { size_us: MINUTE, slide_us: MINUTE, offset_us: 0 })
}

fn many(from: usize, until: usize, value: i64) -> Vec<Row> {
    (from..until).map(|key| Row::of(1, &format!("key {key}"), value)).collect()
}

#[test]
fn lists_keep_the_order_of_arrival_when_small_and_large_epochs_are_compacted_together() {
    let spec = spec(minute(), &[2]);
    let (mut store, mut aggregate) = (MemoryBlocks::default(), open(&MemoryBlocks::default(), &spec));
    for epoch in 0..40 {
        let rows = if epoch % 3 == 1 { many(0, 17_000, epoch) } else { many(0, 5, epoch) };
        let time = epoch_time(epoch as u64, None, None);
        absorb(&mut aggregate, &vec![vec![rows]], &time, None);
        store.apply(&aggregate.prepare_commit(&store, time.epoch, None).unwrap());
        aggregate.committed();
        assert!(store.map.keys().any(|key| key.section != UNSHARDED) == (epoch > 0));
    }
    assert!(aggregate.blocks() < 100, "{} blocks", aggregate.blocks());
    let results = by_group(&spec, &merged(&aggregate, &store, &[0]));
    assert_eq!(results.len(), 17_000);
    for (group, values) in results {
        let expected: Vec<i64> =
            match ["'key 0'", "'key 1'", "'key 2'", "'key 3'", "'key 4'"].contains(&group.1[0].as_str()) {
                true => (0..40).collect(),
                false => (0..40).filter(|epoch| epoch % 3 == 1).collect(),
            };
        assert_eq!(values.list, expected, "{group:?}");
    }
}

#[test]
fn hundreds_of_epochs_leave_few_blocks() {
    let spec = spec(minute(), &[2]);
    let (mut store, mut aggregate) = (MemoryBlocks::default(), open(&MemoryBlocks::default(), &spec));
    for epoch in 0..600 {
        let time = epoch_time(epoch, None, None);
        absorb(&mut aggregate, &vec![vec![many(0, 3, epoch as i64)], vec![many(0, 2, -1)]], &time, None);
        store.apply(&aggregate.prepare_commit(&store, time.epoch, None).unwrap());
        aggregate.committed();
        assert!(aggregate.blocks() <= 4 * 16, "{} blocks", aggregate.blocks());
    }
    let results = by_group(&spec, &merged(&open(&store, &spec), &store, &[0]));
    let key = &results[&(Some(0), vec!["'key 0'".to_string()])];
    assert_eq!(key.list.iter().filter(|value| **value >= 0).copied().collect::<Vec<_>>(), (0..600).collect::<Vec<_>>());
    assert_eq!(key.count, 1_200);
}

#[test]
fn keys_without_a_window_are_spread_over_all_shards() {
    // Bucket and shard came from the same bits of the hash: every row of a bucket fell into one shard.
    let spec = spec(None, &[2]);
    let (store, mut aggregate) = (MemoryBlocks::default(), open(&MemoryBlocks::default(), &spec));
    let time = epoch_time(0, None, None);
    absorb(&mut aggregate, &vec![vec![many(0, 300_000, 1)]], &time, None);
    let groups = aggregate.all_groups(&time);
    assert_eq!(groups.len() as u64, u64::from(KEY_BUCKETS));
    assert_eq!(aggregate.blocks() as u64, u64::from(KEY_BUCKETS) * u64::from(SHARDS));
    assert_eq!(by_group(&spec, &merged(&aggregate, &store, &groups)).len(), 300_000);
}

#[test]
fn running_an_epoch_again_gives_the_same_bytes() {
    let mut spec = spec(Some(WindowSpec { size_us: 10, slide_us: 4, offset_us: 1 }), &[1, 2]).as_ref().clone();
    // count(DISTINCT)'s state is a set in no order.
    spec.calls.pop();
    let spec = Arc::new(spec);
    let mut store = MemoryBlocks::default();
    for epoch in 0..40 {
        let rows = |lane: i64| {
            (0..50).map(|row| Row::of((row * 7 + lane) % 30, &format!("{}", row % 9), row)).collect::<Vec<_>>()
        };
        let run = || {
            let mut aggregate = open(&store, &spec);
            let time = epoch_time(epoch, Some(3), Some(6));
            absorb(&mut aggregate, &vec![vec![rows(0), rows(1)], vec![rows(2)]], &time, Some(3));
            aggregate.prepare_commit(&store, time.epoch, Some(6)).unwrap()
        };
        let (once, again) = (run(), run());
        assert_eq!(once.puts, again.puts);
        assert_eq!(once.deletes, again.deletes);
        assert_eq!(once.drops, again.drops);
        store.apply(&once);
    }
}

#[test]
fn what_came_and_went_within_one_epoch_is_not_written() {
    let spec = spec(minute(), &[2]);
    let (store, mut aggregate) = (MemoryBlocks::default(), open(&MemoryBlocks::default(), &spec));
    let time = epoch_time(0, None, Some(MINUTE));
    absorb(&mut aggregate, &vec![vec![many(0, 10, 1)]], &time, None);
    assert_eq!(aggregate.complete_windows(&time), vec![0]);
    assert_eq!(by_group(&spec, &merged(&aggregate, &store, &[0])).len(), 10);
    let changes = aggregate.prepare_commit(&store, time.epoch, Some(MINUTE)).unwrap();
    assert!(changes.puts.is_empty() && changes.deletes.is_empty() && changes.drops.is_empty());
    assert_eq!(aggregate.blocks(), 0);
}

/// Each window that went left a range of deleted keys behind, and RocksDB sorted all of them anew for the first read of every
/// epoch: after 2,000 small epochs a read took 30 ms.
#[test]
fn a_small_window_goes_block_by_block_and_a_large_one_as_a_range() {
    let spec = spec(minute(), &[2]);
    for epochs in [5, 15] {
        let mut store = MemoryBlocks::default();
        let mut aggregate = open(&store, &spec);
        for epoch in 0..epochs {
            let time = epoch_time(epoch, None, None);
            absorb(&mut aggregate, &vec![vec![many(0, 10, 1)]], &time, None);
            store.apply(&aggregate.prepare_commit(&store, time.epoch, None).unwrap());
            aggregate.committed();
        }
        let changes = aggregate.prepare_commit(&store, epoch::EpochId(epochs), Some(MINUTE)).unwrap();
        assert_eq!((changes.drops.len(), changes.deletes.len() as u64), (0, epochs));
        store.apply(&changes);
        assert!(store.map.is_empty());
    }
    let mut store = MemoryBlocks::default();
    let mut aggregate = open(&store, &spec);
    let time = epoch_time(0, None, None);
    // So many windows that they are more blocks than go one by one.
    let rows: Vec<Row> = (0..300).map(|minute| Row::of(minute * MINUTE, "key", 1)).collect();
    absorb(&mut aggregate, &vec![vec![rows]], &time, None);
    store.apply(&aggregate.prepare_commit(&store, time.epoch, None).unwrap());
    aggregate.committed();
    assert_eq!(aggregate.blocks(), 300);
    let changes = aggregate.prepare_commit(&store, epoch::EpochId(1), Some(300 * MINUTE)).unwrap();
    assert_eq!((changes.drops.len(), changes.deletes.len()), (1, 0));
    store.apply(&changes);
    assert!(store.map.is_empty());
}

#[test]
fn a_window_alone_without_any_aggregate_is_a_row() {
    // State without columns could not be split by pane.
    let spec = Arc::new(spec_of(minute(), &[], Vec::new()));
    let (mut store, mut aggregate) = (MemoryBlocks::default(), open(&MemoryBlocks::default(), &spec));
    let rows = vec![Row::of(1, "a", 1), Row::of(MINUTE + 1, "b", 1), Row::of(2, "c", 1)];
    for epoch in 0..20 {
        let time = epoch_time(epoch, None, None);
        absorb(&mut aggregate, &vec![vec![rows.clone()]], &time, None);
        store.apply(&aggregate.prepare_commit(&store, time.epoch, None).unwrap());
        aggregate.committed();
    }
    let results = merged(&aggregate, &store, &[0, MINUTE]);
    assert_eq!(results.iter().map(|result| result.num_rows()).collect::<Vec<_>>(), vec![1, 1]);
}

#[test]
fn the_far_ends_of_time_have_windows_too() {
    for window in [
        WindowSpec { size_us: 10, slide_us: 4, offset_us: 1 },
        WindowSpec { size_us: MINUTE, slide_us: MINUTE, offset_us: -7 },
    ] {
        for time_us in [i64::MIN, i64::MIN + 1, i64::MIN / 2 - 1, -1, 0, i64::MAX / 2 + 1, i64::MAX - 1, i64::MAX] {
            let pane = window.pane_of(time_us);
            assert!(
                pane <= time_us && i128::from(time_us) - i128::from(pane) < i128::from(window.pane_us()),
                "{time_us}: {pane}"
            );
            assert!(window.windows_of(pane).count() <= 3);
            let spec = spec(Some(window), &[]);
            let mut aggregate = open(&MemoryBlocks::default(), &spec);
            let rows = vec![Row::of(0, "", 1), Row::of(time_us, "", 2), Row::of(0, "", 3)];
            absorb(&mut aggregate, &vec![vec![rows]], &epoch_time(0, None, None), None);
            assert_eq!(aggregate.blocks(), if pane == window.pane_of(0) { 1 } else { 2 });
        }
    }
}

#[test]
fn a_function_with_an_order_of_its_own_gets_the_columns_it_orders_by() {
    // Only the arguments were handed over: the function read past them.
    let schema = input_schema();
    let order = PhysicalSortExpr::new_default(col("number", &schema).unwrap());
    let function = AggregateExprBuilder::new(array_agg_udaf(), vec![col("value", &schema).unwrap()])
        .schema(schema)
        .alias("listed")
        .order_by(vec![order])
        .build()
        .unwrap();
    let call = AggregateCall { name: "listed".to_string(), function: Arc::new(function), filter: None };
    let spec = Arc::new(spec_of(minute(), &[], vec![call]));
    let (mut store, mut aggregate) = (MemoryBlocks::default(), open(&MemoryBlocks::default(), &spec));
    for epoch in 0..20_i64 {
        let row = |number: i64| Row { number: Some(number as i32), ..Row::of(1, "", number) };
        let time = epoch_time(epoch as u64, None, None);
        absorb(&mut aggregate, &vec![vec![vec![row(100 - epoch), row(epoch)]]], &time, None);
        store.apply(&aggregate.prepare_commit(&store, time.epoch, None).unwrap());
        aggregate.committed();
    }
    let results = merged(&aggregate, &store, &[0]);
    let list = results[0].column(1).as_list::<i32>().value(0);
    let expected: Vec<i64> = (0..20).chain(81..=100).collect();
    assert_eq!(list.as_primitive::<Int64Type>().values().to_vec(), expected);
}

#[test]
fn more_than_a_lane_may_hold_is_handed_over_early_and_stays_in_order() {
    let spec = spec(minute(), &[2]);
    let mut aggregate = open(&MemoryBlocks::default(), &spec);
    // 9,000 groups whose lists take over 64 MiB: several blocks of one lane and epoch.
    let chunks: Vec<Vec<Row>> = (0..800).map(|value| many(0, 9_000, value)).collect();
    absorb(&mut aggregate, &vec![chunks], &epoch_time(0, None, None), None);
    assert!(aggregate.blocks() > 1);
    let results = by_group(&spec, &merged(&aggregate, &MemoryBlocks::default(), &[0]));
    assert_eq!(results.len(), 9_000);
    assert!(results.values().all(|values| values.list == (0..800).collect::<Vec<_>>()));
}

#[test]
fn a_global_aggregate_has_its_row_before_any_input_and_no_other_has() {
    let spec = spec(None, &[]);
    let (store, aggregate) = (MemoryBlocks::default(), open(&MemoryBlocks::default(), &spec));
    let first = epoch_time(0, None, None);
    assert_eq!(aggregate.touched_groups(&first), vec![0]);
    let results = by_group(&spec, &merged(&aggregate, &store, &[0]));
    assert_eq!(results, BTreeMap::from([((None, Vec::new()), Default::default())]));
    assert!(aggregate.touched_groups(&epoch_time(1, None, None)).is_empty());
}
