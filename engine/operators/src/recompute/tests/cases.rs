//! Cases that random rows seldom meet.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StructArray, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema};
use expr::types::window_type;

use super::bed::{Bed, Random, Table, answer, epoch_time, plan, texts};
use super::random::{Row, batch, port, row, schema, spec};
use crate::Emission;
use crate::change::Sign;
use crate::recompute::RecomputePort;

fn rows(from: i64, until: i64, keys: i64) -> Vec<Row> {
    let row = |id: i64| Row {
        key: Some(id % keys),
        value: Some(id * 7 % 10),
        float: Some(0.1 * (id % 1_000) as f64),
        ends: 0,
        id,
    };
    (from..until).map(row).collect()
}

#[test]
fn a_large_epoch_in_pieces_takes_up_what_small_ones_left() {
    let sql = "SELECT key, count(*), sum(value), max(id) FROM l GROUP BY key";
    let (mut bed, mut table) = (Bed::new(Arc::new(spec(sql, vec![port(&[2])], Emission::Changes))), Table::default());
    let mut live = Vec::new();
    for (epoch, (from, until)) in [(0, 900), (900, 30_900), (30_900, 31_000), (31_000, 60_000)].into_iter().enumerate()
    {
        let added = rows(from, until, 997);
        // Half of it in another lane; each epoch retracts a third of the rows of the one before.
        let (first, second) = added.split_at(added.len() / 2);
        let back: Vec<Row> = live.iter().rev().step_by(3).take(10_000).cloned().collect();
        live.retain(|row: &Row| back.binary_search_by(|other| row.id.cmp(&other.id)).is_err());
        live.extend(added.clone());
        let mut lanes = vec![vec![(0, Sign::Add, batch(first))], vec![(0, Sign::Add, batch(second))]];
        lanes[0].insert(0, (0, Sign::Retract, batch(&back)));
        table.apply(&bed.epoch(&lanes, epoch_time(epoch as u64, None, None)));
        assert_eq!(table, answer(sql, &[("l", batch(&live))]), "epoch {epoch}");
        bed.restart();
    }
}

/// Sums of doubles and the order of equal rows: what was emitted is what is retracted, to the last bit, whatever other keys
/// the epoch brings.
#[test]
fn doubles_and_equal_ranks_do_not_depend_on_the_rows_of_other_keys() {
    let sums = "SELECT key, sum(float), avg(float), array_agg(id), stddev(float) FROM l WHERE id >= 0 GROUP BY key";
    let ranks = "SELECT * FROM (SELECT key, id, row_number() OVER (PARTITION BY key ORDER BY value) AS place FROM l) WHERE place <= 10";
    let frames = "SELECT key, id, sum(float) OVER (PARTITION BY key ORDER BY value ROWS BETWEEN 100 PRECEDING AND CURRENT ROW) FROM l WHERE id >= 0";
    for sql in [sums, ranks, frames] {
        let spec = spec(sql, vec![port(&[2])], Emission::Changes);
        let (mut bed, mut table) = (Bed::new(Arc::new(spec)), Table::default());
        let mut random = Random(7);
        for epoch in 0..12 {
            let keys = 1 + random.below(40) as i64;
            let from = 20_000 * epoch as i64;
            let added = rows(from, from + 200 + random.below(9_000) as i64, keys);
            // The table panics if a row is retracted that is not there.
            table.apply(&bed.epoch(&vec![vec![(0, Sign::Add, batch(&added))]], epoch_time(epoch, None, None)));
        }
        assert!(!table.0.is_empty());
    }
}

#[test]
fn of_equal_rank_the_oldest_row_comes_first() {
    let sql = "SELECT * FROM (SELECT key, id, row_number() OVER (PARTITION BY key ORDER BY value) AS place FROM l) WHERE place <= 3";
    let mut bed = Bed::new(Arc::new(spec(sql, vec![port(&[2])], Emission::Changes)));
    let mut table = Table::default();
    for epoch in 0..5 {
        let mut added = rows(1_000 * epoch, 1_000 * epoch + 500, 1);
        added.iter_mut().for_each(|row| row.value = Some(3));
        let out = bed.epoch(&vec![vec![(0, Sign::Add, batch(&added))]], epoch_time(epoch as u64, None, None));
        assert_eq!(out.is_empty(), epoch > 0, "newer rows of the same rank change nothing");
        table.apply(&out);
    }
    assert_eq!(table.0.into_keys().collect::<Vec<_>>(), ["key 0|0|1", "key 0|1|2", "key 0|2|3"]);
}

