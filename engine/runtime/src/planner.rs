//! Step Plan: what the next epoch reads, and what time it is for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use connector::{DataLoss, PlanRequest, SourceError, SourcePlanner};
use epoch::clocks::{Answering, PROMPT_US};
use epoch::watermark::Observed;
use epoch::{
    Clocks, Commit, DataGap, EpochId, PerSplit, Plan, Positions, SourcePlan, SourceTime, Split, SplitRange, Uptime,
    WatermarkState,
};
use job::{Job, StateTtl};

use crate::backends::Backends;
use crate::clock::Clock;
use crate::error::RunError;

/// Epochs are not made smaller than this many records of a source at first.
const REDUCED_MIN: u64 = 1_000;

/// Attempts in a row after which they are.
const TRIES_OF_SMALL: u32 = 3;

/// Records of a source that `trigger = "once"` takes in one epoch whatever the limit: Spark has none then, but a first run over a topic
/// of any size must end within memory.
const ONCE_RECORDS: u64 = job::RECORDS_PER_EPOCH_MAX;

/// Plans epochs. Lives on a plain thread, as the clients of sources must.
pub struct Planner {
    sources: BTreeMap<String, PlannedSource>,
    clock: Clock,
    lanes: u32,
    /// Records from which on an epoch is spread over lanes.
    lanes_span_min: u64,
    /// Bounded runs read up to what was there when they began.
    is_bounded: bool,
    /// One epoch is asked for: limits count only where memory would not do without them.
    is_once: bool,
    /// The last plan leaves records for another.
    is_cut: bool,
    /// Records that an epoch of this run may read at most of each source, since a larger one did not come through.
    reduced_max: Option<u64>,
    /// The tables' `state_ttl`, microseconds.
    ttls_us: BTreeMap<String, i64>,
    /// What the run before found to be lost and stopped for, by source: until an epoch is committed.
    reported: BTreeMap<String, Vec<DataGap>>,
}

struct PlannedSource {
    planner: Box<dyn SourcePlanner>,
    records_max: Option<u64>,
    /// The clock that idleness counts on; `None` before the first question of this run.
    answering: Option<Answering>,
}

/// What the planner found.
#[allow(clippy::large_enum_variant, reason = "there is one, for each epoch")]
pub enum Next {
    /// There is something to do.
    Epoch(Plan),
    /// There is nothing to read and nothing to emit now.
    Idle,
}

impl Planner {
    /// Connects to the sources of a job.
    ///
    /// # Errors
    /// Settings that a client does not take.
    pub fn open(job: &Job, backends: &Backends, is_bounded: bool, stop: &Arc<AtomicBool>) -> Result<Planner, RunError> {
        let mut sources = BTreeMap::new();
        for (name, source) in &job.sources {
            let planner = backends.registry.source(source, job)?.planner(stop)?;
            let records_max = source.records_per_epoch_max;
            sources.insert(name.clone(), PlannedSource { planner, records_max, answering: None });
        }
        Ok(Planner {
            sources,
            clock: backends.clock.clone(),
            lanes: backends.lanes,
            lanes_span_min: backends.lanes_span_min,
            is_bounded,
            is_once: job.trigger == job::Trigger::Once,
            is_cut: false,
            reduced_max: None,
            ttls_us: ttls_us(job),
            reported: BTreeMap::new(),
        })
    }

    /// Tells the sources again what the run before found to be lost of them, and stopped for. Nothing of it once an epoch is committed.
    pub fn tell_again(&mut self, reported: BTreeMap<String, Vec<DataGap>>) {
        self.reported = reported;
    }

    /// What was found to be lost since the newest commit, by earlier runs, and of one source now.
    pub fn reported_with(&self, source: &str, gaps: Vec<DataGap>) -> BTreeMap<String, Vec<DataGap>> {
        let mut reported = self.reported.clone();
        reported.insert(source.to_string(), gaps);
        reported
    }

