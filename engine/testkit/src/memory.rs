//! A whole job in one process without Kafka and without a disk: the same planner, graph, checkpoint and tables as
//! `engine submit`, on the connectors of memory. For `engine test` and for tests by the thousand.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use ::memory::MemoryRecord;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use connector::{SinkTable, StaticRows};
use epoch::offsets::{self, OffsetRange};
use epoch::{Commit, EpochId, Plan, Step};
use job::{Job, Trigger};
use plan::{Graph, plan_job};
use runtime::{
    Abort, Backends, EpochProgress, FailPoint, JobRun, Next, ProgressListener, RunError, RunOptions, SetClock,
    StaticSchemas, StepSide, TableStateMetrics,
};
use state::BlockKey;
use tokio::runtime::{Handle, Runtime};

mod place;

use place::MemoryPlace;

/// How a job runs in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryOptions {
    /// Lanes that read and compute side by side.
    pub lanes: u32,
    /// Records from which on an epoch is spread over the lanes.
    pub lanes_span_min: u64,
    /// The time at the start, microseconds since 1970 UTC.
    pub time_us: i64,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        MemoryOptions { lanes: 1, lanes_span_min: 0, time_us: 0 }
    }
}

/// A job that runs in memory, epoch by epoch, as its caller says. Use it on a plain thread, not on an async runtime.
///
/// Whatever its sources' connectors are, each is a topic in memory that is read from its first record on.
pub struct MemoryRun {
    job: Job,
    graph: Arc<Graph>,
    place: MemoryPlace,
    backends: Backends,
    clock: Arc<SetClock>,
    /// The next epoch runs whatever there is to read.
    demanded: bool,
    abort: Abort,
    /// `None` after an error: the next call begins the job again, as a user would.
    job_run: Option<JobRun>,
    /// Words of the contradictions that it goes on in spite of.
    accepted: BTreeSet<String>,
    abandoned: BTreeSet<String>,
    log: ProgressLog,
}

/// What a run has reported.
#[derive(Default)]
struct ProgressLog {
    epochs: Vec<EpochProgress>,
    notes: Vec<String>,
}

impl ProgressListener for ProgressLog {
    fn epoch(&mut self, progress: &EpochProgress) {
        self.epochs.push(progress.clone());
    }

    fn note(&mut self, text: &str) {
        self.notes.push(text.to_string());
    }
}

impl MemoryRun {
    /// Plans a job and opens it in memory: empty topics, a new checkpoint, a new warehouse.
    ///
    /// # Errors
    /// `Plan` if its SQL has problems; otherwise a fault of the engine.
    pub fn open(job: Job, options: &MemoryOptions) -> Result<MemoryRun, RunError> {
        let graph = planned(&job)?;
        MemoryRun::of_graph(job, graph, options)
    }

    /// As [`MemoryRun::open`], for a job that is planned already: planning is most of what a small job costs. Runs of
    /// one graph must follow each other, since its clock is theirs.
    ///
    /// # Errors
    /// A fault of the engine.
    pub fn of_graph(job: Job, graph: Arc<Graph>, options: &MemoryOptions) -> Result<MemoryRun, RunError> {
        MemoryRun::with_statics(job, graph, options, BTreeMap::new())
    }

    /// As [`MemoryRun::of_graph`], with rows of static tables by name: they do not lie at their path then.
    ///
    /// # Errors
    /// A fault of the engine.
    pub fn with_statics(
        job: Job,
        graph: Arc<Graph>,
        options: &MemoryOptions,
        statics: BTreeMap<String, StaticRows>,
    ) -> Result<MemoryRun, RunError> {
        let clock = Arc::new(SetClock::at(options.time_us));
        let place = MemoryPlace::new(statics)?;
        place.add_topics(&job);
        let backends = place.backends(options, &clock);
        let mut run = MemoryRun {
            job: in_memory(job),
            graph,
            place,
            backends,
            clock,
            demanded: false,
            abort: Abort::never(),
            job_run: None,
            accepted: BTreeSet::new(),
            abandoned: BTreeSet::new(),
            log: ProgressLog::default(),
        };
        run.started()?;
        Ok(run)
    }

    /// Appends records to a partition of a source's topic. Returns their offsets.
    ///
    /// # Errors
    /// If the job has no such source.
    pub fn append(
        &self,
        source: &str,
        partition: u16,
        records: impl IntoIterator<Item = MemoryRecord>,
    ) -> Result<OffsetRange, RunError> {
        Ok(self.place.topic(source)?.append(partition, records))
    }