#[test]
fn rows_taken_back_in_the_epoch_that_adds_them_cancel() {
    let sql = "SELECT key, count(*) FROM l GROUP BY key";
    let mut bed = Bed::new(Arc::new(spec(sql, vec![port(&[2])], Emission::Changes)));
    let row = batch(&rows(1, 2, 1));
    // Retracted by an earlier lane than the one that adds it.
    let lanes = vec![vec![(0, Sign::Retract, row.clone())], vec![(0, Sign::Add, row.clone())]];
    assert!(bed.epoch(&lanes, epoch_time(0, None, None)).is_empty());
    assert_eq!(bed.rows(), 0);
    let out =
        bed.epoch(&vec![vec![(0, Sign::Add, row.clone()), (0, Sign::Add, row.clone())]], epoch_time(1, None, None));
    assert_eq!(texts(&out[0].rows), ["key 0|2"]);
    let out = bed.epoch(&vec![vec![(0, Sign::Retract, row.clone())]], epoch_time(2, None, None));
    assert_eq!((out[0].sign, texts(&out[0].rows)), (Sign::Retract, vec!["key 0|2".to_string()]));
    assert_eq!((out[1].sign, texts(&out[1].rows)), (Sign::Add, vec!["key 0|1".to_string()]));
    let out = bed.epoch(&vec![vec![(0, Sign::Retract, row)]], epoch_time(3, None, None));
    assert_eq!((out.len(), out[0].sign, texts(&out[0].rows)), (1, Sign::Retract, vec!["key 0|1".to_string()]));
}

#[test]
fn taking_back_what_is_not_there_stops() {
    let sql = "SELECT key, count(*) FROM l GROUP BY key";
    let mut bed = Bed::new(Arc::new(spec(sql, vec![port(&[2])], Emission::Changes)));
    bed.epoch(&vec![vec![(0, Sign::Add, batch(&rows(1, 2, 1)))]], epoch_time(0, None, None));
    let mut other = rows(1, 2, 1);
    other[0].id = 5;
    let failed = bed.try_epoch(&vec![vec![(0, Sign::Retract, batch(&other))]], epoch_time(1, None, None)).unwrap_err();
    assert!(failed.to_string().contains("gold.test: a row is retracted that was never added"), "{failed}");
}

#[test]
fn a_global_result_over_no_rows_goes_out_once() {
    let sql = "SELECT count(*), max(value) FROM l";
    let mut bed = Bed::new(Arc::new(spec(sql, vec![port(&[])], Emission::Changes)));
    assert!(bed.operator().has_pending_output(&epoch_time(57, None, None)));
    // An operator that joins a running job begins in a later epoch.
    let out = bed.epoch(&vec![], epoch_time(57, None, None));
    assert_eq!((out.len(), out[0].sign, texts(&out[0].rows)), (1, Sign::Add, vec!["0|null".to_string()]));
    bed.restart();
    assert!(!bed.operator().has_pending_output(&epoch_time(58, None, None)));
    assert!(bed.epoch(&vec![], epoch_time(58, None, None)).is_empty());
    let row = batch(&rows(3, 4, 1));
    let out = bed.epoch(&vec![vec![(0, Sign::Add, row.clone())]], epoch_time(59, None, None));
    assert_eq!(texts(&out[0].rows), ["0|null"]);
    assert_eq!(texts(&out[1].rows), ["1|1"]);
    bed.restart();
    let out = bed.epoch(&vec![vec![(0, Sign::Retract, row)]], epoch_time(60, None, None));
    assert_eq!((out[0].sign, texts(&out[0].rows)), (Sign::Retract, vec!["1|1".to_string()]));
    assert_eq!((out[1].sign, texts(&out[1].rows)), (Sign::Add, vec!["0|null".to_string()]));
}

#[test]
fn a_large_first_epoch_gives_a_global_result_once() {
    let mut bed = Bed::new(Arc::new(spec("SELECT count(*) FROM l", vec![port(&[])], Emission::Changes)));
    let out = bed.epoch(&vec![vec![(0, Sign::Add, batch(&rows(0, 40_000, 10)))]], epoch_time(0, None, None));
    assert_eq!((out.len(), texts(&out[0].rows)), (1, vec!["40000".to_string()]));
}