    /// Plans epochs of half the size from now on: one of so many records of a source did not come through, which may be for its size.
    pub fn reduce(&mut self, records: u64, tries: u32) {
        // Small ones rarely fail for their size; one that fails again and again may, whatever it is.
        let half = (records / 2).max(if tries < TRIES_OF_SMALL { REDUCED_MIN } else { 1 });
        if half < records {
            tracing::warn!(
                "an epoch of up to {records} records of a source was begun and not committed; epochs read {half} at most of each source now"
            );
            self.reduced_max = Some(half);
        }
    }

    /// An upper bound of the records that a plan reads of one source, of the one of which it reads most: what `reduce` halves.
    pub fn largest_span(&self, plan: &Plan) -> u64 {
        let of_source = |(name, planned): (&String, &SourcePlan)| Some(self.sources.get(name)?.planner.span(planned));
        plan.sources.iter().filter_map(of_source).max().unwrap_or_default()
    }

    /// Plans the epoch after `last`. `has_pending_output` says whether a watermark has passed something that an epoch without
    /// records would emit (Spark's no-data batch).
    ///
    /// # Errors
    /// The sources' errors, lost data above all.
    pub fn next(&mut self, last: Option<&Commit>, has_pending_output: bool) -> Result<Next, RunError> {
        let (mut sources, mut answered_us) = (BTreeMap::new(), BTreeMap::new());
        let (mut has_records, mut is_cut, mut span) = (false, false, 0_u64);
        for (name, source) in &mut self.sources {
            let position: Option<Positions> = last.and_then(|commit| commit.position(name));
            let request = PlanRequest {
                position: position.as_ref(),
                // Also of a source that comes back: its topic may have been made anew meanwhile.
                identity: last.and_then(|commit| commit.identity(name)),
                reported: self.reported.get(name).map_or(&[], Vec::as_slice),
                records_max: least_of(limit(source.records_max, self.is_once), self.reduced_max),
                is_bounded: self.is_bounded,
            };
            let (planned, now_us) = source.ask(&request, &self.clock, || match last {
                Some(commit) => commit.plan.answered_us(name),
                None => self.clock.now_us(),
            })?;
            answered_us.insert(name.clone(), now_us);
            has_records |= planned.has_records() || !planned.gaps.is_empty();
            is_cut |= planned.is_cut();
            span = span.saturating_add(source.planner.span(&planned));
            sources.insert(name.clone(), planned);
        }
        self.is_cut = is_cut;
        if !has_records && !has_pending_output && last.is_some() {
            return Ok(Next::Idle);
        }
        let (uptime, batch_time_us) = (self.clock.uptime(), self.clock.now_us());
        Ok(Next::Epoch(Plan {
            format: epoch::record::FORMAT,
            epoch: last.map_or(EpochId(0), |commit| commit.plan.epoch.next()),
            batch_time_us,
            watermark_us: last.and_then(|commit| commit.next_watermark_us),
            late_watermark_us: last.and_then(|commit| commit.plan.watermark_us),
            times: last.map(times).unwrap_or_default(),
            lanes: if span >= self.lanes_span_min { self.lanes } else { 1 },
            sources,
            statics: last.map(|commit| commit.plan.statics.clone()).unwrap_or_default(),
            clocks: self.clocks(last, uptime, batch_time_us, answered_us),
        }))
    }

    /// Checks that the sources still are what a plan of an earlier run has read.
    ///
    /// # Errors
    /// Lost records, whatever the job would go on without; the sources' errors.
    pub fn check_reads_again(&mut self, plan: &Plan) -> Result<(), RunError> {
        for (name, planned) in plan.sources.iter().filter(|(_, planned)| !planned.identity.is_empty()) {
            let Some(source) = self.sources.get_mut(name) else { continue };
            let ends = plan.end_positions(name);
            let request = PlanRequest {
                position: Some(&ends),
                identity: Some(&planned.identity),
                reported: &[],
                records_max: Some(1),
                is_bounded: false,
            };
            let now = source.planner.plan(&request)?;
            if let Some(loss) = DataLoss::of(name, &now.gaps) {
                return Err(SourceError::DataLoss(Box::new(loss)).into());
            }
        }
        Ok(())
    }

