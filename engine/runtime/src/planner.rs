//! Step Plan: what the next epoch reads, and what time it is for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use connector::{PlanRequest, SourcePlanner};
use epoch::watermark::Observed;
use epoch::{Commit, EpochId, PerSplit, Plan, Positions, SourcePlan, SourceTime, Split, SplitRange, WatermarkState};
use job::Job;

use crate::backends::Backends;
use crate::clock::Clock;
use crate::error::RunError;

/// Epochs are not made smaller than this many records of a source: those that fail then do not fail for their size.
const REDUCED_MIN: u64 = 1_000;

/// Plans epochs. Lives on a plain thread, as the clients of sources must.
pub struct Planner {
    sources: BTreeMap<String, PlannedSource>,
    clock: Clock,
    lanes: u32,
    /// Records from which on an epoch is spread over lanes.
    lanes_span_min: u64,
    /// Bounded runs read up to what was there when they began.
    is_bounded: bool,
    is_unlimited: bool,
    /// Records that an epoch of this run may read at most of each source, since a larger one did not come through.
    reduced_max: Option<u64>,
}

struct PlannedSource {
    planner: Box<dyn SourcePlanner>,
    records_max: Option<u64>,
}

/// What the planner found.
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
            sources.insert(name.clone(), PlannedSource { planner, records_max: source.records_per_epoch_max });
        }
        Ok(Planner {
            sources,
            clock: backends.clock.clone(),
            lanes: backends.lanes,
            lanes_span_min: backends.lanes_span_min,
            is_bounded,
            is_unlimited: job.trigger == job::Trigger::Once,
            reduced_max: None,
        })
    }

    /// Plans epochs of half the size from now on: one of so many records did not come through, which may be for its size.
    pub fn reduce(&mut self, records: u64) {
        let half = (records / 2).max(REDUCED_MIN);
        tracing::warn!(
            "an epoch of up to {records} records was begun and not committed; epochs read {half} at most now"
        );
        self.reduced_max = Some(half);
    }

    /// An upper bound of the records that a plan reads.
    pub fn span(&self, plan: &Plan) -> u64 {
        let of_source = |(name, planned): (&String, &SourcePlan)| Some(self.sources.get(name)?.planner.span(planned));
        plan.sources.iter().filter_map(of_source).fold(0, u64::saturating_add)
    }

    /// Plans the epoch after `last`. `has_pending_output` says whether a watermark has passed something that an epoch without
    /// records would emit (Spark's no-data batch).
    ///
    /// # Errors
    /// The sources' errors, lost data above all.
    pub fn next(&mut self, last: Option<&Commit>, has_pending_output: bool) -> Result<Next, RunError> {
        let mut sources = BTreeMap::new();
        let (mut has_records, mut span) = (false, 0_u64);
        for (name, source) in &mut self.sources {
            let position: Option<Positions> = last.and_then(|commit| commit.position(name));
            let request = PlanRequest {
                position: position.as_ref(),
                records_max: least_of(source.records_max.filter(|_| !self.is_unlimited), self.reduced_max),
                is_bounded: self.is_bounded,
            };
            let planned = source.planner.plan(&request)?;
            has_records |= planned.has_records() || !planned.gaps.is_empty();
            span = span.saturating_add(source.planner.span(&planned));
            sources.insert(name.clone(), planned);
        }
        if !has_records && !has_pending_output && last.is_some() {
            return Ok(Next::Idle);
        }
        Ok(Next::Epoch(Plan {
            format: epoch::record::FORMAT,
            epoch: last.map_or(EpochId(0), |commit| commit.plan.epoch.next()),
            batch_time_us: self.clock.now_us(),
            watermark_us: last.and_then(|commit| commit.next_watermark_us),
            late_watermark_us: last.and_then(|commit| commit.plan.watermark_us),
            times: last.map(times).unwrap_or_default(),
            lanes: if span >= self.lanes_span_min { self.lanes } else { 1 },
            sources,
            statics: last.map(|commit| commit.plan.statics.clone()).unwrap_or_default(),
        }))
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
