//! One lane of the graph: takes rows through the nodes that they reach, writes what is final, hands the rest to the operators.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use delta::StageWriter;
use epoch::{EpochId, RowCounts, StagedFile, Step};
use operators::OperatorError;
use operators::aggregate::instant;
use operators::operator::{EpochTime, LanePart, LateRows, OperatorLane, Sign};
use plan::{LatePlan, NodeKind};

use crate::error::{RunError, of_table};
use crate::reader::Rejected;
use crate::step::Steps;
use crate::topology::{Epoch, Topology};

/// Numbers of data files that replace others begin here; those below belong to the lanes.
const FIRST_REPLACING_FILE: u32 = 1_000;

/// Schema of `rejected.<source>`.
pub fn rejected_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("value", DataType::Binary, true),
        Field::new("topic", DataType::Utf8, true),
        Field::new("partition", DataType::Int32, true),
        Field::new("offset", DataType::Int64, true),
        Field::new("timestamp", instant(), true),
        Field::new("reason", DataType::Utf8, true),
        Field::new("epoch", DataType::Int64, true),
    ]))
}

/// A lane's share of an epoch.
pub struct Compute {
    topology: Arc<Topology>,
    lane: u32,
    /// Lanes that work side by side in this epoch.
    lanes: u32,
    nodes: Vec<NodeLane>,
    tables: Vec<TableLane>,
    rejected: BTreeMap<String, StageWriter>,
}

#[derive(Default)]
struct NodeLane {
    operator: Option<Box<dyn OperatorLane>>,
    /// What the operator's lane collected, if nothing more can come to it in this epoch.
    finished: Option<LanePart>,
    flow: Flow,
}

/// Rows that went into a node and came out of it in this epoch.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// Rows that went in.
    pub entered: u64,
    /// Rows that came out.
    pub given: u64,
    /// Rows that came too late for it.
    pub late: u64,
}

#[derive(Default)]
struct TableLane {
    writer: Option<StageWriter>,
    late_writer: Option<StageWriter>,
    counts: RowCounts,
    /// The bucket that is being replaced, and its file.
    replacing: Option<(i64, StageWriter)>,
    replaced: Vec<(i64, Option<StagedFile>)>,
}

/// What a lane staged for one table.
#[derive(Debug, Default)]
pub struct Staged {
    /// The files.
    pub files: Vec<StagedFile>,
    /// Buckets whose rows are now in a file, or gone.
    pub replaced: Vec<(i64, Option<StagedFile>)>,
    /// The table's books, this lane's share.
    pub counts: RowCounts,
}

/// Rows on their way into a node.
struct Push<'a> {
    sign: Sign,
    rows: &'a RecordBatch,
    /// Rows of a table's input that these are, one for one; `None` if a row may have become several or none.
    is_input: bool,
}

impl Compute {
    /// An empty lane.
    ///
    /// # Errors
    /// If an operator cannot be set up.
    pub fn new(topology: Arc<Topology>, lane: u32) -> Result<Compute, RunError> {
        let nodes = topology.nodes.iter().map(|node| {
            let name = &topology.tables[node.table].plan.name;
            let operator = node.operator().map(|operator| Arc::clone(&operator.spec).lane()).transpose();
            Ok(NodeLane { operator: operator.map_err(of_table(name))?, ..NodeLane::default() })
        });
        let nodes = nodes.collect::<Result<_, RunError>>()?;
        let tables = topology.tables.iter().map(|_| TableLane::default()).collect();
        Ok(Compute { nodes, tables, topology, lane, lanes: 1, rejected: BTreeMap::new() })
    }

    /// Takes one chunk of a source through the graph.
    ///
    /// # Errors
    /// If a query fails on a row or a file cannot be written.
    pub fn take(
        &mut self,
        source: &str,
        rows: &RecordBatch,
        rejected: &[Rejected],
        epoch: &Epoch<'_>,
        steps: &Steps,
    ) -> Result<(), RunError> {
        self.lanes = epoch.plan.lanes.max(1);
        let topology = Arc::clone(&self.topology);
        for (node, port) in topology.roots.get(source).into_iter().flatten() {
            let counts = &mut self.tables[topology.nodes[*node].table].counts;
            counts.read += rejected.len() as u64;
            counts.rejected += rejected.len() as u64;
            self.push(*node, *port, &Push { sign: Sign::Add, rows, is_input: true }, epoch, steps)?;
        }
        if !rejected.is_empty() {
            steps.at(Step::Stage, epoch.number(), || self.write_rejected(source, rejected, epoch.number()))?;
        }
        Ok(())
    }

