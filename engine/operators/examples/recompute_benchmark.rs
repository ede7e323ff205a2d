//! What a row costs when partitions are recomputed: `recompute_benchmark [rows per epoch] [keys] [epochs] [lanes]`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a measurement")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use epoch::EpochId;
use futures::executor::block_on;
use operators::materialize::{Bucket, MaterializeSpec};
use operators::operator::{BlockSource, Change, EpochTime, LanePart, Operator, OperatorSpec, Stored};
use operators::recompute::{BatchPlan, RecomputePort, RecomputeSpec};
use operators::{Emission, OperatorError, SlotExec};
use state::{BlockKey, KeyPartitioning};

const CHUNK_ROWS: usize = 16_384;

struct Blocks(HashMap<BlockKey, Arc<[u8]>>);

impl BlockSource for Blocks {
    fn block(&self, key: &BlockKey) -> Result<Vec<u8>, OperatorError> {
        self.0.get(key).map(|bytes| bytes.to_vec()).ok_or_else(|| OperatorError::Damaged(format!("{key} is missing")))
    }
}

/// An operator with its checkpoint and what it took so far.
struct Stage {
    spec: Arc<dyn OperatorSpec>,
    operator: Box<dyn Operator>,
    blocks: Blocks,
    rows_in: usize,
    rows_out: usize,
    took: Duration,
}

impl Stage {
    fn new(spec: Arc<dyn OperatorSpec>) -> Stage {
        let operator = Arc::clone(&spec).open(Stored::default()).unwrap();
        let (blocks, took) = (Blocks(HashMap::new()), Duration::ZERO);
        Stage { spec, operator, blocks, rows_in: 0, rows_out: 0, took }
    }

    fn epoch(&mut self, epoch: u64, lanes: &[Vec<Change>]) -> Vec<Change> {
        let time = EpochTime { epoch: EpochId(epoch), batch_time_us: 0, watermark_us: None, late_us: None };
        let started = Instant::now();
        let parts: Vec<LanePart> = std::thread::scope(|scope| {
            let run = |changes: &'_ [Change]| -> LanePart {
                let mut lane = Arc::clone(&self.spec).lane(KeyPartitioning::default()).unwrap();
                for change in changes {
                    lane.push(0, change.sign, &change.rows, &time).unwrap();
                }
                lane.finish().unwrap()
            };
            let threads: Vec<_> = lanes.iter().map(|changes| scope.spawn(move || run(changes))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (number, part) in parts.into_iter().enumerate() {
            self.operator.absorb(&time, part, number as u16).unwrap();
        }
        let out = self.run(&time, lanes.len());
        let written = self.operator.prepare_commit(&time, &self.blocks).unwrap();
        self.took += started.elapsed();
        written.deletes.iter().for_each(|key| drop(self.blocks.0.remove(key)));
        self.blocks.0.extend(written.puts);
        self.operator.committed();
        self.rows_in += lanes.iter().flatten().map(|change| change.rows.num_rows()).sum::<usize>();
        self.rows_out += out.iter().map(|change| change.rows.num_rows()).sum::<usize>();
        out
    }

    /// Runs the tasks on as many threads as there are lanes.
    fn run(&mut self, time: &EpochTime, threads: usize) -> Vec<Change> {
        let tasks = self.operator.tasks(time).unwrap();
        let (next, operator, blocks) = (AtomicUsize::new(0), self.operator.as_ref(), &self.blocks);
        let mut out: Vec<(usize, Vec<Change>)> = std::thread::scope(|scope| {
            let work = || {
                let mut done = Vec::new();
                while let at = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(task) = tasks.get(at)
                {
                    done.push((at, operator.run(*task, time, blocks).unwrap()));
                }
                done
            };
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        out.sort_by_key(|(at, _)| *at);
        out.into_iter().flat_map(|(_, changes)| changes).collect()
    }

    fn print(&self, what: &str) {
        let metrics = self.operator.metrics();
        println!(
            "{what}: {} rows in, {} out, {:.0} ns of wall time a row in; {} rows kept, {} MiB in {} blocks",
            self.rows_in,
            self.rows_out,
            self.took.as_nanos() as f64 / self.rows_in as f64,
            metrics.rows,
            metrics.bytes >> 20,
            metrics.blocks,
        );
    }
}

#[derive(Debug)]
struct Places(SchemaRef);

#[async_trait::async_trait]
impl TableProvider for Places {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.0)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(SlotExec::place(&self.0, projection)?))
    }
}

fn plan(sql: &str, schema: &SchemaRef) -> BatchPlan {
    let mut config = SessionConfig::new().with_target_partitions(1);
    config.options_mut().sql_parser.map_string_types_to_utf8view = false;
    let context = SessionContext::new_with_config(config);
    context.register_table("t", Arc::new(Places(Arc::clone(schema)))).unwrap();
    let plan = block_on(batch::physical_plan(&context, sql)).unwrap();
    BatchPlan::compile(plan, context.task_ctx()).unwrap()
}

fn recompute(name: &str, sql: &str, prune: Option<&str>, input: &SchemaRef, keys: Vec<usize>) -> Arc<RecomputeSpec> {
    let port = RecomputePort { input: Arc::clone(input), keys, event_time: None, expires: None };
    let plan_of = |sql: &str| plan(sql, input);
    let plan = plan_of(sql);
    Arc::new(RecomputeSpec {
        name: name.to_string(),
        ports: vec![port],
        output: plan.schema(),
        plan,
        prune: prune.map(plan_of),
        forgotten_after_us: None,
        emission: Emission::Changes,
        emits_when_empty: false,
        definition: sql.to_string(),
    })
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("key", DataType::Utf8, true),
        Field::new("value", DataType::Int64, true),
        Field::new("id", DataType::Int64, true),
    ]))
}

