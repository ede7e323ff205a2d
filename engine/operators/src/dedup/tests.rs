//! Spark's cases of deduplication, one by one, and random rows against a plain map.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod bed;
mod random;

use std::sync::Arc;

use arrow::array::AsArray;
use state::KeyPartitioning;

use super::*;
use crate::OperatorError;
use crate::change::Sign;
use crate::keyed::EventTime;
use crate::operator::{Bound, OperatorSpec};
use bed::{Bed, Row, batch, epoch_time, schema, spec};

const SECOND: i64 = 1_000_000;

fn timed(expiry: Expiry, keys: &[usize]) -> DedupSpec {
    DedupSpec { event_time: Some(EventTime { column: 2, required: false }), ..spec(expiry, keys) }
}

fn k(key: &str) -> Row {
    Row { key: Some(key.to_string()), value: 0, time_us: None }
}

fn kv(key: &str, value: i64) -> Row {
    Row { value, ..k(key) }
}

fn at(key: &str, second: i64) -> Row {
    Row { time_us: Some(second * SECOND), ..k(key) }
}

/// A row whose value is its time, as in Spark's tests.
fn v(second: i64) -> Row {
    Row { value: second, ..at("", second) }
}

fn vs(seconds: &[i64]) -> Vec<Row> {
    seconds.iter().map(|second| v(*second)).collect()
}

/// Spark: `deduplicate with all columns`, `dedup with file sink`.
#[test]
fn all_columns() {
    let mut bed = Bed::new(spec(Expiry::Never, &[0]), None);
    bed.add(&[k("a")]).emits(&["a 0"]).state(1, 1, 0);
    bed.add(&[k("a")]).emits(&[]).state(1, 0, 0);
    bed.add(&[k("b")]).emits(&["b 0"]).state(2, 1, 0);
}

/// Spark: `deduplicate with some columns`.
#[test]
fn some_columns() {
    let mut bed = Bed::new(spec(Expiry::Never, &[0]), None);
    bed.add(&[kv("a", 1)]).emits(&["a 1"]).state(1, 1, 0);
    bed.add(&[kv("a", 2)]).emits(&[]).state(1, 0, 0);
    bed.add(&[kv("b", 1)]).emits(&["b 1"]).state(2, 1, 0);
}

/// Spark: `multiple deduplicates`.
#[test]
fn one_over_another() {
    let (mut first, mut second) =
        (Bed::new(spec(Expiry::Never, &[0, 1]), None), Bed::new(spec(Expiry::Never, &[0]), None));
    for (row, of_first, of_second) in
        [(kv("a", 1), ["a 1"], &["a 1"][..]), (kv("a", 2), ["a 2"], &[]), (kv("b", 1), ["b 1"], &["b 1"])]
    {
        first.add(std::slice::from_ref(&row)).emits(&of_first);
        second.add(&[row]).emits(of_second);
    }
}

/// Spark: `deduplicate with watermark`, and what the aggregates of the two cases after it read.
#[test]
fn keys_with_their_time() {
    let mut bed = Bed::new(timed(Expiry::EventTimeKey { column: 2 }, &[1, 2]), Some(10 * SECOND));
    let five_times: Vec<Row> = (0..5).flat_map(|_| vs(&[10, 11, 12, 13, 14, 15])).collect();
    bed.add(&five_times).emits(&[" 10", " 11", " 12", " 13", " 14", " 15"]).state(6, 6, 0);
    bed.add(&vs(&[25])).emits(&[" 25"]).state(1, 1, 0);
    bed.add(&vs(&[10])).emits(&[]).state(1, 0, 1);
    bed.add(&vs(&[45])).emits(&[" 45"]).state(1, 1, 0);
}

/// Spark: `deduplicate with aggregate - update mode` and `- complete mode`: what the aggregates read.
#[test]
fn under_an_aggregate() {
    let mut bed = Bed::new(spec(Expiry::Never, &[0, 1]), None);
    bed.add(&[kv("a", 1)]).emits(&["a 1"]);
    bed.add(&[kv("a", 1)]).emits(&[]);
    bed.add(&[kv("a", 2)]).emits(&["a 2"]);
    bed.add(&[kv("b", 1)]).emits(&["b 1"]);
}

