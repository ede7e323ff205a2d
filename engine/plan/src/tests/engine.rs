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
use operators::operator::{BlockSource, Change, EpochTime, Operator, OperatorLane, OperatorSpec, Sign, Stored};
use operators::{OperatorError, Pipeline};
use state::{BlockKey, KeyPartitioning};

use crate::{Graph, JobProblem, Node, NodeKind, Origin, TablePlan, plan_job};

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
    job::parse("test.toml", &text, &[], &|_| None, job::Connectors::new(&[&kafka::KafkaConnector]))
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

pub fn plan(job: &Job) -> Result<Graph, Vec<JobProblem>> {
    plan_for(job, connector::Capabilities::FILES)
}

/// Planned for a sink that can do so much.
pub fn plan_for(job: &Job, capabilities: connector::Capabilities) -> Result<Graph, Vec<JobProblem>> {
    let schemas: BTreeMap<String, SchemaRef> =
        job.sources.iter().map(|(name, source)| (name.clone(), formats::arrow_schema(&source.schema))).collect();
    plan_job(job, &schemas, &capabilities)
}

pub fn plan_one(mode: &str, sql: &str) -> Result<(Graph, TablePlan), Vec<JobProblem>> {
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

/// What a table of a graph holds at the end: epochs of lanes, each with its watermark; a last epoch closes every window of an
/// append table.
pub fn run(graph: &Graph, at: usize, epochs: &[(Vec<RecordBatch>, Option<i64>)]) -> RecordBatch {
    let table = &graph.tables[at];
    let mut machine = Machine::new(graph, at);
    let (mut late, mut out) = (None, Vec::new());
    let nothing = (Vec::new(), Some(i64::MAX / 4));
    for (number, (lanes, watermark_us)) in epochs.iter().chain([&nothing]).enumerate() {
        let time =
            EpochTime { epoch: EpochId(number as u64), batch_time_us: 0, watermark_us: *watermark_us, late_us: late };
        if number == epochs.len() && table.mode != OutputMode::Append {
            break;
        }
        let changes = machine.epoch(lanes, &time);
        if !changes.is_empty() && table.mode == OutputMode::Complete {
            out.clear();
        }
        out.push(changes);
        late = *watermark_us;
    }
    concat_batches(&table.schema, &table_of(table, out)).unwrap()
}

/// The rows of the table after these changes: of a bucket that is replaced the last ones.
fn table_of(table: &TablePlan, epochs: Vec<Vec<(Sign, RecordBatch)>>) -> Vec<RecordBatch> {
    let mut buckets: BTreeMap<i64, Vec<RecordBatch>> = BTreeMap::new();
    let mut added = Vec::new();
    for changes in epochs {
        let mut last = None;
        for (sign, rows) in changes {
            match sign {
                Sign::Add if !table.is_replaced() => added.push(rows),
                Sign::Replace { bucket } => {
                    let of_bucket = buckets.entry(bucket).or_default();
                    if last != Some(bucket) {
                        of_bucket.clear();
                    }
                    of_bucket.push(rows);
                    last = Some(bucket);
                }
                _ => {}
            }
        }
    }
    added.extend(buckets.into_values().flatten());
    added
}

/// The nodes of a graph with their state, run as the runtime runs them.
struct Machine<'a> {
    graph: &'a Graph,
    table: usize,
    store: Store,
    operators: BTreeMap<usize, Box<dyn Operator>>,
    lanes: BTreeMap<usize, Box<dyn OperatorLane>>,
    out: Vec<(Sign, RecordBatch)>,
}

