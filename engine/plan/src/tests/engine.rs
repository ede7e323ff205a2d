//! A job of given tables, planned, and run in this process over given rows.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use epoch::EpochId;
use job::{Job, OutputMode};
use operators::aggregate::BlockSource;
use operators::operator::Moment;
use operators::{Aggregate, AggregateLane, OperatorError};
use state::BlockKey;

use crate::{Graph, TablePlan, TableProblem, plan_job};

pub const SECOND: i64 = 1_000_000;
pub const MINUTE: i64 = 60 * SECOND;

const HEAD: &str = r#"
[job]
name = "test"
checkpoint = "checkpoints/test"
warehouse = "warehouse"
[source.events]
connector = "kafka"
brokers = "127.0.0.1:9092"
topic = "events"
format = "json"
watermark = { column = "event_time", delay = "5 minutes" }
[source.events.schema]
event_time = "timestamp"
event_type = "string"
user_id = "string"
quantity = "int"
total = "bigint"
price = "double"
success = "boolean"
items = "array<string>"
quantities = "array<int>"
[source.plain]
connector = "kafka"
brokers = "127.0.0.1:9092"
topic = "plain"
format = "json"
[source.plain.schema]
event_time = "timestamp"
user_id = "string"
"#;

/// A job of tables given by name, mode and SQL.
pub fn job(tables: &[(&str, &str, &str)]) -> Job {
    let mut text = HEAD.to_string();
    for (name, mode, sql) in tables {
        text.push_str(&format!("[table.{name}]\nmode = \"{mode}\"\nsql = '''{sql}'''\n"));
    }
    job::parse("test.toml", &text, &[], &|_| None).unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

pub fn plan(job: &Job) -> Result<Graph, Vec<TableProblem>> {
    let schemas: BTreeMap<String, SchemaRef> =
        job.sources.iter().map(|(name, source)| (name.clone(), decode::arrow_schema(&source.schema))).collect();
    plan_job(job, &schemas)
}

pub fn plan_one(mode: &str, sql: &str) -> Result<(Graph, TablePlan), Vec<TableProblem>> {
    let graph = plan(&job(&[("gold.test", mode, sql)]))?;
    let table = graph.tables[0].clone();
    Ok((graph, table))
}

/// Rows of a source's schema; columns not given are null.
pub fn rows(schema: &SchemaRef, given: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let count = given[0].1.len();
    let columns = schema.fields().iter().map(|field| {
        if let Some((_, values)) = given.iter().find(|(name, _)| name == field.name()) {
            return Arc::clone(values);
        }
        match field.name().as_str() {
            "_topic" => Arc::new(StringArray::from(vec!["topic"; count])) as ArrayRef,
            "_partition" => Arc::new(Int32Array::from(vec![0; count])),
            "_offset" => Arc::new(Int64Array::from_iter_values(0..count as i64)),
            _ => new_null_array(field.data_type(), count),
        }
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect()).unwrap()
}

pub fn times(us: &[i64]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(us.to_vec()).with_timezone("UTC"))
}

pub fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub fn ints(values: &[Option<i32>]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

pub fn doubles(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

pub fn flags(values: &[Option<bool>]) -> ArrayRef {
    Arc::new(BooleanArray::from(values.to_vec()))
}

#[derive(Default)]
struct Store(HashMap<BlockKey, Vec<u8>>);

impl BlockSource for Store {
    fn block(&self, key: &BlockKey) -> Result<Vec<u8>, OperatorError> {
        self.0.get(key).cloned().ok_or_else(|| OperatorError::Damaged(format!("{key} is missing")))
    }
}

/// What a table holds at the end: epochs of lanes, each with its watermark; a last epoch closes every window of an append table.
pub fn run(table: &TablePlan, epochs: &[(Vec<RecordBatch>, Option<i64>)]) -> RecordBatch {
    let Some(stage) = &table.aggregate else {
        let passed: Vec<RecordBatch> =
            epochs.iter().flat_map(|(lanes, _)| lanes).map(|rows| table.front.run(rows).unwrap().rows).collect();
        return concat_batches(&table.schema, &passed).unwrap();
    };
    let mut store = Store::default();
    let mut aggregate = Aggregate::open(Arc::clone(&stage.spec), Vec::new()).unwrap();
    let (mut late, mut out) = (None, Vec::new());
    let nothing = (Vec::new(), Some(i64::MAX / 4));
    for (number, (lanes, watermark_us)) in epochs.iter().chain([&nothing]).enumerate() {
        let moment =
            Moment { epoch: EpochId(number as u64), batch_time_us: 0, watermark_us: *watermark_us, late_us: late };
        for (lane_number, input) in lanes.iter().enumerate() {
            let mut lane = AggregateLane::new(Arc::clone(&stage.spec)).unwrap();
            let left = lane.push(&table.front.run(input).unwrap().rows, late).unwrap();
            assert_eq!(left.late, 0);
            aggregate.absorb(moment.epoch, lane_number as u16, lane.finish().unwrap());
        }
        let groups = match table.mode {
            OutputMode::Append => aggregate.complete_windows(&moment),
            _ if number < epochs.len() => aggregate.all_groups(&moment),
            _ => break,
        };
        let merged: Vec<RecordBatch> =
            aggregate.merge_items(&groups).into_iter().map(|item| aggregate.merge(&store, item).unwrap()).collect();
        let all = concat_batches(&stage.spec.output, &merged).unwrap();
        if table.mode != OutputMode::Append {
            out.clear();
        }
        out.push(stage.back.run(&all).unwrap().rows);
        let changes =
            aggregate.settle(&store, moment.epoch, watermark_us.filter(|_| table.mode == OutputMode::Append)).unwrap();
        changes
            .drops
            .iter()
            .for_each(|drop| store.0.retain(|key, _| key.bucket < drop.from || key.bucket >= drop.until));
        changes.deletes.iter().for_each(|key| drop(store.0.remove(key)));
        store.0.extend(changes.puts.iter().map(|(key, bytes)| (*key, bytes.to_vec())));
        aggregate.committed();
        late = *watermark_us;
    }
    concat_batches(&table.schema, &out).unwrap()
}

/// Rows as text, sorted.
pub fn lines(rows: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("null");
    let columns: Vec<ArrayFormatter<'_>> =
        rows.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
    let mut lines: Vec<String> = (0..rows.num_rows())
        .map(|row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join(" | "))
        .collect();
    lines.sort();
    lines
}

pub fn type_of(table: &TablePlan, column: &str) -> DataType {
    table.schema.field_with_name(column).unwrap().data_type().clone()
}
