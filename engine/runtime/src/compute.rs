//! One lane of the graph: takes rows through the nodes that they reach, writes what is final, hands the rest to the operators.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use connector::{Content, Message, StageWriter};
use epoch::{EpochId, Step};
use operators::operator::{LanePart, LateRows, OperatorLane, Sign};
use operators::{Pipeline, PipelineOutput, Sifted, in_halves, sift};
use plan::NodeKind;
use state::KeyPartitioning;

use crate::error::{RunError, of_table};
use crate::rejected::{Rejected, faulty_rows, rejected_rows};
use crate::stage::{AttemptId, OpenWriter, Staged, TableLane, close_all, late_rows};
use crate::step::Steps;
use crate::topology::{Epoch, Topology};

/// A lane's share of an epoch.
pub struct Compute {
    topology: Arc<Topology>,
    lane: u32,
    /// Lanes that work side by side in this epoch.
    lanes: u32,
    nodes: Vec<NodeLane>,
    tables: Vec<TableLane>,
    rejected: BTreeMap<String, Box<dyn StageWriter>>,
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
    pub emitted: u64,
    /// Rows that came too late for it.
    pub late: u64,
}

/// Rows on their way into a node.
struct Push<'a> {
    sign: Sign,
    rows: &'a RecordBatch,
    /// Rows of a table's input that these are, one for one; `None` if a row may have become several or none.
    is_input: bool,
}

