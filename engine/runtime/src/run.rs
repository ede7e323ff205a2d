//! One epoch, top to bottom. Everything the engine promises is the order of the lines of [`Run::epoch`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connector::SourceError;
use epoch::{
    Commit, DataGap, EpochId, Owner, Permit, Plan, Ranges, RowCounts, Split, SplitRange, StagedFile, Step, TableCommit,
    WatermarkState,
};
use job::Job;
use operators::operator::EpochTime;
use state::{Attempt, Checkpoint, StateChanges};

use crate::bounds::ShortOfSpace;
use crate::clock::{self, Clock};
use crate::compute::{Compute, Flow};
use crate::error::{RunError, of_table};
use crate::event_times::EventTimes;
use crate::files::OpenFiles;
use crate::follower::{Follower, PublishedEpoch};
use crate::lanes::side_by_side;
use crate::operate::{Running, operate};
use crate::planner::{self, Next, Planner};
use crate::reader::{ReadTotals, Reader};
use crate::recover::{Links, Unlinked};
use crate::sources;
use crate::stage::{AttemptId, Staged};
use crate::statics::{Lookups, Statics};
use crate::step::Steps;
use crate::stop::Stop;
use crate::topology::{Epoch, Topology};

/// A job that runs.
pub struct Run {
    pub(crate) job: Job,
    pub(crate) topology: Arc<Topology>,
    pub(crate) clock: plan::BatchClock,
    /// The time that the run goes by.
    pub(crate) time: Clock,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) planner: Planner,
    pub(crate) readers: Vec<Vec<Reader>>,
    pub(crate) computes: Vec<Compute>,
    pub(crate) operators: Vec<Running>,
    /// The open files of each table whose rows are replaced.
    pub(crate) files: Vec<Option<OpenFiles>>,
    pub(crate) statics: Statics,
    pub(crate) lookups: Lookups,
    pub(crate) follower: Follower,
    pub(crate) steps: Arc<Steps>,
    /// Who this run is.
    pub(crate) owner: Owner,
    /// Attempts at epochs so far in this run: part of the names of what they stage.
    pub(crate) attempts: u32,
    pub(crate) watermarks: BTreeMap<String, WatermarkState>,
    /// Rows through each node in the last epoch.
    pub(crate) flows: Vec<Flow>,
    pub(crate) last: Option<Arc<Commit>>,
    /// What is known of every sink.
    pub(crate) links: Links,
    /// Rows of the tables that were found and that no commit has touched.
    pub(crate) unlinked: Unlinked,
    /// What tells the tables' definitions from others, by table.
    pub(crate) fingerprints: BTreeMap<String, String>,
    /// The epoch that earlier runs have tried in vain, and how often.
    pub(crate) tries: Option<(EpochId, u32)>,
    /// Sources that have another name than in the newest commit: until the first commit of this run.
    pub(crate) renamed: BTreeMap<String, String>,
    /// Changes that the first commit of this run makes besides its own: the manifest, the state of tables that are gone.
    pub(crate) first_changes: Option<StateChanges>,
    /// The first plan of a new checkpoint, made while the rest was being opened.
    pub(crate) first: Option<Plan>,
    pub(crate) stop: Stop,
}

/// What an epoch read, by source.
pub type Read = BTreeMap<String, ReadTotals>;

/// An epoch that happened, for those who watch.
pub struct EpochResult {
    /// What each source gave.
    pub read: Read,
}

impl Run {
    /// Runs one epoch from its plan: reads, computes, stages, commits, and hands it to those who follow.
    ///
    /// # Errors
    /// Whatever stops the job. Before Commit nothing has happened, and what is in memory must be opened again; after it the epoch has,
    /// and a restart publishes it. Also why an earlier epoch could not be published.
    pub fn epoch(&mut self, plan: Plan) -> Result<EpochResult, RunError> {
        let number = plan.epoch;
        self.clock.set(plan.batch_time_us);
        let steps = Arc::clone(&self.steps);
        let attempt = steps.at(Step::Plan, number, || self.begin(&plan))?;
        let times = self.topology.times(&plan);
        let lookups = self.lookups.of_epoch(&self.topology, &mut self.statics, &plan, &self.checkpoint, &self.steps)?;
        let epoch = Epoch { plan: &plan, times: &times, attempt, lookups: &lookups };
        let read = self.read(&epoch)?;
        self.operate(&epoch)?;
        let staged = self.close_files(&plan)?;
        let (commit, changes) = self.build_commit(plan, &times, &read, staged)?;
        self.stop.check()?;
        self.follower.prepare(&commit);
        let permit = self.steps.at(Step::Commit, number, || self.checkpoint.commit(&commit, changes))?;
        self.remember(&permit);
        self.follower.follow(permit)?;
        Ok(EpochResult { read })
    }

