//! Joins whose rows go: each result stands, and no later one is wrong for want of a row.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use expr::types::instant;

use super::bed::{Bed, Random, Table, epoch_time, plan, texts};
use crate::Emission;
use crate::change::Sign;
use crate::keyed::EventTime;
use crate::operator::{Bound, OperatorSpec};
use crate::recompute::{RecomputePort, RecomputeSpec};

const MS: i64 = 1_000;

/// A row with its event time in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    id: i64,
    key: Option<usize>,
    ms: i64,
}

/// Which join, r - l from here to there in milliseconds, and how long each side's rows are kept.
#[derive(Debug, Clone, Copy)]
struct Range {
    kind: &'static str,
    from: i64,
    to: i64,
    kept: [i64; 2],
}

impl Range {
    /// What the plan derives (plan::build::changing_join), with bounds that are reached.
    fn new(kind: &'static str, from: i64, to: i64) -> Range {
        let decided = [to.max(0), (-from).max(0)];
        let mut kept = decided;
        if kind != "RIGHT" {
            kept[1] = kept[1].max(decided[0] - from);
        }
        if matches!(kind, "RIGHT" | "FULL") {
            kept[0] = kept[0].max(decided[1] + to);
        }
        Range { kind, from, to, kept }
    }

    fn sql(&self) -> String {
        let columns = if self.is_given() { "l.id, r.id" } else { "l.id" };
        let moved = |by: i64| format!("l.t + INTERVAL '{by} milliseconds'");
        let (from, to) = (moved(self.from), moved(self.to));
        format!("SELECT {columns} FROM l {} JOIN r ON l.key = r.key AND r.t BETWEEN {from} AND {to}", self.kind)
    }

    fn is_given(&self) -> bool {
        !self.kind.starts_with("LEFT ")
    }

    fn spec(&self) -> Arc<RecomputeSpec> {
        let plan = plan(&self.sql(), &[("l", schema()), ("r", schema())]);
        let port = RecomputePort {
            input: schema(),
            keys: vec![1],
            event_time: Some(EventTime { column: 2, required: false }),
            expires: Some(3),
        };
        Arc::new(RecomputeSpec {
            name: "gold.test".to_string(),
            ports: vec![port.clone(), port],
            output: plan.schema(),
            plan,
            prune: None,
            forgotten_after_us: None,
            emission: Emission::Changes,
            emits_when_empty: false,
            definition: self.sql(),
        })
    }

    fn batch(&self, port: usize, rows: &[Row]) -> RecordBatch {
        let times = |after: i64| -> ArrayRef {
            let times = rows.iter().map(|row| Some((row.ms + after) * MS)).collect::<TimestampMicrosecondArray>();
            Arc::new(times.with_timezone("UTC"))
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|row| Some(row.id)).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| row.key.map(|key| format!("key {key}"))).collect::<StringArray>()),
            times(0),
            times(self.kept[port]),
        ];
        RecordBatch::try_new(schema(), columns).unwrap()
    }

    /// The join in plain words.
    fn model(&self, [left, right]: &[Vec<Row>; 2]) -> Table {
        let is_match =
            |l: &Row, r: &Row| l.key.is_some() && l.key == r.key && (self.from..=self.to).contains(&(r.ms - l.ms));
        let mut table = Table::default();
        let mut add = |text: String| *table.0.entry(text).or_default() += 1;
        for l in left {
            let matches: Vec<&Row> = right.iter().filter(|r| is_match(l, r)).collect();
            match self.kind {
                "LEFT SEMI" if !matches.is_empty() => add(l.id.to_string()),
                "LEFT ANTI" if matches.is_empty() => add(l.id.to_string()),
                "LEFT SEMI" | "LEFT ANTI" => {}
                "LEFT" | "FULL" if matches.is_empty() => add(format!("{}|null", l.id)),
                _ => matches.iter().for_each(|r| add(format!("{}|{}", l.id, r.id))),
            }
        }
        if matches!(self.kind, "RIGHT" | "FULL") {
            let alone = right.iter().filter(|r| !left.iter().any(|l| is_match(l, r)));
            alone.for_each(|r| add(format!("null|{}", r.id)));
        }
        table
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("key", DataType::Utf8, true),
        Field::new("t", instant(), true),
        Field::new("goes", instant(), true),
    ]))
}

fn row(id: i64, ms: i64) -> Row {
    Row { id, key: Some(0), ms }
}

