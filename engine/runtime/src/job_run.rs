//! A job that is open: recovered, driven epoch by epoch, looked at, ended. `submit` drives it by its trigger, testkit by hand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use connector::{SinkTable, WriterId};
use epoch::{Commit, Plan, Step};
use job::{Job, Trigger};
use plan::Graph;
use state::{BlockKey, CheckpointReader, OperatorId};
use tokio::runtime::Handle;

use crate::backends::Backends;
use crate::error::{RunError, of_table};
use crate::files::OpenFiles;
use crate::planner::{Next, Planner};
use crate::progress::ProgressListener;
use crate::publisher::Publisher;
use crate::report::Reporter;
use crate::run::Run;
use crate::statics::{Lookups, StaticSchemas, Statics};
use crate::step::{FailPoint, Steps};
use crate::stop::{Abort, Stop};
use crate::{files, manifest, start, trigger};

/// How a job is opened.
pub struct RunOptions<'a> {
    /// When epochs start; a bounded one reads what is there now.
    pub trigger: Trigger,
    /// Set to end the job after the running epoch.
    pub stop: Arc<AtomicBool>,
    /// Gives the running epoch up some time after that.
    pub abort: &'a Abort,
    /// Where the process kills itself.
    pub fail_point: Option<FailPoint>,
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Epochs published.
    pub epochs: u64,
    /// Records read.
    pub rows_read: u64,
    /// Records rejected.
    pub rejected: u64,
}

/// The state that a table's queries keep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableStateMetrics {
    /// Rows, exactly.
    pub rows: u64,
    /// Blocks in the checkpoint.
    pub blocks: u64,
    /// Bytes of the blocks.
    pub bytes: u64,
}

/// An open job.
pub struct JobRun {
    run: Run,
    reporter: Reporter,
    summary: Summary,
}

impl JobRun {
    /// Opens what a job runs on.
    ///
    /// # Errors
    /// Whatever of it cannot be opened; state that does not fit the job.
    pub fn open(
        job: Job,
        (graph, schemas): (Arc<Graph>, StaticSchemas),
        options: RunOptions<'_>,
        runtime: &Handle,
        backends: &Backends,
    ) -> Result<JobRun, RunError> {
        let RunOptions { trigger, stop, abort, fail_point } = options;
        let steps = Steps::new(fail_point);
        let checkpoint = backends.checkpoints.open(&job)?;
        let mut statics = Statics::open(&job, &graph, &backends.registry, schemas, runtime)?;
        // Before any table is opened: opening adds the columns that a query has gained.
        let first_changes = first_changes(&graph, &checkpoint, &job.checkpoint)?;
        let writer = WriterId { job: job.name.clone(), job_id: checkpoint.job_id().to_string() };
        let opening = start::open_tables(runtime, &job, &graph, &writer, backends);
        let connected = (|| {
            let is_bounded = matches!(trigger, Trigger::AvailableNow | Trigger::Once);
            let mut planner = Planner::open(&job, backends, is_bounded, &stop)?;
            let readers = start::readers(&job, &graph, backends, &abort.flag)?;
            let first = match backends.plans_ahead {
                true => plan_first(&mut planner, &mut statics, &checkpoint, &steps)?,
                false => None,
            };
            Ok::<_, RunError>((planner, readers, first))
        })();
        // Waited for whatever happened beside it: cut off in the middle, the Delta library panics.
        let opened =
            runtime.block_on(opening).map_err(|error| RunError::Internal(format!("opening tables: {error}")))?;
        let (planner, readers, first) = connected?;
        let (warehouse, tables) = opened?;
        let topology = Arc::new(start::topology(&graph, &job, &tables)?);
        let reporter = Reporter::new(backends.clock.now_us(), backends.counts_state_rows);
        let run = Run {
            computes: start::computes(&topology, backends.lanes)?,
            operators: start::operators(&topology, &checkpoint, job.state_memory_bytes)?,
            files: start::open_files(&topology, &checkpoint)?,
            statics,
            lookups: Lookups::default(),
            publisher: Publisher::new(warehouse, writer, tables, runtime.clone()),
            clock: graph.clock.clone(),
            time: backends.clock.clone(),
            topology,
            checkpoint,
            planner,
            readers,
            steps,
            watermarks: BTreeMap::new(),
            flows: Vec::new(),
            last: None,
            first_changes: Some(first_changes),
            first,
            stop: Stop::new(stop, abort),
            job,
        };
        Ok(JobRun { run, reporter, summary: Summary::default() })
    }

