//! Rows that come and go, over epochs and restarts: a plain list of rows with the time at which each was emitted is the oracle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::prelude::{SessionConfig, SessionContext};
use expr::clock::BatchClock;
use expr::types::instant;
use futures::executor::block_on;

use super::TimedSpec;
use crate::change::{Change, Sign};
use crate::epoch_time::EpochTime;
use crate::pipeline::Pipeline;
use crate::recompute::tests::{Bed, Lanes, Places, Random, Table, epoch_time, texts};

const SECOND: i64 = 1_000_000;

/// A key, and a time in seconds.
type Row = (i64, i64);

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("k", DataType::Int64, true), Field::new("m", instant(), true)]))
}

fn batch(rows: &[Row]) -> RecordBatch {
    let keys = rows.iter().map(|(key, _)| *key).collect::<Int64Array>();
    let times = rows.iter().map(|(_, time)| Some(time * SECOND)).collect::<TimestampMicrosecondArray>();
    RecordBatch::try_new(schema(), vec![Arc::new(keys), Arc::new(times.with_timezone("UTC"))]).unwrap()
}

fn spec(sql: &str, clock: &BatchClock, is_rechecked: bool, closes_by: Option<usize>) -> Arc<TimedSpec> {
    spec_over(&schema(), sql, clock, is_rechecked, closes_by)
}

fn spec_over(
    schema: &SchemaRef,
    sql: &str,
    clock: &BatchClock,
    is_rechecked: bool,
    closes_by: Option<usize>,
) -> Arc<TimedSpec> {
    let config = SessionConfig::new().with_target_partitions(1).with_coalesce_batches(false);
    let context = SessionContext::new_with_config(config);
    expr::register(&context, clock).unwrap();
    context.register_table("rows", Arc::new(Places { port: 0, schema: Arc::clone(schema) })).unwrap();
    let plan = block_on(batch::physical_plan(&context, sql)).unwrap();
    let pipeline = Pipeline::compile(plan, context.task_ctx()).unwrap();
    let input = Arc::clone(schema);
    Arc::new(TimedSpec { name: "gold.test/timed".to_string(), input, pipeline, is_rechecked, closes_by })
}

/// The table after an epoch: rows as `k|seconds of m|seconds of the epoch that emitted it`.
fn table(rows: &[(Row, Option<i64>)]) -> Table {
    let instant = |seconds: i64| texts(&batch(&[(0, seconds)]))[0].split_once('|').unwrap().1.to_string();
    let mut table = Table::default();
    for ((key, time), emitted) in rows {
        let Some(emitted) = emitted else { continue };
        let row = format!("{key}|{}|{}", instant(*time), instant(*emitted));
        *table.0.entry(row).or_default() += 1;
    }
    table
}

struct Trial {
    clock: BatchClock,
    bed: Bed,
    table: Table,
    epoch: u64,
    second: i64,
    late_us: Option<i64>,
}

impl Trial {
    fn new(spec: Arc<TimedSpec>, clock: BatchClock) -> Trial {
        Trial { clock, bed: Bed::new(spec), table: Table::default(), epoch: 0, second: 0, late_us: None }
    }

    /// An epoch so many seconds later.
    fn epoch(&mut self, seconds: i64, lanes: &Lanes, watermark_us: Option<i64>) -> Vec<Change> {
        self.second += seconds;
        self.clock.set(self.second * SECOND);
        let time =
            EpochTime { batch_time_us: self.second * SECOND, ..epoch_time(self.epoch, self.late_us, watermark_us) };
        let changes = self.bed.epoch(lanes, time);
        self.table.apply(&changes);
        self.epoch += 1;
        self.late_us = watermark_us;
        changes
    }
}

fn lanes(retracted: &[Row], added: &[Row], random: &mut Random) -> Lanes {
    // Signs in any order, on one lane or two: what is added and retracted in one epoch cancels.
    let mut parts = vec![(0, Sign::Retract, batch(retracted)), (0, Sign::Add, batch(added))];
    if random.below(2) == 0 {
        parts.reverse();
    }
    match random.below(2) {
        0 => vec![parts],
        _ => parts.into_iter().map(|part| vec![part]).collect(),
    }
}

#[test]
fn rows_are_retracted_with_the_time_at_which_they_were_emitted() {
    for seed in 0..20 {
        let (mut random, clock) = (Random(seed), BatchClock::default());
        let spec = spec("SELECT k, m, now() AS seen FROM rows WHERE k < 9", &clock, false, None);
        let mut trial = Trial::new(spec, clock);
        let mut rows: Vec<(Row, Option<i64>)> = Vec::new();
        for _ in 0..60 {
            let seconds = 1 + random.below(9) as i64;
            let gone: Vec<Row> = (0..random.below(4).min(rows.len()))
                .map(|_| {
                    let row = rows[random.below(rows.len())].0;
                    // The oldest of equal rows goes first.
                    rows.remove(rows.iter().position(|(other, _)| *other == row).unwrap()).0
                })
                .collect();
            let mut added: Vec<Row> =
                (0..random.below(5)).map(|_| (random.below(12) as i64, random.below(5) as i64)).collect();
            added.retain(|row| !gone.contains(row));
            trial.epoch(seconds, &lanes(&gone, &added, &mut random), None);
            rows.extend(added.iter().map(|row| (*row, (row.0 < 9).then_some(trial.second))));
            assert_eq!(trial.table, table(&rows), "seed {seed}");
            if random.below(5) == 0 {
                trial.bed.restart();
            }
        }
        assert_eq!(trial.bed.rows(), rows.len() as u64);
    }
}