    /// What the next epoch reads, if there is one: offsets, and the versions of the static tables.
    ///
    /// # Errors
    /// The sources' errors, and those of the static tables.
    pub fn next(&mut self, has_pending_output: bool) -> Result<Next, RunError> {
        let mut next = self.planner.next(self.last.as_deref(), has_pending_output)?;
        if let (Next::Epoch(plan), Some(last)) = (&next, &self.last) {
            let new_sources = plan.sources.iter().filter(|(name, _)| last.position(name).is_none());
            new_sources
                .into_iter()
                .try_for_each(|(name, plan)| sources::refuse_rereading(&self.job, name, plan, last))?;
        }
        if let Next::Epoch(plan) = &mut next {
            self.statics.refresh(plan)?;
        }
        Ok(next)
    }

    /// Why nothing may be read now, if nothing may, and what is waited for. Looks for so long whether that passes.
    ///
    /// # Errors
    /// Why a commit could not be published.
    pub fn no_room(&self, time: Duration) -> Result<Option<(&'static str, String)>, RunError> {
        if let Some(behind) = self.follower.behind(time)? {
            return Ok(Some(("the warehouse", behind.to_string())));
        }
        let Some(short) = ShortOfSpace::of(&self.job.checkpoint, self.job.free_bytes_min) else { return Ok(None) };
        clock::wait(time, self.stop.flag());
        Ok(Some(("room", short.to_string())))
    }

    /// Notes that the epoch is begun. Nothing else of it is written before its commit.
    fn begin(&mut self, plan: &Plan) -> Result<AttemptId, RunError> {
        self.attempts += 1;
        let records = Some(self.planner.largest_span(plan));
        let before = self.tries.take_if(|(epoch, _)| *epoch == plan.epoch).map_or(0, |(_, tries)| tries);
        self.checkpoint.begin_attempt(&Attempt { epoch: plan.epoch, records, tries: before + 1 })?;
        Ok(AttemptId { epoch: plan.epoch, owner: self.owner, number: self.attempts })
    }

    /// True if an epoch has happened.
    pub fn has_committed(&self, epoch: EpochId) -> bool {
        self.last.as_ref().is_some_and(|last| last.plan.epoch >= epoch)
    }

    /// The process lives on and gives the epoch up, for no fault of its size: the next attempt need not be smaller.
    pub fn give_up(&self, epoch: EpochId) -> Result<(), RunError> {
        Ok(self.checkpoint.begin_attempt(&Attempt { epoch, records: None, tries: 0 })?)
    }

    /// Keeps what a source found to be lost: the run stops for it, and the next one must not go on as if nothing had been.
    pub fn note_losses(&mut self, error: &RunError) {
        let RunError::Source(SourceError::DataLoss(loss)) = error else { return };
        let losses = self.planner.reported_with(&loss.source, loss.gaps());
        if let Err(also) = self.checkpoint.note_losses(&losses) {
            tracing::warn!(%also, "the lost records are not noted in the checkpoint; the next run may not see that they are");
        }
        self.planner.tell_again(losses);
    }

    /// Steps Read, Decode and, for what has no memory, Compute and Stage: chunk by chunk, lane by lane.
    fn read(&mut self, epoch: &Epoch<'_>) -> Result<Read, RunError> {
        let plan = epoch.plan;
        let lanes = self.readers.len();
        let computes = (plan.lanes as usize).clamp(1, self.computes.len());
        let shares: Vec<_> = (0..lanes).map(|lane| share(plan, lane, lanes)).collect();
        let (steps, stop) = (&self.steps, &self.stop);
        let mut work: Vec<LaneWork<'_>> =
            self.computes.iter_mut().take(computes).map(|compute| (compute, Vec::new())).collect();
        for (lane, (readers, share)) in self.readers.iter_mut().zip(shares).enumerate() {
            work[lane * computes / lanes].1.push((readers.as_mut_slice(), share));
        }
        let mut read = Read::new();
        for result in side_by_side(work, &"a lane", |lane| run_lane(lane, epoch, steps, stop)) {
            result?.into_iter().for_each(|(source, totals)| add_totals(read.entry(source).or_default(), totals));
        }
        read.iter().for_each(|(source, totals)| self.planner.waited(source, totals.waited_us_max));
        Ok(read)
    }

