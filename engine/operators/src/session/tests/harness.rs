//! Runs a session aggregate as the runtime does, over a checkpoint that is a map.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema, SchemaRef, TimestampMicrosecondType};
use datafusion::functions_aggregate::average::avg_udaf;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::first_last::{first_value_udaf, last_value_udaf};
use datafusion::functions_aggregate::median::median_udaf;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::functions_aggregate::stddev::stddev_udaf;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::{AggregateUDF, Operator as Compare};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateExprBuilder;
use datafusion::physical_expr::expressions::{binary, col, lit};
use epoch::EpochId;
use expr::aggregate::{approx_count_distinct, collect_list};
use expr::types::{instant, window_fields, window_type};
use state::KeyPartitioning;

use crate::Emission;
use crate::aggregate::{AggregateCall, GroupColumn};
use crate::block_changes::BlockChanges;
use crate::change::{Change, Sign};
use crate::epoch_time::EpochTime;
use crate::memory_blocks::MemoryBlocks;
use crate::operator::{LateRows, Operator, OperatorSpec};
use crate::session::{GroupTime, SessionSpec};
use crate::stored::Stored;

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub key: Option<String>,
    pub start: Option<i64>,
    pub end: Option<i64>,
    pub value: i64,
}

impl Row {
    pub fn of(key: &str, start: i64, end: i64, value: i64) -> Row {
        Row { key: Some(key.to_string()), start: Some(start), end: Some(end), value }
    }
}

/// Columns: key, start, end, value, window (start, end), value as a double over three.
pub fn input_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("key", DataType::Utf8, true),
        Field::new("start", instant(), true),
        Field::new("end", instant(), true),
        Field::new("value", DataType::Int64, true),
        Field::new("window", window_type(), true),
        Field::new("third", DataType::Float64, true),
    ]))
}

pub fn batch(rows: &[Row]) -> RecordBatch {
    let instants = |of: fn(&Row) -> Option<i64>| -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let (starts, ends) = (instants(|row| row.start), instants(|row| row.end));
    let windows = StructArray::new(window_fields(), vec![starts.clone(), ends.clone()], None);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.key.clone()).collect::<StringArray>()),
        starts,
        ends,
        Arc::new(rows.iter().map(|row| Some(row.value)).collect::<Int64Array>()),
        Arc::new(windows),
        Arc::new(rows.iter().map(|row| Some(row.value as f64 / 3.0)).collect::<Float64Array>()),
    ];
    RecordBatch::try_new(input_schema(), columns).unwrap()
}

pub fn call(function: &AggregateUDF, argument: Arc<dyn PhysicalExpr>) -> AggregateCall {
    let name = function.name().to_string();
    let function = Arc::new(function.clone());
    let built = AggregateExprBuilder::new(function, vec![argument]).schema(input_schema()).alias(&name).build();
    AggregateCall { name, function: Arc::new(built.unwrap()), filter: None }
}

fn column(name: &str) -> Arc<dyn PhysicalExpr> {
    col(name, &input_schema()).unwrap()
}

pub fn count() -> Vec<AggregateCall> {
    vec![call(&count_udaf(), lit(1_i64))]
}

/// count(*), sum(value), min(value), max(value), count(*) FILTER (value > 5).
pub fn exact() -> Vec<AggregateCall> {
    let mut large = call(&count_udaf(), lit(1_i64));
    large.filter = Some(binary(column("value"), Compare::Gt, lit(5_i64), &input_schema()).unwrap());
    let mut calls = count();
    calls.extend([&sum_udaf(), &min_udaf(), &max_udaf()].map(|function| call(function, column("value"))));
    calls.push(large);
    calls
}

/// What depends on the order of rows: collect_list, first, last, and sums of doubles that are not exact.
pub fn ordered() -> Vec<AggregateCall> {
    vec![
        call(&collect_list(), column("value")),
        call(&first_value_udaf(), column("value")),
        call(&last_value_udaf(), column("value")),
        call(&sum_udaf(), column("third")),
        call(&avg_udaf(), column("third")),
        call(&stddev_udaf(), column("third")),
    ]
}

