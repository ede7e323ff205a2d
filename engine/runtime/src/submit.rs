//! `engine submit`: a job from start to end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use epoch::{Plan, Step};
use job::{Job, Trigger};
use plan::{Graph, plan_job};
use serde_json::Value;

use crate::backends::Backends;
use crate::error::RunError;
use crate::manifest::Manifest;
use crate::planner::{Next, Planner};
use crate::progress::{EpochProgress, EventTimes, ProgressListener, SourceProgress, StateProgress, TableProgress};
use crate::publisher::Publisher;
use crate::run::{EpochResult, Run};
use crate::statics::{Lookups, StaticSchemas, Statics};
use crate::step::Steps;
use crate::stop::{Abort, Stop};
use crate::{files, start, trigger};

/// How a job is run.
pub struct SubmitOptions {
    /// Ends the job once everything that is there now is done.
    pub available_now: bool,
    /// Set to end the job after the running epoch.
    pub stop: Arc<AtomicBool>,
    /// JobRun about every epoch.
    pub listener: Box<dyn ProgressListener>,
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

/// Columns of each source, for [`plan_job`].
pub fn source_schemas(job: &Job) -> BTreeMap<String, SchemaRef> {
    job.sources.iter().map(|(name, source)| (name.clone(), formats::source_schema(source))).collect()
}

/// Columns of each source and of each static table, for [`plan_job`].
pub fn schemas(job: &Job, statics: &BTreeMap<String, SchemaRef>) -> BTreeMap<String, SchemaRef> {
    let mut schemas = source_schemas(job);
    schemas.extend(statics.iter().map(|(name, schema)| (name.clone(), Arc::clone(schema))));
    schemas
}

/// Runs a job until it is stopped, or until everything that is there is done.
///
/// Must be called on a plain thread, not on an async runtime: Kafka clients live and die on it.
///
/// # Errors
/// Why the job cannot go on. What was committed stays; a new run goes on from there.
pub fn submit(job: Job, options: SubmitOptions) -> Result<Summary, RunError> {
    let SubmitOptions { available_now, stop, mut listener } = options;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| RunError::Internal(format!("no async runtime: {error}")))?;
    let trigger =
        if (available_now || job.ends()) && job.trigger != Trigger::Once { Trigger::AvailableNow } else { job.trigger };
    let abort = Abort::after(&stop);
    let known = StaticSchemas::find(&job, runtime.handle())?;
    let graph = Arc::new(plan_job(&job, &schemas(&job, &known.schemas)).map_err(problems)?);
    let mut run = JobRun::prepare(job, (graph, known), trigger, (stop, &abort), runtime.handle(), &Backends::real())?;
    let redo = run.run.recover(&mut |text| listener.note(text))?;
    let result = run.go_on(redo, trigger, listener.as_mut());
    drop(abort);
    let summary = run.summary.clone();
    let closed = run.end();
    match result {
        Ok(()) | Err(RunError::Stopped) => closed.map(|()| summary),
        // What ended the run is the cause; that closing fails too can only follow from it.
        Err(error) => Err(error),
    }
}

/// A run with what is job_run about it.
pub(crate) struct JobRun {
    pub(crate) run: Run,
    run_id: String,
    pub(crate) summary: Summary,
    before_us: i64,
    in_memory: bool,
}

