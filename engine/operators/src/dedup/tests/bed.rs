//! Runs a deduplication as Spark runs a query: an epoch with the rows, then one without if the watermark has moved.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use epoch::EpochId;
use state::KeyPartitioning;

use crate::block_changes::BlockChanges;
use crate::change::{Change, Sign};
use crate::dedup::{DedupSpec, Expiry};
use crate::epoch_time::EpochTime;
use crate::memory_blocks::MemoryBlocks;
use crate::metrics::StateMetrics;
use crate::operator::{Operator, OperatorSpec};
use crate::store::Budget;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub key: Option<String>,
    pub value: i64,
    pub time_us: Option<i64>,
}

pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("key", DataType::Utf8, true),
        Field::new("value", DataType::Int64, false),
        Field::new("time", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
    ]))
}

pub fn spec(expiry: Expiry, keys: &[usize]) -> DedupSpec {
    DedupSpec { name: "gold.d".to_string(), input: schema(), keys: keys.to_vec(), event_time: None, expiry }
}

pub fn batch(rows: &[Row]) -> RecordBatch {
    let times = rows.iter().map(|row| row.time_us);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter(rows.iter().map(|row| row.key.as_deref()))),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.value))),
        Arc::new(TimestampMicrosecondArray::from_iter(times).with_timezone("UTC")),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

pub fn epoch_time(epoch: u64, watermark_us: Option<i64>, late_us: Option<i64>) -> EpochTime {
    EpochTime { epoch: EpochId(epoch), batch_time_us: epoch as i64, watermark_us, late_us }
}

/// The operator with what the checkpoint has for it.
pub fn open(blocks: &MemoryBlocks, spec: &DedupSpec, cap_bytes: usize) -> Box<dyn Operator> {
    let stored = blocks.stored(spec, None, Arc::new(Budget::new(cap_bytes)));
    Arc::new(spec.clone()).open(stored).unwrap()
}

/// One epoch up to its commit: what comes out, how many rows were late, what is written.
pub fn epoch(
    operator: &mut dyn Operator,
    spec: &DedupSpec,
    blocks: &MemoryBlocks,
    lanes: &[Vec<Row>],
    time: &EpochTime,
) -> (Vec<Change>, u64, BlockChanges) {
    let spec: Arc<dyn OperatorSpec> = Arc::new(spec.clone());
    let mut late = 0;
    for (number, rows) in lanes.iter().enumerate() {
        let mut lane = Arc::clone(&spec).lane(KeyPartitioning::default()).unwrap();
        late += lane.push(0, Sign::Add, &batch(rows), time).unwrap().late;
        operator.absorb(time, lane.finish().unwrap(), number as u16).unwrap();
    }
    let tasks = operator.tasks(time).unwrap();
    let out = tasks.into_iter().flat_map(|task| operator.run(task, time, blocks).unwrap()).collect();
    (out, late, operator.prepare_commit(time, blocks).unwrap())
}

pub fn texts(out: &[Change]) -> Vec<String> {
    let mut texts = Vec::new();
    for Change { sign, rows } in out {
        assert_eq!(*sign, Sign::Add);
        let (keys, values) = (rows.column(0).as_string::<i32>(), rows.column(1).as_primitive::<Int64Type>());
        let key = |row| if keys.is_null(row) { "null" } else { keys.value(row) };
        texts.extend((0..rows.num_rows()).map(|row| format!("{} {}", key(row), values.value(row))));
    }
    texts
}

/// A query with one deduplication.
pub struct Bed {
    spec: DedupSpec,
    delay_us: Option<i64>,
    /// An epoch with rows is followed by one without if the watermark has moved.
    pub runs_until_idle: bool,
    operator: Box<dyn Operator>,
    blocks: MemoryBlocks,
    epoch: u64,
    newest_us: Option<i64>,
    watermark_us: Option<i64>,
    late_us: Option<i64>,
    out: Vec<String>,
    late: u64,
    metrics: StateMetrics,
}

impl Bed {
    pub fn new(spec: DedupSpec, delay_us: Option<i64>) -> Bed {
        let blocks = MemoryBlocks::default();
        Bed {
            operator: open(&blocks, &spec, usize::MAX),
            spec,
            delay_us,
            runs_until_idle: true,
            blocks,
            epoch: 0,
            newest_us: None,
            watermark_us: None,
            late_us: None,
            out: Vec::new(),
            late: 0,
            metrics: StateMetrics::default(),
        }
    }

    pub fn add(&mut self, rows: &[Row]) -> &mut Bed {
        self.one(rows);
        if self.runs_until_idle && self.next_watermark() > self.watermark_us {
            let (out, late, metrics) = (self.out.clone(), self.late, self.metrics);
            self.one(&[]);
            assert!(self.out.is_empty(), "an epoch without rows emits none");
            (self.out, self.late) = (out, late);
            self.metrics.updated = metrics.updated;
        }
        self
    }

    pub fn emits(&mut self, expected: &[&str]) -> &mut Bed {
        let mut expected: Vec<&str> = expected.to_vec();
        let mut found: Vec<&str> = self.out.iter().map(String::as_str).collect();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected);
        self
    }

    /// Spark's numRowsTotal, numRowsUpdated of the epoch with rows, numRowsDroppedByWatermark.
    pub fn state(&mut self, total: u64, updated: u64, dropped: u64) -> &mut Bed {
        assert_eq!((self.metrics.rows, self.metrics.updated, self.late), (total, updated, dropped));
        self
    }

    pub fn has_pending_output(&self) -> bool {
        self.operator.has_pending_output(&epoch_time(self.epoch, self.next_watermark(), None))
    }

    fn next_watermark(&self) -> Option<i64> {
        let newest = self.newest_us.zip(self.delay_us).map(|(newest_us, delay_us)| newest_us - delay_us);
        newest.max(self.watermark_us)
    }

    fn one(&mut self, rows: &[Row]) {
        (self.late_us, self.watermark_us) = (self.watermark_us, self.next_watermark());
        let now = epoch_time(self.epoch, self.watermark_us, self.late_us);
        let lanes = if rows.is_empty() { Vec::new() } else { vec![rows.to_vec()] };
        let (out, late, changes) = epoch(self.operator.as_mut(), &self.spec, &self.blocks, &lanes, &now);
        self.blocks.apply(&changes);
        self.operator.committed();
        (self.out, self.late, self.metrics) = (texts(&out), late, self.operator.metrics());
        self.newest_us = self.newest_us.max(rows.iter().filter_map(|row| row.time_us).max());
        self.epoch += 1;
    }
}