/// Functions whose state is a sketch, a set, a list of values or a text; some have no grouped form of their own.
pub fn mixed() -> Vec<AggregateCall> {
    let distinct = AggregateExprBuilder::new(count_udaf(), vec![column("value")]).schema(input_schema()).alias("d");
    let distinct = Arc::new(distinct.distinct().build().unwrap());
    vec![
        call(&approx_count_distinct(), column("value")),
        AggregateCall { name: "d".to_string(), function: distinct, filter: None },
        call(&median_udaf(), column("third")),
        call(&max_udaf(), column("key")),
    ]
}

pub fn spec(time: GroupTime, keys: &[usize], calls: Vec<AggregateCall>, emission: Emission) -> Arc<SessionSpec> {
    let input = input_schema();
    let is_session = matches!(time, GroupTime::Session { .. });
    let mut fields: Vec<Field> = is_session.then(|| Field::new("session", window_type(), true)).into_iter().collect();
    fields.extend(keys.iter().map(|key| input.field(*key).clone()));
    for (at, call) in calls.iter().enumerate() {
        fields.push(Field::new(format!("c{at}"), call.function.field().data_type().clone(), true));
    }
    let session = is_session.then_some(GroupColumn::Window);
    Arc::new(SessionSpec {
        forgotten_after_us: None,
        operator: "gold.sessions".to_string(),
        time,
        keys: keys.to_vec(),
        key_names: keys.iter().map(|key| input.field(*key).name().clone()).collect(),
        calls,
        group: session.into_iter().chain((0..keys.len()).map(GroupColumn::Key)).collect(),
        emission,
        input,
        output: Arc::new(Schema::new(fields)),
    })
}

pub fn sessions(calls: Vec<AggregateCall>, emission: Emission) -> Arc<SessionSpec> {
    spec(GroupTime::Session { start: 1, end: 2 }, &[0], calls, emission)
}

/// What an epoch takes in: chunks of each lane.
pub type Lanes = Vec<Vec<Vec<Row>>>;

/// What an epoch gave.
pub struct Outcome {
    pub changes: Vec<Change>,
    pub left: LateRows,
    pub blocks: BlockChanges,
}

/// An operator with its checkpoint.
pub struct Job {
    pub spec: Arc<SessionSpec>,
    pub operator: Box<dyn Operator>,
    pub blocks: MemoryBlocks,
    pub last: Option<EpochTime>,
}

impl Job {
    pub fn new(spec: Arc<SessionSpec>) -> Job {
        let operator = Arc::clone(&spec).open(Stored::default()).unwrap();
        Job { spec, operator, blocks: MemoryBlocks::default(), last: None }
    }

    /// Forgets all but the checkpoint.
    pub fn restart(&mut self) {
        let stored = self.blocks.stored(&*self.spec, self.last, Arc::default());
        self.operator = Arc::clone(&self.spec).open(stored).unwrap();
    }

    /// One epoch up to its commit.
    pub fn run(&mut self, lanes: &Lanes, time: &EpochTime) -> Outcome {
        let mut left = LateRows::default();
        for (number, chunks) in lanes.iter().enumerate() {
            let mut lane = Arc::clone(&self.spec).lane(KeyPartitioning::default()).unwrap();
            for chunk in chunks {
                let of_chunk = lane.push(0, Sign::Add, &batch(chunk), time).unwrap();
                let masked = of_chunk.mask.map_or(0, |mask| {
                    assert_eq!(mask.len(), chunk.len());
                    mask.true_count() as u64
                });
                assert_eq!(masked, of_chunk.late);
                left.late += of_chunk.late;
                left.untimed += of_chunk.untimed;
            }
            self.operator.absorb(time, lane.finish().unwrap(), number as u16).unwrap();
        }
        let tasks = self.operator.tasks(time).unwrap();
        let run = |task| self.operator.run(task, time, &self.blocks).unwrap();
        let changes = tasks.into_iter().flat_map(run).collect();
        let blocks = self.operator.prepare_commit(time, &self.blocks).unwrap();
        Outcome { changes, left, blocks }
    }

    pub fn commit(&mut self, time: &EpochTime, blocks: &BlockChanges) {
        self.blocks.apply(blocks);
        self.operator.committed();
        self.last = Some(*time);
    }

    pub fn epoch(&mut self, lanes: &Lanes, time: &EpochTime) -> Outcome {
        let outcome = self.run(lanes, time);
        self.commit(time, &outcome.blocks);
        outcome
    }
}