    /// Runs what is due: an epoch with the records that are there (as many as the
    /// source's limit allows), then epochs without records for as long as they emit something. Returns them all.
    ///
    /// # Errors
    /// What ended the job. The next call begins it again from its checkpoint.
    pub fn step(&mut self) -> Result<Vec<EpochProgress>, RunError> {
        let before = self.log.epochs.len();
        self.started()?;
        let mut more = self.one_epoch(&|_| true)?;
        while more && self.job.no_data_epochs {
            more = self.one_epoch(&|plan| !plan.has_records())?;
        }
        Ok(self.log.epochs[before..].to_vec())
    }

    /// Runs until nothing is left to do.
    ///
    /// # Errors
    /// As [`MemoryRun::step`].
    pub fn run_all(&mut self) -> Result<Vec<EpochProgress>, RunError> {
        let mut all = Vec::new();
        loop {
            let done = self.step()?;
            if done.is_empty() {
                return Ok(all);
            }
            all.extend(done);
        }
    }

    /// Goes on from now on in spite of contradictions of this word ([`epoch::Contradiction::word`]).
    pub fn accept(&mut self, word: &str) {
        self.accepted.insert(word.to_string());
    }

    /// Drops from now on what is committed to a table and what it never got.
    pub fn abandon(&mut self, table: &str) {
        self.abandoned.insert(table.to_string());
    }

    /// Ends the job in order and begins it again.
    ///
    /// # Errors
    /// If it cannot be opened again.
    pub fn restart(&mut self) -> Result<(), RunError> {
        self.ended()?;
        self.started().map(|_| ())
    }

    /// Ends the job in order and begins another version of it on the same checkpoint, tables and topics.
    ///
    /// # Errors
    /// `Plan` if its SQL has problems, `StateMismatch` if the state does not fit it. The old version is the job then.
    pub fn restart_as(&mut self, job: Job) -> Result<(), RunError> {
        let graph = planned(&job)?;
        self.ended()?;
        self.place.add_topics(&job);
        let before = (std::mem::replace(&mut self.job, in_memory(job)), std::mem::replace(&mut self.graph, graph));
        let begun = self.started().map(|_| ());
        if begun.is_err() {
            (self.job, self.graph) = before;
        }
        begun
    }

    /// Runs the next epoch up to one side of a step, gives it up there as a crash would, and begins the job again: it
    /// recovers, and an epoch that did not commit is planned afresh with the next [`MemoryRun::step`]. False if there was no epoch
    /// to run, or it never came to that step (it is done then).
    ///
    /// # Errors
    /// What ended the job before the step was reached; what hinders it from recovering.
    pub fn crash(&mut self, step: Step, side: StepSide) -> Result<bool, RunError> {
        let was_demanded = self.demanded;
        let Some(plan) = self.next_plan()? else { return Ok(false) };
        let planned = plan.epoch;
        let point = FailPoint { step, side, epoch: plan.epoch };
        let Some(job_run) = &mut self.job_run else { return Ok(false) };
        job_run.steps().arm(point);
        let log = &mut self.log;
        let ended = catch_unwind(AssertUnwindSafe(|| job_run.epoch(plan, log)));
        if !job_run.steps().has_failed() {
            job_run.steps().disarm();
            return match ended {
                Ok(Ok(())) => Ok(false),
                Ok(Err(error)) => {
                    self.job_run = None;
                    Err(error)
                }
                Err(fault) => std::panic::resume_unwind(fault),
            };
        }
        self.job_run = None;
        self.started()?;
        // An epoch that did not commit is still to come.
        self.demanded = was_demanded && self.epochs_committed() <= planned.0;
        Ok(true)
    }

    /// Makes the next epoch run although there may be nothing to read and nothing to emit.
    pub fn demand_epoch(&mut self) {
        self.demanded = true;
    }

    /// Number of epochs committed so far.
    pub fn epochs_committed(&self) -> u64 {
        let last = self.job_run.as_ref().and_then(JobRun::last);
        last.map_or(0, |commit| commit.plan.epoch.0 + 1)
    }

    /// The commits of the epochs from number `first` on, as the checkpoint has them.
    ///
    /// # Errors
    /// If the checkpoint cannot be read.
    pub fn commits_since(&mut self, first: u64) -> Result<Vec<Commit>, RunError> {
        let checkpoint = self.checkpoint()?;
        Ok(checkpoint.commits(EpochId(first)..=EpochId(u64::MAX))?.collect::<Result<_, _>>()?)
    }