    /// Steps Compute and Stage for what has memory: what the epoch makes final, or has changed.
    fn operate(&mut self, epoch: &Epoch<'_>) -> Result<(), RunError> {
        operate(&mut self.operators, &mut self.computes, &self.topology, &self.checkpoint, epoch, &self.steps)?;
        self.stop.check()
    }

    /// Step Stage: every open file is completed and made durable, lane beside lane.
    fn close_files(&mut self, plan: &Plan) -> Result<BTreeMap<String, Staged>, RunError> {
        let steps = &self.steps;
        let lanes = (plan.lanes as usize).clamp(1, self.computes.len());
        let work: Vec<&mut Compute> = self.computes[..lanes].iter_mut().collect();
        let close = |compute: &mut Compute| steps.at(Step::Stage, plan.epoch, || compute.finish());
        let mut all: BTreeMap<String, Staged> = BTreeMap::new();
        for result in side_by_side(work, &"a lane", close) {
            for (table, staged) in result? {
                let total = all.entry(table).or_default();
                total.files.extend(staged.files);
                total.replaced.extend(staged.replaced);
                total.counts.add(&staged.counts);
            }
        }
        Ok(all)
    }

    /// Closes the books, moves the watermark and collects what the commit changes.
    fn build_commit(
        &mut self,
        plan: Plan,
        times: &[EpochTime],
        read: &Read,
        staged: BTreeMap<String, Staged>,
    ) -> Result<(Commit, StateChanges), RunError> {
        let mut tables = self.table_commits(staged, times);
        self.check_books(&tables, read)?;
        let mut changes = self.first_changes.take().unwrap_or_default();
        for running in &mut self.operators {
            let name = &self.topology.tables[self.topology.nodes[running.node].table].plan.name;
            let state =
                running.operator.prepare_commit(&times[running.node], &self.checkpoint).map_err(of_table(name))?;
            changes.drop_buckets.extend(state.drops);
            changes.deletes.extend(state.deletes);
            changes.puts.extend(state.puts.into_iter().map(|(key, bytes)| (key, bytes.to_vec())));
        }
        self.files.iter_mut().flatten().try_for_each(|files| files.prepare_commit(&mut changes))?;
        let retained = self.job.retain_epochs;
        let last = self.last.as_deref();
        Statics::prepare_commit(&plan, last, &self.checkpoint, retained, &mut changes)?;
        changes.puts.extend(self.statics.copies(&plan, last)?);
        self.advance_watermarks(&plan, read);
        let gaps: BTreeMap<String, Vec<DataGap>> = read
            .iter()
            .filter(|(_, totals)| !totals.gaps.is_empty())
            .map(|(source, totals)| (source.clone(), totals.gaps.clone()))
            .collect();
        let sources = read.iter().map(|(source, totals)| (source.clone(), source_counts(totals))).collect();
        tables.retain(|_, table| *table != TableCommit::default());
        let mut commit = Commit {
            nonce: self.checkpoint.draw_id(plan.epoch).nonce,
            owner: self.owner,
            renamed: std::mem::take(&mut self.renamed),
            set_aside: self.set_aside(|last, source| last.position(source)),
            set_aside_identities: self.set_aside(|last, source| last.identity(source).cloned()),
            sinks: BTreeMap::new(),
            definitions: BTreeMap::new(),
            next_watermark_us: planner::least(&self.watermarks),
            watermarks: self.watermarks.clone(),
            tables,
            sources,
            gaps,
            plan,
        };
        commit.link(self.links.clone(), &self.unlinked);
        commit.define(&self.fingerprints, self.last.as_deref());
        Ok((commit, changes))
    }

    /// What is known of the sources that the job no longer has.
    fn set_aside<T>(&self, known: impl Fn(&Commit, &str) -> Option<T>) -> BTreeMap<String, T> {
        let Some(last) = self.last.as_deref() else { return BTreeMap::new() };
        let gone = last.known_sources().filter(|source| !self.job.sources.contains_key(*source));
        gone.filter_map(|source| Some((source.clone(), known(last, source)?))).collect()
    }

