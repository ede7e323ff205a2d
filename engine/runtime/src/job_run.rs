//! A job that is open: recovered, driven epoch by epoch, looked at, ended. `submit` drives it by its trigger, testkit by hand.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use connector::{ErrorKind, Message, SinkTable, WriterId};
use epoch::{Commit, Plan, Step, WatermarkState};
use job::{Job, Trigger};
use plan::Graph;
use state::{Attempt, BlockKey, CheckpointReader, OperatorId};
use tokio::runtime::Handle;

use crate::backends::Backends;
use crate::bounds::Bounds;
use crate::definitions::fingerprints;
use crate::error::{RunError, of_table};
use crate::files::OpenFiles;
use crate::follower::{Follower, PublishedEpoch, Publisher};
use crate::place_fault::ArmedFault;
use crate::planner::{Next, Planner};
use crate::progress::{EpochProgress, ProgressListener, WaitProgress};
use crate::reader::Reader;
use crate::recover::{JobTables, Recovered, Recovery};
use crate::replay::Replay;
use crate::report::Reporter;
use crate::run::Run;
use crate::statics::{Lookups, StaticSchemas, Statics};
use crate::step::{FailPoint, Steps};
use crate::stop::{Abort, Stop};
use crate::{files, manifest, place_fault, sources, start, trigger};

/// How often a wait for room looks at the stop flag.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The longest wait for it that is nobody's matter, and how often it is told after that.
const SAY_AFTER: Duration = Duration::from_secs(1);
const SAY_EVERY: Duration = Duration::from_secs(10);

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
    /// What goes wrong with one of its places.
    pub place_fault: Option<&'a Arc<ArmedFault>>,
    /// The words of the contradictions that somebody has decided to go on in spite of ([`epoch::Contradiction::word`]).
    pub accepted: &'a BTreeSet<String>,
    /// The tables whose unpublished epochs somebody has decided to drop.
    pub abandoned: &'a BTreeSet<String>,
    /// A checkpoint whose epochs are run again, and no others.
    pub replayed: Option<&'a Path>,
    /// True if the attempt before failed in this process, for something that was away: its size is not at fault.
    pub is_retry: bool,
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
    replay: Option<Replay>,
    reporter: Reporter,
    /// Epochs of earlier runs that all places have and that nobody has reported, oldest first.
    recovered: VecDeque<PublishedEpoch>,
    /// Reports of epochs that are committed and not yet published, in their order.
    unpublished: VecDeque<EpochProgress>,
    /// What was waited for since the last epoch was begun.
    waited: Option<WaitProgress>,
    summary: Summary,
}

impl Summary {
    /// Adds what another run did.
    pub fn add(&mut self, other: &Summary) {
        self.epochs += other.epochs;
        self.rows_read += other.rows_read;
        self.rejected += other.rejected;
    }
}

fn not_opened(error: &tokio::task::JoinError) -> RunError {
    RunError::Internal(Message::caused_by(format!("opening tables: {error}"), error))
}

