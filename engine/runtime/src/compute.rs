//! One lane of the graph: takes chunks of a source through the tables that read it, writes what is final, folds the rest.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use epoch::{EpochId, Plan, RowCounts, StagedFile, Step};
use operators::aggregate::{Delta, instant};
use operators::{AggregateLane, OperatorError};
use plan::TablePlan;
use sink::{StageWriter, Table};

use crate::error::{RunError, of_table};
use crate::reader::Rejected;
use crate::step::Steps;

/// The tables of a job as its lanes see them; the same for all lanes.
pub struct Layout {
    /// Tables, each after the one it reads.
    pub tables: Vec<TableSetup>,
    /// Positions of the tables that read each source.
    pub roots: BTreeMap<String, Vec<usize>>,
    /// Tables for rejected records, by source; none if rejects are dropped.
    pub rejected: BTreeMap<String, Table>,
}

/// One table as its lanes see it.
pub struct TableSetup {
    /// Its plan.
    pub plan: TablePlan,
    /// Where it is written.
    pub sink: Table,
    /// Where its late rows are written, if they are kept.
    pub late: Option<Table>,
    /// Positions of the tables that read it.
    pub children: Vec<usize>,
}

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
    layout: Arc<Layout>,
    lane: u32,
    tables: Vec<TableLane>,
    rejected: BTreeMap<String, StageWriter>,
}

#[derive(Default)]
struct TableLane {
    aggregate: Option<AggregateLane>,
    writer: Option<StageWriter>,
    late_writer: Option<StageWriter>,
    counts: RowCounts,
}

/// What a lane staged for one table.
#[derive(Debug, Default)]
pub struct Staged {
    /// The files.
    pub files: Vec<StagedFile>,
    /// The table's books, this lane's share.
    pub counts: RowCounts,
}

impl Compute {
    /// An empty lane.
    ///
    /// # Errors
    /// If an aggregate cannot be set up.
    pub fn new(layout: Arc<Layout>, lane: u32) -> Result<Compute, RunError> {
        let tables = layout.tables.iter().map(|table| {
            let stage = table.plan.aggregate.as_ref();
            let aggregate = stage.map(|stage| AggregateLane::new(Arc::clone(&stage.spec))).transpose();
            let aggregate = aggregate.map_err(|error| of_table(&table.plan.name)(error.into()))?;
            Ok(TableLane { aggregate, ..TableLane::default() })
        });
        let tables = tables.collect::<Result<_, RunError>>()?;
        Ok(Compute { tables, layout, lane, rejected: BTreeMap::new() })
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
        plan: &Plan,
        steps: &Steps,
    ) -> Result<(), RunError> {
        let layout = Arc::clone(&self.layout);
        for root in layout.roots.get(source).into_iter().flatten() {
            let counts = &mut self.tables[*root].counts;
            counts.read += rejected.len() as u64;
            counts.rejected += rejected.len() as u64;
            self.push(*root, rows, plan, steps)?;
        }
        if !rejected.is_empty() {
            steps.at(Step::Stage, plan.epoch, || self.write_rejected(source, rejected, plan.epoch))?;
        }
        Ok(())
    }

