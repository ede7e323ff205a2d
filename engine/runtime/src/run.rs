//! One epoch, top to bottom. Everything the engine promises is the order of the lines of [`Run::epoch`].

use std::collections::BTreeMap;
use std::sync::Arc;

use epoch::{
    Commit, DataGap, OffsetRange, Permit, Plan, RowCounts, StagedFile, Step, TableCommit, TopicPartition,
    WatermarkState,
};
use job::{Job, OutputMode};
use operators::aggregate::Delta;
use state::{Checkpoint, StateChanges};

use crate::clock::Clock;
use crate::compute::{Compute, Layout, Staged};
use crate::emission::{Emission, Emitted};
use crate::error::{RunError, of_table};
use crate::planner::{self, Planner};
use crate::publisher::Publisher;
use crate::reader::{ReadTotals, Reader};
use crate::start::Operator;
use crate::step::Steps;
use crate::stop::Stop;

/// A job that runs.
pub struct Run {
    pub(crate) job: Job,
    pub(crate) layout: Arc<Layout>,
    pub(crate) clock: plan::BatchClock,
    /// The time that the run goes by.
    pub(crate) time: Clock,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) planner: Planner,
    pub(crate) readers: Vec<Vec<Reader>>,
    pub(crate) computes: Vec<Compute>,
    pub(crate) operators: Vec<Operator>,
    pub(crate) publisher: Publisher,
    pub(crate) steps: Steps,
    pub(crate) watermarks: BTreeMap<String, WatermarkState>,
    pub(crate) last: Option<Commit>,
    /// Changes that the first commit of this run makes besides its own: the manifest, the state of tables that are gone.
    pub(crate) first_changes: Option<StateChanges>,
    /// The first plan of a new checkpoint, stored while the rest was being opened.
    pub(crate) first: Option<Plan>,
    pub(crate) stop: Stop,
}

/// What an epoch read, by source.
pub type Read = BTreeMap<String, ReadTotals>;

/// An epoch that happened, for those who watch.
pub struct Done {
    /// What each source gave.
    pub read: Read,
    /// Table versions after publishing.
    pub versions: BTreeMap<String, i64>,
}

impl Run {
    /// Runs one epoch from its plan: stores the plan, reads, computes, stages, commits, publishes, retires.
    ///
    /// # Errors
    /// Whatever stops the job. Before Commit nothing has happened; after it the epoch has, and a restart publishes it.
    pub fn epoch(&mut self, plan: Plan) -> Result<Done, RunError> {
        let number = plan.epoch;
        self.clock.set(plan.batch_time_us);
        self.steps.at(Step::Plan, number, || self.checkpoint.write_plan(&plan))?;
        let read = self.read(&plan)?;
        let emitted = self.give_out(&plan)?;
        let staged = self.close_files(&plan)?;
        let (commit, changes) = self.settle(plan, &read, emitted, staged)?;
        self.stop.check()?;
        let permit = self.steps.at(Step::Commit, number, || self.checkpoint.commit(&commit, changes))?;
        self.remember(&permit);
        let versions = self.steps.at(Step::Publish, number, || self.publisher.publish(&permit))?;
        self.steps.at(Step::Retire, number, || self.retire(&permit, &versions))?;
        self.last = Some(permit.into_commit());
        Ok(Done { read, versions })
    }

