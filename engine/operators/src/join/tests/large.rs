//! Epochs large enough to be done task by task, keys with more pairs than fit into a chunk, and what a join says of itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use state::KeyPartitioning;

use super::machine::{Machine, epoch_time};
use super::rows::{On, Row, SECOND, Shape, at, nested_loops, schema};
use crate::OperatorError;
use crate::change::Sign;
use crate::cut::{PART_BYTES, batch_bytes};
use crate::join::{JoinKind, JoinSide, JoinSpec, Side};
use crate::keyed::SHARDS;
use crate::memory_blocks::MemoryBlocks;
use crate::operator::{Bound, Operator, OperatorSpec};

const KINDS: [JoinKind; 6] =
    [JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Full, JoinKind::LeftSemi, JoinKind::LeftAnti];

/// Rows by a fixed rule that looks random.
fn many(count: i64, keys: i64, seed: i64) -> Vec<Row> {
    let mut state = seed.wrapping_mul(0x2545_F491_4F6C_DD1D) | 1;
    let mut next = |below: i64| {
        state ^= state << 13;
        state ^= ((state as u64) >> 7) as i64;
        state ^= state << 17;
        ((state as u64) % below as u64) as i64
    };
    (0..count).map(|value| Row { key: Some(next(keys)), time: Some(next(300) * SECOND), value }).collect()
}

fn by_key(rows: &[Row]) -> BTreeMap<Option<i64>, Vec<Row>> {
    let mut groups: BTreeMap<Option<i64>, Vec<Row>> = BTreeMap::new();
    rows.iter().for_each(|row| groups.entry(row.key).or_default().push(*row));
    groups
}

#[test]
fn large_epochs_are_done_shard_by_shard() {
    let (left, right) = (many(11_000, 3_000, 1), many(12_000, 3_500, 2));
    let more = [many(200, 3_000, 5), many(200, 3_500, 6)];
    for kind in KINDS {
        let shape = Shape::new(kind, On::Range(20, 20));
        let mut machine = Machine::new(shape, shape.spec([true, true]));
        let first = machine.simple(&left, &right, epoch_time(0, None, None));
        machine.restart();
        // More rows of keys that are there, few enough to be done in one task: they find those of the large epoch.
        let second = machine.simple(&more[0], &more[1], epoch_time(1, None, Some(150 * SECOND)));
        machine.restart();
        let last = machine.simple(&[], &[], epoch_time(2, Some(150 * SECOND), Some(1_000 * SECOND)));
        let mut emitted: Vec<_> = [&first, &second, &last].iter().flat_map(|done| done.added()).collect();
        emitted.sort_unstable();
        let (left, right) = (by_key(&[&left[..], &more[0]].concat()), by_key(&[&right[..], &more[1]].concat()));
        let keys = 0..3_500;
        let of = |rows: &BTreeMap<_, Vec<Row>>, key: i64| rows.get(&Some(key)).cloned().unwrap_or_default();
        let mut expected: Vec<_> =
            keys.flat_map(|key| nested_loops(&shape, &of(&left, key), &of(&right, key))).collect();
        expected.sort_unstable();
        assert!(emitted == expected, "{kind:?}: {} rows, expected {}", emitted.len(), expected.len());
        assert_eq!(machine.join.metrics().rows, 0);
        // Small batches are put together, shard by shard.
        assert!(first.changes.len() <= usize::from(SHARDS), "{} batches", first.changes.len());
    }
}

#[test]
fn a_key_of_many_pairs_is_done_in_chunks() {
    // 90,000 pairs a time, more than a chunk; rows come before, after and beside their partners.
    let (left, right) = (many(300, 1, 3), many(300, 1, 4));
    for kind in KINDS {
        for on in [On::Key, On::Range(100, 150)] {
            for splits in [[300, 0], [0, 300], [150, 100]] {
                let shape = Shape::new(kind, on);
                let mut machine = Machine::new(shape, shape.spec([true, true]));
                let (now, later) = (left.split_at(splits[0]), right.split_at(splits[1]));
                let mut emitted = machine.simple(now.0, later.0, epoch_time(0, None, None)).added();
                emitted.extend(machine.simple(now.1, later.1, epoch_time(1, None, None)).added());
                emitted.extend(machine.simple(&[], &[], epoch_time(2, None, Some(1_000 * SECOND))).added());
                emitted.sort_unstable();
                assert!(emitted == nested_loops(&shape, &left, &right), "{kind:?} {on:?} {splits:?}");
            }
        }
    }
}

#[test]
fn it_says_what_bounds_it_and_what_it_keeps() {
    let bounded = Shape::new(JoinKind::Left, On::Range(0, 600)).spec([true, true]);
    let Bound::Watermark(text) = bounded.bound() else { panic!() };
    assert!(text.contains("left_until") && text.contains("right_until"), "{text}");
    let open = Shape::new(JoinKind::Inner, On::Key).spec([false, false]);
    let Bound::Unbounded(text) = open.bound() else { panic!() };
    assert!(text.contains("left") && text.contains("right"), "{text}");
    let text = bounded.describe();
    assert!(text.starts_with("left outer join on left_key = right_key and "), "{text}");
    assert_eq!(open.stores(), ["gold.pairs/join.left", "gold.pairs/join.right"]);
    assert_ne!(bounded.fingerprint().unwrap(), open.fingerprint().unwrap());
    assert!(bounded.output().field(3).is_nullable() && bounded.output().field(5).is_nullable());
    assert!(!bounded.output().field(2).is_nullable() && !open.output().field(5).is_nullable());
}

