//! Tests: a plain multiset of rows by bucket is the oracle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use expr::types::{instant, window_type};
use state::KeyPartitioning;

use super::{Bucket, MaterializeSpec};
use crate::aggregate::shard::key_buckets;
use crate::change::{Change, Sign};
use crate::operator::OperatorSpec;
use crate::recompute::tests::{Bed, Lanes, Random, epoch_time, texts};

#[derive(Debug, Clone, PartialEq)]
struct Row {
    key: Option<i64>,
    time: Option<i64>,
    id: i64,
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("window", window_type(), true),
        Field::new("time", instant(), true),
        Field::new("key", DataType::Utf8, true),
        Field::new("id", DataType::Int64, false),
    ]))
}

fn batch(rows: &[Row]) -> RecordBatch {
    let instants = |add_us: i64| -> ArrayRef {
        let times = rows.iter().map(|row| row.time.map(|time| time + add_us));
        Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let DataType::Struct(fields) = window_type() else { panic!("a window is a struct") };
    let is_there = rows.iter().map(|row| row.time.is_some()).collect::<Vec<_>>();
    // Children of null windows have values too.
    let child = |add_us: i64| -> ArrayRef {
        let times = rows.iter().map(|row| Some(row.time.unwrap_or(3) + add_us));
        Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let windows = StructArray::new(fields, vec![child(0), child(10)], Some(is_there.into()));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(windows),
        instants(0),
        Arc::new(rows.iter().map(|row| row.key.map(|key| format!("key {key}"))).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.id)).collect::<Int64Array>()),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn spec(bucket: Bucket) -> Arc<MaterializeSpec> {
    Arc::new(MaterializeSpec { name: "gold.test".to_string(), schema: schema(), bucket })
}

fn bucket(spec: &MaterializeSpec, row: &Row) -> i64 {
    match &spec.bucket {
        Bucket::Whole => 0,
        Bucket::Time { .. } => row.time.unwrap_or(i64::MIN),
        // The windows of these rows are 10 long, and their ends are multiples of 10.
        Bucket::Stretch { column, length_us } => {
            let ends = |time: i64| if *column == 0 { time + 10 } else { time };
            row.time.map_or(i64::MIN, |time| (ends(time) - 1).div_euclid(*length_us) * length_us)
        }
        Bucket::Hash(_) => {
            let key: ArrayRef = batch(std::slice::from_ref(row)).column(2).clone();
            key_buckets(&[key], 1, KeyPartitioning::KeyGroups).unwrap()[0]
        }
    }
}

fn random_row(random: &mut Random, id: i64, epoch: u64) -> Row {
    let key = random.below(20).checked_sub(1).map(|key| key as i64);
    // Some of them late by every measure below.
    let time = (random.below(8) > 0).then(|| (epoch as i64 + random.below(10) as i64 - 6) * 10);
    Row { key, time, id: if random.below(6) == 0 { 0 } else { id } }
}

/// Buckets as they were emitted last. Checks that the buckets of an epoch are exactly these, each once, in order within a task.
fn replaced(out: &[Change], files: &mut BTreeMap<i64, Vec<String>>) -> Vec<i64> {
    let mut buckets = Vec::new();
    for change in out {
        let Sign::Replace { bucket } = change.sign else { panic!("{:?}", change.sign) };
        buckets.push(bucket);
        files.insert(bucket, texts(&change.rows));
    }
    buckets
}

fn check(kind: Bucket, ends_after_us: Option<i64>) {
    let spec = spec(kind.clone());
    let mut all_late = 0;
    for seed in 0..60 {
        let mut random = Random(seed);
        let (mut bed, mut files) = (Bed::new(spec.clone()), BTreeMap::new());
        // Live rows by bucket in order of arrival, and the buckets as they were when they closed.
        let (mut live, mut expected) = (BTreeMap::<i64, Vec<Row>>::new(), BTreeMap::<i64, Vec<String>>::new());
        let (mut late_us, mut next, mut late) = (None, 0, 0);
        for epoch in 0..15_u64 {
            let is_late = |row: &Row| match (ends_after_us, bucket(&spec, row), late_us) {
                (Some(after_us), at, Some(late_us)) if at != i64::MIN => at + after_us <= late_us,
                _ => false,
            };
            let watermark_us = (random.below(3) > 0).then_some(epoch as i64 * 10 - 12).max(late_us);
            let mut touched = std::collections::BTreeSet::new();
            let (mut added, mut back) = (Vec::new(), Vec::new());
            for _ in 0..random.below(15) {
                next += 1;
                let row = random_row(&mut random, next, epoch);
                added.push(row.clone());
                if is_late(&row) {
                    late += 1;
                } else {
                    touched.insert(bucket(&spec, &row));
                    live.entry(bucket(&spec, &row)).or_default().push(row);
                }
            }
            for _ in 0..random.below(8) {
                let buckets: Vec<i64> = live.iter().filter(|(_, rows)| !rows.is_empty()).map(|(at, _)| *at).collect();
                if let Some(at) = buckets.get(random.below(buckets.len().max(1))) {
                    let rows = live.get_mut(at).unwrap();
                    let row = rows[random.below(rows.len())].clone();
                    // The oldest of equal rows is removed.
                    rows.remove(rows.iter().position(|other| *other == row).unwrap());
                    touched.insert(*at);
                    back.push(row);
                }
            }
            // Adds are spread over lanes in order, so that the order of arrival is lane by lane.
            let count = 1 + random.below(3);
            let mut lanes: Lanes =
                added.chunks(added.len() / count + 1).map(|rows| vec![(0, Sign::Add, batch(rows))]).collect();
            lanes.push(Vec::new());
            for row in &back {
                let at = random.below(lanes.len());
                lanes[at].insert(0, (0, Sign::Retract, batch(std::slice::from_ref(row))));
            }
            let time = epoch_time(epoch, late_us, watermark_us);
            let out = bed.epoch(&lanes, time);
            if kind == Bucket::Whole && epoch == 0 {
                touched.insert(0);
            }
            let mut buckets = replaced(&out, &mut files);
            buckets.sort_unstable();
            assert_eq!(buckets, touched.iter().copied().collect::<Vec<_>>(), "seed {seed}, epoch {epoch}");
            for at in &touched {
                expected.insert(*at, live.get(at).map(|rows| texts(&batch(rows))).unwrap_or_default());
                let ends_us = ends_after_us.filter(|_| *at != i64::MIN).map(|after_us| at + after_us);
                let is_final = ends_us.is_some_and(|ends_us| watermark_us.is_some_and(|us| ends_us <= us));
                assert_eq!(bed.operator().is_final(*at, &time), is_final);
            }
            // Also those that this epoch did not touch: their files are no longer to be remembered.
            for at in files.keys() {
                let is_past = ends_after_us.is_some_and(|after_us| watermark_us.is_some_and(|us| at + after_us <= us));
                assert_eq!(bed.operator().is_final(*at, &time), is_past && *at != i64::MIN);
            }
            assert_eq!(files, expected, "seed {seed}, epoch {epoch}");
            late_us = watermark_us;
            live.retain(|at, _| {
                *at == i64::MIN || ends_after_us.is_none_or(|after_us| watermark_us.is_none_or(|us| at + after_us > us))
            });
            assert_eq!(bed.rows(), live.values().map(Vec::len).sum::<usize>() as u64, "seed {seed}, epoch {epoch}");
            if random.below(3) == 0 {
                bed.restart();
            }
        }
        assert_eq!(bed.left.late, late, "seed {seed}");
        all_late += late;
    }
    assert_eq!(all_late > 0, ends_after_us.is_some());
}

#[test]
fn shares_of_the_keys_are_emitted_whole() {
    check(Bucket::Hash(vec![2]), None);
}

#[test]
fn a_whole_table_is_emitted_on_any_change() {
    check(Bucket::Whole, None);
}

#[test]
fn windows_close_at_their_end() {
    check(Bucket::Time { column: 0, length_us: 10 }, Some(10));
}

#[test]
fn instants_close_so_long_after() {
    check(Bucket::Time { column: 1, length_us: 25 }, Some(25));
    check(Bucket::Time { column: 1, length_us: 0 }, Some(0));
}

#[test]
fn stretches_of_time_close_when_all_their_rows_are_final() {
    check(Bucket::Stretch { column: 0, length_us: 30 }, Some(30));
    check(Bucket::Stretch { column: 1, length_us: 30 }, Some(30));
    check(Bucket::Stretch { column: 1, length_us: 1 }, Some(1));
}

#[test]
fn an_empty_table_is_emitted_once() {
    let mut bed = Bed::new(spec(Bucket::Whole));
    assert!(bed.operator().has_pending_output(&epoch_time(4, None, None)));
    let out = bed.epoch(&vec![], epoch_time(4, None, None));
    assert_eq!((out.len(), out[0].sign, out[0].rows.num_rows()), (1, Sign::Replace { bucket: 0 }, 0));
    bed.restart();
    assert!(!bed.operator().has_pending_output(&epoch_time(5, None, None)));
    assert!(bed.epoch(&vec![], epoch_time(5, None, None)).is_empty());
}

#[test]
fn a_large_epoch_gives_out_each_bucket_once() {
    for (kind, count) in
        [(Bucket::Hash(vec![2]), 16), (Bucket::Whole, 1), (Bucket::Time { column: 1, length_us: 10 }, 100)]
    {
        let mut bed = Bed::new(spec(kind));
        let rows: Vec<Row> =
            (0..40_000).map(|id| Row { key: Some(id % 5_000), time: Some(id % 100 * 10), id }).collect();
        let (mut files, mut lanes) = (BTreeMap::new(), vec![Vec::new(), Vec::new()]);
        for (number, rows) in rows.chunks(1_000).enumerate() {
            lanes[number / 20].push((0, Sign::Add, batch(rows)));
        }
        let mut buckets = replaced(&bed.epoch(&lanes, epoch_time(0, None, None)), &mut files);
        buckets.sort_unstable();
        buckets.dedup();
        assert_eq!((buckets.len(), files.len()), (count, count));
        assert_eq!(files.values().map(Vec::len).sum::<usize>(), 40_000);
        bed.restart();
        // Retract half of it.
        let odd: Vec<Row> = rows.iter().filter(|row| row.id % 2 == 1).cloned().collect();
        let out = bed.epoch(&vec![vec![(0, Sign::Retract, batch(&odd))]], epoch_time(1, None, None));
        let ids =
            out.iter().flat_map(|change| change.rows.column(3).as_primitive::<arrow::datatypes::Int64Type>().values());
        assert!(ids.clone().all(|id| id % 2 == 0));
        bed.restart();
        assert_eq!(replaced(&out, &mut files).len(), out.len());
        assert_eq!(files.values().map(Vec::len).sum::<usize>(), 20_000);
    }
}

#[test]
fn taking_back_what_is_not_there_stops() {
    let row = |id: i64| batch(&[Row { key: Some(1), time: Some(0), id }]);
    let mut bed = Bed::new(spec(Bucket::Hash(vec![2])));
    bed.epoch(&vec![vec![(0, Sign::Add, row(1))]], epoch_time(0, None, None));
    let failed = bed.try_epoch(&vec![vec![(0, Sign::Retract, row(2))]], epoch_time(1, None, None)).unwrap_err();
    assert!(failed.to_string().contains("gold.test: a row is retracted that was never added"), "{failed}");
    let failed = bed.try_epoch(&vec![vec![(0, Sign::Replace { bucket: 1 }, row(2))]], epoch_time(1, None, None));
    assert!(failed.unwrap_err().to_string().contains("whole buckets reach it"));
}

#[test]
fn a_time_must_be_a_time() {
    let refused = spec(Bucket::Time { column: 3, length_us: 0 }).open(Default::default()).err().unwrap();
    assert!(refused.to_string().contains("neither an instant nor a window"), "{refused}");
}