    /// Steps Read, Decode and, for what has no memory, Compute and Stage: chunk by chunk, lane by lane.
    fn read(&mut self, plan: &Plan) -> Result<Read, RunError> {
        let lanes = self.readers.len();
        let computes = (plan.lanes as usize).clamp(1, self.computes.len());
        let shares: Vec<_> = (0..lanes).map(|lane| share(plan, lane, lanes)).collect();
        let (steps, stop) = (&self.steps, &self.stop);
        let mut work: Vec<LaneWork<'_>> =
            self.computes.iter_mut().take(computes).map(|compute| (compute, Vec::new())).collect();
        for (lane, (readers, share)) in self.readers.iter_mut().zip(shares).enumerate() {
            work[lane % computes].1.push((readers.as_mut_slice(), share));
        }
        let results: Vec<LaneResult> = if work.len() == 1 {
            work.into_iter().map(|lane| run_lane(lane, &self.operators, plan, steps, stop)).collect()
        } else {
            let operators: Vec<usize> = self.operators.iter().map(|operator| operator.at).collect();
            let operators = &operators;
            std::thread::scope(|scope| {
                let running: Vec<_> = work
                    .into_iter()
                    .map(|lane| scope.spawn(move || run_lane_at(lane, operators, plan, steps, stop)))
                    .collect();
                running
                    .into_iter()
                    .map(|lane| {
                        lane.join().unwrap_or_else(|_| Err(RunError::Internal("a lane ended early".to_string())))
                    })
                    .collect()
            })
        };
        let mut read = Read::new();
        for (lane, result) in results.into_iter().enumerate() {
            let (totals, deltas) = result?;
            totals.into_iter().for_each(|(source, totals)| add_totals(read.entry(source).or_default(), totals));
            for (at, deltas) in deltas {
                let operator = self.operators.iter_mut().find(|operator| operator.at == at);
                operator
                    .into_iter()
                    .for_each(|operator| operator.aggregate.absorb(plan.epoch, lane as u16, deltas.clone()));
            }
        }
        Ok(read)
    }

    /// Steps Compute and Stage for what has memory: what the epoch makes final, or has changed.
    fn give_out(&mut self, plan: &Plan) -> Result<BTreeMap<String, Emitted>, RunError> {
        let mut all = BTreeMap::new();
        for operator in &mut self.operators {
            let table = &self.layout.tables[operator.at];
            let Some(stage) = &table.plan.aggregate else { continue };
            let emission = Emission {
                plan: &table.plan,
                stage,
                sink: &table.sink,
                aggregate: &operator.aggregate,
                committed: &self.checkpoint,
                wants_rows: !table.children.is_empty(),
            };
            let mut emitted = emission.run(plan, operator.files.as_mut(), &self.steps)?;
            for rows in std::mem::take(&mut emitted.rows) {
                self.computes[0].pass_on(operator.at, &rows, plan, &self.steps)?;
            }
            all.insert(table.plan.name.clone(), emitted);
            self.stop.check()?;
        }
        Ok(all)
    }

    /// Step Stage: every open file is completed and made durable, lane beside lane.
    fn close_files(&mut self, plan: &Plan) -> Result<BTreeMap<String, Staged>, RunError> {
        let steps = &self.steps;
        let lanes = (plan.lanes as usize).clamp(1, self.computes.len());
        let results: Vec<Result<BTreeMap<String, Staged>, RunError>> = std::thread::scope(|scope| {
            let close = |compute: &mut Compute| steps.at(Step::Stage, plan.epoch, || compute.finish());
            match &mut self.computes[..lanes] {
                [one] => vec![close(one)],
                many => {
                    let running: Vec<_> = many.iter_mut().map(|compute| scope.spawn(move || close(compute))).collect();
                    running
                        .into_iter()
                        .map(|lane| {
                            lane.join().unwrap_or_else(|_| Err(RunError::Internal("a lane ended early".to_string())))
                        })
                        .collect()
                }
            }
        });
        let mut all: BTreeMap<String, Staged> = BTreeMap::new();
        for result in results {
            for (table, staged) in result? {
                let total = all.entry(table).or_default();
                total.files.extend(staged.files);
                total.counts.add(&staged.counts);
            }
        }
        Ok(all)
    }