impl JobRun {
    /// Opens what a job runs on, and brings checkpoint and tables together again.
    ///
    /// # Errors
    /// Whatever of it cannot be opened; state that does not fit the job; `Contradiction` if checkpoint and places cannot both be right.
    pub fn open(
        job: Job,
        (graph, schemas): (Arc<Graph>, StaticSchemas),
        options: RunOptions<'_>,
        runtime: &Handle,
        backends: &Backends,
        note: &mut dyn FnMut(&str),
    ) -> Result<JobRun, RunError> {
        let RunOptions { trigger, stop, abort, fail_point, place_fault, accepted, abandoned, replayed, is_retry } =
            options;
        let replay = replayed.map(|folder| Replay::of(folder, &job)).transpose()?;
        let steps = Arc::new(Steps::new(fail_point));
        let checkpoint = backends.checkpoints.open(&job)?;
        let mut statics = Statics::open(&job, &graph, &backends.registry, schemas, runtime)?;
        statics.copies_elsewhere = replay.as_ref().map(|replay| Arc::clone(&replay.copies));
        let first_changes = first_changes(&graph, &checkpoint, &job.checkpoint)?;
        let writer = WriterId { job: job.name.clone(), job_id: checkpoint.job_id().to_string() };
        let opening = start::open_tables(runtime, &job, &graph, &writer, backends);
        let connected = connect(&job, &graph, (&stop, abort, trigger), backends).and_then(|(mut planner, readers)| {
            let plans_ahead = backends.plans_ahead && replay.is_none();
            let first = if plans_ahead { plan_first(&mut planner, &mut statics, &checkpoint)? } else { None };
            Ok((planner, readers, first))
        });
        // Waited for whatever happened beside it: cut off in the middle, the Delta library panics.
        let opened = runtime.block_on(opening);
        let (warehouse, tables) = opened.map_err(|error| not_opened(&error))??;
        let (sink, tables) = place_fault::over(&warehouse, tables, place_fault);
        let (mut planner, readers, first) = connected?;
        let mut files = start::open_files(&replaced_tables(&checkpoint, &graph, &job.checkpoint)?, &checkpoint)?;
        let places = JobTables::of(&graph, (&warehouse, &writer, &tables), &files);
        let recovery = Recovery::new(&checkpoint, places, (accepted, abandoned), (&steps, runtime));
        let Recovered { mut last, links, unlinked, owner, attempt, unreported } = recovery.run(note)?;
        let renamed = last.as_mut().map(|last| sources::go_on(&job, last)).transpose()?.unwrap_or_default();
        let is_reduced = reduce(&mut planner, attempt.as_ref().filter(|_| !is_retry));
        planner.tell_again(sources::as_named_now(checkpoint.losses()?, &renamed));
        let topology = Arc::new(start::topology(&graph, &job, &tables)?);
        let reporter = Reporter::new(backends.clock.now_us(), backends.counts_state_rows);
        let publisher = Publisher { sink, writer, owner, tables, runtime: runtime.clone() };
        let run = Run {
            computes: start::computes(&topology, backends.lanes, checkpoint.key_partitioning())?,
            operators: start::operators(&topology, &checkpoint, job.state_memory_bytes)?,
            files: topology.tables.iter().map(|table| files.remove(&table.plan.name)).collect(),
            statics,
            lookups: Lookups::default(),
            follower: Follower::start(publisher, Bounds::of(&job), &steps, &abort.flag),
            clock: graph.clock.clone(),
            time: backends.clock.clone(),
            topology,
            checkpoint,
            planner,
            readers,
            steps,
            owner,
            attempts: 0,
            watermarks: resumed(last.as_ref()),
            flows: Vec::new(),
            last: last.map(Arc::new),
            links,
            unlinked,
            fingerprints: fingerprints(&job, &graph),
            renamed,
            tries: attempt.map(|attempt| (attempt.epoch, attempt.tries)),
            first_changes: Some(first_changes),
            first: first.filter(|_| !is_reduced),
            stop: Stop::new(stop, abort),
            job,
        };
        let (recovered, unpublished) = (unreported.into(), VecDeque::new());
        Ok(JobRun { run, replay, reporter, recovered, unpublished, waited: None, summary: Summary::default() })
    }

    /// Runs epochs as the trigger says, until the job is stopped or a bounded one has done all.
    ///
    /// # Errors
    /// Whatever stops the job.
    pub(crate) fn go_on(&mut self, trigger: Trigger, listener: &mut dyn ProgressListener) -> Result<(), RunError> {
        let ended = self.report_recovered(listener).and_then(|()| self.run_epochs(trigger, listener));
        if ended.is_err()
            // What was published is reported, whatever ended the run. What this stops at is that, or has followed from it.
            && let Err(also) = self.report_published(false, listener)
        {
            tracing::debug!(%also, "what was published last is reported by the next run");
        }
        ended
    }

    fn run_epochs(&mut self, trigger: Trigger, listener: &mut dyn ProgressListener) -> Result<(), RunError> {
        let is_bounded = matches!(trigger, Trigger::AvailableNow | Trigger::Once);
        loop {
            self.wait_for_room(listener)?;
            if self.run.stop.is_set() {
                return self.report_published(true, listener);
            }
            let began = trigger::Started { wall_us: self.run.time.now_us(), instant: Instant::now() };
            let next = self.next(false)?;
            let asked_ms = began.instant.elapsed().as_millis() as u64;
            let was_idle = matches!(next, Next::Idle);
            if let Next::Epoch(plan) = next {
                self.timed_epoch(plan, began, asked_ms, listener)?;
            }
            let is_all = trigger == Trigger::Once && !self.run.planner.is_cut();
            let is_last = is_bounded && (was_idle || is_all && !self.run.has_pending_output());
            // While there is more to read, what was committed is published beside it.
            let is_behind = !was_idle && !is_last && trigger::pause(trigger, began).is_zero();
            self.report_published(!is_behind, listener)?;
            if is_last {
                return Ok(());
            }
            trigger::wait(trigger, began, was_idle, self.run.stop.flag());
        }
    }

