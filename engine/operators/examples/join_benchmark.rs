//! Prints what a row costs in a join of two streams with a range of ten minutes: impressions, and clicks up to ten minutes later.
//!
//! `cargo run --release --example join_benchmark [rows an epoch] [epochs] [keys]`
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "an example")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, IntervalMonthDayNano, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator as Sign;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, binary, lit};
use epoch::EpochId;
use expr::types::instant;
use operators::OperatorError;
use operators::join::{Join, JoinKind, JoinSide, JoinSpec, Side};
use operators::keyed::EventTime;
use operators::operator::{self, BlockSource, EpochTime, Operator, OperatorSpec, Stored};
use state::{BlockKey, KeyPartitioning};

const SECOND: i64 = 1_000_000;
const RANGE_US: i64 = 600 * SECOND;
const CHUNK_ROWS: usize = 16_384;

/// A checkpoint that is a map.
#[derive(Default)]
struct Blocks(BTreeMap<BlockKey, Arc<[u8]>>);

impl BlockSource for Blocks {
    fn block(&self, key: &BlockKey) -> Result<Vec<u8>, OperatorError> {
        self.0.get(key).map(|bytes| bytes.to_vec()).ok_or_else(|| OperatorError::Damaged(format!("{key} is missing")))
    }
}

fn schema(side: &str) -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new(format!("{side}_key"), DataType::Int64, true),
        Field::new(format!("{side}_time"), instant(), true),
        Field::new(format!("{side}_text"), DataType::Utf8, true),
        Field::new(format!("{side}_until"), instant(), true),
    ]))
}

/// `right_time BETWEEN left_time AND left_time + 10 minutes`
fn in_range() -> Arc<dyn PhysicalExpr> {
    let fields: Vec<_> = ["left", "right"].iter().flat_map(|side| schema(side).fields().to_vec()).collect();
    let both = Schema::new(fields);
    let column = |index: usize| -> Arc<dyn PhysicalExpr> { Arc::new(Column::new(both.field(index).name(), index)) };
    let range = lit(ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(0, 0, RANGE_US * 1_000))));
    let until = binary(column(1), Sign::Plus, range, &both).unwrap();
    let low = binary(column(5), Sign::GtEq, column(1), &both).unwrap();
    let high = binary(column(5), Sign::LtEq, until, &both).unwrap();
    binary(low, Sign::And, high, &both).unwrap()
}

fn spec(kind: JoinKind) -> Arc<JoinSpec> {
    let event_time = Some(EventTime { column: 1, required: true });
    let side = |name: &str| JoinSide { event_time, expires: Some(3), ..JoinSide::new(schema(name), vec![0]) };
    let spec = JoinSpec::new("metrics/join".to_string(), kind, side("left"), side("right")).unwrap();
    Arc::new(spec.with_residual(in_range(), "in range".to_string()).unwrap())
}

/// Rows of one second of event time each 1,000 rows, up to 20 seconds out of order.
struct Rows {
    state: u64,
    keys: u64,
    sent: i64,
}

impl Rows {
    fn next(&mut self, below: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % below
    }

    fn newest_us(&self) -> i64 {
        self.sent * SECOND / 1_000
    }

    fn batch(&mut self, side: Side, rows: usize) -> RecordBatch {
        let (mut keys, mut times, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rows {
            self.sent += 1;
            keys.push(self.next(self.keys) as i64);
            times.push(self.newest_us() - self.next(20_000_000) as i64);
            texts.push(format!("campaign-{}", self.next(1_000)));
        }
        let reach = if side == Side::Left { RANGE_US + 1 } else { 1 };
        let until = times.iter().map(|time| time + reach).collect::<Vec<i64>>();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(keys)),
            Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")),
            Arc::new(StringArray::from(texts)),
            Arc::new(TimestampMicrosecondArray::from(until).with_timezone("UTC")),
        ];
        RecordBatch::try_new(schema(side.name()), columns).unwrap()
    }
}

#[derive(Default)]
struct Times {
    lane: Duration,
    run: Duration,
    commit: Duration,
}

fn measure(kind: JoinKind, rows_an_epoch: usize, epochs: u64, keys: u64) {
    let spec = spec(kind);
    let mut join = Join::open(Arc::clone(&spec), Stored::default());
    let mut sides = [1, 2].map(|state| Rows { state, keys, sent: 0 });
    let (mut blocks, mut times, mut emitted) = (Blocks::default(), Times::default(), 0);
    let (mut late_us, mut watermark_us, mut written) = (None, None, 0);
    for epoch in 0..epochs {
        let mut chunks = Vec::new();
        for from in (0..rows_an_epoch / 2).step_by(CHUNK_ROWS) {
            for side in [Side::Left, Side::Right] {
                chunks.push((side, sides[side as usize].batch(side, CHUNK_ROWS.min(rows_an_epoch / 2 - from))));
            }
        }
        let time = EpochTime { epoch: EpochId(epoch), batch_time_us: epoch as i64, watermark_us, late_us };
        let start = Instant::now();
        let mut lane = Arc::clone(&spec).lane(KeyPartitioning::default()).unwrap();
        for (side, rows) in &chunks {
            lane.push(*side as usize, operator::Sign::Add, rows, &time).unwrap();
        }
        join.absorb(&time, lane.finish().unwrap(), 0).unwrap();
        times.lane += start.elapsed();
        let start = Instant::now();
        for task in join.tasks(&time).unwrap() {
            emitted +=
                join.run(task, &time, &blocks).unwrap().iter().map(|change| change.rows.num_rows()).sum::<usize>();
        }
        times.run += start.elapsed();
        let start = Instant::now();
        let changes = join.prepare_commit(&time, &blocks).unwrap();
        times.commit += start.elapsed();
        written += changes.puts.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        changes.deletes.iter().for_each(|key| drop(blocks.0.remove(key)));
        blocks.0.extend(changes.puts);
        join.committed();
        late_us = watermark_us;
        watermark_us = Some(sides[0].newest_us().min(sides[1].newest_us()) - 30 * SECOND);
    }
    let rows = rows_an_epoch as u64 * epochs;
    let each = |time: Duration| time.as_nanos() as u64 / rows;
    let total = each(times.lane + times.run + times.commit);
    let (left, right) = (join.side_metrics(Side::Left), join.side_metrics(Side::Right));
    println!(
        "{:>11}: {total:>5} ns a row (lane {}, run {}, commit {}); {rows} rows in, {emitted} out; kept {} left, {} right; \
         {} MB in memory, {} MB in {} blocks, {} B a row written",
        kind.name(),
        each(times.lane),
        each(times.run),
        each(times.commit),
        left.rows,
        right.rows,
        (left.memory_bytes + right.memory_bytes) >> 20,
        (left.bytes + right.bytes) >> 20,
        left.blocks + right.blocks,
        written as u64 / rows,
    );
}

fn main() {
    let arguments: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let argument = |at: usize, default: u64| arguments.get(at).copied().unwrap_or(default);
    let (rows, epochs, keys) = (argument(0, 100_000), argument(1, 30), argument(2, 400_000));
    println!("{rows} rows an epoch, {epochs} epochs, {keys} keys, one thread");
    for kind in [JoinKind::Inner, JoinKind::Left, JoinKind::LeftSemi, JoinKind::LeftAnti] {
        measure(kind, rows as usize, epochs, keys);
    }
}