impl<'a> Machine<'a> {
    fn new(graph: &'a Graph, table: usize) -> Machine<'a> {
        let specs = graph.nodes.iter().enumerate().filter_map(|(at, node)| match &node.kind {
            NodeKind::Operator(operator) => Some((at, &operator.spec)),
            _ => None,
        });
        let mut operators = BTreeMap::new();
        for (at, spec) in specs {
            let stored = Stored { blocks: vec![Vec::new(); spec.stores().len()], ..Stored::default() };
            operators.insert(at, Arc::clone(spec).open(stored).unwrap());
        }
        Machine { graph, table, store: Store::default(), operators, lanes: BTreeMap::new(), out: Vec::new() }
    }

    fn epoch(&mut self, lanes: &[RecordBatch], time: &EpochTime) -> Vec<(Sign, RecordBatch)> {
        let fresh = |(at, node): (usize, &Node)| match &node.kind {
            NodeKind::Operator(operator) => {
                Some((at, Arc::clone(&operator.spec).lane(KeyPartitioning::default()).unwrap()))
            }
            _ => None,
        };
        let at: Vec<usize> = self.operators.keys().copied().collect();
        for (number, rows) in lanes.iter().enumerate() {
            self.lanes = self.graph.nodes.iter().enumerate().filter_map(fresh).collect();
            self.pass_on(&Origin::Source("events".to_string()), Sign::Add, rows, time);
            for at in &at {
                let part = self.lanes.get_mut(at).unwrap().finish().unwrap();
                let own = self.own(*at, time);
                self.operators.get_mut(at).unwrap().absorb(&own, part, number as u16).unwrap();
            }
        }
        self.lanes = self.graph.nodes.iter().enumerate().filter_map(fresh).collect();
        for at in &at {
            let part = self.lanes.get_mut(at).unwrap().finish().unwrap();
            let own = self.own(*at, time);
            let operator = self.operators.get_mut(at).unwrap();
            operator.absorb(&own, part, lanes.len() as u16).unwrap();
            let tasks = operator.tasks(&own).unwrap();
            let changes: Vec<Change> =
                tasks.into_iter().flat_map(|task| self.operators[at].run(task, &own, &self.store).unwrap()).collect();
            changes.iter().for_each(|change| self.pass_on(&Origin::Node(*at), change.sign, &change.rows, time));
        }
        for at in &at {
            let own = self.own(*at, time);
            let operator = self.operators.get_mut(at).unwrap();
            let changes = operator.prepare_commit(&own, &self.store).unwrap();
            for drop in &changes.drops {
                let is_dropped = |key: &BlockKey| {
                    key.operator == drop.operator && drop.from <= key.bucket && key.bucket < drop.until
                };
                self.store.0.retain(|key, _| !is_dropped(key));
            }
            changes.deletes.iter().for_each(|key| drop(self.store.0.remove(key)));
            self.store.0.extend(changes.puts.iter().map(|(key, bytes)| (*key, bytes.to_vec())));
            operator.committed();
        }
        std::mem::take(&mut self.out)
    }

    /// What time it is for an operator: its rows may lag behind the watermark.
    fn own(&self, at: usize, time: &EpochTime) -> EpochTime {
        let NodeKind::Operator(operator) = &self.graph.nodes[at].kind else { return *time };
        let (watermark_us, late_us) = (operator.behind(time.watermark_us), operator.behind(time.late_us));
        EpochTime { watermark_us, late_us, ..*time }
    }

    fn pass_on(&mut self, from: &Origin, sign: Sign, rows: &RecordBatch, time: &EpochTime) {
        let graph = self.graph;
        for (at, node) in graph.nodes.iter().enumerate() {
            for edge in node.inputs.iter().filter(|edge| edge.from == *from) {
                match &node.kind {
                    NodeKind::Pipeline(pipeline) => {
                        let passed = pipeline.run(rows).unwrap().rows;
                        self.pass_on(&Origin::Node(at), sign, &passed, time);
                    }
                    NodeKind::Operator(_) if matches!(sign, Sign::Replace { .. }) => {}
                    NodeKind::Operator(_) => {
                        let own = self.own(at, time);
                        let left = self.lanes.get_mut(&at).unwrap().push(edge.port, sign, rows, &own).unwrap();
                        assert_eq!(left.late, 0);
                    }
                    NodeKind::Sink if node.table == self.table => self.out.push((sign, rows.clone())),
                    NodeKind::Sink => {}
                    NodeKind::Lookup(_) => panic!("no static tables here"),
                }
            }
        }
    }
}

/// The first operator with memory.
pub fn operator(graph: &Graph) -> &Arc<dyn OperatorSpec> {
    let mut operators = graph.nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Operator(operator) => Some(&operator.spec),
        _ => None,
    });
    operators.next().unwrap()
}

/// What a table without memory makes of rows of its source.
pub fn front(graph: &Graph, table: usize) -> &Pipeline {
    let nodes = graph.nodes[graph.tables[table].nodes.clone()].iter();
    let mut pipelines = nodes.filter_map(|node| match &node.kind {
        NodeKind::Pipeline(pipeline) => Some(pipeline),
        _ => None,
    });
    pipelines.next().unwrap()
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
