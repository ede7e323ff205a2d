//! Step Plan: what the next epoch reads, and what time it is for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use epoch::offsets::{PerPartition, spread_limit};
use epoch::{Commit, EpochId, OffsetRange, Offsets, Plan, SourcePlan, SourceTime, WatermarkState};
use job::Job;
use kafka::Available;

use crate::backends::{Backends, kafka_settings};
use crate::clock::Clock;
use crate::error::RunError;
use crate::feed::FeedPlanner;

/// Plans epochs. Lives on a plain thread, as the Kafka clients must.
pub struct Planner {
    sources: BTreeMap<String, PlannedSource>,
    clock: Clock,
    lanes: u32,
    /// Records from which on an epoch is spread over lanes.
    lanes_span_min: u64,
    /// Bounded runs read up to what was there when they began.
    bounded: bool,
    unlimited: bool,
}

struct PlannedSource {
    planner: FeedPlanner,
    limit: Option<u64>,
    ends: Option<Offsets>,
    pinned: Option<PerPartition<Available>>,
}

/// What the planner found.
pub enum Next {
    /// There is something to do.
    Epoch(Plan),
    /// There is nothing to read and nothing to give out now.
    Idle,
}

impl Planner {
    /// Connects to the sources of a job.
    ///
    /// # Errors
    /// Settings that a client does not take.
    pub fn open(job: &Job, backends: &Backends, bounded: bool, stop: &Arc<AtomicBool>) -> Result<Planner, RunError> {
        let mut sources = BTreeMap::new();
        for (name, source) in &job.sources {
            let planner = backends.planner(job, source, stop)?;
            let ends = kafka_settings(source)?.ending_offsets.clone().map(epoch::offsets::PerPartition);
            sources.insert(
                name.clone(),
                PlannedSource { planner, limit: source.records_per_epoch_max, ends, pinned: None },
            );
        }
        Ok(Planner {
            sources,
            clock: backends.clock.clone(),
            lanes: backends.lanes,
            lanes_span_min: backends.lanes_span_min,
            bounded,
            unlimited: job.trigger == job::Trigger::Once,
        })
    }

    /// Plans the epoch after `last`. `has_pending_output` says whether a watermark has passed something that an epoch without
    /// records would give out (Spark's no-data batch).
    ///
    /// # Errors
    /// The sources' errors, lost data above all.
    pub fn next(&mut self, last: Option<&Commit>, has_pending_output: bool) -> Result<Next, RunError> {
        let mut sources = BTreeMap::new();
        let mut has_records = false;
        for (name, source) in &mut self.sources {
            let position = last.and_then(|commit| commit.plan.sources.get(name).map(|_| commit.plan.end_offsets(name)));
            let planned = source.plan(position, self.bounded, self.unlimited)?;
            has_records |= planned.ranges.iter().any(|(_, range)| !range.is_empty()) || !planned.gaps.is_empty();
            sources.insert(name.clone(), planned);
        }
        if !has_records && !has_pending_output && last.is_some() {
            return Ok(Next::Idle);
        }
        let mut plan = Plan {
            format: epoch::record::FORMAT,
            epoch: last.map_or(EpochId(0), |commit| commit.plan.epoch.next()),
            batch_time_us: self.clock.now_us(),
            watermark_us: last.and_then(|commit| commit.next_watermark_us),
            late_watermark_us: last.and_then(|commit| commit.plan.watermark_us),
            times: last.map(times).unwrap_or_default(),
            lanes: 1,
            sources,
            statics: last.map(|commit| commit.plan.statics.clone()).unwrap_or_default(),
        };
        if plan.span() >= self.lanes_span_min {
            plan.lanes = self.lanes;
        }
        Ok(Next::Epoch(plan))
    }

    /// Tells the broker how far the job is, for tools that show lag.
    pub fn commit_group(&self, plan: &Plan) {
        for (name, source) in &self.sources {
            source.planner.commit_group(&plan.end_offsets(name));
        }
    }
}

impl PlannedSource {
    fn plan(&mut self, position: Option<Offsets>, bounded: bool, unlimited: bool) -> Result<SourcePlan, RunError> {
        let available = match &self.pinned {
            Some(pinned) => pinned.clone(),
            None => up_to(self.planner.available()?, self.ends.as_ref(), position.as_ref()),
        };
        if bounded && self.pinned.is_none() {
            self.pinned = Some(available.clone());
        }
        let position = match position {
            Some(position) => position,
            None => self.planner.starting(&available)?,
        };
        let backlog = self.planner.backlog(Some(&position), &available)?;
        let limit = self.limit.filter(|_| !unlimited);
        Ok(SourcePlan { ranges: spread_limit(&backlog.ranges, limit), latest: backlog.latest, gaps: backlog.gaps })
    }
}

/// What is there before the ends that the job file names; without them all of it. What was read already stays known.
fn up_to(
    available: PerPartition<Available>,
    ends: Option<&Offsets>,
    position: Option<&Offsets>,
) -> PerPartition<Available> {
    let Some(ends) = ends else { return available };
    let cut = |(at, reach): (epoch::TopicPartition, &Available)| {
        let read = position.and_then(|position| position.get(&at)).copied();
        let end = match (ends.get(&at), read) {
            (Some(-1), _) => reach.high,
            (Some(end), read) => (*end).max(read.unwrap_or(*end)),
            (None, Some(read)) => read,
            (None, None) => return None,
        };
        let high = end.min(reach.high);
        Some((at, Available { low: reach.low.min(high), high }))
    };
    available.iter().filter_map(cut).collect()
}

/// What an epoch saw of each partition of a source: for the watermark.
pub fn observed(planned: &SourcePlan, newest: &PerPartition<i64>) -> PerPartition<epoch::watermark::Observed> {
    let see = |(at, range): (epoch::TopicPartition, &OffsetRange)| {
        let behind = planned.latest.get(&at).is_some_and(|latest| *latest > range.from);
        let seen = epoch::watermark::Observed { event_us_max: newest.get(&at).copied(), has_backlog: behind };
        (at, seen)
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