/// Spark: `SPARK-19841: watermarkPredicate should filter based on keys`.
#[test]
fn the_time_need_not_be_the_first_key() {
    let row = |second: i64, id: i64| Row { value: id, ..at("", second) };
    let mut bed = Bed::new(timed(Expiry::EventTimeKey { column: 2 }, &[1, 2]), Some(SECOND));
    bed.add(&[row(1, 1), row(1, 1), row(1, 2)]).emits(&[" 1", " 2"]);
    bed.add(&[row(1, 1), row(2, 3), row(2, 4)]).emits(&[" 3", " 4"]);
    bed.add(&[row(1, 0), row(1, 1), row(3, 5), row(3, 6)]).emits(&[" 5", " 6"]);
    bed.add(&[row(1, 0), row(4, 7)]).emits(&[" 7"]);
}

/// Spark: `SPARK-21546: dropDuplicates ignores watermark when it is not a key`.
#[test]
fn a_time_that_is_no_key_keeps_nothing_apart() {
    let row = |id: i64, second: i64| Row { value: id, ..at("", second) };
    let mut bed = Bed::new(timed(Expiry::Never, &[1]), Some(SECOND));
    bed.add(&[row(1, 1), row(1, 2), row(2, 2)]).emits(&[" 1", " 2"]);
}

/// Spark: `dropDuplicatesWithinWatermark`, all columns.
#[test]
fn within_the_watermark_all_columns() {
    let expiry = Expiry::Within { column: 2, delay_us: 10 * SECOND };
    let mut bed = Bed::new(timed(expiry, &[1, 2]), Some(10 * SECOND));
    let five_times: Vec<Row> = (0..5).flat_map(|_| vs(&[10, 11, 12, 13, 14, 15])).collect();
    bed.add(&five_times).emits(&[" 10", " 11", " 12", " 13", " 14", " 15"]).state(6, 6, 0);
    bed.add(&vs(&[13, 14, 15, 16, 17])).emits(&[" 16", " 17"]).state(8, 2, 0);
    bed.add(&vs(&[5])).emits(&[]).state(8, 0, 1);
    bed.add(&vs(&[35])).emits(&[" 35"]).state(3, 1, 0);
    bed.add(&vs(&[55])).emits(&[" 55"]).state(1, 1, 0);
}

/// Spark: `dropDuplicatesWithinWatermark`, some columns without the event time.
#[test]
fn within_the_watermark_some_columns() {
    let expiry = Expiry::Within { column: 2, delay_us: 2 * SECOND };
    let mut bed = Bed::new(timed(expiry, &[0]), Some(2 * SECOND));
    bed.add(&[at("a", 17)]).emits(&["a 0"]).state(1, 1, 0);
    bed.add(&[at("a", 16)]).emits(&[]);
    bed.add(&[at("a", 13)]).emits(&[]).state(1, 0, 1);
    bed.add(&[at("b", 22), at("c", 21)]).emits(&["b 0", "c 0"]).state(2, 2, 0);
    bed.add(&[at("a", 21)]).emits(&["a 0"]).state(3, 1, 0);
    bed.add(&[at("d", 25)]).emits(&["d 0"]).state(2, 1, 0);
}

/// Golden vector V4 of the reference, which Spark 4.3 produced: no epochs without data in between.
#[test]
fn golden_vector_4() {
    let noon = 12 * 3_600;
    let expiry = Expiry::Within { column: 2, delay_us: 600 * SECOND };
    let mut bed = Bed::new(timed(expiry, &[0]), Some(600 * SECOND));
    bed.runs_until_idle = false;
    bed.add(&[at("a", noon + 600)]).emits(&["a 0"]);
    bed.add(&[at("a", noon + 600)]).emits(&[]);
    bed.add(&[at("x", noon), at("y", noon + 1), at("a", noon + 1_200)]).emits(&["y 0"]).state(2, 1, 1);
    bed.add(&[at("a", noon + 660), at("a", noon + 1_800)]).emits(&[]).state(2, 0, 0);
    assert!(bed.has_pending_output());
    bed.add(&[]).emits(&[]).state(0, 0, 0);
    assert!(!bed.has_pending_output());
}