    fn advance_watermarks(&mut self, plan: &Plan, read: &Read) {
        for (name, source) in &self.job.sources {
            let (Some(watermark), Some(planned)) = (&source.watermark, plan.sources.get(name)) else { continue };
            let newest = read.get(name).map(|totals| totals.event_us_max.clone()).unwrap_or_default();
            let state = self.watermarks.entry(name.clone()).or_default();
            state.advance(&watermark.policy, plan.answered_us(name), &planner::observed(planned, &newest));
        }
    }

    /// What each table gains and loses: new files, and for tables whose rows are replaced the files that go.
    fn table_commits(
        &mut self,
        staged: BTreeMap<String, Staged>,
        times: &[EpochTime],
    ) -> BTreeMap<String, TableCommit> {
        let mut tables: BTreeMap<String, TableCommit> = BTreeMap::new();
        let mut replaced = BTreeMap::new();
        for (name, staged) in staged {
            let table = tables.entry(name.clone()).or_default();
            table.counts = staged.counts;
            if table.counts == RowCounts::default() {
                table.counts.written = rows_of(&staged.files);
            }
            table.added = staged.files;
            replaced.insert(name, staged.replaced);
        }
        for (setup, files) in self.topology.tables.iter().zip(&mut self.files) {
            let (Some(files), Some(table)) = (files, tables.get_mut(&setup.plan.name)) else { continue };
            for (bucket, file) in replaced.remove(&setup.plan.name).unwrap_or_default() {
                table.added.extend(file.clone());
                table.removed.extend(files.replace(bucket, file));
            }
            let operator = self.operators.iter().find(|running| Some(running.node) == setup.replaced_by);
            if let Some(running) = operator {
                files.close(|bucket| running.operator.is_final(bucket, &times[running.node]));
            }
        }
        tables
    }

    /// read = emitted + rejected + late + filtered for every table, and what was handed over is what was taken in.
    fn check_books(&mut self, tables: &BTreeMap<String, TableCommit>, read: &Read) -> Result<(), RunError> {
        let mut flows = vec![Flow::default(); self.topology.nodes.len()];
        for compute in &mut self.computes {
            for (total, flow) in flows.iter_mut().zip(compute.take_flows()) {
                total.entered += flow.entered;
                total.emitted += flow.emitted;
                total.late += flow.late;
            }
        }
        self.check_flows(&flows, read)?;
        self.flows = flows;
        for (name, table) in tables {
            table.counts.balance(name)?;
            let rows: u64 = table.added.iter().map(|file| file.rows).sum();
            let is_own = self.topology.tables.iter().any(|setup| setup.plan.name == *name);
            if is_own && rows != table.counts.written {
                return Err(RunError::Internal(
                    format!("{name} wrote {} rows but its files hold {rows}", table.counts.written).into(),
                ));
            }
        }
        Ok(())
    }

    fn check_flows(&self, flows: &[Flow], read: &Read) -> Result<(), RunError> {
        for (at, node) in self.topology.nodes.iter().enumerate().filter(|(_, node)| node.is_entry) {
            let of_sources = self.topology.roots.iter().filter(|(_, roots)| roots.iter().any(|(root, _)| *root == at));
            let from_sources: u64 =
                of_sources.filter_map(|(source, _)| read.get(source)).map(|totals| totals.read - totals.rejected).sum();
            let from_nodes: u64 = node.feeds.iter().map(|feed| flows[*feed].emitted).sum();
            if flows[at].entered != from_sources + from_nodes {
                let name = &self.topology.tables[node.table].plan.name;
                return Err(RunError::Internal(
                    format!("{name} was handed {} rows but read {}", from_sources + from_nodes, flows[at].entered)
                        .into(),
                ));
            }
        }
        Ok(())
    }

    /// The commit is durable: state is read from the checkpoint from now on.
    fn remember(&mut self, permit: &Permit) {
        let commit = permit.shared();
        let is_next = self.last.as_ref().is_none_or(|last| last.plan.epoch.next() == commit.plan.epoch);
        assert!(is_next, "epoch {} is committed twice, or one before it never was", commit.plan.epoch);
        self.operators.iter_mut().for_each(|running| running.operator.committed());
        self.planner.tell_again(BTreeMap::new());
        self.links = commit.sinks.clone();
        self.last = Some(commit);
    }