#[test]
fn an_impossible_join_is_refused() {
    let side = |side, keys: &[usize]| JoinSide::new(schema(side), keys.to_vec());
    let error = |left, right| -> OperatorError {
        JoinSpec::new("gold.bad".to_string(), JoinKind::Inner, left, right).unwrap_err()
    };
    let (left, right) = (side(Side::Left, &[1]), side(Side::Right, &[1]));
    assert!(error(side(Side::Left, &[]), side(Side::Right, &[])).to_string().contains("keys"));
    assert!(error(left.clone(), side(Side::Right, &[2])).to_string().contains("two types"));
    assert!(error(left.clone(), side(Side::Right, &[9])).to_string().contains("column 9"));
    let wrong = JoinSide { expires: Some(0), ..left.clone() };
    assert!(error(wrong, right.clone()).to_string().contains("left_value"));
    let spec = JoinSpec::new("gold.good".to_string(), JoinKind::Inner, left, right).unwrap();
    assert_eq!(spec.output().fields().len(), 10);
    assert!(spec.with_projection(&[10]).is_err());
}

#[test]
fn a_result_without_columns_still_counts_its_rows() {
    let shape = Shape::new(JoinKind::Inner, On::Key);
    let spec = shape.spec([false, false]).with_projection(&[]).unwrap();
    let mut machine = Machine::new(shape, spec);
    let rows: Vec<Row> = (0..40).map(|key| at(key, 1)).collect();
    let done = machine.simple(&rows, &rows, epoch_time(0, None, None));
    assert_eq!(done.changes.iter().map(|change| change.rows.num_rows()).sum::<usize>(), 40);
}

#[test]
fn a_column_may_be_two_keys() {
    // left.key = right.key AND left.key = right.value
    let sides = [JoinSide::new(schema(Side::Left), vec![1, 1]), JoinSide::new(schema(Side::Right), vec![1, 0])];
    let [left, right] = sides;
    let spec = JoinSpec::new("gold.twice".to_string(), JoinKind::Left, left, right).unwrap();
    let mut machine =
        Machine::new(Shape::new(JoinKind::Left, On::Key), spec.with_projection(&[1, 2, 0, 6, 7, 5]).unwrap());
    let row = |key: i64, value: i64| Row { key: Some(key), time: Some(0), value };
    assert_eq!(machine.simple(&[row(1, 5), row(2, 5)], &[], epoch_time(0, None, None)).sorted(), []);
    let done = machine.simple(&[], &[row(1, 1), row(2, 1)], epoch_time(1, None, None));
    assert_eq!(done.sorted(), [(Some(row(1, 5)), Some(row(1, 1)))]);
}

/// One row of 30 MiB in twelve pairs: what comes out is more text than one batch may hold, and goes out in parts.
#[test]
fn fault_5_a_large_row_of_many_pairs_goes_out_in_parts() {
    let fields = vec![Field::new("key", DataType::Int64, false), Field::new("text", DataType::Utf8, false)];
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let side = || JoinSide::new(Arc::clone(&schema), vec![0]);
    let spec = Arc::new(JoinSpec::new("gold.texts".to_string(), JoinKind::Inner, side(), side()).unwrap());
    let rows = |texts: &[String]| {
        let keys: ArrayRef = Arc::new(Int64Array::from(vec![7; texts.len()]));
        RecordBatch::try_new(Arc::clone(&schema), vec![keys, Arc::new(StringArray::from(texts.to_vec()))]).unwrap()
    };
    let time = epoch_time(0, None, None);
    let shared: Arc<dyn OperatorSpec> = spec;
    let mut lane = Arc::clone(&shared).lane(KeyPartitioning::default()).unwrap();
    lane.push(0, Sign::Add, &rows(&["x".repeat(30 << 20)]), &time).unwrap();
    let small: Vec<String> = (0..12).map(|number| number.to_string()).collect();
    lane.push(1, Sign::Add, &rows(&small), &time).unwrap();
    let blocks = MemoryBlocks::default();
    let mut join = Arc::clone(&shared).open(blocks.stored(shared.as_ref(), None, Arc::default())).unwrap();
    join.absorb(&time, lane.finish().unwrap(), 0).unwrap();
    let tasks = join.tasks(&time).unwrap();
    let mut seen = Vec::new();
    for change in tasks.into_iter().flat_map(|task| join.run(task, &time, &blocks).unwrap()) {
        let bytes = batch_bytes(&change.rows);
        assert!(bytes <= PART_BYTES, "{bytes} bytes in one batch");
        seen.extend(change.rows.column(3).as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    assert_eq!(seen, small);
}