#[test]
fn a_row_without_a_time_is_of_1970_within_the_watermark_and_stays_as_a_key() {
    let within = Expiry::Within { column: 2, delay_us: 10 * SECOND };
    let mut bed = Bed::new(timed(within, &[0]), Some(0));
    bed.add(&[k("n"), at("a", 9)]).emits(&["n 0", "a 0"]).state(2, 2, 0);
    bed.add(&[at("b", 10)]).emits(&["b 0"]).state(2, 1, 0);
    bed.add(&[k("n")]).emits(&["n 0"]).state(2, 0, 0);
    let mut bed = Bed::new(timed(Expiry::EventTimeKey { column: 2 }, &[0, 2]), Some(0));
    bed.add(&[k("n"), at("a", 9)]).emits(&["n 0", "a 0"]).state(1, 2, 0);
    bed.add(&[k("n"), at("b", 99)]).emits(&["b 0"]).state(1, 1, 0);
}

#[test]
fn a_key_lives_for_a_time() {
    let mut bed = Bed::new(spec(Expiry::TimeToLive { us: 3 }, &[0]), None);
    bed.runs_until_idle = false;
    // The bed's epochs are one microsecond apart.
    bed.add(&[k("a")]).emits(&["a 0"]).state(1, 1, 0);
    bed.add(&[k("a"), k("b")]).emits(&["b 0"]).state(2, 1, 0);
    bed.add(&[]).emits(&[]).state(2, 0, 0);
    assert!(bed.has_pending_output());
    bed.add(&[k("a")]).emits(&[]).state(1, 0, 0);
    bed.add(&[k("a")]).emits(&["a 0"]).state(1, 1, 0);
}

#[test]
fn rows_that_are_taken_back_are_refused() {
    let spec: Arc<dyn OperatorSpec> = Arc::new(spec(Expiry::Never, &[0]));
    let mut lane = spec.lane(KeyPartitioning::default()).unwrap();
    let error = lane.push(0, Sign::Retract, &batch(&[k("a")]), &epoch_time(0, None, None)).unwrap_err();
    assert!(matches!(error, OperatorError::Compute(what) if what.contains("gold.d: rows that change")));
}

#[test]
fn it_says_what_it_does_and_what_bounds_it() {
    let never = spec(Expiry::Never, &[0, 1]);
    assert_eq!(never.describe(), "the first row of each (key, value) passes; a key is remembered for ever");
    assert!(matches!(never.bound(), Bound::Unbounded(what) if what.contains("(key, value)")));
    assert_eq!(never.output(), &schema());
    let within = timed(Expiry::Within { column: 2, delay_us: 2 * SECOND }, &[0]);
    let until = "until the watermark has passed the time of its first row by 2000 ms";
    assert!(matches!(within.bound(), Bound::Watermark(what) if what.contains(until)));
    let print = |spec: &DedupSpec| spec.fingerprint().unwrap();
    assert_eq!(print(&within), ["duplicates by key Utf8".to_string(), format!("a key is remembered {until}")]);
    assert_ne!(print(&never), print(&spec(Expiry::Never, &[1, 0])));
    assert_eq!(spec(Expiry::TimeToLive { us: 5 }, &[0]).bound(), Bound::TimeToLive(5));
}

/// 70,000 records of 34 KB were more text than one column holds; here rows are fewer and longer, and no batch may come near that.
#[test]
fn fault_5_rows_of_any_size_are_deduplicated_in_parts() {
    let spec = spec(Expiry::Never, &[1]);
    let blocks = crate::memory_blocks::MemoryBlocks::default();
    let mut operator = bed::open(&blocks, &spec, usize::MAX);
    let shared: Arc<dyn OperatorSpec> = Arc::new(spec.clone());
    let time = epoch_time(0, None, None);
    let mut lane = shared.lane(KeyPartitioning::default()).unwrap();
    let text = "x".repeat(40 << 20);
    for value in [0, 1, 2, 1, 3, 4, 0, 5, 6] {
        lane.push(0, Sign::Add, &batch(&[kv(&text, value)]), &time).unwrap();
    }
    operator.absorb(&time, lane.finish().unwrap(), 0).unwrap();
    let tasks = operator.tasks(&time).unwrap();
    assert!(tasks.len() > 1, "an epoch of few rows is not small if they are large");
    let mut values = Vec::new();
    for change in tasks.into_iter().flat_map(|task| operator.run(task, &time, &blocks).unwrap()) {
        let bytes = crate::cut::batch_bytes(&change.rows);
        assert!(bytes <= crate::cut::PART_BYTES, "{bytes} bytes in one batch");
        values.extend_from_slice(change.rows.column(1).as_primitive::<arrow::datatypes::Int64Type>().values());
    }
    values.sort_unstable();
    assert_eq!(values, [0, 1, 2, 3, 4, 5, 6]);
}
