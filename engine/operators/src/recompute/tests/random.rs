//! Random changes in random epochs, lanes and chunks: after every epoch the changes add up to the batch answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use expr::types::instant;

use super::bed::{Bed, Lanes, Random, Table, answer, epoch_time, plan};
use crate::Emission;
use crate::change::Sign;
use crate::keyed::EventTime;
use crate::recompute::{RecomputePort, RecomputeSpec};

#[derive(Debug, Clone)]
pub struct Row {
    pub key: Option<i64>,
    pub value: Option<i64>,
    pub float: Option<f64>,
    pub ends: i64,
    pub id: i64,
}

pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("value", DataType::Int64, true),
        Field::new("ends", instant(), true),
        Field::new("key", DataType::Utf8, true),
        Field::new("float", DataType::Float64, true),
        Field::new("id", DataType::Int64, false),
    ]))
}

pub fn batch(rows: &[Row]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.value).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.ends)).collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
        Arc::new(rows.iter().map(|row| row.key.map(|key| format!("key {key}"))).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.float).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.id)).collect::<Int64Array>()),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

pub fn port(keys: &[usize]) -> RecomputePort {
    RecomputePort { input: schema(), keys: keys.to_vec(), event_time: None, expires: None }
}

/// A spec of a query over tables `l` and `r` (as many as there are ports).
pub fn spec(sql: &str, ports: Vec<RecomputePort>, emission: Emission) -> RecomputeSpec {
    let tables: Vec<(&str, SchemaRef)> = ["l", "r"].into_iter().zip(ports.iter().map(|_| schema())).collect();
    let plan = plan(sql, &tables);
    RecomputeSpec {
        name: "gold.test".to_string(),
        output: plan.schema(),
        emits_when_empty: sql.starts_with("SELECT count"),
        ports,
        plan,
        prune: None,
        forgotten_after_us: None,
        emission,
        definition: sql.to_string(),
    }
}

pub fn row(random: &mut Random, id: i64, keys: usize) -> Row {
    let mut some = |limit: usize| random.below(limit + 1).checked_sub(1).map(|value| value as i64);
    let (key, value, float) = (some(keys), some(5), some(9).map(|quarters| quarters as f64 / 4.0));
    // Some rows are equal in all columns.
    Row { key, value, float, ends: 0, id: if random.below(8) == 0 { 0 } else { id } }
}

/// What changes in a random epoch at one port: rows added, rows retracted (of those that were there or are added).
fn change(random: &mut Random, live: &mut Vec<Row>, next: &mut i64, keys: usize) -> Vec<(Sign, Row)> {
    let mut changes = Vec::new();
    for _ in 0..random.below(12) {
        *next += 1;
        let added = row(random, *next, keys);
        live.push(added.clone());
        changes.push((Sign::Add, added));
    }
    for _ in 0..random.below(8) {
        if !live.is_empty() {
            // A row is found by its content, so it does not matter which of two equal ones the model removes.
            changes.push((Sign::Retract, live.swap_remove(random.below(live.len()))));
        }
    }
    changes
}

/// Spreads rows over lanes, in chunks of one sign.
pub fn lanes(random: &mut Random, changes: Vec<(usize, Sign, Row)>) -> Lanes {
    let mut lanes: Lanes = vec![Vec::new(); 1 + random.below(3)];
    for (port, sign, row) in changes {
        let lane = random.below(lanes.len());
        lanes[lane].push((port, sign, batch(&[row])));
    }
    lanes
}