    /// Brings checkpoint and tables together again. Returns the plan of an epoch that must run again, if there is one.
    ///
    /// # Errors
    /// As [`Run::recover`].
    pub fn recover(&mut self, note: &mut dyn FnMut(&str)) -> Result<Option<Plan>, RunError> {
        self.run.recover(note)
    }

    /// Runs epochs as the trigger says, until the job is stopped or a bounded one has done all.
    ///
    /// # Errors
    /// Whatever stops the job.
    pub(crate) fn go_on(
        &mut self,
        mut redo: Option<Plan>,
        trigger: Trigger,
        listener: &mut dyn ProgressListener,
    ) -> Result<(), RunError> {
        loop {
            if self.run.stop.is_set() {
                return Ok(());
            }
            let (started_us, started) = (self.run.time.now_us(), Instant::now());
            let was_redo = redo.is_some();
            let next = match redo.take() {
                Some(plan) => Next::Epoch(plan),
                None => self.next(false)?,
            };
            let asked_ms = started.elapsed().as_millis() as u64;
            let was_idle = matches!(next, Next::Idle);
            if let Next::Epoch(plan) = next {
                self.timed_epoch(plan, started_us, started, asked_ms, listener)?;
            }
            let is_bounded = matches!(trigger, Trigger::AvailableNow | Trigger::Once);
            if is_bounded && (was_idle || trigger == Trigger::Once && !was_redo && !self.run.has_pending_output()) {
                return Ok(());
            }
            let started = trigger::Started { wall_us: started_us, instant: started };
            trigger::wait(trigger, started, was_idle, self.run.stop.flag());
        }
    }

    /// What the next epoch is, if there is one. Not stored yet, so that it may also be forgotten. `demanded`: there is one
    /// whatever there is to read.
    ///
    /// # Errors
    /// The sources' errors, and those of the static tables.
    pub fn next(&mut self, demanded: bool) -> Result<Next, RunError> {
        let has_pending_output = demanded || self.run.has_pending_output();
        self.run.next(has_pending_output)
    }

    /// Runs one epoch and reports it.
    ///
    /// # Errors
    /// Whatever stops the job.
    pub fn epoch(&mut self, plan: Plan, listener: &mut dyn ProgressListener) -> Result<(), RunError> {
        let started_us = self.run.time.now_us();
        self.timed_epoch(plan, started_us, Instant::now(), 0, listener)
    }

    fn timed_epoch(
        &mut self,
        plan: Plan,
        started_us: i64,
        started: Instant,
        asked_ms: u64,
        listener: &mut dyn ProgressListener,
    ) -> Result<(), RunError> {
        self.run.steps.reset();
        listener.planned(plan.epoch.0);
        let result = self.run.epoch(plan)?;
        let duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let progress = self.reporter.report(&self.run, &result, started_us, duration_us, asked_ms);
        self.summary.epochs += 1;
        self.summary.rows_read += progress.rows_read;
        self.summary.rejected += progress.rejected;
        tracing::debug!(epoch = progress.epoch, versions = ?result.versions, "published");
        listener.epoch(&progress);
        Ok(())
    }

    /// Ends the run in order: what goes on beside it is waited for, the checkpoint is closed.
    ///
    /// # Errors
    /// If the checkpoint cannot be closed; nothing acknowledged is lost then.
    pub fn end(self) -> Result<(), RunError> {
        self.run.publisher.wait_idle();
        let Run { checkpoint, readers, planner, .. } = self.run;
        drop((readers, planner));
        Ok(checkpoint.close()?)
    }

    /// What the run did so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The steps, to arm a fail point.
    pub fn steps(&mut self) -> &mut Steps {
        &mut self.run.steps
    }

    /// The newest committed epoch.
    pub fn last(&self) -> Option<&Commit> {
        self.run.last.as_ref()
    }

    /// The checkpoint, to look at.
    pub fn checkpoint(&self) -> &CheckpointReader {
        &self.run.checkpoint
    }