#[test]
fn rows_that_are_due_go_and_their_results_stand() {
    let mut expiring = port(&[1]);
    expiring.expires = Some(1);
    let sql = "SELECT ends, count(*) FROM l GROUP BY ends";
    let (mut bed, mut table) = (Bed::new(Arc::new(spec(sql, vec![expiring], Emission::Changes))), Table::default());
    let mut early = rows(0, 3, 3);
    early.iter_mut().for_each(|row| row.ends = 10 * (row.id + 1));
    table.apply(&bed.epoch(&vec![vec![(0, Sign::Add, batch(&early))]], epoch_time(0, None, Some(5))));
    assert!(bed.operator().has_pending_output(&epoch_time(1, Some(5), Some(20))));
    table.apply(&bed.epoch(&vec![vec![(0, Sign::Add, batch(&early[1..]))]], epoch_time(1, Some(5), Some(20))));
    assert_eq!(bed.rows(), 2, "the rows of the window that ends at 30 stay");
    bed.restart();
    assert!(bed.epoch(&vec![], epoch_time(2, Some(20), Some(25))).is_empty());
    table.apply(&bed.epoch(&vec![vec![(0, Sign::Retract, batch(&early[2..]))]], epoch_time(3, Some(25), Some(25))));
    let counts: Vec<String> = table.0.into_keys().map(|row| row.split('|').nth(1).unwrap().to_string()).collect();
    assert_eq!(counts, ["1", "2", "1"]);
}

#[test]
fn windows_as_structs_go_by_their_end() {
    let schema = Arc::new(Schema::new(vec![Field::new("w", window_type(), true)]));
    let time = |us: Vec<i64>| Arc::new(TimestampMicrosecondArray::from(us).with_timezone("UTC")) as ArrayRef;
    let arrow::datatypes::DataType::Struct(fields) = window_type() else { panic!("a window is a struct") };
    let windows = StructArray::new(fields, vec![time(vec![0, 0, 10]), time(vec![10, 10, 20])], None);
    let rows = RecordBatch::try_new(schema.clone(), vec![Arc::new(windows)]).unwrap();
    let plan = plan("SELECT w, count(*) AS c FROM l GROUP BY w", &[("l", schema.clone())]);
    let port = RecomputePort { input: schema, keys: vec![0], event_time: None, expires: Some(0) };
    let mut spec = spec("SELECT count(*) FROM l", vec![port.clone()], Emission::Changes);
    (spec.output, spec.plan, spec.ports) = (plan.schema(), plan, vec![port]);
    (spec.emission, spec.emits_when_empty) = (Emission::Append, false);
    let mut bed = Bed::new(Arc::new(spec));
    assert!(bed.epoch(&vec![vec![(0, Sign::Add, rows)]], epoch_time(0, None, Some(9))).is_empty());
    bed.restart();
    let out = bed.epoch(&vec![], epoch_time(1, Some(9), Some(10)));
    assert_eq!((out.len(), out[0].rows.num_rows(), bed.rows()), (1, 1, 1));
    assert!(texts(&out[0].rows)[0].ends_with("|2"));
}

#[test]
fn specs_that_cannot_be_right_are_refused() {
    let sql = "SELECT key, count(*) FROM l GROUP BY key";
    let open = |spec: crate::recompute::RecomputeSpec| {
        crate::operator::OperatorSpec::open(Arc::new(spec), Default::default()).err().map(|error| error.to_string())
    };
    let good = || spec(sql, vec![port(&[2])], Emission::Changes);
    assert_eq!(open(good()), None);
    let mut bad = good();
    bad.emission = Emission::Append;
    assert!(open(bad).unwrap().contains("nothing says when its results are final"));
    let mut bad = good();
    bad.emits_when_empty = true;
    assert!(open(bad).unwrap().contains("only a global result"));
    let mut bad = good();
    bad.output = schema();
    assert!(open(bad).unwrap().contains("the plan's columns are not the output's"));
    let mut bad = good();
    bad.ports.push(port(&[0]));
    assert!(open(bad).unwrap().contains("different partition keys"));
    let mut bad = good();
    bad.ports[0].expires = Some(4);
    assert!(open(bad).unwrap().contains("neither an instant nor a window"));
}

#[test]
fn a_plan_over_something_else_is_refused() {
    let rows = batch(&[row(&mut Random(0), 1, 1)]);
    let table = datafusion::datasource::MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap();
    let context = datafusion::prelude::SessionContext::new();
    context.register_table("t", Arc::new(table)).unwrap();
    let plan = futures::executor::block_on(::batch::physical_plan(&context, "SELECT * FROM t")).unwrap();
    let refused = crate::recompute::BatchPlan::compile(plan, context.task_ctx()).unwrap_err();
    assert!(refused.to_string().contains("does not read the operator's input"), "{refused}");
}