    /// The checkpoint, to look at.
    ///
    /// # Errors
    /// If the job cannot be started.
    pub fn checkpoint(&mut self) -> Result<&state::CheckpointReader, RunError> {
        Ok(self.started()?.checkpoint())
    }

    /// The columns of a table, rejected and late ones' tables included.
    ///
    /// # Errors
    /// If there is no such table.
    pub fn schema(&mut self, table: &str) -> Result<SchemaRef, RunError> {
        Ok(Arc::clone(self.table(table)?.schema()))
    }

    /// Gives a static table other rows: the next epoch that looks for them sees them.
    ///
    /// # Errors
    /// If the run was not opened with rows for that table.
    pub fn set_static(&self, name: &str, rows: StaticRows) -> Result<(), RunError> {
        let found = self.place.statics.get(name);
        let found = found.ok_or_else(|| RunError::Plan(format!("the run has no rows of a static table {name}")))?;
        found.set(rows);
        Ok(())
    }

    /// Lets time pass until the wall clock shows what the next epoch is planned at, microseconds since 1970 UTC.
    pub fn set_time(&self, time_us: i64) {
        self.clock.pass_to(time_us);
    }

    /// The time that it is by the wall clock, microseconds since 1970 UTC.
    pub fn time_us(&self) -> i64 {
        self.clock.now_us()
    }

    /// The machine's clocks: its wall clock may be set wrong, and the machine be started anew.
    pub fn machine_clock(&self) -> &SetClock {
        &self.clock
    }

    /// All rows that a table has now, rejected and late ones' tables included; in the order of its files.
    ///
    /// # Errors
    /// If there is no such table.
    pub fn rows(&mut self, table: &str) -> Result<Vec<RecordBatch>, RunError> {
        let table = Arc::clone(self.table(table)?);
        Ok(handle()?.block_on(table.rows())?)
    }

    /// The watermark that the next epoch goes by, of a source or of a table's input, microseconds since 1970 UTC.
    pub fn watermark(&self, name: &str) -> Option<i64> {
        self.job_run.as_ref()?.watermark(name)
    }

    /// The state that a table's query keeps after the newest epoch, of all its operators together.
    ///
    /// # Errors
    /// If it has to be read and cannot.
    pub fn metrics(&mut self, table: &str) -> Result<TableStateMetrics, RunError> {
        self.started()?.state_metrics(table)
    }

    /// Rows of state that a table's query added or changed in the epochs from number `first` on, summed over them.
    pub fn updated_since(&self, table: &str, first: u64) -> u64 {
        let epochs = self.log.epochs.iter().filter(|epoch| epoch.epoch >= first);
        epochs.flat_map(|epoch| &epoch.state).filter(|state| state.table == table).map(|state| state.updated).sum()
    }

    /// Every data file that lies in the warehouse, published or not, by its path. The part of the names that differs between two
    /// runs of one job is left out.
    ///
    /// # Errors
    /// Never.
    pub fn data_files(&mut self) -> Result<BTreeMap<String, Vec<u8>>, RunError> {
        let job_id = self.checkpoint()?.job_id().to_string();
        let files = handle()?.block_on(self.place.warehouse.data_files())?;
        Ok(files
            .into_iter()
            .map(|(path, bytes)| (without_attempt(&path.replace(&job_id, "job")), bytes.to_vec()))
            .collect())
    }

    /// Every block of state in the checkpoint.
    ///
    /// # Errors
    /// If the checkpoint cannot be read.
    pub fn blocks(&mut self) -> Result<BTreeMap<BlockKey, Vec<u8>>, RunError> {
        self.started()?.state_blocks()
    }

    /// Drops what a long run in memory gathers and a real one does not: records that were read, and the reports of
    /// all epochs but the newest. Waits for the upkeep of the tables' logs to end.
    pub fn forget_past(&mut self) {
        let before_newest = self.log.epochs.len().saturating_sub(1);
        self.log.epochs.drain(..before_newest);
        let Some(job_run) = &self.job_run else { return };
        job_run.wait_idle();
        for source in job_run.last().into_iter().flat_map(|commit| commit.plan.sources.keys()) {
            let end = job_run.last().map(|commit| commit.plan.end_positions(source)).unwrap_or_default();
            if let Some(topic) = self.place.topics.topic(source) {
                topic.trim(&offsets::offsets(&end));
            }
        }
    }

    /// Number of data files of a table that a later epoch may replace: those of the buckets that are not final.
    pub fn replaceable_files(&self, table: &str) -> usize {
        self.job_run.as_ref().map_or(0, |run| run.replaceable_files(table))
    }