fn check(sql: &str, ports: Vec<RecomputePort>, seeds: u64) {
    let spec = Arc::new(spec(sql, ports, Emission::Changes));
    for seed in 0..seeds {
        let mut random = Random(seed);
        let keys = 1 + random.below(6);
        let (mut bed, mut table, mut next) = (Bed::new(spec.clone()), Table::default(), 0);
        let mut live = vec![Vec::new(); spec.ports.len()];
        for epoch in 0..12 {
            let mut changes = Vec::new();
            for (port, live) in live.iter_mut().enumerate() {
                let of_port = change(&mut random, live, &mut next, keys);
                changes.extend(of_port.into_iter().map(|(sign, row)| (port, sign, row)));
            }
            table.apply(&bed.epoch(&lanes(&mut random, changes), epoch_time(epoch, None, None)));
            let rows: Vec<(&str, RecordBatch)> =
                ["l", "r"].into_iter().zip(live.iter().map(|live| batch(live))).collect();
            assert_eq!(table, answer(sql, &rows), "seed {seed}, epoch {epoch}");
            assert_eq!(bed.rows(), live.iter().map(Vec::len).sum::<usize>() as u64);
            if random.below(3) == 0 {
                bed.restart();
            }
        }
    }
}

#[test]
fn figures_by_key_follow_a_changing_input() {
    let sql = "SELECT key, count(*), sum(value), min(value), max(value), avg(float), count(DISTINCT value) FROM l GROUP BY key";
    check(sql, vec![port(&[2])], 60);
}

#[test]
fn figures_by_two_keys_one_of_them_a_double() {
    check("SELECT float, key, count(*), sum(value) FROM l GROUP BY key, float", vec![port(&[3, 2])], 30);
}

#[test]
fn global_figures_are_there_from_the_first_epoch_on() {
    check("SELECT count(*), sum(value), min(float) FROM l", vec![port(&[])], 40);
}

#[test]
fn the_first_three_of_each_key() {
    let sql = "SELECT * FROM (SELECT key, value, id, row_number() OVER (PARTITION BY key ORDER BY value DESC, id) AS place FROM l) WHERE place <= 3";
    check(sql, vec![port(&[2])], 60);
}

#[test]
fn the_first_three_of_all() {
    let sql = "SELECT value, id FROM l ORDER BY value DESC NULLS LAST, id LIMIT 3";
    check(sql, vec![port(&[])], 40);
}

#[test]
fn sums_over_a_moving_frame() {
    let sql = "SELECT id, key, value, sum(float) OVER (PARTITION BY key ORDER BY value, id, float ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING) FROM l";
    check(sql, vec![port(&[2])], 40);
}

#[test]
fn left_join_of_two_changing_inputs() {
    let sql = "SELECT l.key, l.value, l.id, r.id, r.float FROM l LEFT JOIN r ON l.key = r.key";
    check(sql, vec![port(&[2]), port(&[2])], 60);
}

#[test]
fn full_join_of_two_changing_inputs_with_a_condition() {
    let sql = "SELECT l.id, r.key, r.id FROM l FULL JOIN r ON l.key = r.key AND l.value <= r.value";
    check(sql, vec![port(&[2]), port(&[2])], 60);
}

#[test]
fn count_over_a_join() {
    let sql = "SELECT l.key, count(r.id), sum(r.float) FROM l LEFT JOIN r ON l.key = r.key GROUP BY l.key";
    check(sql, vec![port(&[2]), port(&[2])], 40);
}