#[test]
fn a_condition_on_the_time_is_looked_at_again_in_every_epoch() {
    let meets = |row: &Row, second: i64| row.1 > second - 60 && row.1 <= second + 10;
    for seed in 0..20 {
        let (mut random, clock) = (Random(seed), BatchClock::default());
        let sql = "SELECT k, m, now() AS seen FROM rows WHERE m > now() - INTERVAL '60 seconds' AND m <= now() + INTERVAL '10 seconds'";
        let mut trial = Trial::new(spec(sql, &clock, true, None), clock);
        let mut rows: Vec<(Row, Option<i64>)> = Vec::new();
        for _ in 0..60 {
            let second = trial.second + 1 + random.below(30) as i64;
            let gone: Vec<Row> = (0..random.below(3).min(rows.len()))
                .map(|_| {
                    let row = rows[random.below(rows.len())].0;
                    rows.remove(rows.iter().position(|(other, _)| *other == row).unwrap()).0
                })
                .collect();
            let mut added: Vec<Row> = (0..random.below(4))
                .map(|_| (random.below(12) as i64, second + random.below(120) as i64 - 60))
                .collect();
            added.retain(|row| !gone.contains(row));
            trial.epoch(second - trial.second, &lanes(&gone, &added, &mut random), None);
            rows.iter_mut().for_each(|(row, emitted)| {
                *emitted = meets(row, second).then(|| emitted.unwrap_or(second));
            });
            rows.extend(added.iter().map(|row| (*row, meets(row, second).then_some(second))));
            assert_eq!(trial.table, table(&rows), "seed {seed}");
            if random.below(5) == 0 {
                trial.bed.restart();
            }
        }
    }
}

#[test]
fn a_row_that_is_added_and_retracted_in_one_epoch_is_not_emitted() {
    let clock = BatchClock::default();
    let mut trial = Trial::new(spec("SELECT k, m, now() AS seen FROM rows", &clock, false, None), clock);
    assert!(trial.epoch(1, &lanes(&[(1, 1)], &[(1, 1)], &mut Random(1)), None).is_empty());
    assert_eq!((trial.bed.rows(), trial.table.0.len()), (0, 0));
}

#[test]
fn a_row_that_was_never_added_is_a_fault() {
    let clock = BatchClock::default();
    let mut bed = Bed::new(spec("SELECT k, m, now() AS seen FROM rows", &clock, false, None));
    let lanes = vec![vec![(0, Sign::Retract, batch(&[(1, 1)]))]];
    let error = bed.try_epoch(&lanes, epoch_time(0, None, None)).unwrap_err().to_string();
    assert!(error.contains("a row is retracted that was never added"), "{error}");
}

#[test]
fn rows_that_are_final_are_evicted_and_stand() {
    let clock = BatchClock::default();
    let mut trial = Trial::new(spec("SELECT k, m, now() AS seen FROM rows", &clock, false, Some(1)), clock);
    let mut random = Random(1);
    trial.epoch(1, &lanes(&[], &[(1, 10), (2, 20)], &mut random), None);
    assert!(trial.epoch(1, &lanes(&[], &[], &mut random), Some(15 * SECOND)).is_empty());
    assert_eq!((trial.bed.rows(), trial.table.0.len()), (1, 2));
    trial.epoch(1, &lanes(&[(2, 20)], &[(3, 30)], &mut random), Some(15 * SECOND));
    assert_eq!(trial.table, table(&[((1, 10), Some(1)), ((3, 30), Some(3))]));
}

/// Rows that were retracted, or looked at again, were put together by their number alone, whatever they held.
#[test]
fn fault_large_rows_are_retracted_and_looked_at_again_in_parts() {
    let schema = Arc::new(Schema::new(vec![Field::new("t", DataType::Utf8, true), Field::new("m", instant(), true)]));
    // Equal rows, so all are of one shard.
    let text = StringArray::from(vec!["x".repeat(40 << 20)]);
    let time = TimestampMicrosecondArray::from(vec![10 * SECOND]).with_timezone("UTC");
    let row = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(text), Arc::new(time)]).unwrap();
    let four = |sign: Sign| -> Lanes { vec![(0..4).map(|_| (0, sign, row.clone())).collect()] };
    let checked = "SELECT t, now() AS seen FROM rows WHERE m > now() - INTERVAL '60 seconds'";
    for (sql, second) in [("SELECT t, now() AS seen FROM rows", four(Sign::Retract)), (checked, vec![vec![]])] {
        let clock = BatchClock::default();
        let mut bed = Bed::new(spec_over(&schema, sql, &clock, sql == checked, None));
        let mut epoch = |number: u64, second: i64, lanes: &Lanes| {
            clock.set(second * SECOND);
            let time = EpochTime { batch_time_us: second * SECOND, ..epoch_time(number, None, None) };
            let changes = bed.epoch(lanes, time);
            let sizes = changes.iter().map(|change| crate::cut::batch_bytes(&change.rows));
            assert!(sizes.max().unwrap() <= crate::cut::PART_BYTES, "{sql}: a batch is too large");
            changes.iter().map(|change| (change.sign == Sign::Add, change.rows.num_rows())).fold(
                (0, 0),
                |(added, retracted), (is_added, rows)| match is_added {
                    true => (added + rows, retracted),
                    false => (added, retracted + rows),
                },
            )
        };
        assert_eq!(epoch(0, 10, &four(Sign::Add)), (4, 0), "{sql}");
        assert_eq!(epoch(1, 100, &second), (0, 4), "{sql}");
    }
}