/// The rows of one lane in one epoch: random keys.
fn chunks(epoch: u64, lane: u64, rows: usize, keys: u64) -> Vec<Change> {
    let mut seed = epoch * 64 + lane + 1;
    let mut random = move || {
        seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    let mut chunk = |from: usize| {
        let count = CHUNK_ROWS.min(rows - from);
        let columns: Vec<ArrayRef> = vec![
            Arc::new((0..count).map(|_| Some(format!("user-{}", random() % keys))).collect::<StringArray>()),
            Arc::new((0..count).map(|_| Some((random() % 10_000) as i64)).collect::<Int64Array>()),
            Arc::new((0..count).map(|row| Some((from + row) as i64)).collect::<Int64Array>()),
        ];
        Change::add(RecordBatch::try_new(schema(), columns).unwrap())
    };
    (0..rows).step_by(CHUNK_ROWS).map(&mut chunk).collect()
}

fn main() {
    let argument = |at: usize, default: usize| std::env::args().nth(at).map_or(default, |text| text.parse().unwrap());
    let (rows, keys, epochs, lanes) = (argument(1, 200_000), argument(2, 100_000), argument(3, 20), argument(4, 2));
    let ranked = "SELECT *, row_number() OVER (PARTITION BY key ORDER BY value DESC, id) AS place FROM t";
    let top = format!("SELECT key, value, id, place FROM ({ranked}) WHERE place <= 10");
    let prune = format!("SELECT key, value, id FROM ({ranked}) WHERE place <= 10");
    let mut top = Stage::new(recompute("top", &top, Some(&prune), &schema(), vec![0]));
    let counts = recompute("counts", "SELECT key, count(*) AS n FROM t GROUP BY key", None, &schema(), vec![0]);
    let count_of_counts = "SELECT n, count(*) AS keys FROM t GROUP BY n";
    let second = recompute("counts.counts", count_of_counts, None, counts.output(), vec![0]);
    let table = MaterializeSpec {
        name: "table".to_string(),
        schema: Arc::clone(counts.output()),
        bucket: Bucket::Hash(vec![0]),
    };
    let (mut counts, mut second, mut table) = (Stage::new(counts), Stage::new(second), Stage::new(Arc::new(table)));
    for epoch in 0..epochs as u64 {
        let input: Vec<Vec<Change>> =
            (0..lanes as u64).map(|lane| chunks(epoch, lane, rows / lanes, keys as u64)).collect();
        top.epoch(epoch, &input);
        let changes = [counts.epoch(epoch, &input)];
        second.epoch(epoch, &changes);
        table.epoch(epoch, &changes);
    }
    println!("{rows} rows an epoch, {keys} keys, {epochs} epochs, {lanes} lanes");
    top.print("top 10 of a key");
    counts.print("count by key");
    second.print("count by count (every epoch touches nearly every count)");
    table.print("table of counts, 16 buckets rewritten an epoch");
}