/// The fault of evicting a row as soon as nothing new can match it: the row that it matched looks as if nothing had.
#[test]
fn a_matched_row_stays_until_what_it_matched_is_final() {
    let derived = Range::new("LEFT", 0, 10);
    assert_eq!(derived.kept, [10, 10], "a left row waits for 10 ms; a right row for the left rows that it matched");
    let run = |range: Range| {
        let mut bed = Bed::new(range.spec());
        let lanes =
            vec![vec![(0, Sign::Add, range.batch(0, &[row(1, 100)])), (1, Sign::Add, range.batch(1, &[row(2, 101)]))]];
        let first = bed.epoch(&lanes, epoch_time(0, None, Some(103 * MS)));
        assert_eq!(texts(&first[0].rows), ["1|2"]);
        bed.restart();
        bed.epoch(
            &vec![vec![(1, Sign::Add, range.batch(1, &[row(3, 105)]))]],
            epoch_time(1, Some(103 * MS), Some(103 * MS)),
        )
    };
    let changes = run(derived);
    assert_eq!((changes.len(), changes[0].sign), (1, Sign::Add));
    assert_eq!(texts(&changes[0].rows), ["1|3"]);
    // So it would be: (1, NULL) was never emitted.
    let naive = run(Range { kept: [10, 0], ..derived });
    assert_eq!((naive[0].sign, texts(&naive[0].rows)), (Sign::Retract, vec!["1|null".to_string()]));
}

/// A row that is older than the watermark must not change what was final.
#[test]
fn late_rows_are_left_out_and_counted_on_either_side() {
    let range = Range::new("FULL", -5, 5);
    let mut bed = Bed::new(range.spec());
    let lanes = |left: i64, right: i64| {
        vec![vec![
            (0, Sign::Add, range.batch(0, &[row(left, left)])),
            (1, Sign::Add, range.batch(1, &[row(right, right)])),
        ]]
    };
    bed.epoch(&lanes(100, 101), epoch_time(0, None, Some(200 * MS)));
    assert_eq!(bed.rows(), 0, "all have gone");
    assert!(bed.epoch(&lanes(102, 200), epoch_time(1, Some(200 * MS), Some(200 * MS))).is_empty());
    assert_eq!((bed.left.late, bed.rows()), (2, 0));
}

/// Random rows, some late, some retracted while they may be; restarts; after every epoch the table is the join of all that was on
/// time, and what is kept is what the derivation says.
fn check(kind: &'static str, seeds: u64) {
    for seed in 0..seeds {
        let mut random = Random(seed);
        let from = random.below(21) as i64 - 12;
        let range = Range::new(kind, from, from + random.below(12) as i64);
        let (mut bed, mut table) = (Bed::new(range.spec()), Table::default());
        let (is_changing, keys, step) = (random.below(3) == 0, 1 + random.below(3), 1 + random.below(12) as i64);
        let mut live: [Vec<Row>; 2] = Default::default();
        let (mut late, mut watermark, mut expected_late, mut id) = (None::<i64>, None::<i64>, 0, 0);
        for epoch in 0..30_u64 {
            let front = 40 + step * epoch as i64;
            let mut lane = Vec::new();
            for _ in 0..random.below(9) {
                id += 1;
                let (port, key) = (random.below(2), random.below(keys + 1).checked_sub(1));
                let row = Row { id, key, ms: front - random.below(30) as i64 };
                lane.push((port, Sign::Add, range.batch(port, std::slice::from_ref(&row))));
                match late.is_some_and(|late| row.ms <= late) {
                    true => expected_late += 1,
                    false => live[port].push(row),
                }
            }
            for (port, live) in live.iter_mut().enumerate().filter(|_| is_changing) {
                let can_go = |row: &Row| late.is_none_or(|late| row.ms > late);
                let Some(at) = live.iter().rposition(can_go).filter(|_| random.below(2) == 0) else { continue };
                lane.push((port, Sign::Retract, range.batch(port, &[live.remove(at)])));
            }
            if random.below(4) > 0 {
                watermark = watermark.max(Some(front - 8));
            }
            let us = |ms: Option<i64>| ms.map(|ms| ms * MS);
            table.apply(&bed.epoch(&vec![lane], epoch_time(epoch, us(late), us(watermark))));
            late = watermark;
            assert_eq!(table, range.model(&live), "seed {seed}, epoch {epoch}, {range:?}");
            let stays =
                |port: usize, row: &&Row| watermark.is_none_or(|watermark| row.ms + range.kept[port] > watermark);
            let kept = (0..2).map(|port| live[port].iter().filter(|row| stays(port, row)).count());
            assert_eq!(bed.rows(), kept.sum::<usize>() as u64, "seed {seed}, epoch {epoch}, {range:?}");
            if random.below(4) == 0 {
                bed.restart();
            }
        }
        assert_eq!(bed.left.late, expected_late);
    }
}

#[test]
fn left_joins_let_rows_go() {
    check("LEFT", 60);
}

#[test]
fn right_joins_let_rows_go() {
    check("RIGHT", 60);
}

#[test]
fn full_joins_let_rows_go() {
    check("FULL", 60);
}

#[test]
fn semi_joins_let_rows_go() {
    check("LEFT SEMI", 60);
}

#[test]
fn anti_joins_let_rows_go() {
    check("LEFT ANTI", 60);
}