    /// Reads nothing while too much is committed and not yet published, or too little is left of the disk to commit more, and says why;
    /// ends when the job shall.
    fn wait_for_room(&mut self, listener: &mut dyn ProgressListener) -> Result<(), RunError> {
        let (began, mut say_at) = (Instant::now(), SAY_AFTER);
        while let Some((what, reason)) = self.run.no_room(LOOK_EVERY)? {
            if began.elapsed() >= say_at {
                say_at = began.elapsed() + SAY_EVERY;
                tracing::warn!("waiting for {what}: {reason}");
                listener.waiting(&reason);
            }
            self.waited = Some(WaitProgress { ms: began.elapsed().as_millis() as u64, reason });
            self.report_published(false, listener)?;
            if self.run.stop.is_set() {
                break;
            }
        }
        Ok(())
    }

    /// Reports the epochs that earlier runs committed and that are published by now, of which nobody has heard, each once.
    ///
    /// # Errors
    /// The checkpoint's.
    pub fn report_recovered(&mut self, listener: &mut dyn ProgressListener) -> Result<(), RunError> {
        while let Some(published) = self.recovered.pop_front() {
            let progress = self.reporter.recovered(&self.run, &published.commit);
            self.retire(&published, &progress, listener)?;
        }
        Ok(())
    }

    /// Reports the epochs that were published since this was last done, each once. `wait`: until all are.
    fn report_published(&mut self, wait: bool, listener: &mut dyn ProgressListener) -> Result<(), RunError> {
        while let Some(published) = self.run.follower.take_published(wait)? {
            let report = self.unpublished.pop_front().filter(|report| report.epoch == published.epoch().0);
            let mut progress = report.ok_or_else(|| {
                RunError::Internal(format!("epoch {} was published out of its turn", published.epoch()).into())
            })?;
            progress.published_in(published.spent_us);
            self.retire(&published, &progress, listener)?;
        }
        Ok(())
    }

    /// Step Retire of an epoch that all places have, with the one report that it is published. The note of it is made first: a process
    /// that is killed between the two leaves an epoch unreported, and none is reported twice.
    fn retire(
        &mut self,
        published: &PublishedEpoch,
        progress: &EpochProgress,
        listener: &mut dyn ProgressListener,
    ) -> Result<(), RunError> {
        let steps = Arc::clone(&self.run.steps);
        steps.at(Step::Retire, published.epoch(), || {
            self.run.retire(published)?;
            self.summary.epochs += 1;
            self.summary.rows_read += progress.rows_read;
            self.summary.rejected += progress.rejected;
            tracing::debug!(epoch = progress.epoch, versions = ?published.versions, "published");
            listener.epoch(progress);
            Ok(())
        })
    }

    /// What the next epoch is, if there is one. It is in memory only, so that it may also be forgotten. `demanded`: there is one
    /// whatever there is to read.
    ///
    /// # Errors
    /// The sources' errors, and those of the static tables.
    pub fn next(&mut self, demanded: bool) -> Result<Next, RunError> {
        if let Some(replay) = &mut self.replay {
            replay.check_is_there(&mut self.run.planner)?;
            return Ok(replay.next(self.run.last.as_deref()).map_or(Next::Idle, Next::Epoch));
        }
        if let Some(first) = self.run.first.take() {
            return Ok(Next::Epoch(first));
        }
        let has_pending_output = demanded || self.run.has_pending_output();
        let next = self.run.next(has_pending_output);
        next.inspect_err(|error| self.run.note_losses(error))
    }

    /// Runs one epoch, waits until it is published, and reports it.
    ///
    /// # Errors
    /// Whatever stops the job.
    pub fn epoch(&mut self, plan: Plan, listener: &mut dyn ProgressListener) -> Result<(), RunError> {
        let began = trigger::Started { wall_us: self.run.time.now_us(), instant: Instant::now() };
        self.timed_epoch(plan, began, 0, listener)?;
        self.report_published(true, listener)
    }

    fn timed_epoch(
        &mut self,
        plan: Plan,
        began: trigger::Started,
        asked_ms: u64,
        listener: &mut dyn ProgressListener,
    ) -> Result<(), RunError> {
        self.run.steps.reset();
        listener.planned(plan.epoch.0);
        let number = plan.epoch;
        let result = match self.run.epoch(plan) {
            Ok(result) => result,
            Err(error) => {
                self.run.note_losses(&error);
                if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Stopped)
                    && !self.run.has_committed(number)
                    // What ended the attempt is the cause; a checkpoint that takes no note of it has told why already.
                    && let Err(also) = self.run.give_up(number)
                {
                    tracing::debug!(%also, "the attempt is not noted as given up");
                }
                return Err(error.in_epoch(number));
            }
        };
        let duration_us = u64::try_from(began.instant.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut progress = self.reporter.report(&self.run, &result, began.wall_us, duration_us, asked_ms);
        progress.waited = self.waited.take();
        self.unpublished.push_back(progress);
        Ok(())
    }