    /// Passes on what an operator gave out.
    ///
    /// # Errors
    /// If a query fails on a row or a file cannot be written.
    pub fn give(
        &mut self,
        node: usize,
        sign: Sign,
        rows: &RecordBatch,
        epoch: &Epoch<'_>,
        steps: &Steps,
    ) -> Result<(), RunError> {
        self.lanes = epoch.plan.lanes.max(1);
        self.pass_on(node, &Push { sign, rows, is_input: false }, epoch, steps)
    }

    /// All records are read: what the operators that no other operator feeds have collected is made ready, lane beside lane.
    ///
    /// # Errors
    /// If it cannot be encoded.
    pub fn finish_lane(&mut self) -> Result<(), RunError> {
        let topology = Arc::clone(&self.topology);
        for (at, _) in topology.nodes.iter().enumerate().filter(|(_, node)| node.is_fed_by_sources) {
            self.nodes[at].finished = self.finish_operator(at)?;
        }
        Ok(())
    }

    /// What an operator's lane collected in this epoch.
    ///
    /// # Errors
    /// If it cannot be encoded.
    pub fn finish_operator(&mut self, node: usize) -> Result<Option<LanePart>, RunError> {
        if let Some(part) = self.nodes[node].finished.take() {
            return Ok(Some(part));
        }
        let name = &self.topology.tables[self.topology.nodes[node].table].plan.name;
        self.nodes[node].operator.as_mut().map(|lane| lane.finish()).transpose().map_err(of_table(name))
    }

    /// Rows through each node since this was last asked.
    pub fn take_flows(&mut self) -> Vec<Flow> {
        self.nodes.iter_mut().map(|node| std::mem::take(&mut node.flow)).collect()
    }

    /// Closes all files and gives them back by table name; the lane is empty again. The files are synced side by side:
    /// waiting for one after the other is most of what a small epoch costs.
    ///
    /// # Errors
    /// If a file cannot be made durable.
    pub fn finish(&mut self) -> Result<BTreeMap<String, Staged>, RunError> {
        let mut all: BTreeMap<String, Staged> = BTreeMap::new();
        let mut open: Vec<(&str, StageWriter)> = Vec::new();
        for (table, setup) in self.tables.iter_mut().zip(&self.topology.tables) {
            let staged = all.entry(setup.plan.name.clone()).or_default();
            staged.counts = std::mem::take(&mut table.counts);
            staged.replaced = std::mem::take(&mut table.replaced);
            open.extend(table.writer.take().map(|writer| (setup.sink.name(), writer)));
            if let Some(late) = &setup.late {
                open.extend(table.late_writer.take().map(|writer| (late.name(), writer)));
            }
        }
        for (source, writer) in std::mem::take(&mut self.rejected) {
            let Some(table) = self.topology.rejected.get(&source) else { continue };
            open.push((table.name(), writer));
        }
        for (table, file) in close_all(open)? {
            all.entry(table).or_default().files.extend(file);
        }
        Ok(all)
    }

    fn push(
        &mut self,
        at: usize,
        port: usize,
        push: &Push<'_>,
        epoch: &Epoch<'_>,
        steps: &Steps,
    ) -> Result<(), RunError> {
        let topology = Arc::clone(&self.topology);
        let node = &topology.nodes[at];
        let is_replacing = matches!(push.sign, Sign::Replace { .. });
        if push.rows.num_rows() == 0 && !is_replacing {
            return Ok(());
        }
        match &node.kind {
            NodeKind::Pipeline(pipeline) => {
                let name = &topology.tables[node.table].plan.name;
                let passed = steps
                    .at(Step::Compute, epoch.number(), || pipeline.run(push.rows))
                    .map_err(|error| of_table(name)(error.into()))?;
                let mut is_input = push.is_input || node.is_entry;
                if node.is_entry {
                    self.nodes[at].flow.entered += push.rows.num_rows() as u64;
                    let counts = &mut self.tables[node.table].counts;
                    counts.read += push.rows.num_rows() as u64;
                    counts.filtered += passed.filtered;
                    counts.emitted += passed.taken;
                    is_input = passed.taken == passed.rows.num_rows() as u64;
                }
                self.pass_on(at, &Push { sign: push.sign, rows: &passed.rows, is_input }, epoch, steps)
            }
            NodeKind::Lookup(_) => {
                let name = &topology.tables[node.table].plan.name;
                let lookup = epoch
                    .lookups
                    .get(&at)
                    .ok_or_else(|| RunError::Internal(format!("a static table of {name} was not read")))?;
                let rows = steps.at(Step::Compute, epoch.number(), || lookup.run(push.rows)).map_err(of_table(name))?;
                self.pass_on(at, &Push { sign: push.sign, rows: &rows, is_input: false }, epoch, steps)
            }
            NodeKind::Operator(_) if is_replacing => Ok(()),
            NodeKind::Operator(_) => self.fold(at, port, push, epoch, steps),
            NodeKind::Sink => self.write(node.table, push, epoch.number(), steps),
        }
    }