impl JobRun {
    /// Opens what a job runs on, in a backends.
    ///
    /// # Errors
    /// Whatever of it cannot be opened; state that does not fit the job.
    pub(crate) fn prepare(
        job: Job,
        (graph, known): (Arc<Graph>, StaticSchemas),
        trigger: Trigger,
        (stop, abort): (Arc<AtomicBool>, &Abort),
        runtime: &tokio::runtime::Handle,
        backends: &Backends,
    ) -> Result<JobRun, RunError> {
        let steps = backends.steps()?;
        let checkpoint = backends.checkpoint(&job)?;
        let mut statics = Statics::open(&job, &graph, backends, known, runtime)?;
        // Before any table is opened: opening adds the columns that a query has gained.
        let first_changes = first_changes(&graph, &checkpoint, &job.checkpoint)?;
        let opening = start::open_tables(runtime, &job, &graph, checkpoint.job_id(), backends);
        let connected = (|| {
            let bounded = matches!(trigger, Trigger::AvailableNow | Trigger::Once);
            let mut planner = Planner::open(&job, backends, bounded, &stop)?;
            let readers = start::readers(&job, &graph, backends, &abort.flag)?;
            let first = plan_first(&mut planner, &mut statics, &checkpoint, &steps, backends)?;
            Ok::<_, RunError>((planner, readers, first))
        })();
        // Waited for whatever happened beside it: cut off in the middle, the Delta library panics.
        let opened =
            runtime.block_on(opening).map_err(|error| RunError::Internal(format!("opening tables: {error}")))?;
        let (planner, readers, first) = connected?;
        let (warehouse, tables) = opened?;
        let topology = Arc::new(start::topology(&graph, &job, &tables)?);
        let run = Run {
            computes: start::computes(&topology, backends.lanes)?,
            operators: start::operators(&topology, &checkpoint, job.state_memory_bytes)?,
            files: start::open_files(&topology, &checkpoint)?,
            statics,
            lookups: Lookups::default(),
            publisher: Publisher::new(warehouse, job.name.clone(), tables, runtime.clone()),
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
        let now_us = backends.clock.now_us();
        Ok(JobRun {
            run,
            run_id: format!("{now_us:016x}"),
            summary: Summary::default(),
            before_us: now_us,
            in_memory: backends.memory.is_some(),
        })
    }
}

/// A new checkpoint gets its first plan while the tables are still being opened.
fn plan_first(
    planner: &mut Planner,
    statics: &mut Statics,
    checkpoint: &state::Checkpoint,
    steps: &Steps,
    backends: &Backends,
) -> Result<Option<Plan>, RunError> {
    // In memory a job begins when it is job_run to, and opening takes no time that could be used for it.
    if backends.memory.is_some() || checkpoint.newest_records()? != epoch::protocol::NewestRecords::default() {
        return Ok(None);
    }
    let Next::Epoch(mut plan) = planner.next(None, false)? else { return Ok(None) };
    statics.refresh(&mut plan)?;
    let copies = statics.copies(&plan, None)?;
    steps.at(Step::Plan, plan.epoch, || checkpoint.write_plan_with(&plan, copies))?;
    Ok(Some(plan))
}

pub(crate) fn problems(problems: Vec<plan::TableProblem>) -> RunError {
    let lines: Vec<String> = problems
        .iter()
        .map(|plan::TableProblem { table, problem }| {
            let code = problem.code.map(|code| format!("[{code}] ")).unwrap_or_default();
            format!("table {table}: {code}{}; {}", problem.message, problem.help)
        })
        .collect();
    RunError::Plan(format!("the job's SQL has problems (see `engine check`):\n{}", lines.join("\n")))
}

/// Refuses state that does not fit; else says what the first commit has to put right.
fn first_changes(graph: &Graph, checkpoint: &state::Checkpoint, folder: &str) -> Result<state::StateChanges, RunError> {
    let manifest = Manifest::of(graph)?;
    let stored = checkpoint.manifest()?;
    let mut changes = state::StateChanges::default();
    if let Some(stored) = &stored {
        let stored = Manifest::decode(stored, folder)?;
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

impl JobRun {
    fn go_on(
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
                None => {
                    let has_pending_output = self.run.has_pending_output();
                    self.run.next(has_pending_output)?
                }
            };
            let asked_ms = started.elapsed().as_millis() as u64;
            let was_idle = matches!(next, Next::Idle);
            if let Next::Epoch(plan) = next {
                self.epoch(plan, started_us, started, asked_ms, listener)?;
            }
            let is_bounded = matches!(trigger, Trigger::AvailableNow | Trigger::Once);
            if is_bounded && (was_idle || trigger == Trigger::Once && !was_redo && !self.run.has_pending_output()) {
                return Ok(());
            }
            trigger::wait(trigger, started_us, was_idle, self.run.stop.flag());
        }
    }

    /// Ends the run in order: what goes on beside it is waited for, the checkpoint is closed.
    ///
    /// # Errors
    /// If the checkpoint cannot be closed; nothing acknowledged is lost then.
    pub(crate) fn end(self) -> Result<(), RunError> {
        self.run.publisher.wait_idle();
        let Run { checkpoint, readers, planner, .. } = self.run;
        drop((readers, planner));
        Ok(checkpoint.close()?)
    }

    /// Runs one epoch and tells the listener.
    ///
    /// # Errors
    /// Whatever stops the job.
    pub(crate) fn epoch(
        &mut self,
        plan: Plan,
        started_us: i64,
        started: Instant,
        asked_ms: u64,
        listener: &mut dyn ProgressListener,
    ) -> Result<(), RunError> {
        self.run.steps.reset();
        listener.planned(plan.epoch.0);
        let done = self.run.epoch(plan)?;
        let duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let progress = self.progress(&done, started_us, duration_us, asked_ms);
        self.before_us = started_us;
        self.summary.epochs += 1;
        self.summary.rows_read += progress.rows_read;
        self.summary.rejected += progress.rejected;
        tracing::debug!(epoch = progress.epoch, versions = ?done.versions, "published");
        listener.epoch(&progress);
        Ok(())
    }

    fn progress(&self, done: &EpochResult, started_us: i64, duration_us: u64, asked_ms: u64) -> EpochProgress {
        let Some(commit) = &self.run.last else { return EpochProgress::default() };
        let rows_read = done.read.values().map(|totals| totals.read).sum::<u64>();
        let seconds = |us: u64| (us.max(1)) as f64 / 1e6;
        let since_us = u64::try_from(started_us - self.before_us).unwrap_or(0).max(duration_us);
        let tables: Vec<TableProgress> =
            commit.tables.iter().map(|(name, table)| self.table_progress(name, &table.counts, commit)).collect();
        let sources: Vec<SourceProgress> =
            commit.plan.sources.keys().map(|name| source_progress(commit, name, done)).collect();
        EpochProgress {
            job: self.run.job.name.clone(),
            id: self.run.checkpoint.job_id().to_string(),
            run_id: self.run_id.clone(),
            epoch: commit.plan.epoch.0,
            started_us,
            duration_ms: duration_us / 1000,
            rows_read,
            input_rows_per_second: rows_read as f64 / seconds(since_us),
            rows_per_second: rows_read as f64 / seconds(duration_us),
            rejected: done.read.values().map(|totals| totals.rejected).sum(),
            late: tables.iter().map(|table| table.late).sum(),
            watermark_us: commit.plan.watermark_us,
            event_times: sources.iter().filter_map(|source| source.event_times).reduce(EventTimes::and),
            lag: sources.iter().map(|source| source.lag).sum(),
            durations_ms: self.durations(duration_us, asked_ms),
            state: self.run.operators.iter().map(|running| self.state_progress(running)).collect(),
            tables,
            sources,
        }
    }

    fn durations(&self, duration_us: u64, asked_ms: u64) -> Vec<(&'static str, u64)> {
        let ms = |step: Step| self.run.steps.spent_us(step) / 1000;
        vec![
            ("latestOffset", asked_ms),
            ("queryPlanning", 0),
            ("walCommit", ms(Step::Plan)),
            ("getBatch", ms(Step::Read)),
            ("addBatch", ms(Step::Read) + ms(Step::Decode) + ms(Step::Compute) + ms(Step::Stage)),
            ("commitOffsets", ms(Step::Commit)),
            ("triggerExecution", duration_us / 1000),
            ("decode", ms(Step::Decode)),
            ("compute", ms(Step::Compute)),
            ("stage", ms(Step::Stage)),
            ("publish", ms(Step::Publish)),
            ("retire", ms(Step::Retire)),
        ]
    }

    fn state_progress(&self, running: &start::Running) -> StateProgress {
        let topology = &self.run.topology;
        let node = &topology.nodes[running.node];
        let table = &topology.tables[node.table].plan.name;
        let metrics = running.operator.metrics();
        // Counting reads the state: in memory, where tests ask for it, that costs nothing.
        let counted = self.in_memory.then(|| running.operator.count_rows(&self.run.checkpoint).ok()).flatten();
        StateProgress {
            name: node.operator().map_or_else(|| table.clone(), |operator| operator.spec.name().to_string()),
            table: table.clone(),
            rows: counted.or(metrics.rows_are_known.then_some(metrics.rows)),
            updated: metrics.updated,
            removed: metrics.removed,
            late: self.run.flows.get(running.node).map_or(0, |flow| flow.late),
            blocks: metrics.blocks,
            bytes: metrics.bytes,
            memory_bytes: metrics.memory_bytes,
        }
    }

    fn table_progress(&self, name: &str, counts: &epoch::RowCounts, commit: &epoch::Commit) -> TableProgress {
        let topology = &self.run.topology;
        let setup = topology.tables.iter().find(|setup| setup.plan.name == name);
        TableProgress {
            name: name.to_string(),
            written: counts.written,
            late: counts.late,
            rejected: counts.rejected,
            filtered: counts.filtered,
            watermark_us: setup.and_then(|setup| topology.of_table(setup, &commit.plan).watermark_us),
        }
    }
}

fn source_progress(commit: &epoch::Commit, name: &str, done: &EpochResult) -> SourceProgress {
    let Some(planned) = commit.plan.sources.get(name) else { return SourceProgress::default() };
    let offsets = |pick: fn(&epoch::OffsetRange) -> i64| -> epoch::Offsets {
        planned.ranges.iter().map(|(at, range)| (at, pick(range))).collect()
    };
    let json = |offsets: &epoch::Offsets| serde_json::to_value(offsets).unwrap_or(Value::Null);
    let lag = |(at, range): (epoch::TopicPartition, &epoch::OffsetRange)| {
        planned.latest.get(&at).map_or(0, |latest| u64::try_from(latest - range.until).unwrap_or(0))
    };
    SourceProgress {
        name: name.to_string(),
        start_offset: json(&offsets(|range| range.from)),
        end_offset: json(&offsets(|range| range.until)),
        latest_offset: json(&planned.latest),
        rows_read: done.read.get(name).map_or(0, |totals| totals.read),
        event_times: done.read.get(name).and_then(|totals| totals.event_times),
        lag: planned.ranges.iter().map(lag).sum(),
    }
}
