//! What a row of a session aggregate costs: `session_benchmark [rows per epoch] [keys] [epochs] [lanes] [append|changes]`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a measurement")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::min_max::max_udaf;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::AggregateUDF;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateExprBuilder;
use datafusion::physical_expr::expressions::{col, lit};
use epoch::EpochId;
use expr::types::{instant, window_type};
use operators::aggregate::{AggregateCall, GroupColumn};
use operators::operator::{BlockSource, EpochTime, LanePart, Operator, OperatorSpec, Sign, Stored};
use operators::session::{GroupTime, SessionSpec};
use operators::{Emission, OperatorError};
use state::{BlockKey, KeyPartitioning};

const CHUNK_ROWS: usize = 16_384;
const EPOCH_US: i64 = 60_000_000;
const GAP_US: i64 = 30_000_000;

struct Blocks(HashMap<BlockKey, Arc<[u8]>>);

impl BlockSource for Blocks {
    fn block(&self, key: &BlockKey) -> Result<Vec<u8>, OperatorError> {
        self.0.get(key).map(|bytes| bytes.to_vec()).ok_or_else(|| OperatorError::Damaged(format!("{key} is missing")))
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("key", DataType::Utf8, true),
        Field::new("start", instant(), true),
        Field::new("end", instant(), true),
        Field::new("value", DataType::Int64, true),
    ]))
}

fn spec(emission: Emission) -> Arc<SessionSpec> {
    let input = schema();
    let call = |function: Arc<AggregateUDF>, argument: Arc<dyn PhysicalExpr>| {
        let name = function.name().to_string();
        let built = AggregateExprBuilder::new(function, vec![argument]).schema(schema()).alias(&name).build();
        AggregateCall { name, function: Arc::new(built.unwrap()), filter: None }
    };
    let value = || col("value", &input).unwrap();
    let calls = vec![call(count_udaf(), lit(1_i64)), call(sum_udaf(), value()), call(max_udaf(), value())];
    let mut output = vec![Field::new("session", window_type(), true), input.field(0).clone()];
    output.extend(calls.iter().map(|call| Field::new(&call.name, DataType::Int64, true)));
    Arc::new(SessionSpec {
        forgotten_after_us: None,
        operator: "metrics".to_string(),
        time: GroupTime::Session { start: 1, end: 2 },
        keys: vec![0],
        key_names: vec!["key".to_string()],
        calls,
        group: vec![GroupColumn::Window, GroupColumn::Key(0)],
        emission,
        input,
        output: Arc::new(Schema::new(output)),
    })
}

/// The rows of one lane in one epoch: random keys, times that rise through the epoch.
fn chunks(epoch: u64, lane: u64, rows: usize, keys: u64) -> Vec<RecordBatch> {
    let mut seed = epoch * 64 + lane + 1;
    let mut random = move || {
        seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    let chunk = |from: usize| {
        let count = CHUNK_ROWS.min(rows - from);
        let start: Vec<i64> =
            (0..count).map(|row| epoch as i64 * EPOCH_US + (from + row) as i64 * EPOCH_US / rows as i64).collect();
        let ends: TimestampMicrosecondArray = start.iter().map(|us| Some(us + GAP_US)).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new((0..count).map(|_| Some(format!("session-{:08}", random() % keys))).collect::<StringArray>()),
            Arc::new(TimestampMicrosecondArray::from(start).with_timezone("UTC")),
            Arc::new(ends.with_timezone("UTC")),
            Arc::new((0..count).map(|_| Some((random() % 1_000) as i64)).collect::<Int64Array>()),
        ];
        RecordBatch::try_new(schema(), columns).unwrap()
    };
    (0..rows).step_by(CHUNK_ROWS).map(chunk).collect()
}

fn fold(spec: &Arc<SessionSpec>, lanes: &[Vec<RecordBatch>], time: &EpochTime) -> Vec<LanePart> {
    let one = |chunks: &Vec<RecordBatch>| {
        let mut lane = Arc::clone(spec).lane(KeyPartitioning::default()).unwrap();
        for chunk in chunks {
            lane.push(0, Sign::Add, chunk, time).unwrap();
        }
        lane.finish().unwrap()
    };
    std::thread::scope(|scope| {
        let lanes: Vec<_> = lanes.iter().map(|chunks| scope.spawn(move || one(chunks))).collect();
        lanes.into_iter().map(|lane| lane.join().unwrap()).collect()
    })
}

fn run(operator: &mut Box<dyn Operator>, time: &EpochTime, blocks: &Blocks, threads: usize) -> usize {
    let tasks = operator.tasks(time).unwrap();
    let (next, emitted) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let operator = &*operator;
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let changes = operator.run(*task, time, blocks).unwrap();
                    let rows: usize = changes.iter().map(|change| change.rows.num_rows()).sum();
                    emitted.fetch_add(rows, Ordering::Relaxed);
                }
            });
        }
    });
    emitted.into_inner()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| arguments.get(at).map_or(default, |text| text.parse().unwrap());
    let (rows, keys, epochs, lanes) = (number(0, 1_000_000), number(1, 200_000), number(2, 20), number(3, 2));
    let is_changes = arguments.get(4).is_some_and(|mode| mode == "changes");
    let spec = spec(if is_changes { Emission::Changes } else { Emission::Append });
    let mut operator = Arc::clone(&spec).open(Stored::default()).unwrap();
    let mut blocks = Blocks(HashMap::new());
    let mut total = [Duration::ZERO; 3];
    for epoch in 0..epochs as u64 {
        let input: Vec<_> = (0..lanes as u64).map(|lane| chunks(epoch, lane, rows / lanes, keys as u64)).collect();
        let watermark = |epoch: u64| (epoch > 0).then(|| (epoch as i64 - 1) * EPOCH_US);
        let (watermark_us, late_us) = (watermark(epoch), watermark(epoch.saturating_sub(1)));
        let time = EpochTime { epoch: EpochId(epoch), batch_time_us: 0, watermark_us, late_us };
        let started = Instant::now();
        let parts = fold(&spec, &input, &time);
        let folded = started.elapsed();
        for (lane, part) in parts.into_iter().enumerate() {
            operator.absorb(&time, part, lane as u16).unwrap();
        }
        let emitted = run(&mut operator, &time, &blocks, lanes);
        let ran = started.elapsed();
        let changes = operator.prepare_commit(&time, &blocks).unwrap();
        changes.deletes.iter().for_each(|key| drop(blocks.0.remove(key)));
        changes
            .drops
            .iter()
            .for_each(|range| blocks.0.retain(|key, _| !(range.from..range.until).contains(&key.bucket)));
        blocks.0.extend(changes.puts);
        operator.committed();
        let prepared = started.elapsed();
        let parts = [folded, ran - folded, prepared - ran];
        (0..3).for_each(|part| total[part] += parts[part]);
        println!(
            "epoch {epoch}: lanes {:?}, tasks {:?}, commit {:?}, {emitted} rows out, {:?}",
            parts[0],
            parts[1],
            parts[2],
            operator.metrics()
        );
    }
    let per_row = |time: Duration| time.as_nanos() as f64 / (rows * epochs) as f64;
    let [lane, task, commit] = total.map(per_row);
    println!("ns per row: lanes {lane:.0}, tasks {task:.0}, commit {commit:.0} (wall clock, {lanes} threads)");
}
