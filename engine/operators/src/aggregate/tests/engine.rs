//! Runs an aggregate as the runtime does, over a checkpoint that is a map, and checks every epoch for replay.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{
    DataType, Field, Float64Type, Int32Type, Int64Type, Schema, SchemaRef, TimestampMicrosecondType,
};
use datafusion::functions_aggregate::average::avg_udaf;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::{AggregateUDF, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateExprBuilder;
use datafusion::physical_expr::expressions::{binary, cast, col, lit};
use epoch::EpochId;
use expr::aggregate::{approx_count_distinct, collect_list};
use expr::types::{instant, window_type};
use expr::window::WindowSpec;
use state::KeyPartitioning;

use crate::aggregate::lane::AggregateLane;
use crate::aggregate::state::AggregateState;
use crate::aggregate::{AggregateCall, AggregateSpec, GroupColumn};
use crate::epoch_time::EpochTime;
use crate::memory_blocks::MemoryBlocks;
use crate::operator::LateRows;

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub time: Option<i64>,
    pub number: Option<i32>,
    pub text: Option<String>,
    pub float: Option<f64>,
    pub value: Option<i64>,
}

impl Row {
    pub fn of(time: i64, text: &str, value: i64) -> Row {
        Row { time: Some(time), number: Some(0), text: Some(text.to_string()), float: Some(0.0), value: Some(value) }
    }
}

/// What a group comes to: count(*), sum, min, max, count FILTER (value > 0), list, approximate distinct, avg, count(DISTINCT).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Aggregates {
    pub count: i64,
    pub sum: Option<i64>,
    pub min: Option<i64>,
    pub max: Option<i64>,
    pub positive: i64,
    pub list: Vec<i64>,
    pub distinct: i64,
    pub mean: Option<f64>,
    pub exact_distinct: i64,
}

/// Start of the window, if there is one, and the keys as text.
pub type Group = (Option<i64>, Vec<String>);

pub fn input_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("time", instant(), true),
        Field::new("number", DataType::Int32, true),
        Field::new("text", DataType::Utf8, true),
        Field::new("float", DataType::Float64, true),
        Field::new("value", DataType::Int64, true),
    ]))
}

pub fn batch(rows: &[Row]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.time).collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
        Arc::new(rows.iter().map(|row| row.number).collect::<Int32Array>()),
        Arc::new(rows.iter().map(|row| row.text.clone()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.float).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.value).collect::<Int64Array>()),
    ];
    RecordBatch::try_new(input_schema(), columns).unwrap()
}

pub fn call(function: AggregateUDF, argument: Arc<dyn PhysicalExpr>, is_distinct: bool) -> AggregateCall {
    let name = function.name().to_string();
    let builder = AggregateExprBuilder::new(Arc::new(function), vec![argument]).schema(input_schema()).alias(&name);
    let builder = if is_distinct { builder.distinct() } else { builder };
    AggregateCall { name, function: Arc::new(builder.build().unwrap()), filter: None }
}

/// An aggregate with all functions over these keys (columns 1 to 3).
pub fn spec(window: Option<WindowSpec>, keys: &[usize]) -> Arc<AggregateSpec> {
    let schema = input_schema();
    let value = || col("value", &schema).unwrap();
    let mut positive = call(count_udaf().as_ref().clone(), lit(1_i64), false);
    positive.filter = Some(binary(value(), Operator::Gt, lit(0_i64), &schema).unwrap());
    let calls = vec![
        call(count_udaf().as_ref().clone(), lit(1_i64), false),
        call(sum_udaf().as_ref().clone(), value(), false),
        call(min_udaf().as_ref().clone(), value(), false),
        call(max_udaf().as_ref().clone(), value(), false),
        positive,
        call(collect_list(), value(), false),
        call(approx_count_distinct(), value(), false),
        call(avg_udaf().as_ref().clone(), cast(value(), &schema, DataType::Float64).unwrap(), false),
        call(count_udaf().as_ref().clone(), value(), true),
    ];
    Arc::new(spec_of(window, keys, calls))
}