    /// One of the tables, rejected and late ones included.
    pub fn table(&self, name: &str) -> Option<&Arc<dyn SinkTable>> {
        self.run.publisher.table(name)
    }

    /// Waits for background work on the tables to end.
    pub fn wait_idle(&self) {
        self.run.publisher.wait_idle();
    }

    /// The watermark that the next epoch goes by, of a source or of a table's input, microseconds since 1970 UTC.
    pub fn watermark(&self, name: &str) -> Option<i64> {
        if let Some(source) = self.run.watermarks.get(name) {
            return source.watermark_us;
        }
        let table = self.run.topology.tables.iter().find(|table| table.plan.name == name)?;
        self.run.topology.of_table(table, &self.run.ahead()?).watermark_us
    }

    /// The state that a table's query keeps after the newest epoch, of all its operators together.
    ///
    /// # Errors
    /// If it has to be read and cannot.
    pub fn state_metrics(&self, table: &str) -> Result<TableStateMetrics, RunError> {
        let run = &self.run;
        let mut all = TableStateMetrics::default();
        for running in &run.operators {
            let name = &run.topology.tables[run.topology.nodes[running.node].table].plan.name;
            if name == table {
                let metrics = running.operator.metrics();
                all.rows += running.operator.count_rows(&run.checkpoint).map_err(of_table(name))?;
                all.blocks += metrics.blocks;
                all.bytes += metrics.bytes;
            }
        }
        Ok(all)
    }

    /// Every block of state in the checkpoint.
    ///
    /// # Errors
    /// If the checkpoint cannot be read.
    pub fn state_blocks(&self) -> Result<BTreeMap<BlockKey, Vec<u8>>, RunError> {
        let stores = self.run.topology.operators().flat_map(|(_, spec)| spec.stores());
        let mut blocks = BTreeMap::new();
        for store in stores {
            for entry in self.run.checkpoint.bucket_index(OperatorId::of(&store))? {
                let (key, _) = entry?;
                blocks.insert(key, self.run.checkpoint.read_block(&key)?.unwrap_or_default());
            }
        }
        Ok(blocks)
    }

    /// Number of artifacts of a table that a later epoch may replace: those of the buckets that are not final.
    pub fn replaceable_files(&self, table: &str) -> usize {
        let of_table =
            self.run.topology.tables.iter().zip(&self.run.files).filter(|(setup, _)| setup.plan.name == table);
        of_table.filter_map(|(_, files)| files.as_ref()).map(OpenFiles::count).sum()
    }
}

/// A new checkpoint gets its first plan while the tables are still being opened.
fn plan_first(
    planner: &mut Planner,
    statics: &mut Statics,
    checkpoint: &state::Checkpoint,
    steps: &Steps,
) -> Result<Option<Plan>, RunError> {
    if checkpoint.newest_records()? != epoch::protocol::NewestRecords::default() {
        return Ok(None);
    }
    let Next::Epoch(mut plan) = planner.next(None, false)? else { return Ok(None) };
    statics.refresh(&mut plan)?;
    let copies = statics.copies(&plan, None)?;
    steps.at(Step::Plan, plan.epoch, || checkpoint.write_plan_with(&plan, copies))?;
    Ok(Some(plan))
}

/// Refuses state that does not fit; else says what the first commit has to correct.
fn first_changes(graph: &Graph, checkpoint: &state::Checkpoint, folder: &str) -> Result<state::StateChanges, RunError> {
    let manifest = manifest::Manifest::of(graph)?;
    let stored = checkpoint.manifest()?;
    let mut changes = state::StateChanges::default();
    if let Some(stored) = &stored {
        let stored = manifest::Manifest::decode(stored, folder)?;
        manifest.check(&stored, folder)?;
        manifest.check_readers(graph, &stored, folder)?;
        for (table, stores) in manifest.gone(&stored) {
            tracing::warn!(
                table,
                "the table is no longer in the job; its state goes with the next epoch, its rows stay"
            );
            files::drop_table(&table, &stores, &mut changes);
        }
        for table in manifest.new_tables(&stored) {
            tracing::warn!(table, "the table is new in the job; it begins with the records that are read from now on");
        }
    }
    let encoded = manifest.encode()?;
    changes.manifest = (stored.as_deref() != Some(encoded.as_slice())).then_some(encoded);
    Ok(changes)
}