/// Rows of windows that end at `ends`, some of them late; after each epoch exactly the windows that the watermark has reached are out.
fn check_final(sql: &str, ports: Vec<RecomputePort>, prune: Option<&str>, kept_a_key: Option<usize>) {
    let mut spec = spec(sql, ports, Emission::Append);
    spec.prune = prune.map(|sql| plan(sql, &[("l", schema())]));
    let spec = Arc::new(spec);
    for seed in 0..40 {
        let mut random = Random(seed);
        let (mut bed, mut table) = (Bed::new(spec.clone()), Table::default());
        let mut taken = vec![Vec::new(); spec.ports.len()];
        let (mut late_us, mut late) = (None, 0);
        for epoch in 0..15 {
            let mut changes = Vec::new();
            for id in 0..random.below(12) as i64 {
                let at = random.below(spec.ports.len());
                let mut row = row(&mut random, 1 + id + 100 * epoch, 3);
                row.ends = (epoch + random.below(6) as i64 - 3).max(0) * 10;
                changes.push((at, Sign::Add, row.clone()));
                match late_us.is_some_and(|late_us| row.ends <= late_us) {
                    true => late += 1,
                    false => taken[at].push(row),
                }
            }
            let watermark_us = (random.below(3) > 0).then_some((epoch - 1) * 10 + 3).max(late_us);
            let time = epoch_time(epoch as u64, late_us, watermark_us);
            table.apply(&bed.epoch(&lanes(&mut random, changes), time));
            late_us = watermark_us;
            let is_final = |row: &&Row| watermark_us.is_some_and(|us| row.ends <= us);
            let done = |rows: &Vec<Row>| batch(&rows.iter().filter(is_final).cloned().collect::<Vec<_>>());
            let rows: Vec<(&str, RecordBatch)> = ["l", "r"].into_iter().zip(taken.iter().map(done)).collect();
            assert_eq!(table, answer(sql, &rows), "seed {seed}, epoch {epoch}");
            let open = taken.iter().flatten().filter(|row| !is_final(row)).count() as u64;
            match kept_a_key {
                None => assert_eq!(bed.rows(), open, "seed {seed}, epoch {epoch}"),
                Some(count) => assert!(bed.rows() <= open.min(6 * 4 * count as u64)),
            }
            assert!(!bed.operator().has_pending_output(&time), "everything that is due has gone");
            if random.below(3) == 0 {
                bed.restart();
            }
        }
        assert_eq!(bed.left.late, late);
    }
}

fn windowed() -> RecomputePort {
    RecomputePort { event_time: Some(EventTime { column: 1, required: true }), expires: Some(1), ..port(&[1, 2]) }
}

#[test]
fn final_figures_go_out_once_their_window_has_ended() {
    check_final("SELECT ends, key, count(*), sum(float) FROM l GROUP BY ends, key", vec![windowed()], None, None);
}

#[test]
fn final_full_join_of_windows() {
    let sql = "SELECT l.ends, l.key, l.id, r.ends, r.key, r.id FROM l FULL JOIN r ON l.ends = r.ends AND l.key = r.key";
    check_final(sql, vec![windowed(), windowed()], None, None);
}

#[test]
fn final_top_two_of_a_window_keeps_two_rows_a_key() {
    let ranked = "SELECT *, row_number() OVER (PARTITION BY ends, key ORDER BY value DESC, id, float) AS place FROM l";
    let sql = format!("SELECT ends, key, id, place FROM ({ranked}) WHERE place <= 2");
    let prune = format!("SELECT value, ends, key, float, id FROM ({ranked}) WHERE place <= 2");
    check_final(&sql, vec![windowed()], Some(&prune), Some(2));
}

#[test]
fn top_two_of_a_key_keeps_two_rows_a_key() {
    let ranked = "SELECT *, row_number() OVER (PARTITION BY key ORDER BY value DESC, id, float) AS place FROM l";
    let sql = format!("SELECT key, id, place FROM ({ranked}) WHERE place <= 2");
    let prune = format!("SELECT value, ends, key, float, id FROM ({ranked}) WHERE place <= 2");
    let mut spec = spec(&sql, vec![port(&[2])], Emission::Changes);
    spec.prune = Some(plan(&prune, &[("l", schema())]));
    let spec = Arc::new(spec);
    for seed in 0..40 {
        let mut random = Random(seed);
        let (mut bed, mut table, mut all) = (Bed::new(spec.clone()), Table::default(), Vec::new());
        for epoch in 0..12 {
            let rows: Vec<Row> =
                (0..random.below(20) as i64).map(|id| row(&mut random, 1 + id + 100 * epoch as i64, 4)).collect();
            all.extend(rows.clone());
            let added = rows.into_iter().map(|row| (0, Sign::Add, row)).collect();
            table.apply(&bed.epoch(&lanes(&mut random, added), epoch_time(epoch, None, None)));
            assert_eq!(table, answer(&sql, &[("l", batch(&all))]), "seed {seed}, epoch {epoch}");
            assert!(bed.rows() <= 5 * 2);
            if random.below(3) == 0 {
                bed.restart();
            }
        }
    }
}