impl Compute {
    /// An empty lane, over a checkpoint that spreads keys in this way.
    ///
    /// # Errors
    /// If an operator cannot be set up.
    pub fn new(topology: Arc<Topology>, lane: u32, partitioning: KeyPartitioning) -> Result<Compute, RunError> {
        let nodes = topology.nodes.iter().map(|node| {
            let name = &topology.tables[node.table].plan.name;
            let operator = node.operator().map(|operator| Arc::clone(&operator.spec).lane(partitioning)).transpose();
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
            steps.at(Step::Stage, epoch.number(), || self.write_rejected(source, rejected, epoch.attempt))?;
        }
        Ok(())
    }

    /// Passes on what an operator emitted.
    ///
    /// # Errors
    /// If a query fails on a row or a file cannot be written.
    pub fn emit(
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

    /// Closes all artifacts and hands them over by table name; the lane is empty again.
    ///
    /// # Errors
    /// If an artifact cannot be made durable.
    pub fn finish(&mut self) -> Result<BTreeMap<String, Staged>, RunError> {
        let topology = Arc::clone(&self.topology);
        let mut all: BTreeMap<String, Staged> = BTreeMap::new();
        let mut open: Vec<OpenWriter<'_>> = Vec::new();
        for (table, setup) in self.tables.iter_mut().zip(&topology.tables) {
            let counts = table.take(setup.sink.as_ref(), setup.late.as_deref(), setup.rejected.as_deref(), &mut open);
            all.insert(setup.plan.name.clone(), Staged { counts, ..Staged::default() });
        }
        for (source, writer) in std::mem::take(&mut self.rejected) {
            let Some(table) = topology.rejected.get(&source) else { continue };
            open.push((table.name(), writer));
        }
        for (table, file) in close_all(open)? {
            all.entry(table).or_default().files.extend(file);
        }
        // Completed beside those: they are waited for last.
        for (table, setup) in self.tables.iter_mut().zip(&topology.tables) {
            all.entry(setup.plan.name.clone()).or_default().replaced = table.take_replaced()?;
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
            NodeKind::Pipeline(pipeline) => self.pass_through(at, pipeline, push, epoch, steps),
            NodeKind::Lookup(_) => {
                let name = &topology.tables[node.table].plan.name;
                let lookup = epoch
                    .lookups
                    .get(&at)
                    .ok_or_else(|| RunError::Internal(format!("a static table of {name} was not read").into()))?;
                let found = steps
                    .at(Step::Compute, epoch.number(), || in_halves(push.rows, &|rows| lookup.run(rows)))
                    .map_err(of_table(name))?;
                let pass = |rows| Push { sign: push.sign, rows, is_input: false };
                found.iter().try_for_each(|rows| self.pass_on(at, &pass(rows), epoch, steps))
            }
            NodeKind::Operator(_) if is_replacing => Ok(()),
            NodeKind::Operator(_) => self.fold(at, port, push, epoch, steps),
            NodeKind::Sink => self.write(node.table, push, epoch.attempt, steps),
        }
    }

    /// Takes rows through a task without memory and on from there.
    fn pass_through(
        &mut self,
        at: usize,
        pipeline: &Pipeline,
        push: &Push<'_>,
        epoch: &Epoch<'_>,
        steps: &Steps,
    ) -> Result<(), RunError> {
        let topology = Arc::clone(&self.topology);
        let node = &topology.nodes[at];
        let run = |rows: &RecordBatch| Ok(pipeline.run(rows)?);
        let passed = steps.at(Step::Compute, epoch.number(), || match push.sign {
            // What shows a whole table may sort it.
            Sign::Replace { .. } => Ok(Sifted { made: vec![run(push.rows)?], faulty: Vec::new() }),
            _ if !topology.tables[node.table].plan.rejects_rows() => {
                Ok(Sifted { made: in_halves(push.rows, &run)?, faulty: Vec::new() })
            }
            _ => sift(push.rows, &run),
        });
        let passed = passed.map_err(of_table(&topology.tables[node.table].plan.name))?;
        self.reject(at, push, &passed.faulty, epoch, steps)?;
        let passed = passed.made;
        let counts = &mut self.tables[node.table].counts;
        if node.is_entry {
            self.nodes[at].flow.entered += push.rows.num_rows() as u64;
            counts.read += push.rows.num_rows() as u64;
            counts.filtered += passed.iter().map(|passed| passed.filtered).sum::<u64>();
            counts.emitted += passed.iter().map(|passed| passed.taken).sum::<u64>();
        }
        for PipelineOutput { rows, taken, .. } in &passed {
            let is_input = if node.is_entry { *taken == rows.num_rows() as u64 } else { push.is_input };
            self.pass_on(at, &Push { sign: push.sign, rows, is_input }, epoch, steps)?;
        }
        Ok(())
    }

    /// Rows for which a task without memory has no value: counted and kept. Of a row that is retracted nothing is known here, because it
    /// was rejected when it was added.
    fn reject(
        &mut self,
        at: usize,
        push: &Push<'_>,
        faulty: &[(usize, String)],
        epoch: &Epoch<'_>,
        steps: &Steps,
    ) -> Result<(), RunError> {
        if faulty.is_empty() {
            return Ok(());
        }
        let topology = Arc::clone(&self.topology);
        let node = &topology.nodes[at];
        let setup = &topology.tables[node.table];
        let count = faulty.len() as u64;
        let counts = &mut self.tables[node.table].counts;
        counts.rejected += count;
        match (node.is_entry, push.is_input) {
            // They are counted with those that were read.
            (true, _) => {}
            (false, true) => counts.emitted -= count,
            (false, false) => counts.read += count,
        }
        let (Some(sink), Sign::Add) = (&setup.rejected, push.sign) else { return Ok(()) };
        let batch = faulty_rows(push.rows, faulty, epoch.number()).map_err(|error| {
            RunError::Internal(Message::caused_by(
                format!("rejected rows of {} do not make a batch: {error}", setup.plan.name),
                &error,
            ))
        })?;
        let (lane, table, attempt) = (self.lane, &mut self.tables[node.table], epoch.attempt);
        steps.at(Step::Stage, attempt.epoch, || table.add_rejected(sink.as_ref(), &batch, attempt, lane))
    }

    fn pass_on(&mut self, at: usize, push: &Push<'_>, epoch: &Epoch<'_>, steps: &Steps) -> Result<(), RunError> {
        let topology = Arc::clone(&self.topology);
        let is_replacing = matches!(push.sign, Sign::Replace { .. });
        if !is_replacing {
            self.nodes[at].flow.emitted += push.rows.num_rows() as u64;
        }
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
        let time = &epoch.times[at];
        let Some(lane) = &mut self.nodes[at].operator else { return Ok(()) };
        let left = steps
            .at(Step::Compute, epoch.number(), || lane.push(port, push.sign, push.rows, time))
            .map_err(of_table(name))?;
        self.nodes[at].flow.late += left.late;
        self.count_left(node.table, push, &left);
        let late = node.operator().and_then(|operator| operator.late.as_ref());
        match (&left.mask, left.late, late) {
            (Some(mask), 1.., Some(late)) => {
                let batch = late_rows(push.rows, mask, late, time).map_err(of_table(name))?;
                self.write_late(node.table, &batch, epoch.attempt, steps)
            }
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

    fn write(&mut self, at: usize, push: &Push<'_>, attempt: AttemptId, steps: &Steps) -> Result<(), RunError> {
        let setup = &self.topology.tables[at];
        let (table, lane) = (&mut self.tables[at], self.lane);
        match (push.sign, setup.plan.is_replaced()) {
            (Sign::Replace { bucket }, _) => steps.at(Step::Stage, attempt.epoch, || {
                table.replace(setup.sink.as_ref(), bucket, push.rows, attempt, (lane, self.lanes))
            }),
            // The table takes whole buckets; these rows are for those that read it.
            (_, true) => Ok(()),
            (Sign::Retract, false) => {
                Err(RunError::Internal(format!("rows of {} are retracted, which it cannot do", setup.plan.name).into()))
            }
            (Sign::Add, false) => {
                steps.at(Step::Stage, attempt.epoch, || table.add(setup.sink.as_ref(), push.rows, attempt, lane))
            }
        }
    }

    /// Completes the artifacts of buckets that a task replaced.
    ///
    /// # Errors
    /// If an artifact cannot be made durable.
    pub fn finish_buckets(&mut self, epoch: EpochId, steps: &Steps) -> Result<(), RunError> {
        let open = self.tables.iter_mut().filter(|table| table.is_replacing());
        open.into_iter().try_for_each(|table| steps.at(Step::Stage, epoch, || table.finish_bucket()))
    }

    fn write_late(
        &mut self,
        at: usize,
        batch: &RecordBatch,
        attempt: AttemptId,
        steps: &Steps,
    ) -> Result<(), RunError> {
        let setup = &self.topology.tables[at];
        let Some(sink) = &setup.late else { return Ok(()) };
        let (lane, table) = (self.lane, &mut self.tables[at]);
        steps.at(Step::Stage, attempt.epoch, || table.add_late(sink.as_ref(), batch, attempt, lane))
    }

    fn write_rejected(&mut self, source: &str, rejected: &[Rejected], attempt: AttemptId) -> Result<(), RunError> {
        let Some(sink) = self.topology.rejected.get(source) else { return Ok(()) };
        let batch = rejected_rows(rejected, attempt.epoch).map_err(|error| {
            RunError::Internal(Message::caused_by(format!("rejects of {source} do not make a batch: {error}"), &error))
        })?;
        if let Some(writer) = self.rejected.get_mut(source) {
            return Ok(writer.write(&batch)?);
        }
        let mut writer = sink.stage(attempt.artifact(self.lane), Content::Added)?;
        writer.write(&batch)?;
        self.rejected.insert(source.to_string(), writer);
        Ok(())
    }
}