    /// Ends the run in order: what goes on beside it is waited for, the checkpoint is closed.
    ///
    /// # Errors
    /// If the checkpoint cannot be closed; nothing acknowledged is lost then.
    pub fn end(self) -> Result<(), RunError> {
        self.run.follower.wait_idle();
        let Run { checkpoint, readers, planner, follower, .. } = self.run;
        drop((readers, planner, follower));
        Ok(checkpoint.close()?)
    }

    /// What the run did so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The steps, to arm a fail point.
    pub fn steps(&self) -> &Steps {
        &self.run.steps
    }

    /// The newest committed epoch.
    pub fn last(&self) -> Option<&Commit> {
        self.run.last.as_deref()
    }

    /// The checkpoint, to look at.
    pub fn checkpoint(&self) -> &CheckpointReader {
        &self.run.checkpoint
    }

    /// One of the tables, rejected and late ones included.
    pub fn table(&self, name: &str) -> Option<&Arc<dyn SinkTable>> {
        self.run.follower.table(name)
    }

    /// Waits for background work on the tables to end.
    pub fn wait_idle(&self) {
        self.run.follower.wait_idle();
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

/// The tables whose rows are replaced. One that was in the job before and left is refused: its rows stand, and the state that they came
/// from is gone, so its new rows would stand beside the old ones.
fn replaced_tables(checkpoint: &state::Checkpoint, graph: &Graph, folder: &str) -> Result<BTreeSet<String>, RunError> {
    let replaced = graph.tables.iter().filter(|table| table.is_replaced());
    let replaced: BTreeSet<String> = replaced.map(|table| table.name.clone()).collect();
    let (Some(stored), Some(last)) = (checkpoint.manifest()?, checkpoint.newest_commit()?) else { return Ok(replaced) };
    let new_tables = manifest::Manifest::of(graph)?.new_tables(&manifest::Manifest::decode(&stored, folder)?);
    match new_tables.iter().find(|table| replaced.contains(*table) && last.sinks.contains_key(*table)) {
        None => Ok(replaced),
        Some(table) => Err(RunError::StateMismatch(format!(
            "{table} was in the job before and left; its rows still stand in the warehouse, and the state that they came from is gone from \
             {folder}: its new rows would stand beside them\n  give the table another name (docs/changing-a-job.md)"
        ).into())),
    }
}

/// The sources' watermarks as the last epoch left them: the time since then is nobody's idleness.
fn resumed(last: Option<&Commit>) -> BTreeMap<String, WatermarkState> {
    let Some(last) = last else { return BTreeMap::new() };
    let mut watermarks = last.watermarks.clone();
    watermarks.iter_mut().for_each(|(source, state)| state.resume(last.plan.answered_us(source)));
    watermarks
}

/// Plans smaller epochs if the size of an attempt that did not commit may be at fault. True if it may be.
fn reduce(planner: &mut Planner, attempt: Option<&Attempt>) -> bool {
    let too_large = attempt.and_then(|attempt| Some((attempt.records?, attempt.tries)));
    too_large.into_iter().for_each(|(records, tries)| planner.reduce(records, tries));
    too_large.is_some()
}

/// The clients of the sources: what plans, and what reads.
fn connect(
    job: &Job,
    graph: &Graph,
    (stop, abort, trigger): (&Arc<AtomicBool>, &Abort, Trigger),
    backends: &Backends,
) -> Result<(Planner, Vec<Vec<Reader>>), RunError> {
    let is_bounded = matches!(trigger, Trigger::AvailableNow | Trigger::Once);
    let planner = Planner::open(job, backends, is_bounded, stop)?;
    Ok((planner, start::readers(job, graph, backends, &abort.flag)?))
}

/// A new checkpoint gets its first plan while the tables are still being opened.
fn plan_first(
    planner: &mut Planner,
    statics: &mut Statics,
    checkpoint: &state::Checkpoint,
) -> Result<Option<Plan>, RunError> {
    if checkpoint.newest_commit()?.is_some() {
        return Ok(None);
    }
    let Next::Epoch(mut plan) = planner.next(None, false)? else { return Ok(None) };
    statics.refresh(&mut plan)?;
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
