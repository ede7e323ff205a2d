//! Sources whose splits are logs: records with growing offsets. What is the same for all of them: beginnings, ends, limits.

use std::collections::BTreeMap;

use epoch::offsets::{self, OffsetRange, OffsetRanges, Offsets, spread_limit};
use epoch::{DataGap, PerSplit, Positions, SourcePlan, Split, SplitIdentities, SplitRange};

use crate::error::SourceError;
use crate::source::{PlanRequest, ReadLimit, ReadProgress, Record, SourcePlanner, SourceReader};

/// How far a log reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Available {
    /// First offset that is still there.
    pub low: i64,
    /// First offset that may not be read yet.
    pub high: i64,
}

/// What there is to read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Backlog {
    /// Everything from the position to the end, per split; splits without new records have an empty range.
    pub ranges: OffsetRanges,
    /// First offset not yet written, per split.
    pub latest: Offsets,
    /// Records that are gone and that the job file says to go on without.
    pub gaps: Vec<DataGap>,
    /// What the splits are, where that is known.
    pub identity: SplitIdentities,
}

/// Where a job stands in logs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogPosition {
    /// The next offset to read, per split.
    pub offsets: Offsets,
    /// What the splits were when the job came there, where that is known.
    pub identity: SplitIdentities,
    /// What an earlier run found to be lost when it stood there, and stopped for.
    pub reported: Vec<DataGap>,
}

impl LogPosition {
    /// Offsets in logs of which nothing else is known.
    pub fn at(offsets: Offsets) -> LogPosition {
        LogPosition { offsets, ..LogPosition::default() }
    }

    /// What an earlier run reported of a split.
    pub fn reported_of(&self, split: &Split) -> Option<&DataGap> {
        self.reported.iter().find(|gap| gap.stream == split.stream && gap.partition == split.partition)
    }
}

/// Looks at logs.
pub trait LogPlanner: Send {
    /// As [`SourcePlanner::title`].
    fn title(&self) -> &'static str;

    /// All splits now, and how far each reaches. `position`: where the job stands; an answer that it contradicts (a split that is
    /// not there, an end before it) is asked for again until it is sure.
    ///
    /// # Errors
    /// As [`SourcePlanner::plan`].
    fn available(&mut self, position: Option<&LogPosition>) -> Result<PerSplit<Available>, SourceError>;

    /// Where a new job begins.
    ///
    /// # Errors
    /// A beginning that the logs do not have.
    fn starting(&mut self, available: &PerSplit<Available>) -> Result<Offsets, SourceError>;

    /// What there is to read from `position` on; splits that it does not name begin at their first offset.
    ///
    /// # Errors
    /// Records that are gone, if the job must stop then.
    fn backlog(&mut self, position: &LogPosition, available: &PerSplit<Available>) -> Result<Backlog, SourceError>;

    /// As [`SourcePlanner::acknowledge`].
    fn acknowledge(&self, end: &Offsets);
}

/// Plans epochs over logs.
pub struct LogSourcePlanner<P> {
    planner: P,
    /// Where reading ends; `None`: it does not.
    ends: Option<Offsets>,
    /// Where the splits ended at the first question of a bounded run.
    pinned: Option<Offsets>,
}

impl<P: LogPlanner> LogSourcePlanner<P> {
    /// A planner over logs. `ends`: where reading ends, by split (-1: at what is there at the first question); splits that it
    /// does not name are not read. `None`: reading does not end.
    pub fn new(planner: P, ends: Option<Offsets>) -> LogSourcePlanner<P> {
        LogSourcePlanner { planner, ends, pinned: None }
    }

    /// What of this was there at the first question. The splits are asked about again each time: what was there may be gone.
    fn pin(&mut self, available: PerSplit<Available>) -> PerSplit<Available> {
        let pinned =
            self.pinned.get_or_insert_with(|| available.iter().map(|(split, reach)| (split, reach.high)).collect());
        let cut = |(split, reach): (Split, &Available)| {
            let high = reach.high.min(*pinned.get(&split)?);
            Some((split, Available { low: reach.low.min(high), high }))
        };
        available.iter().filter_map(cut).collect()
    }
}