    /// True if a limit left some of what was there for epochs after the one planned last.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Notes how long reading waited for a source, microseconds: while it was away, nobody in it was idle.
    pub fn waited(&mut self, source: &str, waited_us: i64) {
        let source = self.sources.get_mut(source).filter(|_| waited_us > PROMPT_US);
        source.and_then(|source| source.answering.as_mut()).into_iter().for_each(Answering::was_away);
    }

    fn clocks(&self, last: Option<&Commit>, uptime: Uptime, wall_us: i64, sources: BTreeMap<String, i64>) -> Clocks {
        let last = last.map(|commit| (&commit.plan.clocks, commit.plan.batch_time_us));
        let tables = Clocks::of_tables(last, &uptime, wall_us, &self.ttls_us);
        Clocks { uptime, tables, sources }
    }

    /// Informs each source how far the job is, where anybody wants to know.
    pub fn acknowledge(&self, plan: &Plan) {
        for (name, source) in &self.sources {
            source.planner.acknowledge(&plan.end_positions(name));
        }
    }

    /// What the kind of each source is called, and how far it is behind once a plan is done, in records.
    pub fn lag(&self, plan: &Plan) -> BTreeMap<String, (&'static str, u64)> {
        let lag = |(name, planned): (&String, &SourcePlan)| {
            let source = self.sources.get(name)?;
            Some((name.clone(), (source.planner.title(), source.planner.lag(planned))))
        };
        plan.sources.iter().filter_map(lag).collect()
    }
}

/// The smaller of two limits, where there are any.
fn least_of(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}

impl PlannedSource {
    /// What the next epoch reads, and what the source's clock shows: it goes on from `resumed_us` at the first question.
    fn ask(
        &mut self,
        request: &PlanRequest<'_>,
        clock: &Clock,
        resumed_us: impl FnOnce() -> i64,
    ) -> Result<(SourcePlan, i64), RunError> {
        let answering = self.answering.get_or_insert_with(|| Answering::resumed(resumed_us()));
        let asked_us = clock.uptime().us;
        match self.planner.plan(request) {
            Ok(planned) => Ok((planned, answering.answered(asked_us, clock.uptime().us))),
            Err(error) => {
                answering.was_away();
                Err(error.into())
            }
        }
    }
}

fn ttls_us(job: &Job) -> BTreeMap<String, i64> {
    let ttl = |table: &job::Table| match table.state_ttl {
        Some(StateTtl::After(us)) => Some((table.name.clone(), us)),
        Some(StateTtl::Unbounded) | None => None,
    };
    job.tables.iter().filter_map(ttl).collect()
}

/// Records of a source that an epoch takes at most.
fn limit(records_max: Option<u64>, is_once: bool) -> Option<u64> {
    records_max.map(|records| if is_once { records.max(ONCE_RECORDS) } else { records })
}

/// What an epoch saw of each split of a source: for the watermark.
pub fn observed(planned: &SourcePlan, newest: &PerSplit<i64>) -> PerSplit<Observed> {
    let see = |(split, range): (Split, &SplitRange)| {
        let seen =
            Observed { event_us_max: newest.get(&split).copied(), has_backlog: planned.has_backlog(&split, range) };
        (split, seen)
    };
    planned.ranges.iter().map(see).collect()
}

/// What time it is for each source in the epoch after one that is committed.
pub fn times(last: &Commit) -> BTreeMap<String, SourceTime> {
    let next = |(name, state): (&String, &WatermarkState)| {
        let late_us = last.plan.time_of(name).watermark_us;
        (name.clone(), SourceTime { watermark_us: state.watermark_us, late_us })
    };
    last.watermarks.iter().map(next).collect()
}

/// The watermark for the next epoch: the least of the sources that have one, and nothing while one of them has none yet.
pub fn least(watermarks: &BTreeMap<String, WatermarkState>) -> Option<i64> {
    watermarks.values().map(|state| state.watermark_us).min().flatten()
}

#[cfg(test)]
mod tests;