pub fn epoch_time(epoch: u64, late_us: Option<i64>, watermark_us: Option<i64>) -> EpochTime {
    EpochTime { epoch: EpochId(epoch), batch_time_us: 0, watermark_us, late_us }
}

/// Watermarks as Spark moves them: the greatest start so far less a delay, from the next epoch on.
pub struct Clock {
    pub job: Job,
    delay_us: i64,
    epoch: u64,
    next_us: Option<i64>,
    late_us: Option<i64>,
}

impl Clock {
    pub fn new(job: Job, delay_us: i64) -> Clock {
        Clock { job, delay_us, epoch: 0, next_us: None, late_us: None }
    }

    pub fn next(&self) -> EpochTime {
        epoch_time(self.epoch, self.late_us, self.next_us)
    }

    pub fn epoch(&mut self, rows: &[Row]) -> Outcome {
        let time = self.next();
        let outcome = self.job.epoch(&vec![vec![rows.to_vec()]], &time);
        self.late_us = time.watermark_us;
        self.next_us = self.next_us.max(rows.iter().filter_map(|row| row.start).max().map(|us| us - self.delay_us));
        self.epoch += 1;
        outcome
    }

    /// An epoch, and those without rows that Spark runs after it.
    pub fn batch(&mut self, rows: &[Row]) -> (Vec<Change>, LateRows) {
        let Outcome { mut changes, left, .. } = self.epoch(rows);
        while self.job.operator.has_pending_output(&self.next()) {
            changes.extend(self.epoch(&[]).changes);
            assert!(!self.job.operator.has_pending_output(&self.next()), "has nothing more to emit");
        }
        (changes, left)
    }
}

/// Rows as text, columns parted by spaces, instants and sessions in units of `unit_us`.
pub fn shown(rows: &RecordBatch, unit_us: i64) -> Vec<String> {
    let texts = rows
        .columns()
        .iter()
        .map(|column| (0..rows.num_rows()).map(|row| cell(column, row, unit_us)).collect::<Vec<_>>());
    let texts: Vec<Vec<String>> = texts.collect();
    (0..rows.num_rows()).map(|row| texts.iter().map(|text| text[row].as_str()).collect::<Vec<_>>().join(" ")).collect()
}

fn cell(column: &ArrayRef, row: usize, unit_us: i64) -> String {
    let us = |column: &ArrayRef| column.as_primitive::<TimestampMicrosecondType>().value(row) / unit_us;
    match column.data_type() {
        _ if column.is_null(row) => "null".to_string(),
        DataType::Utf8 => column.as_string::<i32>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Float64 => format!("{:?}", column.as_primitive::<Float64Type>().value(row)),
        DataType::Timestamp(_, _) => us(column).to_string(),
        DataType::Struct(_) => {
            let window = column.as_struct();
            format!("{}-{}", us(window.column(0)), us(window.column(1)))
        }
        DataType::List(_) => {
            format!("{:?}", column.as_list::<i32>().value(row).as_primitive::<Int64Type>().values().to_vec())
        }
        other => panic!("{other}"),
    }
}

/// All rows that were added, sorted. Fails if any were retracted.
pub fn added(changes: &[Change], unit_us: i64) -> Vec<String> {
    assert!(changes.iter().all(|change| change.sign == Sign::Add));
    let mut rows: Vec<String> = changes.iter().flat_map(|change| shown(&change.rows, unit_us)).collect();
    rows.sort();
    rows
}

/// A table as readers see it: how often each row stands in it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Table(pub BTreeMap<String, usize>);

impl Table {
    pub fn apply(&mut self, changes: &[Change], unit_us: i64) {
        for change in changes {
            assert!(change.rows.num_rows() > 0 || matches!(change.sign, Sign::Replace { .. }), "an empty change");
            if matches!(change.sign, Sign::Replace { .. }) {
                self.0.clear();
            }
            for row in shown(&change.rows, unit_us) {
                match change.sign {
                    Sign::Retract => {
                        let count = self.0.get_mut(&row).unwrap_or_else(|| panic!("retracts {row}, not there"));
                        *count -= 1;
                    }
                    _ => *self.0.entry(row).or_default() += 1,
                }
            }
        }
        self.0.retain(|_, count| *count > 0);
    }

    pub fn rows(&self) -> Vec<String> {
        self.0.iter().flat_map(|(row, count)| std::iter::repeat_n(row.clone(), *count)).collect()
    }
}