    /// Closes the books, moves the watermark and collects what the commit changes.
    fn settle(
        &mut self,
        plan: Plan,
        read: &Read,
        emitted: BTreeMap<String, Emitted>,
        staged: BTreeMap<String, Staged>,
    ) -> Result<(Commit, StateChanges), RunError> {
        let mut tables = table_commits(staged, emitted);
        self.check_books(&tables, read)?;
        let mut changes = self.first_changes.take().unwrap_or_default();
        for operator in &mut self.operators {
            let table = &self.layout.tables[operator.at];
            let evict_until_us = plan.watermark_us.filter(|_| table.plan.mode != OutputMode::Complete);
            let settled = operator
                .aggregate
                .settle(&self.checkpoint, plan.epoch, evict_until_us)
                .map_err(of_table(&table.plan.name))?;
            changes.drop_buckets.extend(settled.drops);
            changes.deletes.extend(settled.deletes);
            changes.puts.extend(settled.puts.into_iter().map(|(key, bytes)| (key, bytes.to_vec())));
            operator.files.iter_mut().try_for_each(|files| files.settle(&mut changes))?;
        }
        self.advance_watermarks(&plan, read);
        let gaps: BTreeMap<String, Vec<DataGap>> = read
            .iter()
            .filter(|(_, totals)| !totals.gaps.is_empty())
            .map(|(source, totals)| (source.clone(), totals.gaps.clone()))
            .collect();
        let sources = read.iter().map(|(source, totals)| (source.clone(), source_counts(totals))).collect();
        tables.retain(|_, table| *table != TableCommit::default());
        let commit = Commit {
            next_watermark_us: planner::least(&self.watermarks),
            watermarks: self.watermarks.clone(),
            tables,
            sources,
            gaps,
            plan,
        };
        Ok((commit, changes))
    }

    fn advance_watermarks(&mut self, plan: &Plan, read: &Read) {
        for (name, source) in &self.job.sources {
            let (Some(watermark), Some(planned)) = (&source.watermark, plan.sources.get(name)) else { continue };
            let newest = read.get(name).map(|totals| totals.event_us_max.clone()).unwrap_or_default();
            let state = self.watermarks.entry(name.clone()).or_default();
            state.advance(&watermark.policy, plan.batch_time_us, &planner::observed(planned, &newest));
        }
    }

    /// read = emitted + rejected + late + filtered for every table, and what the source handed over is what its tables read.
    fn check_books(&self, tables: &BTreeMap<String, TableCommit>, read: &Read) -> Result<(), RunError> {
        for (source, roots) in &self.layout.roots {
            for root in roots {
                let name = &self.layout.tables[*root].plan.name;
                let counts = tables.get(name).map(|table| table.counts).unwrap_or_default();
                let handed_over = read.get(source).map_or(0, |totals| totals.read);
                RowCounts { read: handed_over, ..counts }.balance(name)?;
            }
        }
        self.check_handed_on(tables)?;
        for (name, table) in tables {
            table.counts.balance(name)?;
            let rows: u64 = table.added.iter().map(|file| file.rows).sum();
            let is_own = self.layout.tables.iter().any(|setup| setup.plan.name == *name);
            if is_own && rows != table.counts.written {
                return Err(RunError::Internal(format!(
                    "{name} wrote {} rows but its files hold {rows}",
                    table.counts.written
                )));
            }
        }
        Ok(())
    }

    /// What a table without memory wrote is what each table above it read.
    fn check_handed_on(&self, tables: &BTreeMap<String, TableCommit>) -> Result<(), RunError> {
        let counts =
            |at: usize| tables.get(&self.layout.tables[at].plan.name).map(|table| table.counts).unwrap_or_default();
        for (at, setup) in self.layout.tables.iter().enumerate().filter(|(_, setup)| setup.plan.aggregate.is_none()) {
            for child in &setup.children {
                let (written, read) = (counts(at).written, counts(*child).read);
                if written != read {
                    let child = &self.layout.tables[*child].plan.name;
                    return Err(RunError::Internal(format!(
                        "{} wrote {written} rows but {child} read {read}",
                        setup.plan.name
                    )));
                }
            }
        }
        Ok(())
    }

    /// The commit is durable: state is read from the checkpoint from now on.
    fn remember(&mut self, permit: &Permit) {
        debug_assert!(self.last.as_ref().is_none_or(|last| last.plan.epoch.next() == permit.commit().plan.epoch));
        self.operators.iter_mut().for_each(|operator| operator.aggregate.committed());
    }