#[test]
fn two_thousand_epochs_keep_a_flat_state() {
    let range = Range::new("FULL", -20, 20);
    let (mut bed, mut table) = (Bed::new(range.spec()), Table::default());
    let (mut most_early, mut most_late) = ((0, 0), (0, 0));
    let mut live: [Vec<Row>; 2] = Default::default();
    for epoch in 0..2_000_i64 {
        let mut lane = Vec::new();
        for (port, live) in live.iter_mut().enumerate() {
            let row = Row { id: 2 * epoch + port as i64, key: Some(epoch as usize % 3), ms: 10 * epoch };
            lane.push((port, Sign::Add, range.batch(port, std::slice::from_ref(&row))));
            live.push(row);
        }
        let before = (epoch > 0).then(|| (10 * epoch - 20) * MS);
        table.apply(&bed.epoch(&vec![lane], epoch_time(epoch as u64, before, Some((10 * epoch - 10) * MS))));
        if epoch % 97 == 0 {
            bed.restart();
        }
        let most = if epoch < 300 { &mut most_early } else { &mut most_late };
        *most = (most.0.max(bed.rows()), most.1.max(bed.bytes()));
    }
    assert_eq!(table, range.model(&live));
    assert!(most_late.0 <= most_early.0 && most_late.0 < 20, "rows: {most_early:?}, {most_late:?}");
    assert!(most_late.1 <= most_early.1 * 5 / 4, "bytes: {most_early:?}, {most_late:?}");
}

fn forgetful() -> Arc<RecomputeSpec> {
    let range = Range::new("LEFT", 0, 10);
    let mut spec = Arc::into_inner(range.spec()).unwrap();
    spec.ports.iter_mut().for_each(|port| (port.event_time, port.expires) = (None, None));
    // Epochs are a millisecond apart.
    spec.forgotten_after_us = Some(5 * MS);
    Arc::new(spec)
}

/// `state_ttl`: what is left of a key after its time is nothing at all, so that what was emitted stands.
#[test]
fn keys_are_forgotten_whole_some_time_after_they_were_last_written() {
    let range = Range::new("LEFT", 0, 10);
    let (mut bed, mut table) = (Bed::new(forgetful()), Table::default());
    let mut run = |epoch: u64, port: usize, sign: Sign, row: Row| {
        let out = bed.epoch(&vec![vec![(port, sign, range.batch(port, &[row]))]], epoch_time(epoch, None, None));
        table.apply(&out);
        bed.restart();
        (bed.rows(), table.0.keys().cloned().collect::<Vec<_>>().join(" "))
    };
    let mut add = |epoch: u64, port: usize, row: Row| run(epoch, port, Sign::Add, row);
    assert_eq!(add(0, 0, row(1, 100)), (1, "1|null".to_string()));
    assert_eq!(add(4, 1, row(2, 101)), (2, "1|2".to_string()));
    // Both rows are as old as the younger of them: nine epochs after the left row came, it is matched again.
    assert_eq!(add(8, 1, row(3, 102)), (3, "1|2 1|3".to_string()));
    // Five epochs later they are evicted all at once; what comes then finds nothing, and retracts nothing.
    assert_eq!(add(13, 1, Row { id: 9, key: Some(5), ms: 0 }), (1, "1|2 1|3".to_string()));
    assert_eq!(add(14, 1, row(4, 103)), (2, "1|2 1|3".to_string()));
    assert_eq!(add(15, 0, row(5, 100)), (3, "1|2 1|3 5|4".to_string()));
    // A row that was forgotten is retracted: what it emitted stands.
    assert_eq!(run(16, 0, Sign::Retract, row(1, 100)), (3, "1|2 1|3 5|4".to_string()));
}

#[test]
fn keys_that_are_forgotten_keep_a_flat_state() {
    let range = Range::new("LEFT", 0, 10);
    let (mut bed, mut table) = (Bed::new(forgetful()), Table::default());
    let mut most = 0;
    for epoch in 0..400_u64 {
        let row = Row { id: epoch as i64, key: Some(epoch as usize / 3), ms: 100 };
        let port = epoch as usize % 2;
        table.apply(
            &bed.epoch(&vec![vec![(port, Sign::Add, range.batch(port, &[row]))]], epoch_time(epoch, None, None)),
        );
        most = most.max(bed.rows());
        if epoch % 37 == 0 {
            bed.restart();
        }
    }
    assert!(most < 12, "{most}");
}

#[test]
fn what_bounds_it_is_told() {
    let bound = Range::new("LEFT", 0, 10).spec().bound();
    assert_eq!(bound, Bound::Watermark("rows are evicted when the watermark reaches goes and goes".to_string()));
    let spec = forgetful();
    assert_eq!(spec.bound(), Bound::KeyTimeToLive(5 * MS));
    assert!(spec.describe().contains("until none has come for 5 milliseconds"), "{}", spec.describe());
    let fingerprint = spec.fingerprint().unwrap();
    assert!(fingerprint.iter().any(|part| part.starts_with("keys go ")), "{fingerprint:?}");
}