    /// What every sink holds at least, now that an epoch was published.
    fn saw(&mut self, epoch: EpochId) {
        for link in self.links.values_mut() {
            let held = [Some(link.last), link.before].into_iter().flatten().find(|held| held.epoch <= epoch);
            link.seen = link.seen.max(held);
        }
    }

    /// Step Retire: an epoch that every place has is noted as published, which its listener hears next, and what is older than the job
    /// keeps goes. Those after it are still to be published, or to be reported.
    ///
    /// # Errors
    /// The checkpoint's.
    pub fn retire(&mut self, published: &PublishedEpoch) -> Result<(), RunError> {
        self.saw(published.epoch());
        self.checkpoint.set_published(published.epoch(), &published.versions)?;
        self.checkpoint.retire(self.job.retain_epochs, Some(published.epoch()))?;
        self.planner.acknowledge(&published.commit.plan);
        Ok(())
    }

    /// True if an epoch without records would emit something: a watermark has passed a window that still has state.
    pub fn has_pending_output(&self) -> bool {
        let Some(ahead) = self.ahead().filter(|_| self.job.no_data_epochs) else { return false };
        let times = self.topology.times(&ahead);
        let has_moved = ahead.times.values().any(|time| time.watermark_us > time.late_us);
        has_moved && self.operators.iter().any(|running| running.operator.has_pending_output(&times[running.node]))
    }

    /// The last epoch's plan with the time that it will be in the next one.
    pub fn ahead(&self) -> Option<Plan> {
        let last = self.last.as_ref()?;
        let mut ahead = last.plan.clone();
        (ahead.watermark_us, ahead.late_watermark_us) = (last.next_watermark_us, last.plan.watermark_us);
        ahead.times = planner::times(last);
        Some(ahead)
    }
}

type Share = BTreeMap<String, Vec<(Split, SplitRange)>>;

/// A computing lane with the reading lanes that feed it.
type LaneWork<'a> = (&'a mut Compute, Vec<(&'a mut [Reader], Share)>);

type LaneResult = Result<Read, RunError>;

fn run_lane((compute, feeds): LaneWork<'_>, epoch: &Epoch<'_>, steps: &Steps, stop: &Stop) -> LaneResult {
    let plan = epoch.plan;
    let mut read = Read::new();
    for (readers, share) in feeds {
        for reader in readers {
            let source = reader.source().to_string();
            let Some(ranges) = share.get(&source) else { continue };
            let totals = reader.read(plan, ranges, steps, &mut |rows, rejected| {
                stop.check()?;
                compute.take(&source, &rows, &rejected, epoch, steps)
            })?;
            add_totals(read.entry(source).or_default(), totals);
        }
    }
    steps.at(Step::Compute, plan.epoch, || compute.finish_lane())?;
    Ok(read)
}

/// The splits that one reading lane of `lanes` has, in order; those without records too, so that they keep what was prefetched.
///
/// A lane has splits that follow each other, and what lanes read is put together in their order: so rows are in the order of splits and
/// offsets, however many lanes there are, and what depends on it (`collect_list`, `first`) does not depend on the cores.
fn share(plan: &Plan, lane: usize, lanes: usize) -> Share {
    let of_source = |ranges: &Ranges| {
        let splits = ranges.len().max(1);
        let in_order = ranges.iter().enumerate().filter(|(at, _)| at * lanes / splits == lane);
        in_order.map(|(_, (split, range))| (split, range.clone())).collect()
    };
    plan.sources.iter().map(|(source, planned)| (source.clone(), of_source(&planned.ranges))).collect()
}

fn add_totals(total: &mut ReadTotals, part: ReadTotals) {
    total.read += part.read;
    total.rejected += part.rejected;
    total.waited_us_max = total.waited_us_max.max(part.waited_us_max);
    total.gaps.extend(part.gaps);
    total.event_times = [total.event_times, part.event_times].into_iter().flatten().reduce(EventTimes::and);
    for (at, newest_us) in part.event_us_max.iter() {
        let slot = total.event_us_max.entry_or_insert_with(&at, || *newest_us);
        *slot = (*slot).max(*newest_us);
    }
}

fn source_counts(totals: &ReadTotals) -> RowCounts {
    RowCounts {
        read: totals.read,
        emitted: totals.read - totals.rejected,
        rejected: totals.rejected,
        ..RowCounts::default()
    }
}

fn rows_of(files: &[StagedFile]) -> u64 {
    files.iter().map(|file| file.rows).sum()
}