    fn retire(&self, permit: &Permit, versions: &BTreeMap<String, i64>) -> Result<(), RunError> {
        self.checkpoint.set_published(permit.commit().plan.epoch, versions)?;
        self.checkpoint.retire(self.job.retain_epochs)?;
        self.planner.commit_group(&permit.commit().plan);
        Ok(())
    }

    /// True if an epoch without records would give something out: a watermark has passed a window that still has state.
    pub fn owes_rows(&self) -> bool {
        let Some(last) = &self.last else { return false };
        let ahead = Plan {
            watermark_us: last.next_watermark_us,
            late_watermark_us: last.plan.watermark_us,
            ..last.plan.clone()
        };
        ahead.watermark_us > ahead.late_watermark_us
            && self.operators.iter().any(|operator| {
                let mode = self.layout.tables[operator.at].plan.mode;
                mode != OutputMode::Complete && !operator.aggregate.complete_windows(&ahead).is_empty()
            })
    }
}

type Share = BTreeMap<String, Vec<(TopicPartition, OffsetRange)>>;

/// A computing lane with the reading lanes that feed it.
type LaneWork<'a> = (&'a mut Compute, Vec<(&'a mut [Reader], Share)>);

type LaneResult = Result<(Read, Vec<(usize, Vec<Delta>)>), RunError>;

fn run_lane(work: LaneWork<'_>, operators: &[Operator], plan: &Plan, steps: &Steps, stop: &Stop) -> LaneResult {
    let at: Vec<usize> = operators.iter().map(|operator| operator.at).collect();
    run_lane_at(work, &at, plan, steps, stop)
}

fn run_lane_at(
    (compute, feeds): LaneWork<'_>,
    operators: &[usize],
    plan: &Plan,
    steps: &Steps,
    stop: &Stop,
) -> LaneResult {
    let mut read = Read::new();
    for (readers, share) in feeds {
        for reader in readers {
            let source = reader.source().to_string();
            let Some(ranges) = share.get(&source) else { continue };
            let totals = reader.read(plan, ranges, steps, &mut |rows, rejected| {
                stop.check()?;
                compute.take(&source, &rows, &rejected, plan, steps)
            })?;
            add_totals(read.entry(source).or_default(), totals);
        }
    }
    let deltas =
        operators.iter().map(|at| Ok((*at, steps.at(Step::Compute, plan.epoch, || compute.finish_aggregate(*at))?)));
    Ok((read, deltas.collect::<Result<_, RunError>>()?))
}

/// The partitions that one reading lane of `lanes` has, in order; those without records too, so that they keep what was prefetched.
fn share(plan: &Plan, lane: usize, lanes: usize) -> Share {
    let mine = |at: &TopicPartition| usize::try_from(at.partition).unwrap_or(0) % lanes == lane;
    let of_source =
        |ranges: &epoch::Ranges| ranges.iter().filter(|(at, _)| mine(at)).map(|(at, range)| (at, *range)).collect();
    plan.sources.iter().map(|(source, planned)| (source.clone(), of_source(&planned.ranges))).collect()
}

fn add_totals(total: &mut ReadTotals, part: ReadTotals) {
    total.read += part.read;
    total.rejected += part.rejected;
    total.gaps.extend(part.gaps);
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

fn table_commits(
    staged: BTreeMap<String, Staged>,
    emitted: BTreeMap<String, Emitted>,
) -> BTreeMap<String, TableCommit> {
    let mut tables: BTreeMap<String, TableCommit> = BTreeMap::new();
    for (name, staged) in staged {
        let table = tables.entry(name).or_default();
        table.counts = staged.counts;
        if table.counts == RowCounts::default() {
            table.counts.written = rows_of(&staged.files);
        }
        table.added = staged.files;
    }
    for (name, emitted) in emitted {
        let table = tables.entry(name).or_default();
        table.counts.written += emitted.written;
        table.added.extend(emitted.change.added);
        table.removed.extend(emitted.change.removed);
    }
    tables
}

fn rows_of(files: &[StagedFile]) -> u64 {
    files.iter().map(|file| file.rows).sum()
}