pub fn spec_of(window: Option<WindowSpec>, keys: &[usize], calls: Vec<AggregateCall>) -> AggregateSpec {
    let schema = input_schema();
    let mut fields: Vec<Field> = window.iter().map(|_| Field::new("w", window_type(), true)).collect();
    fields.extend(keys.iter().map(|key| schema.field(*key).clone()));
    fields.extend(
        calls
            .iter()
            .enumerate()
            .map(|(at, call)| Field::new(format!("c{at}"), call.function.field().data_type().clone(), true)),
    );
    let group = window.iter().map(|_| GroupColumn::Window).chain((0..keys.len()).map(GroupColumn::Key)).collect();
    AggregateSpec {
        operator: "gold.test".to_string(),
        window,
        time: window.map(|_| 0),
        keys: keys.to_vec(),
        key_names: keys.iter().map(|key| schema.field(*key).name().clone()).collect(),
        calls,
        group,
        input: schema,
        output: Arc::new(Schema::new(fields)),
    }
}

pub fn epoch_time(epoch: u64, late_us: Option<i64>, watermark_us: Option<i64>) -> EpochTime {
    EpochTime { epoch: EpochId(epoch), batch_time_us: 0, watermark_us, late_us }
}

pub fn open(store: &MemoryBlocks, spec: &Arc<AggregateSpec>) -> AggregateState {
    AggregateState::open(Arc::clone(spec), store.list(), KeyPartitioning::default()).unwrap()
}

/// What an epoch takes in: chunks of each lane.
pub type Lanes = Vec<Vec<Vec<Row>>>;

/// Folds an epoch's rows and returns the rows left out.
pub fn absorb(aggregate: &mut AggregateState, lanes: &Lanes, time: &EpochTime, late_us: Option<i64>) -> LateRows {
    let mut left = LateRows::default();
    for (number, chunks) in lanes.iter().enumerate() {
        let mut lane = AggregateLane::new(Arc::clone(aggregate.spec()), KeyPartitioning::default()).unwrap();
        for chunk in chunks {
            let of_chunk = lane.push(&batch(chunk), late_us).unwrap();
            left.late += of_chunk.late;
            left.untimed += of_chunk.untimed;
        }
        aggregate.absorb(time.epoch, number as u16, lane.finish().unwrap());
    }
    left
}

pub fn merged(aggregate: &AggregateState, store: &MemoryBlocks, groups: &[i64]) -> Vec<RecordBatch> {
    aggregate.merge_tasks(groups).into_iter().map(|item| aggregate.merge(store, item).unwrap()).collect()
}

/// The rows of a result. Panics if a group comes twice.
pub fn by_group(spec: &AggregateSpec, results: &[RecordBatch]) -> std::collections::BTreeMap<Group, Aggregates> {
    let mut all = std::collections::BTreeMap::new();
    for result in results {
        let first = usize::from(spec.window.is_some());
        for row in 0..result.num_rows() {
            let start = spec.window.map(|window| {
                let column = |at: usize| {
                    result.column(0).as_struct().column(at).as_primitive::<TimestampMicrosecondType>().value(row)
                };
                assert_eq!(column(1) - column(0), window.size_us);
                column(0)
            });
            let keys = (0..spec.keys.len()).map(|key| key_text(result.column(first + key), row)).collect();
            let before = all.insert((start, keys), aggregates_at(&result.columns()[first + spec.keys.len()..], row));
            assert!(before.is_none(), "a group comes twice");
        }
    }
    all
}

fn aggregates_at(columns: &[ArrayRef], row: usize) -> Aggregates {
    let int = |at: usize| columns[at].is_valid(row).then(|| columns[at].as_primitive::<Int64Type>().value(row));
    Aggregates {
        count: int(0).unwrap(),
        sum: int(1),
        min: int(2),
        max: int(3),
        positive: int(4).unwrap(),
        list: columns[5].as_list::<i32>().value(row).as_primitive::<Int64Type>().values().to_vec(),
        distinct: int(6).unwrap(),
        mean: columns[7].is_valid(row).then(|| columns[7].as_primitive::<Float64Type>().value(row)),
        exact_distinct: int(8).unwrap(),
    }
}

fn key_text(column: &ArrayRef, row: usize) -> String {
    match column.data_type() {
        _ if column.is_null(row) => "null".to_string(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Float64 => format!("{:?}", column.as_primitive::<Float64Type>().value(row)),
        _ => format!("'{}'", column.as_string::<i32>().value(row)),
    }
}