    fn pass_on(&mut self, at: usize, push: &Push<'_>, epoch: &Epoch<'_>, steps: &Steps) -> Result<(), RunError> {
        let topology = Arc::clone(&self.topology);
        if !matches!(push.sign, Sign::Replace { .. }) {
            self.nodes[at].flow.given += push.rows.num_rows() as u64;
        }
        let is_replacing = matches!(push.sign, Sign::Replace { .. });
        for (consumer, port) in &topology.nodes[at].consumers {
            // Whole buckets are for the table itself; those that read it take the changes.
            if is_replacing && topology.nodes[*consumer].is_entry {
                continue;
            }
            self.push(*consumer, *port, push, epoch, steps)?;
        }
        Ok(())
    }

    fn fold(
        &mut self,
        at: usize,
        port: usize,
        push: &Push<'_>,
        epoch: &Epoch<'_>,
        steps: &Steps,
    ) -> Result<(), RunError> {
        let topology = Arc::clone(&self.topology);
        let node = &topology.nodes[at];
        let name = &topology.tables[node.table].plan.name;
        let moment = &epoch.moments[at];
        let Some(lane) = &mut self.nodes[at].operator else { return Ok(()) };
        let left = steps
            .at(Step::Compute, epoch.number(), || lane.push(port, push.sign, push.rows, moment))
            .map_err(of_table(name))?;
        self.nodes[at].flow.late += left.late;
        self.count_left(node.table, push, &left);
        let late = node.operator().and_then(|operator| operator.late.as_ref());
        match (&left.mask, left.late, late) {
            (Some(mask), 1.., Some(late)) => self.write_late(node.table, (push.rows, mask), late, moment, steps),
            _ => Ok(()),
        }
    }

    /// Rows that an operator did not take: rows of the table's input change their fate, others get books of their own.
    fn count_left(&mut self, table: usize, push: &Push<'_>, left: &LateRows) {
        let counts = &mut self.tables[table].counts;
        match push.is_input {
            true => counts.emitted -= left.late + left.untimed,
            false => counts.read += left.late + left.untimed,
        }
        counts.late += left.late;
        counts.filtered += left.untimed;
    }

    fn write(&mut self, at: usize, push: &Push<'_>, epoch: EpochId, steps: &Steps) -> Result<(), RunError> {
        let setup = &self.topology.tables[at];
        let table = &mut self.tables[at];
        match (push.sign, setup.plan.is_replaced) {
            (Sign::Replace { bucket }, _) => {
                return steps.at(Step::Stage, epoch, || self.replace(at, bucket, push.rows, epoch));
            }
            // The table takes whole buckets; these rows are for those that read it.
            (_, true) => return Ok(()),
            (Sign::Retract, false) => {
                return Err(RunError::Internal(format!(
                    "rows of {} are taken back, which it cannot do",
                    setup.plan.name
                )));
            }
            (Sign::Add, false) => {}
        }
        let (lane, sink) = (self.lane, &setup.sink);
        table.counts.written += push.rows.num_rows() as u64;
        steps.at(Step::Stage, epoch, || {
            let writer = open(&mut table.writer, || sink.stage(epoch, lane, None))?;
            Ok(writer.write(push.rows)?)
        })
    }

    fn replace(&mut self, at: usize, bucket: i64, rows: &RecordBatch, epoch: EpochId) -> Result<(), RunError> {
        let is_open = self.tables[at].replacing.as_ref().is_some_and(|(open, _)| *open == bucket);
        if !is_open {
            self.finish_bucket(at)?;
            let number = FIRST_REPLACING_FILE + self.lane + self.lanes * self.tables[at].replaced.len() as u32;
            let writer = self.topology.tables[at].sink.stage(epoch, number, Some(bucket))?;
            self.tables[at].replacing = Some((bucket, writer));
        }
        let table = &mut self.tables[at];
        if let Some((_, writer)) = table.replacing.as_mut().filter(|_| rows.num_rows() > 0) {
            table.counts.written += rows.num_rows() as u64;
            writer.write(rows)?;
        }
        Ok(())
    }

    /// Completes the files of buckets that a task replaced.
    ///
    /// # Errors
    /// If a file cannot be made durable.
    pub fn finish_buckets(&mut self, epoch: EpochId, steps: &Steps) -> Result<(), RunError> {
        (0..self.tables.len()).try_for_each(|at| match self.tables[at].replacing.is_some() {
            true => steps.at(Step::Stage, epoch, || self.finish_bucket(at)),
            false => Ok(()),
        })
    }