impl<P: LogPlanner> SourcePlanner for LogSourcePlanner<P> {
    fn title(&self) -> &'static str {
        self.planner.title()
    }

    fn plan(&mut self, request: &PlanRequest<'_>) -> Result<SourcePlan, SourceError> {
        let position = request.position.map(|position| LogPosition {
            offsets: offsets::offsets(position),
            identity: request.identity.cloned().unwrap_or_default(),
            reported: request.reported.to_vec(),
        });
        let read = position.as_ref().map(|position| &position.offsets);
        let available = up_to(self.planner.available(position.as_ref())?, self.ends.as_ref(), read);
        let available = match request.is_bounded {
            true => self.pin(available),
            false => available,
        };
        let position = match position {
            Some(position) => position,
            None => LogPosition::at(self.planner.starting(&available)?),
        };
        let backlog = self.planner.backlog(&position, &available)?;
        let ranges = spread_limit(&backlog.ranges, request.records_max);
        debug_assert!(ranges.iter().all(|(_, range)| range.from <= range.until), "a range goes back: {ranges:?}");
        Ok(SourcePlan {
            ranges: offsets::ranges(&ranges),
            latest: offsets::positions(&backlog.latest),
            gaps: backlog.gaps,
            identity: backlog.identity,
        })
    }

    fn span(&self, plan: &SourcePlan) -> u64 {
        offsets::source_span(&plan.ranges)
    }

    fn lag(&self, plan: &SourcePlan) -> u64 {
        offsets::lag(&plan.ranges, &plan.latest)
    }

    fn acknowledge(&self, end: &Positions) {
        self.planner.acknowledge(&offsets::offsets(end));
    }
}

/// What is there before the ends that the job file names; without them all of it. What was read already stays known.
fn up_to(available: PerSplit<Available>, ends: Option<&Offsets>, position: Option<&Offsets>) -> PerSplit<Available> {
    let Some(ends) = ends else { return available };
    let cut = |(split, reach): (Split, &Available)| {
        let read = position.and_then(|position| position.get(&split)).copied();
        let end = match (ends.get(&split), read) {
            (Some(-1), _) => reach.high,
            (Some(end), read) => (*end).max(read.unwrap_or(*end)),
            (None, Some(read)) => read,
            (None, None) => return None,
        };
        let high = end.min(reach.high);
        Some((split, Available { low: reach.low.min(high), high }))
    };
    available.iter().filter_map(cut).collect()
}

/// Reads logs.
pub trait LogReader: Send {
    /// Makes the reader ready to read these splits from these offsets, and no others.
    ///
    /// # Errors
    /// As [`SourceReader::assign`].
    fn assign(&mut self, positions: &Offsets) -> Result<(), SourceError>;

    /// Hands over the records of one split, in offset order, from where it stands up to `until` (exclusive), or up to the record
    /// with which `bytes_max` bytes are reached, as [`Record::bytes`] counts them.
    ///
    /// # Errors
    /// As [`SourceReader::read`].
    fn read(
        &mut self,
        split: &Split,
        until: i64,
        bytes_max: u64,
        handle: &mut dyn FnMut(Record<'_>),
    ) -> Result<LogProgress, SourceError>;
}

/// How far handing over came in a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogProgress {
    /// The next offset to hand over: there is no record before it that was not, save those in the gaps.
    pub next: i64,
    /// Records that were found gone, if the job goes on without them.
    pub gaps: Vec<DataGap>,
}

/// Reads the ranges of an epoch from logs.
pub struct LogSourceReader<R> {
    reader: R,
    /// What is left of each range.
    left: BTreeMap<Split, OffsetRange>,
}

impl<R: LogReader> LogSourceReader<R> {
    /// A reader of logs.
    pub fn new(reader: R) -> LogSourceReader<R> {
        LogSourceReader { reader, left: BTreeMap::new() }
    }
}

impl<R: LogReader> SourceReader for LogSourceReader<R> {
    fn assign(&mut self, ranges: &[(Split, SplitRange)]) -> Result<(), SourceError> {
        self.left = ranges.iter().filter_map(|(split, range)| Some((split.clone(), range.offsets()?))).collect();
        debug_assert_eq!(self.left.len(), ranges.len(), "ranges of another kind of source, or a split twice");
        self.reader.assign(&self.left.iter().map(|(split, range)| (split.clone(), range.from)).collect())
    }

    fn read(
        &mut self,
        split: &Split,
        limit: ReadLimit,
        handle: &mut dyn FnMut(Record<'_>),
    ) -> Result<ReadProgress, SourceError> {
        let Some(left) = self.left.get_mut(split).filter(|left| !left.is_empty()) else {
            return Ok(ReadProgress { is_complete: true, gaps: Vec::new() });
        };
        let records_max = i64::try_from(limit.records).unwrap_or(i64::MAX);
        let until = left.from.saturating_add(records_max).min(left.until);
        let LogProgress { next, gaps } = self.reader.read(split, until, limit.bytes, handle)?;
        debug_assert!((left.from..=until).contains(&next), "{split} was read to {next}, from {} to {until}", left.from);
        left.from = next;
        Ok(ReadProgress { is_complete: left.is_empty(), gaps })
    }
}

#[cfg(test)]
mod tests;