    /// What was reported of each epoch since the run was opened, in the order of the reports.
    pub fn reports(&self) -> &[EpochProgress] {
        &self.log.epochs
    }

    /// The newest epoch.
    pub fn progress(&self) -> Option<&EpochProgress> {
        self.log.epochs.last()
    }

    /// What the run has reported besides its epochs: what recovery did, above all.
    pub fn notes(&self) -> &[String] {
        &self.log.notes
    }

    /// The tables' place, for queries over them.
    pub fn warehouse(&self) -> &delta::Warehouse {
        &self.place.warehouse
    }

    /// The job that runs.
    pub fn job(&self) -> &Job {
        &self.job
    }

    fn table(&mut self, name: &str) -> Result<&Arc<dyn SinkTable>, RunError> {
        self.started()?.table(name).ok_or_else(|| RunError::Plan(format!("the job has no table {name}")))
    }

    /// The running job; opened and recovered if it is not running.
    fn started(&mut self) -> Result<&mut JobRun, RunError> {
        let job_run = match self.job_run.take() {
            Some(job_run) => job_run,
            None => {
                let (job, graph) = (self.job.clone(), Arc::clone(&self.graph));
                let options = RunOptions {
                    trigger: Trigger::Asap,
                    stop: Arc::default(),
                    abort: &self.abort,
                    fail_point: None,
                    place_fault: None,
                    accepted: &self.accepted,
                    abandoned: &self.abandoned,
                    replayed: None,
                    is_retry: false,
                };
                let graph = (graph, StaticSchemas::default());
                let log = &mut self.log;
                let backends = &self.backends;
                let mut opened = JobRun::open(job, graph, options, &handle()?, backends, &mut |text| log.note(text))?;
                opened.report_recovered(log)?;
                opened
            }
        };
        Ok(self.job_run.insert(job_run))
    }

    fn ended(&mut self) -> Result<(), RunError> {
        match self.job_run.take() {
            Some(job_run) => job_run.end(),
            None => Ok(()),
        }
    }

    /// What the next epoch is, if there is one: in memory only, so that it may also be forgotten.
    fn next_plan(&mut self) -> Result<Option<Plan>, RunError> {
        let demanded = std::mem::take(&mut self.demanded);
        Ok(match self.started()?.next(demanded)? {
            Next::Epoch(plan) => Some(plan),
            Next::Idle => None,
        })
    }

    /// Runs the next epoch, if there is one that is `wanted`. True if it was run.
    fn one_epoch(&mut self, wanted: &dyn Fn(&Plan) -> bool) -> Result<bool, RunError> {
        let Some(plan) = self.next_plan()?.filter(wanted) else { return Ok(false) };
        let Some(job_run) = &mut self.job_run else { return Ok(false) };
        let done = job_run.epoch(plan, &mut self.log);
        if done.is_err() {
            self.job_run = None;
        }
        done.map(|()| true)
    }
}

/// The path of a data file without who staged it in which attempt: two runs of an epoch differ in that alone.
fn without_attempt(path: &str) -> String {
    let parts: Vec<&str> = path.split('-').collect();
    match parts.as_slice() {
        [folder, job, epoch, _term, _run, _attempt, number] => {
            [folder, job, epoch, number].map(|part| part.to_string()).join("-")
        }
        _ => path.to_string(),
    }
}

/// A job's graph; static tables are those at their paths.
fn planned(job: &Job) -> Result<Arc<Graph>, RunError> {
    let registry = MemoryPlace::new(BTreeMap::new())?.backends(&MemoryOptions::default(), &Arc::default()).registry;
    let found = runtime::static_schemas(job, &registry).into_iter().map(|(name, schema)| Ok((name, schema?)));
    let found = found.collect::<Result<BTreeMap<_, _>, RunError>>()?;
    Ok(Arc::new(
        plan_job(job, &runtime::schemas(job, &found), &registry.capabilities(&job.warehouse))
            .map_err(runtime::problems)?,
    ))
}

/// The job as it runs when its caller says so. Topics in memory have no end, and are read from their first record.
fn in_memory(mut job: Job) -> Job {
    job.trigger = Trigger::Asap;
    job
}

/// Carries the uploads of all runs in memory of this process.
fn handle() -> Result<Handle, RunError> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    let made =
        RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().ok());
    made.as_ref()
        .map(|runtime| runtime.handle().clone())
        .ok_or_else(|| RunError::Internal("no threads can be started; is the system out of memory?".to_string().into()))
}

#[cfg(test)]
mod tests;