    fn finish_bucket(&mut self, at: usize) -> Result<(), RunError> {
        let Some((bucket, writer)) = self.tables[at].replacing.take() else { return Ok(()) };
        let file = writer.finish()?;
        self.tables[at].replaced.push((bucket, file));
        Ok(())
    }

    fn write_late(
        &mut self,
        at: usize,
        (rows, mask): (&RecordBatch, &BooleanArray),
        late: &LatePlan,
        moment: &EpochTime,
        steps: &Steps,
    ) -> Result<(), RunError> {
        let setup = &self.topology.tables[at];
        let Some(sink) = &setup.late else { return Ok(()) };
        let batch = late_rows(rows, mask, late, moment).map_err(of_table(&setup.plan.name))?;
        let (lane, writer) = (self.lane, &mut self.tables[at].late_writer);
        steps.at(Step::Stage, moment.epoch, || {
            let writer = open(writer, || sink.stage(moment.epoch, lane, None))?;
            Ok(writer.write(&batch)?)
        })
    }

    fn write_rejected(&mut self, source: &str, rejected: &[Rejected], epoch: EpochId) -> Result<(), RunError> {
        let Some(sink) = self.topology.rejected.get(source) else { return Ok(()) };
        let batch = rejected_rows(rejected, epoch)
            .map_err(|error| RunError::Internal(format!("rejects of {source} do not make a batch: {error}")))?;
        let lane = self.lane;
        if let Some(writer) = self.rejected.get_mut(source) {
            return Ok(writer.write(&batch)?);
        }
        let mut writer = sink.stage(epoch, lane, None)?;
        writer.write(&batch)?;
        self.rejected.insert(source.to_string(), writer);
        Ok(())
    }
}

fn open(
    slot: &mut Option<StageWriter>,
    make: impl FnOnce() -> Result<StageWriter, delta::SinkError>,
) -> Result<&mut StageWriter, RunError> {
    match slot {
        Some(writer) => Ok(writer),
        None => Ok(slot.insert(make()?)),
    }
}

/// Completes files side by side and gives them back in the order given.
fn close_all(open: Vec<(&str, StageWriter)>) -> Result<Vec<(String, Option<StagedFile>)>, RunError> {
    std::thread::scope(|scope| {
        let closing: Vec<_> =
            open.into_iter().map(|(table, writer)| (table.to_string(), scope.spawn(move || writer.finish()))).collect();
        let closed = closing.into_iter().map(|(table, closing)| match closing.join() {
            Ok(file) => Ok((table, file?)),
            Err(_) => Err(RunError::Internal(format!("a thread that completes a file of {table} ended early"))),
        });
        // All are waited for, also after an error.
        closed.collect::<Vec<_>>().into_iter().collect()
    })
}

/// The late ones among an operator's input rows, with the watermark that they missed.
fn late_rows(
    rows: &RecordBatch,
    mask: &BooleanArray,
    late: &LatePlan,
    moment: &EpochTime,
) -> Result<RecordBatch, OperatorError> {
    let passed: Vec<usize> = (late.passed_from..rows.num_columns()).collect();
    let kept = filter_record_batch(&rows.project(&passed)?, mask)?;
    let count = kept.num_rows();
    let mut columns: Vec<ArrayRef> = kept.columns().to_vec();
    columns.push(Arc::new(TimestampMicrosecondArray::from(vec![moment.late_us; count]).with_timezone("UTC")));
    columns.push(Arc::new(Int64Array::from(vec![moment.epoch.0.cast_signed(); count])));
    Ok(RecordBatch::try_new(Arc::clone(&late.schema), columns)?)
}

fn rejected_rows(rejected: &[Rejected], epoch: EpochId) -> Result<RecordBatch, arrow::error::ArrowError> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rejected.iter().map(|reject| reject.value.as_deref()).collect::<BinaryArray>()),
        Arc::new(StringArray::from_iter_values(rejected.iter().map(|reject| &reject.at.topic))),
        Arc::new(Int32Array::from_iter_values(rejected.iter().map(|reject| reject.at.partition))),
        Arc::new(Int64Array::from_iter_values(rejected.iter().map(|reject| reject.offset))),
        Arc::new(
            rejected
                .iter()
                .map(|reject| reject.timestamp_us)
                .collect::<TimestampMicrosecondArray>()
                .with_timezone("UTC"),
        ),
        Arc::new(StringArray::from_iter_values(rejected.iter().map(|reject| &reject.reason))),
        Arc::new(Int64Array::from(vec![epoch.0.cast_signed(); rejected.len()])),
    ];
    RecordBatch::try_new(rejected_schema(), columns)
}