    /// Takes rows into one table, and what it passes on into the tables above it.
    ///
    /// # Errors
    /// If a query fails on a row or a file cannot be written.
    pub fn push(&mut self, at: usize, rows: &RecordBatch, plan: &Plan, steps: &Steps) -> Result<(), RunError> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let layout = Arc::clone(&self.layout);
        let setup = &layout.tables[at];
        let name = &setup.plan.name;
        let passed = steps
            .at(Step::Compute, plan.epoch, || setup.plan.front.run(rows))
            .map_err(|error| of_table(name)(error.into()))?;
        let counts = &mut self.tables[at].counts;
        counts.read += rows.num_rows() as u64;
        counts.filtered += passed.filtered;
        if self.tables[at].aggregate.is_some() {
            return self.fold(at, &passed.rows, plan, steps);
        }
        self.tables[at].counts.emitted += passed.taken;
        self.write(at, &passed.rows, plan.epoch, steps)?;
        for child in &setup.children {
            self.push(*child, &passed.rows, plan, steps)?;
        }
        Ok(())
    }

    /// Counts rows that an aggregate emitted as written, and takes them into the tables above it.
    ///
    /// # Errors
    /// As [`Compute::push`].
    pub fn pass_on(&mut self, at: usize, rows: &RecordBatch, plan: &Plan, steps: &Steps) -> Result<(), RunError> {
        let layout = Arc::clone(&self.layout);
        layout.tables[at].children.iter().try_for_each(|child| self.push(*child, rows, plan, steps))
    }

    /// What the aggregate of a table made in this epoch.
    ///
    /// # Errors
    /// If its groups cannot be encoded.
    pub fn finish_aggregate(&mut self, at: usize) -> Result<Vec<Delta>, RunError> {
        let name = &self.layout.tables[at].plan.name;
        match &mut self.tables[at].aggregate {
            Some(aggregate) => aggregate.finish().map_err(of_table(name)),
            None => Ok(Vec::new()),
        }
    }

    /// Closes all files and gives them back by table name; the lane is empty again. The files are synced side by side:
    /// waiting for one after the other is most of what a small epoch costs.
    ///
    /// # Errors
    /// If a file cannot be made durable.
    pub fn finish(&mut self) -> Result<BTreeMap<String, Staged>, RunError> {
        let mut all: BTreeMap<String, Staged> = BTreeMap::new();
        let mut open: Vec<(&str, StageWriter)> = Vec::new();
        for (table, setup) in self.tables.iter_mut().zip(&self.layout.tables) {
            let staged = all.entry(setup.plan.name.clone()).or_default();
            staged.counts = std::mem::take(&mut table.counts);
            open.extend(table.writer.take().map(|writer| (setup.sink.name(), writer)));
            if let Some(late) = &setup.late {
                open.extend(table.late_writer.take().map(|writer| (late.name(), writer)));
            }
        }
        for (source, writer) in std::mem::take(&mut self.rejected) {
            let Some(table) = self.layout.rejected.get(&source) else { continue };
            open.push((table.name(), writer));
        }
        for (table, file) in close_all(open)? {
            all.entry(table).or_default().files.extend(file);
        }
        Ok(all)
    }

    fn fold(&mut self, at: usize, rows: &RecordBatch, plan: &Plan, steps: &Steps) -> Result<(), RunError> {
        let layout = Arc::clone(&self.layout);
        let setup = &layout.tables[at];
        let table = &mut self.tables[at];
        let Some(aggregate) = &mut table.aggregate else { return Ok(()) };
        // Complete mode forgets nothing, so nothing comes too late for it (Spark §3).
        let late_watermark_us = plan.late_watermark_us.filter(|_| setup.plan.mode != job::OutputMode::Complete);
        let left = steps
            .at(Step::Compute, plan.epoch, || aggregate.push(rows, late_watermark_us))
            .map_err(of_table(&setup.plan.name))?;
        table.counts.late += left.late;
        table.counts.filtered += left.untimed;
        table.counts.emitted += rows.num_rows() as u64 - left.late - left.untimed;
        match (&left.mask, left.late) {
            (Some(mask), 1..) => self.write_late(at, rows, mask, plan, steps),
            _ => Ok(()),
        }
    }

    fn write(&mut self, at: usize, rows: &RecordBatch, epoch: EpochId, steps: &Steps) -> Result<(), RunError> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let (lane, sink) = (self.lane, &self.layout.tables[at].sink);
        let table = &mut self.tables[at];
        table.counts.written += rows.num_rows() as u64;
        steps.at(Step::Stage, epoch, || {
            let writer = open(&mut table.writer, || sink.stage(epoch, lane, None))?;
            Ok(writer.write(rows)?)
        })
    }

    fn write_late(
        &mut self,
        at: usize,
        rows: &RecordBatch,
        mask: &BooleanArray,
        plan: &Plan,
        steps: &Steps,
    ) -> Result<(), RunError> {
        let setup = &self.layout.tables[at];
        let stage = setup.plan.aggregate.as_ref();
        let (Some(sink), Some((passed_from, schema))) =
            (&setup.late, stage.and_then(|stage| Some((stage.passed_from, stage.late_schema.as_ref()?))))
        else {
            return Ok(());
        };
        let batch =
            late_rows(rows, mask, passed_from, schema, plan).map_err(|error| of_table(&setup.plan.name)(error))?;
        let (lane, writer) = (self.lane, &mut self.tables[at].late_writer);
        steps.at(Step::Stage, plan.epoch, || {
            let writer = open(writer, || sink.stage(plan.epoch, lane, None))?;
            Ok(writer.write(&batch)?)
        })
    }

    fn write_rejected(&mut self, source: &str, rejected: &[Rejected], epoch: EpochId) -> Result<(), RunError> {
        let Some(sink) = self.layout.rejected.get(source) else { return Ok(()) };
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
    make: impl FnOnce() -> Result<StageWriter, sink::SinkError>,
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

/// The late ones among an aggregate's input rows, with the watermark that they missed.
fn late_rows(
    rows: &RecordBatch,
    mask: &BooleanArray,
    passed_from: usize,
    schema: &SchemaRef,
    plan: &Plan,
) -> Result<RecordBatch, OperatorError> {
    let passed: Vec<usize> = (passed_from..rows.num_columns()).collect();
    let late = filter_record_batch(&rows.project(&passed)?, mask)?;
    let count = late.num_rows();
    let mut columns: Vec<ArrayRef> = late.columns().to_vec();
    columns.push(Arc::new(TimestampMicrosecondArray::from(vec![plan.late_watermark_us; count]).with_timezone("UTC")));
    columns.push(Arc::new(Int64Array::from(vec![plan.epoch.0.cast_signed(); count])));
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
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
